"""The composition root: everything sshdash does, without a screen.

The host list is there as soon as a `Backend` exists. What speaks SSH comes with `load`, which
imports the SSH library off the loop, so that a screen can draw its first frame before.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from sshdash import endpoints
from sshdash.config.catalog import Catalog, HostSummary, load_catalog, summarize
from sshdash.config.patterns import first_for_host
from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.network.ahead import Ahead
from sshdash.connections.recovery.outages import Outages
from sshdash.endpoints import LOCAL, Endpoints, releasing
from sshdash.errors import Cancelled
from sshdash.events import CatalogChanged, EventBus, WarningRaised
from sshdash.live_counts import LiveCounts
from sshdash.modules import Modules
from sshdash.paths import recordings_dir, runtime_dir, transfers_dir
from sshdash.prompts import Prompter
from sshdash.recovery import Recovery
from sshdash.settings import Settings
from sshdash.states import SessionState
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.audit import AuditLog
    from sshdash.connections.manager import ConnectionManager, Lease
    from sshdash.escape_commands import EscapeCommands
    from sshdash.sftp.bulk.command import Command
    from sshdash.sftp.filesystem import Filesystem
    from sshdash.sftp.journal import Journal
    from sshdash.sftp.looks import Look
    from sshdash.sftp.queue import TransferQueue
    from sshdash.sftp.scp_runner import CopyEnd
    from sshdash.sftp.sync_keepers import Keepers
    from sshdash.terminal.recording import Recorder
    from sshdash.terminal.session import ShellSession
    from sshdash.tunnels.manager import TunnelManager
    from sshdash.tunnels.owners.handover import HandOver
    from sshdash.tunnels.owners.household import Household

__all__ = ["LOCAL", "Backend"]

_TIDY = 3.0
"""Seconds that copies get to clean up before their connection is closed."""
_TERMINAL = "terminal.session"
_CONNECTIONS = ("connections.manager", "audit")
_REST = (
    "tunnels.manager",
    "tunnels.owners.household",
    "tunnels.owners.handover",  # needed last of all, when the program's files may be others
    "sftp.queue",
    "sftp.journal",
    "sftp.shelf",
    "sftp.sync_keepers",
    "escape_commands",
    "terminal.recording",
)


class Backend:
    """Owns the managers and their tasks; ``async with`` starts and ends them."""

    connections: "ConnectionManager"
    tunnels: "TunnelManager"
    household: "Household"
    transfers: "TransferQueue"
    keepers: "Keepers"
    recorder: "Recorder"
    escapes: "EscapeCommands"

    def __init__(self, settings: Settings, prompter: Prompter, source: ConfigSource) -> None:
        self.settings = settings
        self.prompter = prompter
        self.source = source
        self.events = EventBus()
        self.resolver = Resolver(source)
        self.catalog: Catalog = load_catalog(source, self.resolver.cache)
        self.sessions: dict[str, ShellSession] = {}
        self.recovery: Recovery | None = None
        """Brings back what was lost; None where that is not wanted, or before `load`."""
        self.loaded = False
        self._audit: AuditLog | None = None
        self._closing = False
        self._connects = False
        """Whether `load_connections` is done."""
        self._loading = asyncio.Lock()
        self._modules = Modules()
        self._ahead = Ahead()
        self._endpoints = Endpoints(self._modules, prompter, self._lease_files)
        self._warned: set[WarningRaised] = set()

    def __repr__(self) -> str:
        return f"<Backend [{len(self.catalog.hosts)} hosts, loaded={self.loaded}]>"

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.close()
        finally:
            await self._ahead.close()

    def reach(self, destination: str) -> None:
        """Begin to connect to whom a command is about to ask for, before `load_connections`."""
        self._ahead.reach(self.resolver, destination, self.settings)

    async def load_connections(self) -> None:
        """Import what speaks SSH, off the loop, and build what connects; once.

        Whoever wants nothing else need not wait for the rest, which takes twice as long.
        """
        async with self._loading:
            await self._load_connections()

    async def _load_connections(self) -> None:
        if self._connects:
            return
        await self._modules.load(*_CONNECTIONS)
        self.connections = self._modules["connections.manager"].ConnectionManager(
            self.resolver, self.prompter, self.events, self.settings, self._ahead
        )
        if self.settings.audit:
            self._audit = self._modules["audit"].AuditLog(
                self.events,
                self.connections.status,
                lambda tunnel: self._known(tunnel).tunnels.snapshot(tunnel),
                lambda job: self._known(job).transfers.snapshot(job),
            )
        self._connects = True

    def _known(self, name: str) -> "Backend":
        """Return itself; raises KeyError where nothing could have given out `name` yet."""
        if not self.loaded:
            raise KeyError(name)
        return self

    async def load(self, terminals: bool = True) -> None:
        """Import everything, off the loop, and build the managers; once.

        Without `terminals` their emulator is left for later: it takes as long as all the rest.
        """
        async with self._loading:
            if terminals:
                await self._modules.load(_TERMINAL)
            if self.loaded:
                return
            await self._modules.load(*_CONNECTIONS, *endpoints.MODULES, *_REST)
            await self._load_connections()
            outages = Outages(self.connections, self.events) if self.settings.reconnect else None
            lease, household = self.connections.lease, self._modules["tunnels.owners.household"]
            claims = household.Claims(runtime_dir(), "command")
            self.tunnels = self._modules["tunnels.manager"].TunnelManager(
                lease,
                self.events,
                self._route,
                outages,
                claims,
                lambda host: self.resolver.preview(host),
            )
            fill = household.tokens_by(self.resolver.preview)
            self.household = household.Household(self.tunnels, lease, self.events, claims, fill)
            self.transfers = self._modules["sftp.queue"].TransferQueue(
                self.copy_end,
                self.prompter,
                self.events,
                self.settings.transfers_at_once,
                outages,
                self._journal(),
            )
            self.transfers.limit(self.settings.transfer_limit_kb * 1000)
            self.keepers = self._modules["sftp.sync_keepers"].Keepers(
                self.filesystem, self.prompter, self.events, outages, self._journal
            )
            self.escapes = self._modules["escape_commands"].EscapeCommands(
                self.connections, self.tunnels
            )
            self.recorder = self._modules["terminal.recording"].Recorder(
                recordings_dir(), self.settings, self.events
            )
            if outages is not None:
                self.recovery = Recovery(
                    outages,
                    self.events,
                    self.reopen_shell,
                    lambda tunnel: self.tunnels.snapshot(tunnel).host,
                    lambda job: self.transfers.hosts(job),
                )
            self.loaded = True

    async def close(self) -> None:
        """End everything: transfers first, connections last. Idempotent."""
        if not self._connects or self._closing:
            return
        self._closing = True
        try:
            async with AsyncExitStack() as ends:  # the last is the first; one that fails stops none
                if self._audit is not None:
                    ends.push_async_callback(self._audit.close)
                ends.push_async_callback(self.connections.close)
                if not self.loaded:
                    return
                ends.push_async_callback(self.recorder.close)
                for session in self.sessions.values():
                    ends.push_async_callback(session.close)
                ends.push_async_callback(self.tunnels.close)
                ends.push_async_callback(self.household.close)
                # They may open files once more, to clean up.
                ends.push_async_callback(self.transfers.close)
                ends.push_async_callback(self.keepers.close)
                ends.push_async_callback(self.escapes.close)
                if self.recovery is not None:
                    ends.push_async_callback(self.recovery.close)
        finally:
            self.sessions.clear()
            self.loaded = self._connects = self._closing = False

    # --- hosts ---

    def reload_catalog(self) -> Catalog:
        """Read the host list again and tell about it."""
        self.catalog = load_catalog(self.source, self.resolver.cache)
        self.events.emit(CatalogChanged())
        return self.catalog

    def resolve(self, destination: str) -> ResolvedHost:
        """Return what ssh_config says of a destination. Raises UsageError and ConfigError."""
        return self.resolver.resolve(destination)

    def summary(self, destination: str) -> HostSummary:
        """Return what the host card shows, at once. Raises UsageError and ConfigError."""
        return summarize(self.resolver.preview(destination))

    async def forget_secrets(self, destination: str) -> list[str]:
        """Remove a host's secrets from the system's keyring; return what there were.

        Raises UsageError, ConfigError, and SSHDashError where there is no keyring.
        """
        from sshdash.connections.login.account import forget_secrets

        return await forget_secrets(await asyncio.to_thread(self.resolve, destination))

    async def disconnect(self, host: str) -> None:
        """End a host's copies, shells, tunnels and open files, then its connection.

        What lives on the connection under another name goes on.
        """
        await self.keepers.stop_host(host)
        await self._cancel_copies(host)
        for session in [one for one in self.sessions.values() if one.host == host]:
            self._forget(session.id)
            await session.hang_up()
        for tunnel in self.tunnels.snapshots():
            if tunnel.host == host:
                await self.tunnels.stop(tunnel.id)
        await self._endpoints.close(host)
        await self.connections.disconnect(host)

    async def _cancel_copies(self, host: str) -> None:
        """Cancel what is to be copied; a queued copy would connect again."""
        transfers = self.transfers
        live = [job.id for job in transfers.snapshots() if job.is_live]
        ended = [job for job in live if host in transfers.hosts(job)]
        for job in ended:
            transfers.cancel(job)
        with suppress(TimeoutError):
            async with asyncio.timeout(_TIDY):  # its files are closed over it
                await asyncio.gather(*map(transfers.wait, ended))

    # --- shells ---

    async def open_shell(
        self,
        host: str,
        columns: int,
        rows: int,
        command: str | None = None,
        directory: str = "",
    ) -> "ShellSession":
        """Open a shell (or `command` in a terminal) on the host's connection.

        It starts in `directory` where one is named and the configuration has no RemoteCommand.

        Raises what a connection raises, and SessionError.
        """
        await self.load()
        session_type: type[ShellSession] = self._modules[_TERMINAL].ShellSession
        lease = await self.connections.lease(host, "shell")
        session: ShellSession = await releasing(
            lease,
            session_type.open(
                lease,
                self.events,
                columns=columns,
                rows=rows,
                term=self.settings.term,
                scrollback=self._scrollback(host),
                command=command,
                directory=directory,
                recorder=self.recorder,
                commands=self.escapes,
            ),
        )
        self.sessions[session.id] = session
        return session

    def _scrollback(self, host: str) -> int:
        """Return how many lines a terminal of a host keeps."""
        own = first_for_host(host, self.settings.scrollbacks)
        return self.settings.scrollback if own is None else own

    async def reopen_shell(self, session_id: str) -> None:
        """Start the shell again in its terminal, on a new connection where the old one is gone.

        Raises Cancelled where the shell was closed, and as `open_shell` does.
        """
        session = self.sessions.get(session_id)
        if session is None:
            raise Cancelled("The shell was closed")
        lost = session.state is SessionState.LOST
        lease = await self.connections.lease(session.host, "shell")
        reattach = first_for_host(session.host, self.settings.reattach) if lost else None
        await releasing(lease, session.reopen(lease, reattach or ""))

    async def close_shell(self, session_id: str) -> None:
        """End a shell and forget it."""
        session = self.sessions.pop(session_id, None)
        self._forget(session_id)
        if session:
            await session.close()

    def _forget(self, session_id: str) -> None:
        if self.recovery is not None:
            self.recovery.forget(session_id)

    # --- files ---

    async def _lease_files(self, host: str) -> "Lease":
        return await self.connections.lease(host, "files")

    def _journal(self) -> "Journal":
        """Return where the copies of one queue are kept, of which each has its own."""
        shelf = self._modules["sftp.shelf"].Shelf(transfers_dir())
        journal: Journal = self._modules["sftp.journal"].Journal(shelf, self.events)
        return journal

    async def filesystem(self, endpoint: str) -> "Filesystem":
        """Open `LOCAL`, a host, or a host as another user; closing it releases its lease."""
        await self.load_connections()
        return await self._endpoints.filesystem(endpoint)

    async def copy_end(
        self, endpoint: str, looks: "Sequence[Look]" = (), command: "Command | None" = None
    ) -> "CopyEnd":
        """Open an endpoint for copies alone: by scp, which is told once, where it has no SFTP.

        `looks` are what is going to be asked of a host first, `command` what is likely to be run.
        """
        await self.load_connections()
        return await self._endpoints.copy_end(endpoint, self._warn_once, looks, command)

    # --- tunnels ---

    def add_config_forwards(self, host: str) -> list[str]:
        """List the host's configured forwards as closed tunnels and return their ids.

        One that cannot be run here is left out and told once, as a warning. Raises UsageError and
        ConfigError for the host itself.
        """
        from sshdash.tunnels.forwards.options import configured

        specs, wrong = configured(self.resolver.preview(host))
        for error in wrong:
            self._warn_once(WarningRaised(error.title, error.detail, host=clean(host)))
        return [self.tunnels.add(host, spec, source="config") for spec in specs]

    async def hand_over(self, tunnels: Iterable[str]) -> "HandOver":
        """Have another process go on with tunnels when this one ends; return what came of it."""
        from sshdash.tunnels.owners.handover import hand_over

        return await hand_over(self.household, self.tunnels, tunnels, self.source)

    def _warn_once(self, warning: WarningRaised) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            self.events.emit(warning)

    def _route(self, host: str) -> tuple[str, ...]:
        return (*self.summary(host).route, host)

    # --- counts ---

    def live(self) -> LiveCounts:
        """Return what is running now."""
        if not self.loaded:
            return LiveCounts()
        return LiveCounts.of(
            self.connections.all_states(),
            (session.state for session in self.sessions.values()),
            (state for _, state in self.tunnels.states()),
            transfers=sum(job.is_live for job in self.transfers.snapshots()),
            kept=len(self.keepers.snapshots()),
            shells_waiting=self.recovery.shells if self.recovery else 0,
        )
