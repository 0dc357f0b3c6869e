"""Tunnels whose connection is lost, without a server: what ends the waiting, and what is kept."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from sshdash.errors import ConnectionLost, ForwardError
from sshdash.events import EventBus
from sshdash.states import TunnelState
from sshdash.tunnels.forwards.local import LocalForwarder
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.spec import Kind, parse_forward


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
