"""A soak: tunnels of all kinds over a network that is cut all the time, and every byte compared."""

import asyncio
import contextlib
import gc
import os
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.events import ConnectionChanged, Event, TunnelChanged
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.tunnel_kit import target
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd
from tests.soak.faults import Faults
from tests.soak.report import Report
from tests.soak.streams import Blocks, Cut, Plan, Streams, attend, converse

HOSTS = 5
_KINDS = ("local", "remote", "dynamic", "local", "remote dynamic", "socket")
_RETRY = 0.05
_PATIENCE = 60.0
"""Seconds a tunnel may take to be back when nothing is wrong any more."""
_WARM = 0.25
"""The part of a run after which memory should not grow."""


@dataclass(frozen=True)
class Door:
    """Where clients of a tunnel connect, and how."""

    kind: str
    port: int
    path: str
    """A Unix socket instead of the port."""
    socks: int
    """The port to ask a SOCKS proxy for, 0 where there is none."""

    @property
    def is_ours(self) -> bool:
        """Whether sshdash listens there, and can reset: a Unix socket only knows the end."""
        return not self.kind.startswith("remote") and not self.path

    async def open(self) -> Streams:
        """Connect. Raises OSError, and Cut where the proxy refuses."""
        if self.path:
            return await asyncio.open_unix_connection(self.path)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        if self.socks:
            try:
                await _socks(reader, writer, self.socks)
            except BaseException:
                writer.close()
                raise
        return reader, writer


class Soak:
    """One run: its tunnels, their clients, and what is seen of them."""

    def __init__(self, seed: int, tunnels: int) -> None:
        self.report = Report(seed)
        self.chance = random.Random(seed)
        self.blocks = Blocks(seed, self.report)
        self.size = tunnels
        self._numbers = count(1)
        self._away: dict[str, float] = {}
        self._ends: asyncio.Queue[float] = asyncio.Queue()
        self._calm_since = 0.0
        self._all_back = asyncio.Event()
        self._all_back.set()
        self._met: set[str] = set()
        """Hosts that were connected once."""

    async def run(self, seconds: float) -> Report:
        """Do harm for so long, let everything come back, end it, and return the figures."""
        began = time.monotonic()
        free_port()  # the first one takes a descriptor, for as long as the process runs
        before = _descriptors()
        async with RealSshd() as server, self._network(server) as lines:
            with _config(server, lines) as config:
                async with Backend(
                    Settings(audit=False), RefusingPrompter(), ConfigSource.standard(config)
                ) as backend:
                    await self._soak(backend, server, lines, seconds)
        await self._nothing_left(before)
        self.report.seconds = time.monotonic() - began
        return self.report

    @contextlib.asynccontextmanager
    async def _network(self, server: RealSshd) -> AsyncIterator[list[Proxy]]:
        async with contextlib.AsyncExitStack() as stack:
            yield [await stack.enter_async_context(Proxy(server.port)) for _ in range(HOSTS)]

    async def _soak(
        self, backend: Backend, server: RealSshd, lines: Sequence[Proxy], seconds: float
    ) -> None:
        await backend.load(terminals=False)
        backend.events.subscribe(self._note)
        async with (
            target(attend(self.blocks, is_ours=False)) as there,
            target(attend(self.blocks, is_ours=True)) as here,
        ):
            tunnels = await self._open(backend, server.folder, there, here)
            stop = asyncio.Event()
            clients = [asyncio.create_task(self._client(door, stop)) for door in tunnels.values()]
            harm = asyncio.create_task(
                Faults(self.chance, server, lines, self.report).go_on(self._ends)
            )
            watch = asyncio.create_task(self._watch())
            await asyncio.sleep(seconds * _WARM)
            warm = _memory()
            await asyncio.sleep(seconds * (1 - _WARM))
            harm.cancel()
            await asyncio.wait({harm})
            await self._come_back(backend, list(tunnels))
            stop.set()
            await self._last_words(tunnels, clients)
            watch.cancel()
            await asyncio.wait({watch})
            self.report.growth = _memory() - warm
            await asyncio.gather(*(backend.tunnels.remove(tunnel) for tunnel in tunnels))
        for task in (harm, watch):
            if not task.cancelled() and task.exception():
                raise task.exception() or AssertionError

    async def _open(self, backend: Backend, folder: Path, there: int, here: int) -> dict[str, Door]:
        """Open the tunnels; return where the clients of each connect."""
        tunnels: dict[str, Door] = {}
        for number in range(self.size):
            kind, port = _KINDS[number % len(_KINDS)], free_port()
            path = str(folder / f"{number}.sock") if kind == "socket" else ""
            listen = path or f"127.0.0.1:{port}"
            far, near = f":127.0.0.1:{there}", f":127.0.0.1:{here}"
            option, aim = {
                "local": (Kind.LOCAL, far),
                "socket": (Kind.LOCAL, far),
                "remote": (Kind.REMOTE, near),
                "dynamic": (Kind.DYNAMIC, ""),
                "remote dynamic": (Kind.REMOTE, ""),
            }[kind]
            spec = parse_forward(option, listen + aim)
            tunnel = backend.tunnels.add(f"h{number % HOSTS}", spec)
            snapshot = await backend.tunnels.start(tunnel)
            if snapshot.state is not TunnelState.OPEN:
                raise RuntimeError(f"{spec} did not open: {snapshot.error}")
            socks = {"dynamic": there, "remote dynamic": here}.get(kind, 0)
            tunnels[tunnel] = Door(kind, port, path, socks)
        return tunnels

    # -- clients

    async def _client(self, door: Door, stop: asyncio.Event) -> None:
        """Converse again and again until told to stop."""
        while not stop.is_set():
            if not await self._conversation(door):
                await asyncio.sleep(_RETRY)

    async def _conversation(self, door: Door) -> bool:
        """Have one conversation; return whether it was whole."""
        plan = Plan.drawn(self.chance, next(self._numbers))
        try:
            streams = await door.open()
        except (Cut, OSError):
            return False
        try:
            await converse(self.blocks, streams, plan, is_ours=door.is_ours)
        except (Cut, OSError):
            self.report.broken += 1
            return False
        finally:
            streams[1].close()
        self.report.whole += 1
        return True

    async def _last_words(
        self, tunnels: dict[str, Door], clients: list[asyncio.Task[None]]
    ) -> None:
        """See that every client comes to the end of what it is at, as nothing is wrong now."""
        done, late = await asyncio.wait(clients, timeout=_PATIENCE)
        for client, (tunnel, door) in zip(clients, tunnels.items(), strict=True):
            if client in late:
                self.report.not_back.append(f"{tunnel} {door} is stuck")
                client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        for client in done:
            if error := client.exception():
                raise error

    # -- what is seen

    def _note(self, event: Event) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(event, TunnelChanged):
            if event.new is TunnelState.RECONNECTING:
                self._away.setdefault(event.tunnel, now)
                self._all_back.clear()
            elif event.new in (TunnelState.OPEN, TunnelState.DEGRADED):
                if event.tunnel in self._away:
                    self.report.away.append(now - self._away.pop(event.tunnel))
                    self.report.reconnects += 1
                if not self._away:
                    self._all_back.set()
        elif isinstance(event, ConnectionChanged) and event.new is ConnectionState.CONNECTED:
            self.report.connections += event.host in self._met
            self._met.add(event.host)

    async def _watch(self) -> None:
        """Measure how long after each fault everything is back, where no other came before."""
        while True:
            over = await self._ends.get()
            if self._all_back.is_set():
                continue
            back = asyncio.ensure_future(self._all_back.wait())
            next_fault = asyncio.ensure_future(self._ends.get())
            try:
                await asyncio.wait({back, next_fault}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                back.cancel()
                if next_fault.done() and not next_fault.cancelled():
                    self._ends.put_nowait(next_fault.result())
                next_fault.cancel()
            if self._all_back.is_set():
                self.report.back.append(asyncio.get_running_loop().time() - over)

    async def _come_back(self, backend: Backend, tunnels: list[str]) -> None:
        """Wait until every tunnel is open."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._all_back.wait()
        for tunnel in tunnels:
            snapshot = backend.tunnels.snapshot(tunnel)
            if snapshot.state not in (TunnelState.OPEN, TunnelState.DEGRADED):
                self.report.not_back.append(
                    f"{tunnel} {snapshot.spec} is {snapshot.state.value}: {snapshot.error}"
                )

    async def _nothing_left(self, before: int) -> None:
        """Give what ends by itself a moment, then count what is left."""
        own = asyncio.current_task()
        for _ in range(100):
            left = [task for task in asyncio.all_tasks() if task is not own]
            if not left and _descriptors() <= before:
                break
            await asyncio.sleep(0.05)
        self.report.tasks = [repr(task)[:200] for task in left]
        self.report.descriptors = max(0, _descriptors() - before)


async def _socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Ask a SOCKS 5 proxy for a port of the server. Raises Cut."""
    name = b"localhost"
    writer.write(b"\5\1\0" + b"\5\1\0\3" + bytes((len(name),)) + name + port.to_bytes(2, "big"))
    try:
        answer = await reader.readexactly(2 + 10)
    except asyncio.IncompleteReadError as error:
        raise Cut from error
    if answer[3] != 0:
        raise Cut


@contextlib.contextmanager
def _config(server: RealSshd, lines: Sequence[Proxy]) -> Iterator[str]:
    """Write a configuration that knows a host for each line to the server."""
    keys = server.known_hosts.read_text().splitlines()
    known = server.folder / "known_hosts_of_lines"
    known.write_text(
        "".join(
            f"[127.0.0.1]:{line.port} {key.split(' ', 1)[1]}\n" for line in lines for key in keys
        )
    )
    text = "".join(f"Host h{at}\n    Port {line.port}\n" for at, line in enumerate(lines))
    text += (
        "Host *\n    HostName 127.0.0.1\n"
        f"    User {server.user}\n    IdentityFile {server.identity}\n"
        "    IdentitiesOnly yes\n    IdentityAgent none\n"
        f"    UserKnownHostsFile {known}\n    GlobalKnownHostsFile /dev/null\n"
        "    ServerAliveInterval 1\n    ServerAliveCountMax 2\n    ConnectTimeout 3\n"
    )
    path = Path(server.folder) / "config_of_lines"
    path.write_text(text)
    path.chmod(0o600)
    yield str(path)


def _descriptors() -> int:
    return psutil.Process().num_fds()


def _memory() -> int:
    gc.collect()
    return int(psutil.Process(os.getpid()).memory_info().rss)
