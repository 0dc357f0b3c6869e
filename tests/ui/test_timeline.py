"""The steps of an attempt: in the tab that waits for it, and in a sheet of their own."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from textual.widgets import Static

from sshdash.connections.timeline import Phase, Timeline
from sshdash.errors import FileError, UnreachableError
from sshdash.states import ConnectionState
from sshdash.ui.controllers.timelines import save
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.screens.timeline import TimelineScreen
from sshdash.ui.steps import failure_text, shortened, steps_of, steps_text
from sshdash.ui.widgets.opening_panel import OpeningPanel
from tests.ui.conftest import Start


def failed_timeline() -> Timeline:
    """Return an attempt that came through a jump host and failed at the login."""
    hop = Timeline("bastion")
    hop.begin(Phase.RESOLVE, "10.0.0.1").done()
    hop.begin(Phase.TCP, "10.0.0.1 port 22").done()
    timeline = Timeline("web")
    with timeline.begin(Phase.JUMP, "bastion"):
        timeline.include("bastion", hop)()
    timeline.begin(Phase.GREETING, "waiting").done("OpenSSH_9.2 \x1b[2J")
    timeline.note(Phase.KEX, "we offer a, b, c", detail=True)
    timeline.begin(Phase.AUTH, "publickey").failed("refused")
    timeline.finish(UnreachableError("Permission denied", "me@web", "load the key", "web"))
    return timeline


def test_columns_are_aligned_and_hosts_have_headings() -> None:
    text = str(steps_text(steps_of(failed_timeline()), 70))
    lines = text.split("\n")
    assert lines[0] == "bastion"
    assert lines[3] == "web"
    assert all(len(line) == 70 for line in lines if line[0] in "●✖")
    assert "✖ login           publickey: refused" in text
    assert "we offer" not in text
    assert "\x1b" not in text


def test_a_failure_that_is_too_long_goes_on_below_its_own_words() -> None:
    fingerprint = "SHA256:T/RkI/jghsi99UKC31tKCI+iquw/fVkoHnMQZrTzKjM"
    detail = f"known_hosts has ED25519 {fingerprint}\nat \x1b[2Jhosts:1"
    hint = "if the change is right, remove the old key: ssh-keygen -R web"
    lines = str(failure_text("HOST KEY CHANGED", detail, hint, 60)).split("\n")
    assert lines[0] == "✖ HOST KEY CHANGED"
    assert lines[1:3] == ["  known_hosts has ED25519", f"  {fingerprint}"]
    assert "\x1b" not in lines[3]
    assert lines[4:] == [
        "→ if the change is right, remove the old key: ssh-keygen -R",
        "  web",
    ]


def test_jump_hosts_that_went_well_take_one_line_where_there_is_little_room() -> None:
    steps = shortened(steps_of(failed_timeline()))
    assert (steps[0].phase, steps[0].text) == ("jump host", "bastion")
    assert [step.phase for step in steps[1:]] == ["identification", "login"]


def test_saved_as_text_and_as_json(tmp_path: Path) -> None:
    timeline = failed_timeline()
    text = save(timeline, str(tmp_path / "one.txt")).read_text()
    assert "last good step: identification" in text
    assert "failed at: login (publickey: refused)" in text
    assert "→ load the key" in text
    assert "we offer a, b, c" in text
    file = save(timeline, str(tmp_path / "one.json"))
    document = json.loads(file.read_text())
    assert document["outcome"] == "failed"
    assert document["failed_at"] == "login"
    assert document["steps"][1]["hop"] == "bastion"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileError, match="Cannot save"):
        save(timeline, str(file))


async def test_the_panel_shows_the_steps_while_they_come(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.held = asyncio.Event()
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["bastion"])
        timeline = Timeline("bastion")
        timeline.begin(Phase.RESOLVE, "bastion").done("bastion is 10.0.0.2")
        c.backend.connect("bastion", ConnectionState.CONNECTING, timeline=timeline)
        panel = c.tabs[0].query_one(OpeningPanel)
        await c.until(lambda: "bastion is 10.0.0.2" in str(panel.content))
        step = timeline.begin(Phase.TCP, "10.0.0.2 port 22")
        await c.until(lambda: "◌ connection" in str(panel.content))
        step.done()
        await c.until(lambda: "● connection" in str(panel.content))
        c.backend.held.set()
        await c.until(lambda: c.tabs[0].view)


async def test_the_sheet_follows_the_latest_attempt(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("l")
        await c.until(lambda: any("was not connected to yet" in one for one in c.told))
        first = Timeline("bastion")
        c.backend.connect("bastion", ConnectionState.CONNECTING, timeline=first)
        await c.press("l")
        await c.until(lambda: isinstance(c.app.screen, TimelineScreen))

        def shown() -> str:
            return str(c.app.screen.query_one("#timeline-text", Static).content)

        first.begin(Phase.RESOLVE, "one").done()
        await c.until(lambda: "one" in shown())
        c.backend.connect("bastion", ConnectionState.FAILED, timeline=failed_timeline())
        await c.until(lambda: "failed at: login" in shown())
        await c.press("d")
        await c.until(lambda: "we offer a, b, c" in shown())
        await c.press("y")
        assert "→ load the key" in c.app.clipboard
        await c.press("Y")
        assert json.loads(c.app.clipboard)["host"] == "web"
        await c.press("escape")
        await c.until(lambda: not isinstance(c.app.screen, TimelineScreen))


async def test_saving_asks_where(cockpit: Start, home: Path) -> None:
    async with cockpit() as c:
        c.backend.connect("bastion", ConnectionState.FAILED, timeline=failed_timeline())
        await c.press("l")
        await c.until(lambda: isinstance(c.app.screen, TimelineScreen))
        await c.press("s")
        await c.until(lambda: isinstance(c.app.screen, TextInputDialog))
        await c.press("enter")
        await c.until(lambda: (home / "timeline-bastion.txt").exists())
