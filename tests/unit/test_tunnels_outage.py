"""Tunnels whose connection is lost, without a server: what ends the waiting, and what is kept."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sshdash.errors import ConnectError, ConnectionLost, ForwardError
from sshdash.events import EventBus
from sshdash.states import TunnelState
from sshdash.tunnels.forwards.local import LocalForwarder
from sshdash.tunnels.kept.rule import Meanwhile, Rule
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.spec import Kind, parse_forward
from tests.patience import PATIENCE


class World:
    """One host that is always up again at once, and who holds what of it."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.untrusted = False
        self.leases = 0
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def lease(self, host: str, purpose: str) -> Any:
        self.leases += 1
        if self.leases > 100:
            raise RuntimeError("leased over and over")
        if self.untrusted:
            raise ForwardError("No tunnels over a server that is not trusted")
        lost = self.lost
        connection = SimpleNamespace(
            route=(host,),
            ssh=SimpleNamespace(trunk=None),
            wait_lost=lambda: asyncio.shield(lost),
            loss=lambda: ConnectionLost("Connection lost", lost.result()),
            chain=(),
        )
        self.held.append("lease")
        resolved = SimpleNamespace(
            flag=lambda key: False, get=lambda key: None, get_all=lambda key: ()
        )
        return SimpleNamespace(
            connection=connection, resolved=resolved, release=lambda: self.held.remove("lease")
        )

    def interest(self, host: str, purpose: str) -> Any:
        self.held.append("interest")
        return SimpleNamespace(release=lambda: self.held.remove("interest"))

    def is_expected(self, host: str) -> bool:
        return True

    def status(self, host: str) -> None:
        return None

    def retry_in(self, host: str) -> float | None:
        return None

    async def back(self, host: str, given_up: object = None) -> None:
        """Return at once."""


def opened(world: World) -> tuple[TunnelManager, str]:
    """Return a manager with one tunnel that is closed."""
    manager = TunnelManager(world.lease, EventBus(), outages=world)  # type: ignore[arg-type]
    return manager, manager.add("far", parse_forward(Kind.LOCAL, "0:localhost:9"))


async def test_a_host_that_is_not_trusted_any_more_ends_its_tunnels() -> None:
    world = World()
    manager, tunnel = opened(world)
    await manager.start(tunnel)
    world.untrusted = True
    world.lost.set_result("gone")
    for _ in range(50):
        await asyncio.sleep(0)
    assert manager.snapshot(tunnel).state is TunnelState.FAILED
    assert "not trusted" in manager.snapshot(tunnel).error
    assert world.held == []
    await manager.close()


async def test_what_was_added_again_is_not_forgotten_as_the_former_one_goes() -> None:
    manager, tunnel = opened(World())
    spec = manager.snapshot(tunnel).spec
    await manager.start(tunnel)
    removing = asyncio.ensure_future(manager.remove(tunnel))
    await asyncio.sleep(0)
    again = manager.add("far", spec)
    await manager.remove(tunnel)
    await removing
    assert again != tunnel
    assert manager.add("far", spec) == again
    await manager.close()


class Out(World):
    """A host that is out until it is let back."""

    def __init__(self) -> None:
        super().__init__()
        self.is_back = asyncio.Event()

    async def lease(self, host: str, purpose: str) -> Any:
        if not self.is_back.is_set():
            raise ConnectError("No route to host")
        return await super().lease(host, purpose)

    def retry_in(self, host: str) -> float | None:
        return None if self.is_back.is_set() else 3.0

    async def back(self, host: str, given_up: object = None) -> None:
        await self.is_back.wait()

    def manager(self, *, gateway_ports: bool = False) -> TunnelManager:
        resolved = SimpleNamespace(
            flag=lambda key: gateway_ports and key == "gatewayports",
            get=lambda key: None,
            get_all=lambda key: (),
        )
        world: Any = self
        return TunnelManager(
            world.lease, EventBus(), outages=world, look_up=cast(Any, lambda _: resolved)
        )


@pytest.mark.parametrize("text", ["0:localhost:9", "127.0.0.1:0:localhost:9"])
async def test_clients_wait_from_the_start_where_the_host_is_out(text: str) -> None:
    world = Out()
    manager = world.manager()
    tunnel = manager.add("far", parse_forward(Kind.LOCAL, text))
    waiting = await manager.start(tunnel)
    assert waiting.state is TunnelState.RECONNECTING
    port = int(waiting.listen.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        while not manager.snapshot(tunnel).clients:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    world.is_back.set()
    async with asyncio.timeout(PATIENCE):
        while manager.snapshot(tunnel).state is not TunnelState.OPEN:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert manager.snapshot(tunnel).listen == waiting.listen
    await manager.stop(tunnel)
    assert world.held == []
    writer.close()
    await manager.close()


@pytest.mark.parametrize(
    ("kind", "text", "meanwhile", "gateway_ports"),
    [
        (Kind.LOCAL, "0:localhost:9", Meanwhile.REFUSE, False),
        (Kind.LOCAL, "0:localhost:9", Meanwhile.WAIT, True),
        (Kind.REMOTE, "0:localhost:9", Meanwhile.WAIT, False),
    ],
)
async def test_where_clients_cannot_wait_the_port_waits_for_the_connection(
    kind: Kind, text: str, meanwhile: Meanwhile, gateway_ports: bool
) -> None:
    world = Out()
    manager = world.manager(gateway_ports=gateway_ports)
    spec = parse_forward(kind, text)
    rule = Rule("r", "far", (spec,), meanwhile=meanwhile)
    tunnel = manager.add("far", spec, "saved", rule)
    waiting = await manager.start(tunnel)
    assert waiting.state is TunnelState.RECONNECTING
    assert waiting.listen.endswith(":0"), "nothing listens yet"
    await manager.close()
    assert world.held == []


async def test_a_port_that_is_taken_is_told_before_the_host_is_back() -> None:
    world = Out()
    manager = world.manager()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tunnel = manager.add("far", parse_forward(Kind.LOCAL, f"127.0.0.1:{port}:localhost:9"))
    failed = await manager.start(tunnel)
    assert failed.state is TunnelState.FAILED
    assert "in use" in failed.error
    assert world.held == []
    server.close()
    await manager.close()


async def test_stopping_a_tunnel_twice_gives_everything_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closing = asyncio.Event()

    async def slow_close(self: LocalForwarder) -> None:
        self._listener.close()
        closing.set()
        await asyncio.sleep(5)

    world = World()
    manager, tunnel = opened(world)
    await manager.start(tunnel)
    assert sorted(world.held) == ["interest", "lease"]
    monkeypatch.setattr(LocalForwarder, "close", slow_close)
    first = asyncio.create_task(manager.stop(tunnel))
    await closing.wait()
    await manager.stop(tunnel)
    await first
    assert world.held == []
