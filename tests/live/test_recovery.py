"""A server that is killed and comes back: shells, tunnels and copies come back with it."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sshdash.backend import Backend
from sshdash.events import Event, HostRestored
from sshdash.sftp.job import CopyRequest
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState
from sshdash.terminal.session import ShellSession
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.file_kit import tree, unfinished
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.sshd import RealSshd, free_port

PATIENCE = 30.0
SIZE = 48 * 1024 * 1024


class Watch:
    """What a backend tells, waited for."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.told: list[Event] = []
        self._news = asyncio.Event()
        backend.events.subscribe(self._note)

    def _note(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; it is looked at when something is told, and now and then."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                try:
                    async with asyncio.timeout(0.05):
                        await self._news.wait()
                except TimeoutError:
                    continue

    async def state(self, state: ConnectionState, host: str = "sshd") -> None:
        """Wait until the connection of a host is in a state."""
        await self.until(lambda: self.backend.connections.status(host).state is state)

    @property
    def restored(self) -> list[HostRestored]:
        """What was told to be back."""
        return [event for event in self.told if isinstance(event, HostRestored)]


def shown(session: ShellSession) -> str:
    """Return what a shell's terminal shows."""
    return "\n".join(session.emulator.screen_text())


async def prompt(watch: Watch, session: ShellSession) -> None:
    """Wait for the prompt on the last line."""
    await watch.until(lambda: re.search(r"sshd\$\s*\Z", shown(session)))


async def run(watch: Watch, session: ShellSession, command: str, pattern: str) -> None:
    """Type a command and wait for what it prints."""
    await prompt(watch, session)
    session.write(command.encode() + b"\r")
    await watch.until(lambda: re.search(pattern, shown(session), re.MULTILINE))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with a large file and small ones."""
    folder = tmp_path / "source"
    folder.mkdir()
    block = bytes(range(256)) * 4096
    (folder / "large.bin").write_bytes(b"".join(b"%08d" % i + block for i in range(SIZE >> 20)))
    for number in range(20):
        (folder / f"small-{number}").write_bytes(b"%d" % number * 1000)
    return folder


async def test_shells_tunnels_and_a_copy_outlive_a_restart_of_the_server(
    sshd: RealSshd, small: Path, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    watch = Watch(backend)
    async with target(echo) as service:
        shells = [await backend.open_shell("sshd", 90, 24) for _ in range(2)]
        for session in shells:
            await run(watch, session, "echo be''fore", "^before")
        gone = await backend.open_shell("sshd", 90, 24, "exit 3")
        await watch.until(lambda: gone.state is SessionState.EXITED)
        port = free_port()
        specs = [
            parse_forward(Kind.LOCAL, f"0:127.0.0.1:{service}"),
            parse_forward(Kind.DYNAMIC, "0"),
            parse_forward(Kind.REMOTE, f"{port}:127.0.0.1:{service}"),
        ]
        tunnels = [backend.tunnels.add("sshd", spec) for spec in specs]
        opened = [await backend.tunnels.start(one) for one in tunnels]
        ports = [int(one.listen.rpartition(":")[2]) for one in opened]
        assert await exchange(ports[0], b"before") == b"before"
        job = backend.transfers.submit(CopyRequest("", (bytes(small),), "sshd", bytes(sshd.home)))
        await watch.until(lambda: backend.transfers.snapshot(job).bytes_done > SIZE // 4)

        await asyncio.to_thread(sshd.stop)
        await watch.state(ConnectionState.WAITING)
        await watch.until(lambda: backend.transfers.snapshot(job).state is TransferState.WAITING)
        waiting = backend.transfers.snapshot(job)
        assert waiting.bytes_done > 0
        assert {one.state for one in shells} == {SessionState.LOST}
        states = {backend.tunnels.snapshot(one).state for one in tunnels}
        assert states == {TunnelState.RECONNECTING}
        assert backend.live().waiting == 5
        early = asyncio.create_task(exchange(ports[0], b"came while it was gone"))
        done = {path.name: path.stat().st_mtime_ns for path in (sshd.home / "source").iterdir()}

        await asyncio.to_thread(sshd.start)
        await watch.until(lambda: watch.restored)
        for session in shells:
            await run(watch, session, "echo af''ter", "^after")
            text = shown(session)
            assert text.index("before") < text.index("── connection lost:") < text.index("after")
            assert re.search(r"── connection lost: .* · at \d\d:\d\d:\d\d · back after \d+ s", text)
        assert gone.state is SessionState.EXITED
        assert await early == b"came while it was gone"
        again = [backend.tunnels.snapshot(one) for one in tunnels]
        assert [int(one.listen.rpartition(":")[2]) for one in again] == ports
        assert {one.state for one in again} == {TunnelState.OPEN}
        assert await exchange(port, b"the other way") == b"the other way"
        assert again[0].clients_total >= 2
        end = await backend.transfers.wait(job)
        assert end.state is TransferState.DONE, end
        assert tree(sshd.home / "source") == tree(small)
        assert not unfinished(sshd.home)
        assert end.resumed == 1
        assert not end.restarted
        for name, mtime in done.items():
            if not name.startswith("."):
                assert (sshd.home / "source" / name).stat().st_mtime_ns == mtime
        assert (watch.restored[0].shells, watch.restored[0].tunnels) == (2, 3)
        assert len(watch.restored) == 1
        assert len(sshd.connections()) == 1
