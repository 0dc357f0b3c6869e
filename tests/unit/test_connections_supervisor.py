"""What the supervisor decides, walked at random: no server, no clock, only decisions."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sshdash.config.destination import parse_destination
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.recovery.interest import Interest
from sshdash.connections.recovery.supervisor import Supervisor
from sshdash.connections.registry import Registry
from sshdash.connections.route import RoutePlanner
from sshdash.connections.shared import SharedConnection
from sshdash.errors import AuthenticationError, SSHDashError, UnreachableError
from sshdash.events import EventBus
from sshdash.states import ConnectionState, Step, allows

IDLE = ConnectionState.IDLE
CONNECTING = ConnectionState.CONNECTING
CONNECTED = ConnectionState.CONNECTED
FAILED = ConnectionState.FAILED
LOST = ConnectionState.LOST
WAITING = ConnectionState.WAITING


@dataclass
class World:
    """Hosts ``a``; ``b`` and ``c`` behind it; ``d`` behind ``b``. Attempts go as they are told."""

    dice: random.Random
    registry: Registry = field(init=False)
    supervisor: Supervisor = field(init=False)
    hosts: dict[str, SharedConnection] = field(default_factory=dict)
    interests: list[Interest] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry = Registry(EventBus())
        self.supervisor = Supervisor(self.registry, self._dial, self._cancel)
        source = ConfigSource(None, None)
        planner = RoutePlanner(Resolver(source))
        for name, hop in (("a", ""), ("b", "a"), ("c", "a"), ("d", "b")):
            shared = self.registry.bind(name, planner.plan(parse_destination(name)))
            shared.hop = self.hosts.get(hop)
            self.hosts[name] = shared

    def _dial(self, shared: SharedConnection) -> None:
        self.dialled.append(shared.host)
        self.begin(shared, automatic=True)

    def _cancel(self, shared: SharedConnection) -> None:
        self.end(shared, cancelled=True)

    # -- what the world does

    def begin(self, shared: SharedConnection, automatic: bool = False) -> None:
        """Begin an attempt, at the hops before as well, as `Attempts` does."""
        if shared.is_live:
            return
        if shared.hop is not None:
            self.begin(shared.hop)
        shared.automatic = automatic
        self.supervisor.started(shared)
        shared.move(Step.START)
        shared.attempt = asyncio.get_running_loop().create_future()  # type: ignore[assignment]

    def end(
        self,
        shared: SharedConnection,
        error: SSHDashError | None = None,
        cancelled: bool = False,
    ) -> None:
        """End an attempt; one whose hop is not up cannot succeed."""
        if shared.attempt is None:
            return
        hop = shared.hop
        if hop is not None and hop.attempt is not None and not cancelled:
            return
        shared.attempt = None
        if cancelled:
            shared.move(Step.CANCEL)
            self.supervisor.cancelled(shared)
        elif error is None and (hop is None or hop.state is CONNECTED):
            shared.move(Step.READY)
            self.supervisor.up(shared)
        else:
            error = error or UnreachableError("via")
            shared.move(Step.FAIL, error.title)
            self.supervisor.failed(shared, error)

    def lose(self, shared: SharedConnection) -> None:
        """Lose a connection, and then those behind it."""
        if shared.state is not CONNECTED:
            return
        shared.move(Step.LOSE, "gone")
        self.supervisor.lost(shared, self.dice.choice([1.0, 10.0, 100.0]))
        for other in self.hosts.values():
            if other.hop is shared:
                self.lose(other)

    def disconnect(self, shared: SharedConnection) -> None:
        """End it as a person."""
        self.supervisor.stopped(shared)
        if shared.attempt is not None:
            self.end(shared, cancelled=True)
        elif shared.state is CONNECTED:
            shared.move(Step.STOP)
            for other in self.hosts.values():
                if other.hop is shared:
                    self.lose(other)
        elif allows(shared.state, Step.STOP):
            shared.move(Step.STOP)

    def step(self) -> str:
        """Do one thing at random and say what."""
        shared = self.dice.choice(list(self.hosts.values()))
        deeds: dict[str, tuple[int, Callable[[SharedConnection], object]]] = {
            "lease": (3, self.begin),
            "up": (9, self.end),
            "refused": (3, lambda one: self.end(one, UnreachableError("Connection refused"))),
            "denied": (2, lambda one: self.end(one, AuthenticationError("Permission denied"))),
            "lose": (6, self.lose),
            "disconnect": (1, self.disconnect),
            "interest": (6, self.want),
            "release": (3, self.release),
            "due": (6, self.due),
            "hurry": (2, lambda _: self.supervisor.hurry()),
        }
        weights = [weight for weight, _ in deeds.values()]
        what = self.dice.choices(list(deeds), weights)[0]
        deeds[what][1](shared)
        states = ", ".join(f"{name} {one.state.value}" for name, one in self.hosts.items())
        return f"{what} {shared.host}: {states}"

    def want(self, shared: SharedConnection) -> None:
        """Have somebody take an interest."""
        self.interests.append(self.supervisor.interest(shared.host, "shell"))

    def release(self, _: SharedConnection) -> None:
        """Have somebody lose interest."""
        if self.interests:
            self.interests.pop(self.dice.randrange(len(self.interests))).release()

    def due(self, shared: SharedConnection) -> None:
        """Let the time of an attempt come."""
        if shared.outage.timer is not None:
            self.supervisor._due(shared)

    # -- what must be so

    def check(self) -> None:
        """Assert what holds between any two things that happen."""
        for shared in self.hosts.values():
            outage = shared.outage
            waits = outage.timer is not None or outage.hop is not None
            if shared.state is WAITING:
                assert waits, "it waits for nothing"
                assert self.supervisor.is_wanted(shared), "nobody wants it"
                assert not outage.gives_up
                assert shared.hop is None or not shared.hop.stopped, "its hop was disconnected"
            if outage.timer is not None:
                assert shared.state is WAITING
                assert outage.retry_at is not None
            if outage.hop is not None:
                assert outage.timer is None, "it has two plans"
                assert shared in outage.hop.followers
                assert outage.hop.state is not CONNECTED
                if shared.state is WAITING:
                    assert outage.hop.state in (WAITING, CONNECTING), outage.hop
            for follower in shared.followers:
                assert follower.outage.hop is shared
            if shared.state in (LOST, FAILED) and self.supervisor.is_wanted(shared):
                assert outage.gives_up, "it is wanted and nobody does anything"

    def close(self) -> None:
        """Cancel what is left."""
        for shared in self.hosts.values():
            shared.outage.cancel()


@pytest.mark.parametrize("seed", range(60))
async def test_no_connection_is_forgotten_and_none_has_two_plans(seed: int) -> None:
    world = World(random.Random(seed))
    done: list[str] = []
    try:
        for _ in range(600):
            done.append(world.step())
            try:
                world.check()
            except AssertionError as error:
                error.add_note("\n".join(done[-12:]))
                raise
    finally:
        world.close()


async def test_what_is_wanted_comes_back_once_the_world_is_well() -> None:
    for seed in range(40):
        world = World(random.Random(seed))
        for _ in range(200):
            world.step()
        for name in "abcd":
            world.disconnect(world.hosts[name])
        for name in "abcd":
            world.supervisor.interest(name, "shell")
            world.begin(world.hosts[name])
            world.end(world.hosts[name])
        world.lose(world.hosts["a"])
        world.dialled.clear()
        for _ in range(8):
            for shared in world.hosts.values():
                world.due(shared)
                world.end(shared)
        assert [shared.state for shared in world.hosts.values()] == [CONNECTED] * 4
        assert sorted(world.dialled) == ["a", "b", "c", "d"]
        world.close()


async def test_who_waits_for_a_jump_host_that_became_another_one_is_dialled_all_the_same() -> None:
    world = World(random.Random(0))
    held = [world.supervisor.interest(name, "shell") for name in "ab"]
    for name in "ab":
        world.begin(world.hosts[name])
        world.end(world.hosts[name])
    world.lose(world.hosts["a"])
    assert world.hosts["b"].outage.hop is world.hosts["a"]
    planner = RoutePlanner(Resolver(ConfigSource(None, None)))
    world.registry.bind("a", planner.plan(parse_destination("elsewhere")))
    assert world.hosts["a"].state is IDLE
    assert world.hosts["b"].state is WAITING
    assert world.hosts["b"].outage.timer is not None
    assert held
    world.close()
