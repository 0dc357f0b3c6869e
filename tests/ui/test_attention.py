"""Flags of tabs that are out of sight, and what is told of long commands."""

from typing import Any

import pytest

from sshdash.states import SessionState
from tests.ui.conftest import Cockpit, Start


async def two(c: Cockpit) -> tuple[Any, Any]:
    """Open two shells, the second of which is in sight."""
    hidden, shown = await c.shell("web-1"), await c.shell("db-1")
    c.app.workspace.attention.look()
    return hidden, shown


async def test_output_bell_and_exit_out_of_sight(cockpit: Start) -> None:
    async with cockpit() as c:
        hidden, shown = await two(c)
        shown.session.activity.output(b"x")
        shown.session.bells += 1
        hidden.session.activity.output(b"x")
        await c.until(lambda: hidden.tab_flag == "#")
        assert not shown.tab_flag
        await c.until(lambda: "web-1 #" in c.drawn)
        hidden.session.bells += 1
        await c.until(lambda: hidden.tab_flag == "!")
        hidden.session.exit_text = "exit 3"
        c.backend.move(hidden.session.id, SessionState.EXITED)
        await c.until(lambda: hidden.tab_flag == "exit 3")
        await c.press("ctrl+g", "1")
        await c.until(lambda: not hidden.tab_flag)
        await c.press("ctrl+g", "2")
        c.app.workspace.attention.look()
        assert not hidden.tab_flag, "what was seen is not marked again"


def finish(tab: Any, seconds: float) -> None:
    """Let a command of a tab take so long, by the clock of its session."""
    activity = tab.session.activity
    began = activity._clock()
    activity.output(b"\x1b]133;C\x07")
    activity._began = began - seconds
    activity.output(b"\x1b]133;D;1\x07")


async def test_a_long_command_is_told_of(cockpit: Start) -> None:
    async with cockpit() as c:
        hidden, shown = await two(c)
        finish(shown, 60)
        finish(hidden, 5)
        c.app.workspace.attention.look()
        assert not c.told, "one was before one's eyes, the other was short"
        finish(hidden, 65)
        await c.until(lambda: any("after 1 min 05 s, exit 1" in one for one in c.told))
        assert hidden.tab_flag == "~"
        assert len(c.told) == 1


async def test_what_ends_while_sshdash_is_not_looked_at(cockpit: Start) -> None:
    async with cockpit() as c:
        _, shown = await two(c)
        c.app.app_focus = False
        finish(shown, 65)
        await c.until(lambda: c.told)
        assert not shown.tab_flag


@pytest.mark.parametrize(
    ("notify", "sent"), [("off", ""), ("osc9", "\x1b]9;sshdash: web-1: a command has ended")]
)
async def test_the_terminal_is_told_by_choice(
    cockpit: Start, notify: str, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cockpit(notify=notify) as c:
        hidden, _ = await two(c)
        written: list[str] = []
        assert c.app._driver is not None
        monkeypatch.setattr(c.app._driver, "write", written.append)
        finish(hidden, 65)
        await c.until(lambda: c.told)
        assert ("\x1b]9;" in "".join(written)) is bool(sent)
        assert sent in "".join(written)


def let_pass(tab: Any, seconds: float) -> None:
    """Let so much time go by on the clock of a tab's session."""
    activity = tab.session.activity
    before = activity._clock
    activity._clock = lambda: before() + seconds


async def test_silence_is_told_where_it_is_waited_for(cockpit: Start) -> None:
    async with cockpit(silence_after=20) as c:
        hidden, shown = await two(c)
        await c.press("ctrl+g", "1", "ctrl+g", "M")
        await c.until(lambda: "[silence]" in c.drawn)
        await c.press("ctrl+g", "2")
        await c.until(lambda: c.current is shown)
        told = len(c.told)
        hidden.session.activity.output(b"x")
        let_pass(hidden, 19)
        c.app.workspace.attention.look()
        assert hidden.tab_flag == "#"
        assert len(c.told) == told
        let_pass(shown, 100)
        let_pass(hidden, 1)
        await c.until(lambda: len(c.told) == told + 1)
        assert "for 20 seconds" in c.told[-1]
        assert hidden.tab_flag == "~"
        c.app.workspace.attention.look()
        assert len(c.told) == told + 1, "once for every silence"
        hidden.session.activity.output(b"x")
        let_pass(hidden, 21)
        await c.until(lambda: len(c.told) == told + 2)
        await c.press("ctrl+g", "1", "ctrl+g", "M")
        await c.until(lambda: any("not told any more" in one for one in c.told))
        await c.until(lambda: "[silence]" not in c.drawn)


async def test_silence_before_ones_eyes_is_not_told(cockpit: Start) -> None:
    async with cockpit() as c:
        _, shown = await two(c)
        await c.press("ctrl+g", "M")
        await c.until(lambda: c.told)
        let_pass(shown, 100)
        c.app.workspace.attention.look()
        c.app.app_focus = False
        c.app.workspace.attention.look()
        assert len(c.told) == 1
        shown.session.activity.output(b"x")
        let_pass(shown, 100)
        await c.until(lambda: len(c.told) == 2)


async def test_nothing_is_told_where_that_is_not_wanted(cockpit: Start) -> None:
    async with cockpit(notify_after=0) as c:
        hidden, _ = await two(c)
        finish(hidden, 6500)
        await c.until(lambda: hidden.tab_flag == "#")
        assert not c.told


async def test_a_pane_behind_a_zoomed_one_is_out_of_sight(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        hidden = tab.session
        await c.press("ctrl+g", "vertical_line")
        await c.until(lambda: len(tab.sessions) == 2 and tab.session is not hidden)
        c.app.workspace.attention.look()
        hidden.activity.output(b"x")
        c.app.workspace.attention.look()
        assert not tab.tab_flag
        await c.press("ctrl+g", "z")
        await c.until(lambda: tab.area.is_single)
        hidden.activity.output(b"x")
        await c.until(lambda: tab.tab_flag == "#")
