"""Leaving with open tunnels: they end, or go on without the screen."""

from collections.abc import Iterable
from typing import Any

from sshdash.tunnels.owners.handover import HandOver, Kept
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.leave import LeaveDialog
from sshdash.ui.widgets.tunnels_tab import TunnelsTab
from tests.ui.conftest import Cockpit, Start
from tests.ui.tunnel_stage import OPEN, fleet


async def asked(c: Cockpit, kept: tuple[Kept, ...] = ()) -> list[list[str]]:
    """Ask to leave with an open tunnel; return what is handed over as it is."""
    handed: list[list[str]] = []
    backend: Any = c.backend

    async def hand_over(tunnels: Iterable[str]) -> HandOver:
        handed.append(list(tunnels))
        return HandOver(kept=kept)

    backend.hand_over = hand_over
    backend.fake_tunnels.listed = [OPEN, fleet()[-1]]
    await c.press("q")
    await c.until(lambda: isinstance(c.app.screen, LeaveDialog))
    await c.until(lambda: "1 tunnel can go on without the screen" in c.drawn)
    return handed


async def test_tunnels_go_on_without_the_screen(cockpit: Start) -> None:
    async with cockpit() as c:
        handed = await asked(c)
        await c.press("k")
        await c.until(lambda: c.app._exit)
        assert handed == [["t1"]]


async def test_the_tunnels_tab_is_left_like_the_hosts(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.fake_tunnels.listed = [OPEN]
        await c.press("t")
        await c.until(lambda: isinstance(c.current, TunnelsTab))
        await c.until(lambda: c.current.table.listing.rows.has_focus)
        await c.press("q")
        await c.until(lambda: isinstance(c.app.screen, LeaveDialog))
        await c.press("y")
        await c.until(lambda: c.app._exit)


async def test_tunnels_end_with_the_screen(cockpit: Start) -> None:
    async with cockpit() as c:
        handed = await asked(c)
        await c.press("enter")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert not c.app._exit
        await c.press("q")
        await c.until(lambda: isinstance(c.app.screen, LeaveDialog))
        await c.press("y")
        await c.until(lambda: c.app._exit)
        assert not handed


async def test_one_that_cannot_go_on_is_told_before_it_ends(cockpit: Start) -> None:
    async with cockpit() as c:
        await asked(c, (Kept("t1", "db-1 asks for a password"),))
        await c.press("k")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "db-1 asks for a password" in c.drawn)
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert not c.app._exit
