"""What tests of outages share: what a backend tells, what a shell shows, what is copied."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from sshdash.backend import Backend
from sshdash.events import Event, HostRestored
from sshdash.states import ConnectionState, TunnelState
from sshdash.terminal.session import ShellSession
from sshdash.tunnels.spec import Kind, parse_forward
from tests.patience import PATIENCE
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

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


def furnish(folder: Path) -> Path:
    """Make a folder with a large file and small ones."""
    folder.mkdir()
    block = bytes(range(256)) * 4096
    (folder / "large.bin").write_bytes(b"".join(b"%08d" % i + block for i in range(SIZE >> 20)))
    for number in range(20):
        (folder / f"small-{number}").write_bytes(b"%d" % number * 1000)
    return folder


def through(sshd: RealSshd, proxy: Proxy, folder: Path) -> Path:
    """Write a client's configuration that reaches the server through the proxy."""
    text = sshd.config_file.read_text().replace(f"Port {sshd.port}", f"Port {proxy.port}")
    text = text.replace("Host sshd inner\n", "Host sshd inner\n    HostKeyAlias the-server\n")
    known = folder / "known_hosts"
    known.write_text(
        "".join(
            f"the-server {line.split(maxsplit=1)[1]}\n"
            for line in sshd.known_hosts.read_text().splitlines()
        )
    )
    text = re.sub(r"UserKnownHostsFile .*", f"UserKnownHostsFile {known}", text)
    file = folder / "config"
    file.write_text(text)
    file.chmod(0o600)
    return file


async def listening(backend: Backend, host: str, forward: str) -> int:
    """Open a local forward and return its port."""
    tunnel = backend.tunnels.add(host, parse_forward(Kind.LOCAL, forward))
    snapshot = await backend.tunnels.start(tunnel)
    assert snapshot.state is TunnelState.OPEN, snapshot.error
    return int(snapshot.listen.rpartition(":")[2])
