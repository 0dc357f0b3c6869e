"""Forwards without a screen: what is made of news that come late."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sshdash.cli.forward_run import Policy, Run
from sshdash.cli.readiness import Readiness
from sshdash.errors import ForwardError
from sshdash.events import EventBus, TunnelChanged, TunnelRemoved
from sshdash.states import TunnelState
from sshdash.tunnels.snapshot import TunnelSnapshot
from tests.ui.tunnel_stage import OPEN


class Manager:
    """Tunnels that are gone before anybody hears of it."""

    def __init__(self, *tunnels: TunnelSnapshot) -> None:
        self.there = {one.id: one for one in tunnels}

    def snapshot(self, tunnel: str) -> TunnelSnapshot:
        return self.there[tunnel]

    def snapshots(self) -> list[TunnelSnapshot]:
        return list(self.there.values())

    def failure(self, tunnel: str) -> ForwardError | None:
        failed = self.there[tunnel].state is TunnelState.FAILED
        return ForwardError("it failed") if failed else None

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("last", "status"), [(TunnelState.CLOSED, 0), (TunnelState.FAILED, 1), (TunnelState.PAUSED, 0)]
)
async def test_a_tunnel_that_is_gone_when_its_last_change_is_heard_of_ends_nothing_badly(
    last: TunnelState, status: int
) -> None:
    events = EventBus()
    manager = Manager(*(replace(OPEN, id=one, state=last) for one in ("t1", "t2")))
    backend: Any = SimpleNamespace(tunnels=manager, connections=None, events=events)
    run = Run(backend, ["t1", "t2"], Policy(), Readiness([]))

    async def taken_over() -> None:
        for one in ("t1", "t2"):
            events.emit(TunnelChanged(one, TunnelState.OPENING, TunnelState.OPEN, ""))
            events.emit(TunnelChanged(one, TunnelState.OPEN, last, ""))
            del manager.there[one]
            events.emit(TunnelRemoved(one, OPEN.host, "-L 1:x:2"))

    async with asyncio.timeout(60):
        assert await run.until_over(taken_over()) == status
