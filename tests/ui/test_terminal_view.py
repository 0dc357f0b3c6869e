"""The terminal on the screen: what is drawn, what is told, how it ends."""

import asyncio
import time

import pytest
from rich.color import Color
from textual import events
from textual.widgets import Input

from sshdash.states import SessionState
from sshdash.ui.outlook import Outlook
from sshdash.ui.theme import DARK, LIGHT
from sshdash.ui.widgets import terminal_frames, terminal_view
from sshdash.ui.widgets.terminal_frames import SHORTEST
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.patience import PATIENCE
from tests.ui.terminal_stage import COLUMNS, ROWS, on_stage


async def test_it_takes_the_size_of_the_widget() -> None:
    async with on_stage() as stage:
        assert stage.session.sizes[-1] == (COLUMNS, ROWS)
        await stage.pilot.resize_terminal(60, 23)
        async with asyncio.timeout(PATIENCE):
            while stage.session.sizes[-1] != (60, 20):
                await stage.pilot.pause()


async def test_what_is_fed_is_drawn() -> None:
    async with on_stage() as stage:
        rows = await stage.shows("one\r\n\x1b[1;31mtwo\x1b[m 漢字 👍\r\n[b]markup[/]".encode())
        assert rows[:3] == ["one", "two 漢字 👍", "[b]markup[/]"]
        assert stage.style_at(0, 1).bold
        assert stage.view.frames >= 1


async def test_every_strip_is_as_wide_as_the_widget() -> None:
    async with on_stage() as stage:
        family = "👩\u200d👩\u200d👧 1\ufe0f\u20e3 🇩🇪 ❤️ é e\u0301 \u0e33 ｱ ﷽ 漢"
        await stage.shows(f"{family}\r\n{'x' * (COLUMNS - 1)}漢\r\n{family * 9}".encode())
        await stage.shows(b"\x1b[3;1H\x1b[7m\x1b[44m\x1b[K\x1b[m\x1b[5;40H\xe6\xbc\xa2")
        for y in range(ROWS):
            assert stage.strip(y).cell_length == COLUMNS
            assert sum(segment.cell_length for segment in stage.strip(y)) == COLUMNS


async def test_only_changed_rows_are_painted_again() -> None:
    async with on_stage() as stage:
        await stage.shows(b"one\r\ntwo\r\nthree")
        kept = stage.strip(0)
        await stage.shows(b"!")
        assert stage.strip(0) is kept
        assert stage.rows()[2] == "three!"


async def test_a_flood_is_drawn_at_a_bounded_rate() -> None:
    async with on_stage() as stage:
        before, began = stage.view.frames, time.monotonic()
        for number in range(300):
            stage.session.feed(b"%d\r\n" % number)
            await asyncio.sleep(0)
        await stage.settle()
        most = (time.monotonic() - began) / SHORTEST + 2
        assert 1 <= stage.view.frames - before <= most
        assert "299" in stage.rows()


async def test_a_half_drawn_frame_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage() as stage:
        monkeypatch.setattr(terminal_frames, "LONGEST_HOLD", 30)
        await stage.shows(b"whole")
        before = stage.view.frames
        stage.session.feed(b"\x1b[?2026h\r\x1b[Khalf")
        await stage.pilot.pause(0.05)
        assert stage.view.frames == before
        assert stage.rows()[0] == "whole"
        await stage.shows(b" full\x1b[?2026l")
        assert stage.rows()[0] == "half full"


async def test_a_frame_that_is_never_ended_is_shown_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_stage() as stage:
        monkeypatch.setattr(terminal_frames, "LONGEST_HOLD", 0.05)
        await stage.shows(b"half full\x1b[?2026h, and the program died")
        async with asyncio.timeout(PATIENCE):
            while "died" not in stage.rows()[0]:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await stage.shows(b".")
        assert stage.rows()[0] == "half full, and the program died."


async def test_frames_that_follow_each_other_at_once_are_drawn_whole() -> None:
    async with on_stage() as stage:
        frame = b"\x1b[?2026h\x1b[H\x1b[2J%d\r\n%d\x1b[?2026l"
        stream = b"".join(frame % (number, number) for number in range(2000))
        seen = set()
        for at in range(0, len(stream), 1501):
            stage.session.feed(stream[at : at + 1501])
            await stage.settle()
            first, second = stage.rows()[:2]
            assert first == second
            seen.add(first)
        assert len(seen) > 10
        assert stage.rows()[0] == "1999"


async def test_the_cursor_is_drawn_where_it_is() -> None:
    async with on_stage() as stage:
        await stage.shows(b"ab")
        assert stage.style_at(2, 0).reverse
        assert not stage.style_at(1, 0).reverse
        await stage.shows(b"\x1b[4 q")
        assert stage.style_at(2, 0).underline
        await stage.shows(b"\x1b[?25l")
        assert not stage.style_at(2, 0).underline
        await stage.shows("\x1b[?25h\x1b[2 q\r漢\r".encode())
        assert stage.style_at(0, 0).reverse
        assert stage.strip(0).cell_length == COLUMNS


async def test_an_unfocused_cursor_looks_different() -> None:
    async with on_stage() as stage:
        await stage.shows(b"ab")
        stage.app.query_one(Input).focus()
        await stage.pilot.pause()
        assert not stage.style_at(2, 0).reverse
        assert stage.style_at(2, 0).underline


async def test_colours_that_a_program_changes() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\x1b[31mred\x1b[m plain")
        await stage.shows(b"\x1b]4;1;rgb:01/02/03\x07\x1b]11;rgb:07/08/09\x07 more")
        colour = stage.style_at(0, 0).color
        assert colour is not None
        assert colour.triplet == (1, 2, 3)
        background = stage.style_at(5, 0).bgcolor
        assert background is not None
        assert background.triplet == (7, 8, 9)


async def test_titles_and_bells_are_told() -> None:
    async with on_stage() as stage:
        stage.session.title = "build"
        stage.session.end(SessionState.RUNNING, "")
        await stage.shows(b"\a\a\a")
        [title] = stage.messages(TerminalView.TitleChanged)
        assert title.title == "build"
        assert len(stage.messages(TerminalView.BellRang)) == 1


async def test_a_flood_of_titles_and_bells_is_told_now_and_then() -> None:
    async with on_stage() as stage:
        began = time.monotonic()
        for number in range(50):
            stage.session.title = f"title {number}"
            stage.session.end(SessionState.RUNNING, "")
            stage.session.feed(b"\a")
            await stage.pilot.pause(0.005)
        titles: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while "title 49" not in titles:
                await stage.pilot.pause(0.02)
                titles = [each.title for each in stage.messages(TerminalView.TitleChanged)]
        passed = time.monotonic() - began
        assert len(titles) <= passed / 0.1 + 2
        assert len(stage.messages(TerminalView.BellRang)) <= passed / 0.25 + 2


@pytest.mark.parametrize("lines", [3, 30])
async def test_the_end_is_told_below_the_text(lines: int) -> None:
    async with on_stage() as stage:
        await stage.shows(b"line\r\n" * lines + b"logout\r\n")
        stage.session.end(SessionState.EXITED, "exit 7")
        await stage.settle()
        rows = stage.rows()
        rule = next(y for y, row in enumerate(rows) if "exit 7" in row)
        assert "Enter starts another shell" in rows[rule]
        assert "logout" in rows[:rule]
        assert len(stage.messages(TerminalView.SessionEnded)) == 1


async def test_the_end_keeps_what_an_editor_showed() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\x1b[?1049h\x1b[Htop\x1b[10;1Hbottom")
        stage.session.end(SessionState.LOST, "connection lost: no answer")
        await stage.settle()
        rows = stage.rows()
        assert rows[0] == "top"
        assert "connection lost" in rows[-1]


async def test_a_narrow_screen_cuts_the_reason_of_a_loss_and_not_the_keys() -> None:
    async with on_stage() as stage:
        stage.session.end(SessionState.LOST, "connection lost: the connection broke off")
        await stage.settle()
        assert "connection lost:… — Enter reconnects" in stage.rows()[0]


async def test_after_the_end_enter_reconnects_and_nothing_is_sent() -> None:
    async with on_stage() as stage:
        stage.session.end(SessionState.EXITED, "exit 0")
        await stage.pilot.press("x", "ctrl+c", "q")
        assert not stage.messages(TerminalView.ReopenRequested)
        await stage.pilot.press("enter")
        assert len(stage.messages(TerminalView.ReopenRequested)) == 1
        assert stage.session.taken() == b""
        stage.session.end(SessionState.RUNNING, "")
        await stage.shows(b"$ ")
        assert not any("starts another" in row for row in stage.rows())
        await stage.pilot.press("x")
        assert stage.session.taken() == b"x"


async def test_what_is_typed_to_a_lost_shell_is_refused_and_does_not_reach_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal_view, "PAUSE", 3600)
    async with on_stage() as stage:
        stage.session.end(SessionState.LOST, "connection lost: gone")
        stage.view.outlook = Outlook("retry 3 s", "trying again in 3 s")
        await stage.pilot.press("r", "m")
        assert any("not sent — trying again in 3 s" in row for row in stage.rows())
        # The shell is opened again while the person types on.
        stage.session.end(SessionState.OPENING, "")
        await stage.pilot.press("space", "x")
        stage.session.end(SessionState.RUNNING, "")
        await stage.pilot.press("y", "enter")
        stage.app.post_message(events.Paste("z"))
        await stage.pilot.pause()
        assert any("not sent: this is a new shell" in row for row in stage.rows())
        assert stage.session.taken() == b""
        monkeypatch.setattr(terminal_view, "PAUSE", 0)
        async with asyncio.timeout(PATIENCE):
            while stage.view.notice:
                await stage.pilot.pause(0.05)
        await stage.pilot.press("l", "s")
        assert stage.session.taken() == b"ls"
        assert not any("not sent" in row for row in stage.rows())


async def test_another_theme_repaints() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\x1b[31mred\x1b[m")
        before = stage.style_at(0, 0)
        stage.app.theme = LIGHT.name
        await stage.pilot.pause()
        after = stage.style_at(0, 0)
        assert before.color != after.color
        assert before.bgcolor != after.bgcolor


async def test_out_of_sight_it_draws_nothing_and_then_everything() -> None:
    async with on_stage() as stage:
        stage.view.display = False
        await stage.pilot.pause()
        before = stage.view.frames
        await stage.shows(b"while away")
        assert stage.view.frames == before
        stage.view.display = True
        await stage.settle()
        assert stage.rows()[0] == "while away"


async def test_a_view_that_is_gone_leaves_its_session() -> None:
    async with on_stage() as stage:
        await stage.view.remove()
        assert stage.session.on_output is None
        assert stage.session.on_change is None
        stage.session.feed(b"nobody looks")


async def test_a_storm_of_sizes_ends_with_the_last_one_drawn() -> None:
    async with on_stage() as stage:
        for number in range(40):
            stage.session.feed(b"\x1b[?2026h\x1b[H\x1b[2Jframe %d" % number)
            await stage.pilot.resize_terminal(20 + number % 7 * 13, 6 + number % 5 * 9)
            stage.session.feed(b"\x1b[?2026l")
        await stage.pilot.resize_terminal(COLUMNS, ROWS + 3)
        await stage.settle()
        assert stage.session.sizes[-1] == (COLUMNS, ROWS)
        assert stage.rows()[0] == "frame 39"
        assert all(stage.strip(y).cell_length == COLUMNS for y in range(ROWS))


async def test_a_reverse_screen_and_new_colours_show_at_once() -> None:
    async with on_stage() as stage:
        await stage.shows(b"text")
        plain = stage.style_at(0, 0)
        drawn = stage.view.frames
        await stage.shows(b"\x1b[?5h")
        assert stage.view.frames == drawn + 1
        assert stage.style_at(0, 0).bgcolor == plain.color
        assert stage.style_at(20, 5).bgcolor == plain.color
        await stage.shows(b"\x1b[?5l\x1b]11;#102030\x07")
        assert stage.style_at(20, 5).bgcolor == Color.from_rgb(0x10, 0x20, 0x30)
        await stage.shows(b"\x1b]111\x07")
        assert stage.style_at(0, 0) == plain


async def test_a_program_learns_the_colours_of_the_theme() -> None:
    async with on_stage() as stage:
        for theme, scheme in ((LIGHT, b"2"), (DARK, b"1")):
            stage.app.theme = theme.name
            await stage.pilot.pause()
            await stage.shows(b"\x1b]11;?\x07\x1b[?996n")
            background = Color.parse(theme.background or "").get_truecolor()
            told = "/".join(f"{part:02x}{part:02x}" for part in background)
            replies = stage.session.emulator.take_replies()
            assert replies == f"\x1b]11;rgb:{told}\x07".encode() + b"\x1b[?997;" + scheme + b"n"


async def test_a_program_that_wants_to_know_is_told_of_another_theme() -> None:
    async with on_stage() as stage:
        stage.app.theme = LIGHT.name
        await stage.pilot.pause()
        assert stage.session.taken() == b""
        await stage.shows(b"\x1b[?2031h")
        stage.app.theme = DARK.name
        await stage.pilot.pause()
        assert stage.session.taken() == b"\x1b[?997;1n"
