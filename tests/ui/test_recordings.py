"""Recording by key, and what shows that a shell is recorded."""

from sshdash.events import RecordingEnded, RecordingStarted
from sshdash.states import SessionState
from tests.ui.conftest import Start


async def test_a_key_begins_and_ends_a_recording(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        await c.press("ctrl+g", "R")
        await c.until(lambda: "● REC" in tab.tab_title)
        assert tab.session.is_recording
        c.backend.events.emit(RecordingStarted(tab.session.id, "web-1", ("/r/web-1/now.cast",)))
        await c.until(lambda: any("/r/web-1/now.cast" in one for one in c.told))
        await c.until(lambda: "● REC" in c.drawn)
        await c.press("ctrl+g", "R")
        assert not tab.session.is_recording
        assert "REC" not in tab.tab_title
        c.backend.events.emit(RecordingEnded(tab.session.id, "web-1", ("/r/web-1/now.cast",)))
        await c.until(lambda: any("sshdash play /r/web-1/now.cast" in one for one in c.told))


async def test_a_recording_that_fails_takes_its_mark_away(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        tab.session.is_recording = True
        c.backend.events.emit(RecordingStarted(tab.session.id, "web-1", ("/r/a.cast",)))
        await c.until(lambda: "● REC" in tab.tab_title)
        tab.session.is_recording = False
        c.backend.events.emit(RecordingEnded(tab.session.id, "web-1", (), "No space left"))
        await c.until(lambda: "REC" not in tab.tab_title)
        assert not any("/r/a.cast" in one for one in c.told), "nobody asked for this one by key"


async def test_only_a_running_shell_is_recorded(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+g", "R")
        await c.until(lambda: any("Go to a shell first" in one for one in c.told))
        tab = await c.shell("web-1")
        c.backend.move(tab.session.id, SessionState.EXITED)
        await c.press("ctrl+g", "R")
        await c.until(lambda: any("This shell has ended" in one for one in c.told))
        assert not tab.session.is_recording
