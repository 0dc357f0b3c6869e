"""Notifications, progress and clipboard writes of programs, by the rules for their host."""

from typing import Any

import pytest

from sshdash.events import ProgramReported
from sshdash.terminal.osc import (
    CLIPBOARD_LIMIT,
    ClipboardWrite,
    Notification,
    Progress,
    ProgressState,
)
from sshdash.ui.screens.confirm import ConfirmDialog
from tests.ui.conftest import Start


def report(c: Any, tab: Any) -> None:
    c.backend.events.emit(ProgramReported(tab.session.id, tab.host))


async def notify(c: Any, tab: Any, title: str, body: str = "") -> None:
    tab.session.effects.notifications.append(Notification(title, body))
    report(c, tab)
    await c.until(lambda: not tab.session.effects.notifications)
    await c.pilot.pause()


async def wish(c: Any, tab: Any, text: str, size: int = 0) -> None:
    tab.session.effects.clipboard = ClipboardWrite(text, size or len(text))
    report(c, tab)
    await c.until(lambda: tab.session.effects.clipboard is None)
    await c.pilot.pause()


async def test_a_notification_is_shown_and_marks_a_tab_out_of_sight(cockpit: Start) -> None:
    async with cockpit() as c:
        first = await c.shell("web-1")
        await c.shell("db-1")
        await notify(c, first, "Build [red]done[/]", "all green")
        assert "web-1: Build [red]done[/]: all green" in c.told
        assert first.tab_title.startswith("✱ web-1")
        await c.press("ctrl+g", "1")
        await c.until(lambda: c.current is first)
        await c.until(lambda: first.tab_title == "web-1")


async def test_notifications_by_the_rules_for_the_host(cockpit: Start) -> None:
    rules = {"web-*": "mark", "db-*": "ignore"}
    async with cockpit(notifications=rules) as c:
        web, db = await c.shell("web-1"), await c.shell("db-1")
        await c.shell("bastion")
        for tab in (web, db):
            await notify(c, tab, "psst")
        assert not any("psst" in one for one in c.told)
        assert web.tab_title == "✱ web-1"
        assert db.tab_title == "db-1"


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (Progress(ProgressState.RUNNING, 42), "web-1 42 %"),
        (Progress(ProgressState.UNKNOWN), "web-1 …"),
        (Progress(ProgressState.FAILED, 42), "web-1 failed 42 %"),
        (Progress(ProgressState.PAUSED), "web-1 paused"),
        (None, "web-1"),
    ],
)
async def test_progress_stands_on_the_tab(
    cockpit: Start, progress: Progress | None, shown: str
) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        tab.session.effects.progress = progress
        report(c, tab)
        await c.until(lambda: tab.tab_title == shown)


async def test_a_clipboard_write_is_asked_about_with_host_and_text(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        await wish(c, tab, "rm -rf /\n\u202eevil\n" + "more\n" * 50)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        question = c.app.screen.question
        assert "web-1" in question.title
        assert "rm -rf /" in question.detail
        assert "\u202e" not in question.detail
        assert question.detail.count("\n") < 15
        await wish(c, tab, "what comes while it is asked")
        await c.press("y")
        await c.until(lambda: c.app.clipboard.startswith("rm -rf"))
        await c.pilot.pause()
        assert not isinstance(c.app.screen, ConfirmDialog)


async def test_a_refused_program_does_not_ask_again_at_once(cockpit: Start) -> None:
    async with cockpit() as c:
        tab, other = await c.shell("web-1"), await c.shell("db-1")
        await wish(c, tab, "one")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("enter")
        await c.until(lambda: not isinstance(c.app.screen, ConfirmDialog))
        await wish(c, tab, "two")
        assert c.app.clipboard == ""
        await wish(c, other, "three")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        assert "db-1" in c.app.screen.question.title
        await c.press("escape")
        await c.until(lambda: not isinstance(c.app.screen, ConfirmDialog))
        assert c.app.clipboard == ""


async def test_the_clipboard_by_the_rules_for_the_host(cockpit: Start) -> None:
    async with cockpit(clipboard={"web-*": "allow", "*": "deny"}) as c:
        web, db = await c.shell("web-1"), await c.shell("db-1")
        before = len(c.told)
        await wish(c, db, "denied")
        await wish(c, db, "", CLIPBOARD_LIMIT + 1)
        assert c.app.clipboard == ""
        assert len(c.told) == before
        assert c.app.bridge.next_question() is None
        await wish(c, web, "allowed")
        assert c.app.clipboard == "allowed"
        assert any("web-1: Copied 7 characters" in one for one in c.told)
        await wish(c, web, "", CLIPBOARD_LIMIT + 1)
        assert c.app.clipboard == "allowed"
        assert any("Too much for the clipboard" in one for one in c.told)
