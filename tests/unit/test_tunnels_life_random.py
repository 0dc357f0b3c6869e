"""Anything asked of a tunnel at any moment: it ends as it was asked last, and gives all back."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pytest

from sshdash.errors import ConnectionLost, UnreachableError
from sshdash.events import Event, EventBus, TunnelChanged
from sshdash.states import TunnelState
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.life_kit import ask_anything
from tests.patience import PATIENCE
from tests.servers.ports import free_port


class World:
    """A host that is up or out, and who holds what of it."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.is_up = True
        self._changed = asyncio.Event()
        self._lost = asyncio.get_running_loop().create_future()

    def turn(self) -> None:
        """Lose the connection, or have it back."""
        self.is_up = not self.is_up
        if not self.is_up:
            self._lost.set_result("gone")
            self._lost = asyncio.get_running_loop().create_future()
        self._changed.set()
        self._changed = asyncio.Event()

    async def lease(self, host: str, purpose: str) -> Any:
        await asyncio.sleep(0)
        if not self.is_up:
            raise UnreachableError("Connection refused")
        lost = self._lost
        connection = SimpleNamespace(
            route=(host,),
            ssh=SimpleNamespace(trunk=None, is_closed=lost.done),
            wait_lost=lambda: asyncio.shield(lost),
            loss=lambda: ConnectionLost("Connection lost", "gone"),
            chain=(),
        )
        self.held.append("lease")
        resolved = SimpleNamespace(
            flag=lambda key: False, get=lambda key: "", get_all=lambda key: ()
        )
        return SimpleNamespace(
            connection=connection,
            resolved=resolved,
            release=lambda: self.held.remove("lease"),
        )

    def interest(self, host: str, purpose: str) -> Any:
        self.held.append("interest")
        return SimpleNamespace(release=lambda: self.held.remove("interest"))

    def status(self, host: str) -> None:
        return None

    def is_expected(self, host: str) -> bool:
        return True

    def retry_in(self, host: str) -> float | None:
        return None if self.is_up else 1.0

    async def back(self, host: str, given_up: object = None) -> None:
        while not self.is_up:
            await self._changed.wait()


async def _many(
    manager: TunnelManager, world: World, tunnels: list[str], dice: random.Random
) -> list["asyncio.Task[None]"]:
    """Ask for forty things without waiting for them; return what is under way."""
    asked = []
    for _ in range(40):
        asking = ask_anything(manager, dice.choice(tunnels), dice, world.turn)
        asked.append(asyncio.create_task(asking))
        for _ in range(dice.choice((0, 0, 1, 2, 5))):
            await asyncio.sleep(0)
        if dice.random() < 0.1:
            dice.choice(asked).cancel()
        for one in tunnels:
            snapshot = manager.snapshot(one)
            assert not snapshot.holds_port or snapshot.state is TunnelState.PAUSED
            assert (snapshot.state is TunnelState.FAILED) is (manager.failure(one) is not None)
    return asked


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_is_asked_in_whatever_order(seed: int) -> None:
    dice = random.Random(seed)
    world = World()
    events = EventBus()
    moves: list[TunnelChanged] = []
    told = asyncio.Event()

    def note(event: Event) -> None:
        if isinstance(event, TunnelChanged):
            moves.append(event)
            told.set()

    events.subscribe(note)
    manager = TunnelManager(world.lease, events, outages=world)  # type: ignore[arg-type]
    tunnels = [
        manager.add("far", parse_forward(Kind.LOCAL, f"{free_port()}:localhost:{number}"))
        for number in (91, 92)
    ]
    asked = await _many(manager, world, tunnels, dice)
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert [one for one in found if isinstance(one, Exception)] == []
    if not world.is_up:
        world.turn()
    for one in tunnels:
        manager.change_rule(one, None)
        await manager.start(one)
    async with asyncio.timeout(PATIENCE):
        while {manager.snapshot(one).state for one in tunnels} != {TunnelState.OPEN}:
            told.clear()
            await told.wait()
    assert sorted(world.held) == ["interest", "interest", "lease", "lease"]
    states = dict.fromkeys(tunnels, TunnelState.CLOSED)
    for move in moves:
        assert move.old is states[move.tunnel], "every move is told, and in order"
        states[move.tunnel] = move.new
    await manager.close()
    assert world.held == []
    assert {manager.snapshot(one).state for one in tunnels} == {TunnelState.CLOSED}
