"""The clients of one forward, with connections that only remember."""

import asyncio
import contextlib
from typing import Any

from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.forwards.clients import Clients
from sshdash.tunnels.forwards.options import ForwardOptions
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.forwards.remote import RemoteForwarder
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.spec import Kind, parse_forward
from tests.unit.test_tunnels_relay import Remembering


class Silent:
    """An observer that nobody hears."""

    def answered(self) -> None: ...

    def refused(self, reason: str, cause: Cause = Cause.OTHER) -> None: ...

    def strayed(self, reason: str) -> None: ...

    def troubled(self, reason: str) -> None: ...


def crowd(count: int, clients: Clients | None = None) -> tuple[Clients, list[Relay]]:
    clients = clients if clients is not None else Clients(Traffic(0.0), Silent())
    relays = [clients.enter() for _ in range(count)]
    for relay in relays:
        relay.socket.connection_made(Remembering())
        channel: Any = Remembering()
        relay.channel.transport = channel
    return clients, relays


async def test_others_get_their_turn_while_a_thousand_clients_are_reset() -> None:
    clients, relays = crowd(1000)
    others: list[int] = []

    def other() -> None:
        others.append(sum(relay.over for relay in relays))
        if others[-1] < len(relays):
            asyncio.get_running_loop().call_soon(other)

    clients.reset()
    other()
    await clients.all_reset()
    assert all(relay.over for relay in relays)
    steps = [after - before for before, after in zip([0, *others], others, strict=False)]
    assert max(steps) <= 50, "the loop was held"


async def test_a_forward_that_is_closed_has_no_clients_left() -> None:
    spec = parse_forward(Kind.REMOTE, "0:localhost:9")
    forward = RemoteForwarder(spec, None, Traffic(0.0), Silent(), ForwardOptions())
    _, relays = crowd(100, forward.clients)
    await forward.close()
    assert all(relay.over for relay in relays)


async def test_who_comes_while_clients_are_reset_is_none_of_them() -> None:
    clients, relays = crowd(100)
    clients.reset_carried()
    late = clients.enter()
    relays[-1].abort()  # it was cut meanwhile
    clients.reset_carried()
    await clients.all_reset()
    assert all(relay.over for relay in relays)
    assert not late.over


async def test_one_that_cannot_be_reset_keeps_no_other() -> None:
    clients, relays = crowd(100)
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))

    def broken() -> None:
        raise RuntimeError

    relays[40].abort = broken  # type: ignore[method-assign]
    with contextlib.suppress(RuntimeError):  # it may be among the first
        clients.reset()
    await clients.all_reset()
    assert sum(relay.over for relay in relays) == 99
    assert len(complaints) <= 1
