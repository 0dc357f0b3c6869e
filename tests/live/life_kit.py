"""What tests of tunnels' lives share: hosts in a row, and tunnels that are waited for."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.errors import SSHDashError
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Meanwhile, Rule
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from tests.live.outage_kit import Watch
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


class Lives:
    """A backend, and its tunnels by what they are to do."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.manager = backend.tunnels
        self.watch = Watch(backend)

    def add(self, option: str, text: str, host: str = "sshd", rule: Rule | None = None) -> str:
        """Put a forward on the list."""
        return self.manager.add(host, parse_forward(Kind(option), text), rule=rule)

    async def start(
        self, option: str, text: str, host: str = "sshd", rule: Rule | None = None
    ) -> TunnelSnapshot:
        """Open a forward, whatever comes of it."""
        return await self.manager.start(self.add(option, text, host, rule))

    async def open(
        self, option: str, text: str, host: str = "sshd", rule: Rule | None = None
    ) -> tuple[str, int]:
        """Open a forward that has to succeed; return its id and port."""
        snapshot = await self.start(option, text, host, rule)
        assert snapshot.state is TunnelState.OPEN, snapshot.error
        return snapshot.id, int(snapshot.listen.rpartition(":")[2])

    async def reach(self, state: TunnelState, *tunnels: str) -> None:
        """Wait until all these are in a state."""
        await self.watch.until(
            lambda: all(self.manager.snapshot(one).state is state for one in tunnels)
        )


@contextlib.asynccontextmanager
async def lives_of(config_file: Path, **settings: object) -> AsyncIterator[Lives]:
    """Run a backend that knows the hosts of a configuration."""
    source = ConfigSource.standard(str(config_file))
    chosen = Settings(**settings)  # type: ignore[arg-type]
    async with Backend(chosen, RefusingPrompter(), source) as backend:
        await backend.load(terminals=False)
        yield Lives(backend)


class Row:
    """Two servers: ``bastion``, and ``far`` behind it."""

    def __init__(self, bastion: RealSshd, far: RealSshd) -> None:
        self.bastion, self.far = bastion, far
        texts = []
        for name, server in (("bastion", bastion), ("far", far)):
            text = server.config_file.read_text().partition("\n\n")[2]
            texts.append(text.replace("Host sshd inner", f"Host {name}"))
        self.config_file = bastion.folder / "row"
        self.config_file.write_text(f"Host far\n    ProxyJump bastion\n{''.join(texts)}")
        self.config_file.chmod(0o600)


@contextlib.asynccontextmanager
async def row() -> AsyncIterator[Row]:
    """Run two servers in a row."""
    async with RealSshd() as bastion, RealSshd() as far:
        yield Row(bastion, far)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def ping(stream: Stream, data: bytes = b"ping") -> None:
    """Send something to a target that echoes, and see it come back."""
    reader, writer = stream
    writer.write(data)
    async with asyncio.timeout(PATIENCE):
        assert await reader.readexactly(len(data)) == data


async def client(port: int) -> Stream:
    """Connect and see that the echo is there."""
    stream = await asyncio.open_connection("127.0.0.1", port)
    await ping(stream)
    return stream


async def is_cut(stream: Stream) -> bool:
    """Wait for a client's end."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await stream[0].read(1) == b""
        except ConnectionError:
            return True
        finally:
            stream[1].close()


async def turned_away(port: int, host: str = "127.0.0.1") -> bool:
    """Connect, say something, and return whether nothing comes of it."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return True
    try:
        writer.write(b"anybody?")
        async with asyncio.timeout(PATIENCE):
            return await reader.read(100) == b""
    except OSError:
        return True
    finally:
        writer.close()


def text_for(option: str, port: int) -> str:
    """Return a forward to a port, on a free one here or there."""
    return f"{free_port()}:127.0.0.1:{port}"


_REFUSING = Rule("refusing", "sshd", (), meanwhile=Meanwhile.REFUSE, group="one")
_WAITING = Rule("waiting", "sshd", (), group="one")
_THINGS = ("start", "start", "stop", "drain", "pause", "let go", "resume", "lead", "rule", "fault")


async def ask_anything(
    manager: TunnelManager, tunnel: str, dice: random.Random, fault: Callable[[], object]
) -> None:
    """Ask for one thing, or have a `fault`; what cannot be had is no defect."""
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "start": lambda: manager.start(tunnel),
        "stop": lambda: manager.stop(tunnel),
        "drain": lambda: manager.stop(tunnel, drain=0.01),
        "pause": lambda: manager.pause(tunnel),
        "let go": lambda: manager.pause(tunnel, hold=False),
        "resume": lambda: manager.resume(tunnel),
        "lead": lambda: manager.repoint(tunnel, _somewhere(manager.snapshot(tunnel).kind, dice)),
    }
    what = dice.choice(_THINGS)
    if what == "rule":
        manager.change_rule(tunnel, dice.choice((_REFUSING, _WAITING, None)))
    elif what == "fault":
        fault()
    else:
        with contextlib.suppress(SSHDashError):
            await asked[what]()


def _somewhere(kind: Kind, dice: random.Random) -> ForwardSpec:
    listen = f"{dice.choice(('', '127.0.0.1:', '*:'))}{dice.choice((0, free_port()))}"
    target = "" if kind is Kind.DYNAMIC else f":localhost:{dice.randint(1, 9)}"
    return parse_forward(kind, listen + target)
