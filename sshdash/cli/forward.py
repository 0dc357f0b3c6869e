"""``sshdash forward``: tunnels without the screen."""

import argparse
import asyncio
import json
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdash.cli.context import (
    CONNECTION_FAILED,
    exit_status,
    open_backend,
    report,
    tell,
    tell_ignored,
)
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.connections.recovery.outages import outage_text
from sshdash.errors import UsageError
from sshdash.events import ConnectionChanged, Event, HostRestored, TunnelChanged
from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.options import with_tokens
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward

if TYPE_CHECKING:
    from sshdash.backend import Backend

_DESCRIPTION = """\
Run forwards on one connection until interrupted (SIGINT, SIGTERM or SIGHUP), with a line on
stdout for every change of state.

-L, -R and -D mean what they mean to ssh and may be repeated. With none of them, the forwards
that ssh_config has for DEST are run. Listening is on loopback unless a bind address, or
GatewayPorts, says otherwise; port 0 takes a free one, which the line names. In the place of a
port, or of host and port, the path of a Unix socket may stand. -R with nothing but where to listen
is a SOCKS proxy there, whose clients are connected from here, as far as PermitRemoteOpen lets them.

A connection that is lost is made again, and the forwards come back on the same ports; meanwhile
local ones stay bound, and clients wait for up to a minute. What happens is told on stderr."""

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GIVEN_UP = CONNECTION_FAILED
"""The exit status where a lost connection is not made again."""
_EPILOG = """\
A forward that cannot be established is told, and the others go on, as with ssh; with
-o ExitOnForwardFailure=yes it ends them all.

exit status: 0 after SIGINT, SIGTERM or SIGHUP; 1 where no forward could be established, or one
could not with ExitOnForwardFailure; 255 where there is no connection, or none any more: with
--no-reconnect, or because the server now refuses the login."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "forward",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_ssh_options(parser)
    parser.add_argument("destination", metavar="DEST", help="[user@]host[:port] or an alias")
    for kind, form, meaning in (
        (Kind.LOCAL, "[BIND:]PORT:HOST:PORT", "listen here, connect from there"),
        (Kind.REMOTE, "[BIND:]PORT[:HOST:PORT]", "listen there, connect from here"),
        (Kind.DYNAMIC, "[BIND:]PORT", "listen here as a SOCKS proxy"),
    ):
        parser.add_argument(
            f"-{kind.value}", dest=kind.word, metavar=form, action="append", default=[],
            help=meaning,
        )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument(
        "--no-reconnect", action="store_true", help="end when the connection is lost"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the forwards until a signal or a failure; return the exit status."""
    specs = [parse_forward(kind, text) for kind in Kind for text in getattr(arguments, kind.word)]
    return asyncio.run(_forward(arguments, specs))


async def _forward(arguments: argparse.Namespace, specs: list[ForwardSpec]) -> int:
    async with open_backend(arguments, reconnect=not arguments.no_reconnect) as backend:
        host = str(arguments.destination)
        resolved = backend.resolve(host)
        tell_ignored(resolved)
        if specs:
            tunnels = [backend.tunnels.add(host, with_tokens(spec, resolved)) for spec in specs]
        else:
            tunnels = backend.add_config_forwards(host)
        if not tunnels:
            raise UsageError(
                "Nothing to forward",
                f"ssh_config has no forwards for {host}",
                "give -L, -R or -D",
            )
        tolerant = not resolved.flag("exitonforwardfailure")
        return await _Run(backend, tunnels, arguments.json, tolerant).until_over()


class _Run:
    """Starts tunnels, tells every change and decides when it is over."""

    def __init__(
        self, backend: "Backend", tunnels: list[str], as_json: bool, tolerant: bool
    ) -> None:
        self._manager = backend.tunnels
        self._connections = backend.connections
        self._events = backend.events
        self._waiting = set(tunnels)
        self._tunnels = tunnels
        self._as_json = as_json
        self._tolerant = tolerant
        self._host = self._manager.snapshot(tunnels[0]).host
        self._changes: asyncio.Queue[_Change | int] = asyncio.Queue()
        """Changes in the order they happened; a number is the exit status of what ends it."""

    async def until_over(self) -> int:
        """Run until a signal (0), or until a failure ends it (1)."""
        loop = asyncio.get_running_loop()
        unsubscribe = self._events.subscribe(self._note)
        for number in _ENDS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup(1) wants it to go on
            loop.add_signal_handler(number, self._changes.put_nowait, 0)
        starting = [asyncio.ensure_future(self._manager.start(one)) for one in self._tunnels]
        try:
            while (status := self._take(await self._changes.get())) is None:
                pass
            return status
        finally:
            await self._manager.close()
            await asyncio.gather(*starting)
            unsubscribe()
            while not self._changes.empty():
                self._tell(self._changes.get_nowait())

    def _note(self, event: Event) -> None:
        if isinstance(event, TunnelChanged):
            self._changes.put_nowait(
                _Change(time.time(), event, self._manager.snapshot(event.tunnel))
            )
        elif isinstance(event, HostRestored):
            tell(f"sshdash: {event.host}: back after {outage_text(event.seconds)}")
        elif isinstance(event, ConnectionChanged) and event.host == self._host:
            self._outage(event)

    def _outage(self, event: ConnectionChanged) -> None:
        """Tell what is done about a lost connection; end where nothing is."""
        status = self._connections.status(event.host)
        if event.new is ConnectionState.WAITING and status.retry_at is not None:
            wait = max(0.0, status.retry_at - time.monotonic())
            when = f"in {wait:.1f} s" if wait >= 0.05 else "now"
            tell(f"sshdash: {event.host}: {event.reason}; trying again {when}")
        elif event.new is ConnectionState.FAILED:
            # Whether it is tried again is decided right after it was told.
            asyncio.get_running_loop().call_soon(self._look_for_the_end, event)

    def _look_for_the_end(self, event: ConnectionChanged) -> None:
        status = self._connections.status(event.host)
        if status.gives_up:
            tell(f"sshdash: {event.host}: {event.reason}; not tried again: {status.gives_up}")
            self._changes.put_nowait(_GIVEN_UP)

    def _take(self, change: "_Change | int") -> int | None:
        """Tell a change; return the exit status once it is over."""
        self._tell(change)
        if isinstance(change, int):
            return change
        if change.event.new is not TunnelState.FAILED:
            return None
        error = self._manager.failure(change.event.tunnel)
        if error is not None:
            report(error)
        self._waiting.discard(change.event.tunnel)
        established = change.event.old is not TunnelState.OPENING
        if self._tolerant and self._waiting and not established:
            return None
        return exit_status(error) if error is not None else 1

    def _tell(self, change: "_Change | int") -> None:
        # That a failed tunnel is put away at the end is no news.
        if isinstance(change, _Change) and change.event.old is not TunnelState.FAILED:
            print(change.json() if self._as_json else change.line(), flush=True)


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of one tunnel, and how the tunnel was at that moment."""

    time: float
    event: TunnelChanged
    tunnel: TunnelSnapshot

    def line(self) -> str:
        """Return it for people."""
        tunnel = self.tunnel
        way = " → ".join((tunnel.listen, *tunnel.route, tunnel.target))
        mark = f" ({tunnel.exposure})" if tunnel.exposed else ""
        reason = f": {self.event.reason}" if self.event.reason else ""
        return f"{self.event.new.value:<8} {tunnel.kind.value} {way}{mark}{reason}"

    def json(self) -> str:
        """Return it for programs: one object on one line."""
        tunnel = self.tunnel
        socket = tunnel.spec.listen_path
        return json.dumps(
            {
                "time": round(self.time, 3),
                "tunnel": tunnel.id,
                "kind": tunnel.kind.word,
                "host": tunnel.host,
                "listen": tunnel.listen,
                "port": None if socket else int(tunnel.listen.rpartition(":")[2]),
                "socket": socket or None,
                "target": tunnel.target,
                "route": tunnel.route,
                "exposed": tunnel.exposed,
                "old": self.event.old.value,
                "state": self.event.new.value,
                "reason": self.event.reason,
                "retry_in": None if tunnel.retry_in is None else round(tunnel.retry_in, 3),
                "clients_total": tunnel.clients_total,
                "bytes_up": tunnel.bytes_up,
                "bytes_down": tunnel.bytes_down,
            }
        )
