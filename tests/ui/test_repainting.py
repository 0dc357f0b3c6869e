"""What a person sees once something has gone from the screen."""

import asyncio
from typing import Any

import pytest
from textual._compositor import CompositorUpdate
from textual.screen import Screen
from textual.widgets._toast import Toast

from sshdash.terminal.emulator import Emulator
from sshdash.ui.app import SSHDashApp
from tests.ui.conftest import Start

COLUMNS, ROWS = 80, 24


class Onlooker:
    """Sees what is sent to the terminal, and nothing else."""

    def __init__(self, app: SSHDashApp) -> None:
        self._app = app
        self._emulator = Emulator(COLUMNS, ROWS)

    def display(self, _screen: "Screen[Any]", update: object) -> None:
        """Draw an update as a terminal would."""
        if isinstance(update, CompositorUpdate):
            self._emulator.feed(update.render_segments(self._app.console).encode())

    @property
    def sees(self) -> str:
        """Return what is on the screen now."""
        return "\n".join(self._emulator.screen_text())


async def test_notices_that_went_leave_nothing_behind(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cockpit(size=(COLUMNS, ROWS)) as c:
        onlooker = Onlooker(c.app)
        monkeypatch.setattr(c.app, "_display", onlooker.display)
        tab = await c.shell("web-1")
        for tenths in (2, 3, 4):
            c.app.notify("all is well", timeout=tenths / 10)
        came = False
        while not came or list(c.app.screen.query(Toast)):
            # A list that scrolls makes the places new; rows of a terminal ask for them.
            c.app.screen._compositor._full_map_invalidated = True
            assert tab.view.region
            came = came or "all is well" in onlooker.sees
            await asyncio.sleep(0)
        await c.pilot.pause()
        assert "all is well" not in onlooker.sees
