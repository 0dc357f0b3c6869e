"""What ``~C`` and ``~#`` do: a session's forwards are the tunnels that the screen shows.

The grammar and the answers are those of ssh(1), ESCAPE CHARACTERS.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sshdash.connections.transport.listing import open_channels
from sshdash.errors import SSHDashError, UsageError
from sshdash.states import TunnelState
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.manager import ConnectionManager
    from sshdash.tunnels.manager import TunnelManager

_HELP = (
    "Commands:",
    "      -L[bind_address:]port:host:hostport    Request local forward",
    "      -R[bind_address:]port:host:hostport    Request remote forward",
    "      -R[bind_address:]port                  Request remote dynamic forward",
    "      -D[bind_address:]port                  Request dynamic forward",
    "      -KL[bind_address:]port                 Cancel local forward",
    "      -KR[bind_address:]port                 Cancel remote forward",
    "      -KD[bind_address:]port                 Cancel dynamic forward",
    "      A path stands for a socket: -L/path:host:hostport, -KL/path",
)
_NO_SHELL = "Local commands are not run here."
_KINDS = {kind.value: kind for kind in Kind}

Show = Callable[[str], None]


class EscapeCommands:
    """Adds, cancels and lists the forwards of a host for its sessions."""

    def __init__(self, connections: "ConnectionManager", tunnels: "TunnelManager") -> None:
        self._connections = connections
        self._tunnels = tunnels
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<EscapeCommands [{len(self._tasks)} running]>"

    def run(self, host: str, line: str, show: Show, done: Callable[[], None]) -> None:
        """Carry out a line of ``~C`` in a task; show the answers, then call `done`."""
        task = asyncio.get_running_loop().create_task(self._run(host, line, show))
        self._tasks.add(task)

        def over(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            done()

        task.add_done_callback(over)

    def connections(self, host: str) -> list[str]:
        """Return what is open for a host: channels of its connection, then its forwards."""
        lines: list[str] = []
        connection = self._connections.live(host)
        if connection is not None:
            lines += open_channels(connection.ssh)
        return lines + [_forward(one) for one in self._of(host)]

    async def close(self) -> None:
        """End what is under way."""
        for task in (tasks := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, host: str, line: str, show: Show) -> None:
        command = line.strip().removeprefix("-").lstrip()
        if command[:1] in ("h", "H", "?"):
            for row in _HELP:
                show(row)
        elif command.startswith("!"):
            show(_NO_SHELL)
        elif command.startswith("K"):
            await self._cancel(host, command[1:], show)
        else:
            await self._add(host, command, show)

    async def _add(self, host: str, command: str, show: Show) -> None:
        kind = _KINDS.get(command[:1])
        if kind is None:
            show("Invalid command.")
            return
        try:
            spec = parse_forward(kind, command[1:].strip(), is_option=True)
        except UsageError as error:
            show(f"Bad forwarding specification: {error.detail}")
            return
        try:
            tunnel = self._tunnels.add(host, spec)
            opened = await self._tunnels.start(tunnel)
        except SSHDashError as error:
            show(f"Port forwarding failed: {error.title}")
            return
        if opened.state is TunnelState.FAILED:
            show(f"Port forwarding failed: {clean(opened.error)}")
        else:
            show(f"Forwarding port: {_forward(opened)}")

    async def _cancel(self, host: str, command: str, show: Show) -> None:
        kind = _KINDS.get(command[:1])
        if kind is None:
            show("Invalid command.")
            return
        try:
            wanted = parse_forward(Kind.DYNAMIC, command[1:].strip())
        except UsageError:
            show("Bad forwarding close specification.")
            return
        found = [one for one in self._of(host) if one.kind is kind and _listens_at(one, wanted)]
        if not found:
            show("Unknown port forwarding.")
            return
        for one in found:
            if one.source == "config":
                await self._tunnels.stop(one.id)
            else:
                await self._tunnels.remove(one.id)
        show("Canceled forwarding.")

    def _of(self, host: str) -> Iterator[TunnelSnapshot]:
        """Return the tunnels of a host that are not closed."""
        for one in self._tunnels.snapshots():
            if one.host == host and one.state is not TunnelState.CLOSED:
                yield one


def _forward(one: TunnelSnapshot) -> str:
    clients = f", {one.clients} open" if one.clients else ""
    where = f"{clean(one.listen)} → {clean(one.target)}"
    return f"-{one.kind.value} {where} [{one.state.value}{clients}]"


def _listens_at(one: TunnelSnapshot, wanted: ForwardSpec) -> bool:
    if wanted.listen_path or one.spec.listen_path:
        return wanted.listen_path == one.spec.listen_path
    ports = (one.spec.port, _port(one.listen))
    return wanted.port in ports and wanted.bind in (None, one.spec.bind)


def _port(listen: str) -> int:
    port = listen.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdecimal() else -1
