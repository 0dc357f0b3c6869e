"""The hosts as the sidebar and the header show them, made from what the backend knows."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sshdash.backend import Backend
from sshdash.config.advice import advise
from sshdash.config.catalog import Catalog, HostSummary, summarize
from sshdash.errors import SSHDashError
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState
from sshdash.ui.explanation import card_warnings
from sshdash.ui.format import duration_text
from sshdash.ui.outlook import attempts_text, outlook_of
from sshdash.ui.theme import AWAY_MARK, MARKS, Mark
from sshdash.ui.widgets.host_card import HostFacts, Line
from sshdash.ui.widgets.host_list import HostRow
from sshdash.ui.widgets.status_bar import LiveFigures, TransferFigures
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.manager import ConnectionSnapshot
    from sshdash.sftp.sync_keepers import KeepSnapshot
    from sshdash.tunnels.snapshot import TunnelSnapshot

AD_HOC = "not in ssh_config"
"""The group of hosts that were connected to by address."""

_PROBLEM_WIDTH = 140
"""Characters of a failure on the card; the tab and the messages have all of it."""
_DOWN = (ConnectionState.FAILED, ConnectionState.LOST, ConnectionState.WAITING)
_OPEN = (TunnelState.OPEN, TunnelState.DEGRADED)


class HostBoard:
    """Makes the rows, the card and the figures; keeps what it looked up in the configuration."""

    def __init__(self, backend: Backend, key: Callable[[str], str]) -> None:
        self.backend = backend
        self._key = key
        """Returns the key of a command in the place where the person is."""
        self._summaries: dict[str, HostFacts] = {}
        self._catalog: Catalog | None = None
        self._catalog_rows: tuple[HostRow, ...] = ()
        self._counted = Counter[str](), Counter[str]()
        """The shells and tunnels of each host in the list, as it was shown last."""

    def forget(self) -> None:
        """Look everything up again: the configuration changed."""
        self._summaries = {}

    # Rows

    def rows(self) -> list[HostRow]:
        """Return every host of the catalog, then those connected to by address."""
        backend = self.backend
        listed = list(self._listed())
        if not backend.loaded:
            return listed
        known = {row.host for row in listed}
        extra = [host for host in self._live_hosts() if host not in known]
        listed += [HostRow(host, clean(host), AD_HOC) for host in extra]
        shells, tunnels = self._counts()
        states = {status.host: status for status in backend.connections.statuses()}
        return [
            replace(
                row,
                mark=MARKS[states[row.host].state] if row.host in states else Mark.IDLE,
                reason=_reason(states.get(row.host)),
                shells=shells[row.host],
                tunnels=tunnels[row.host],
                agent_forwarded=row.host in states and states[row.host].agent_forwarded,
            )
            if row.host in states or shells[row.host] or tunnels[row.host]
            else row
            for row in listed
        ]

    def rows_to_show(self) -> list[HostRow]:
        """Return the `rows` for the list, and remember what it counts."""
        if self.backend.loaded:
            self._counted = self._counts()
        return self.rows()

    @property
    def is_stale(self) -> bool:
        """Return whether the list counts otherwise now: other processes tell of no change."""
        return self.backend.loaded and self._counts() != self._counted

    def _listed(self) -> tuple[HostRow, ...]:
        """Return the idle rows of the catalog, made once for each time it is read."""
        catalog = self.backend.catalog
        if self._catalog is not catalog:
            self.take(catalog, rows_of(catalog))
        return self._catalog_rows

    def take(self, catalog: Catalog, rows: tuple[HostRow, ...]) -> None:
        """Keep the rows of a catalog, which were made where they hold nobody up."""
        self._catalog, self._catalog_rows = catalog, rows

    def _live_hosts(self) -> list[str]:
        statuses = self.backend.connections.statuses()
        hosts = [one.host for one in statuses if one.state is not ConnectionState.IDLE]
        hosts += [session.host for session in self.backend.sessions.values()]
        return list(dict.fromkeys(hosts))

    def _counts(self) -> tuple[Counter[str], Counter[str]]:
        backend = self.backend
        shells = Counter(
            session.host
            for session in backend.sessions.values()
            if session.state is SessionState.RUNNING
        )
        tunnels = Counter(host for host, state in backend.household.states() if state in _OPEN)
        return shells, tunnels

    # The card

    async def card(self, host: str) -> HostFacts:
        """Return what is known of a host; the configuration is read off the loop."""
        # Once more where the configuration has changed meanwhile.
        while host not in (known := self._summaries):
            known[host] = await asyncio.to_thread(self._look_up, host)
        return self.live_card(host)

    def live_card(self, host: str) -> HostFacts:
        """Return the card as it is now, from what was looked up before."""
        facts = self._summaries.get(host) or HostFacts(clean(host))
        if not self.backend.loaded:
            return facts
        status = self.backend.connections.status(host)
        problem = clean(status.reason, _PROBLEM_WIDTH) if status.state in _DOWN else facts.problem
        if status.untrusted:
            problem = f"{clean(status.untrusted)}: not trusted, so no password and no tunnel"
        return replace(
            facts,
            forwards=self._forwards(host) or facts.forwards,
            state=self._state(host),
            agent_forwarded=status.agent_forwarded,
            problem=problem,
            hint=self._keys(status) or facts.hint,
        )

    def _keys(self, status: "ConnectionSnapshot") -> str:
        """Return what a person may do about a host that is out."""
        again = self._key("host.reconnect")
        if status.state is ConnectionState.WAITING:
            return f"{again} try now · {self._key('host.disconnect')} stop"
        if status.gives_up:
            return f"{again} try once more · {self._key('host.disconnect')} stop"
        return f"{again} try again" if status.state in _DOWN else ""

    def _look_up(self, host: str) -> HostFacts:
        name = clean(host)
        try:
            resolver = self.backend.resolver
            resolved = resolver.preview(host)
            summary = summarize(resolved)
            warnings = card_warnings(advise(resolved, resolver))
        except SSHDashError as error:
            return HostFacts(
                name,
                problem=clean(f"{error.title}: {error.detail}", 400),
                hint=clean(error.hint),
            )
        return HostFacts(
            name,
            address=_address(summary),
            route=(*map(clean, summary.route), name),
            forwards=tuple((Mark.IDLE, clean(text)) for text in summary.forwards),
            identity=clean(summary.identity),
            warnings=warnings,
        )

    def _state(self, host: str) -> Line:
        status = self.backend.connections.status(host)
        if status.state is ConnectionState.IDLE:
            return (Mark.IDLE, "")
        words = status.state.value
        outlook = outlook_of(status)
        if outlook is not None and status.state is not ConnectionState.CONNECTING:
            when = outlook.words if outlook.hopeless else outlook.short
            words = " · ".join(filter(None, (when, attempts_text(status.attempts))))
        if status.state is ConnectionState.CONNECTED:
            words += f" {duration_text(time.monotonic() - status.since)}"
            if status.keepalive_rtt is not None:
                words += f", {status.keepalive_rtt * 1000:.0f} ms"
            if status.spares:
                words += f", {status.spares + 1} connections"
        return (MARKS[status.state], words)

    def _forwards(self, host: str) -> tuple[Line, ...]:
        return tuple(
            (MARKS[tunnel.state], _forward_text(tunnel))
            for tunnel in self.backend.household.snapshots(host)
        )

    # Figures

    def figures(self, unread: int, badge: str) -> LiveFigures:
        """Return what the header tells."""
        listed = len(self._listed())
        if not self.backend.loaded:
            return LiveFigures(listed=listed, unread=unread, badge=badge)
        live = self.backend.live()
        totals = self.backend.transfers.totals()
        up, down = self.backend.tunnels.rates()
        return LiveFigures(
            hosts=live.hosts,
            listed=max(listed, live.hosts),
            shells=live.shells,
            tunnels=live.tunnels,
            rate_up=totals.rate_up + up,
            rate_down=totals.rate_down + down,
            unread=unread,
            badge=badge,
        )

    def transfers(self) -> TransferFigures:
        """Return what the status line tells about copies."""
        if not self.backend.loaded:
            return TransferFigures()
        totals = self.backend.transfers.totals()
        jobs = self.backend.transfers.snapshots()
        done, total = totals.progress
        kept, kept_well = kept_text(self.backend.keepers.snapshots())
        return TransferFigures(
            running=totals.jobs_running + totals.jobs_queued,
            done=done,
            total=total,
            rate=totals.rate_up + totals.rate_down,
            eta=totals.eta,
            at_least=totals.uncounted > 0,
            failed=sum(job.state is TransferState.FAILED for job in jobs),
            kept=kept,
            kept_well=kept_well,
            paused=totals.jobs_paused,
        )


def kept_text(keepers: "Sequence[KeepSnapshot]") -> tuple[str, bool]:
    """Return how the trees stand that are kept up to date, and whether all are as they should."""
    if not keepers:
        return "", True
    bad = [one for one in keepers if not one.kept.is_well]
    one = (bad or list(keepers))[0]
    words = f"{clean(one.wish.remote.endpoint)} {one.kept.state.value}"
    return (f"{words}, {len(keepers)} in all" if len(keepers) > 1 else words), not bad


def rows_of(catalog: Catalog) -> tuple[HostRow, ...]:
    """Return the idle rows of a catalog."""
    return tuple(
        HostRow(host.alias, clean(host.alias), clean(host.group)) for host in catalog.hosts
    )


def _reason(status: "ConnectionSnapshot | None") -> str:
    """Return why a host is as it is; what the person cancelled needs no reason."""
    if status is None or status.state is ConnectionState.IDLE:
        return ""
    outlook = outlook_of(status)
    if outlook is not None and status.state is ConnectionState.WAITING:
        return outlook.short
    return clean(status.reason)


def _forward_text(tunnel: "TunnelSnapshot") -> str:
    """Return a tunnel in few words: loopback is where they listen unless another name is there."""
    listen = tunnel.listen.removeprefix("localhost:").removeprefix("127.0.0.1:")
    away = f" {AWAY_MARK} {tunnel.owner}" if tunnel.owner else ""
    return clean(f"{tunnel.kind.name[0]} {listen} → {tunnel.target}{away}")


def _address(summary: HostSummary) -> str:
    host = f"[{summary.hostname}]" if ":" in summary.hostname else summary.hostname
    return clean(f"{summary.user}@{host}:{summary.port}")
