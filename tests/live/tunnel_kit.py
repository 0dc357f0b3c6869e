"""What tunnel tests share: a lease on a plain connection, targets, and small clients."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import asyncssh

from sshdash.connections.recovery.pulse import Pulse
from sshdash.connections.transport.transport import Transport, adopt
from sshdash.errors import ConnectionLost
from sshdash.events import Event, EventBus, TunnelChanged
from sshdash.states import TunnelState
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.spec import Kind, parse_forward
from tests.patience import PATIENCE
from tests.servers.loopback import LoopbackServer
from tests.servers.sshd import RealSshd

OTHER_ADDRESS = "127.0.0.2"
"""One of this machine that a port on 127.0.0.1 and ::1 is not reached at, and one on all is."""


class BareLease:
    """A lease on one plain connection, with the surface a tunnel uses."""

    def __init__(
        self,
        ssh: Transport,
        gateway_ports: bool = False,
        options: dict[str, str] | None = None,
    ) -> None:
        self.connection = self
        self.host = "sshd"
        self.ssh = ssh
        self.route = ("sshd",)
        self.chain = ()
        self.pulse = Pulse(ssh)
        self.released = 0
        options = options or {}
        self.resolved = SimpleNamespace(
            flag=lambda key: gateway_ports if key == "gatewayports" else options.get(key) == "yes",
            get=options.get,
            get_all=lambda key: tuple(options.get(key, "").split()),
        )

    async def wait_lost(self) -> str:
        await self.ssh.wait_closed()
        return "the server has gone"

    def loss(self) -> ConnectionLost:
        return ConnectionLost("Connection lost", "the server has gone")

    async def session(self, begin: Callable[[Transport], Awaitable[Any]]) -> Any:
        return await begin(self.ssh)

    def lease(self, purpose: str, host: str, resolved: Any) -> "BareLease":
        return self

    async def __aenter__(self) -> "BareLease":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def release(self) -> None:
        self.released += 1


async def dial(server: RealSshd | LoopbackServer) -> Transport:
    """Connect to a server without any configuration."""
    ssh = await asyncssh.connect(
        "127.0.0.1",
        server.port,
        username=server.user,
        client_keys=[str(server.identity)],
        known_hosts=None,
        config=None,
        agent_path=None,
        encryption_algs=["aes128-gcm@openssh.com"],
        rekey_bytes=1 << 34,  # nobody judges its host key a second time
    )
    return adopt(ssh)


class Tunnels:
    """A manager on one plain connection, and what it told."""

    def __init__(
        self,
        ssh: Transport,
        gateway_ports: bool = False,
        options: dict[str, str] | None = None,
    ) -> None:
        self.ssh = ssh
        self.lease = BareLease(ssh, gateway_ports, options)
        self.events = EventBus()
        self.changes: list[TunnelChanged] = []
        self._changed = asyncio.Event()
        self.events.subscribe(self._note)

        async def lease(host: str, purpose: str) -> BareLease:
            return self.lease

        self.manager = TunnelManager(lease, self.events)  # type: ignore[arg-type]

    def _note(self, event: Event) -> None:
        if isinstance(event, TunnelChanged):
            self.changes.append(event)
        self._changed.set()

    async def open(self, option: str, text: str) -> tuple[str, int]:
        """Open a forward that has to succeed; return its id and the port it listens on."""
        identifier = self.manager.add("sshd", parse_forward(Kind(option), text))
        snapshot = await self.manager.start(identifier)
        assert snapshot.state is TunnelState.OPEN, snapshot.error
        if snapshot.spec.listen_path:
            return identifier, 0
        return identifier, int(snapshot.listen.rpartition(":")[2])

    async def until(self, identifier: str, state: TunnelState) -> None:
        """Wait for a tunnel's state."""
        async with asyncio.timeout(PATIENCE):
            while self.manager.snapshot(identifier).state is not state:
                self._changed.clear()
                await self._changed.wait()

    @property
    def channels(self) -> int:
        """Return how many channels the SSH library still knows of."""
        return len(self.ssh._channels)


@contextlib.asynccontextmanager
async def tunnels_on(
    server: RealSshd | LoopbackServer, gateway_ports: bool = False, **options: str
) -> AsyncIterator[Tunnels]:
    """Give a tunnel manager on a fresh connection; `options` are of ssh_config."""
    ssh = await dial(server)
    kit = Tunnels(ssh, gateway_ports, options)
    try:
        yield kit
    finally:
        await kit.manager.close()
        kit.lease.pulse.stop()
        ssh.close()
        await ssh.wait_closed()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def target(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Run a server for as long as needed; give its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        # asyncio (3.11) never closes a client whose server is closed in the turn after its accept.
        for sock in server.sockets:
            asyncio.get_running_loop().remove_reader(sock.fileno())
        await asyncio.sleep(0)
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tuple(tasks))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, then close."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def exchange(port: int, data: bytes, host: str = "127.0.0.1") -> bytes:
    """Send `data` and an end of file; return all that comes back."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(PATIENCE):
            receiving = asyncio.ensure_future(reader.read(-1))
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            return await receiving
    finally:
        writer.close()


async def until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait for something that tells nobody when it happens."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what} never came true") from None


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a client's socket with a reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def free_to_use(port: int) -> bool:
    """Return whether somebody else can listen on a port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


@contextlib.contextmanager
def unreachable() -> Iterator[int]:
    """Give a port whose connections are neither taken nor refused: its queue is full."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = server.getsockname()[1]
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", port))
        yield port
