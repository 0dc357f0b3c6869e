"""Selecting with the mouse: rectangles, on beyond the edge, with the right button; pasting."""

import pytest
from textual import events

from sshdash.ui.widgets import terminal_autoscroll, terminal_mouse
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.ui.terminal_stage import ROWS, Stage, drag, on_stage

LINES = b"\r\n".join(b"line %d" % number for number in range(100))


def copied(stage: Stage) -> list[str]:
    return [message.text for message in stage.messages(TerminalView.CopyRequested)]


def at(kind: type[events.MouseEvent], y: int, x: int = 3, button: int = 1) -> events.MouseEvent:
    return kind(None, x, y, 0, 0, button, shift=False, meta=False, ctrl=False)


async def test_alt_and_a_drag_select_a_rectangle() -> None:
    async with on_stage() as stage:
        await stage.shows(b"abcdef\r\nghijkl\r\nmnopqr")
        await stage.pilot.mouse_down(stage.view, offset=(1, 0), meta=True)
        await stage.pilot.hover(stage.view, offset=(3, 2))
        await stage.pilot.mouse_up(stage.view, offset=(3, 2))
        await stage.settle()
        assert copied(stage) == ["bcd\nhij\nnop"]
        assert stage.style_at(4, 1).bgcolor == stage.style_at(4, 5).bgcolor
        await drag(stage, (2, 0), (3, 1))
        assert copied(stage)[1:] == ["cdef\nghij"]


async def test_a_rectangle_of_a_line_that_wraps_has_its_rows() -> None:
    async with on_stage() as stage:
        await stage.shows(b"x" * 40 + b"y" * 40)
        await stage.pilot.mouse_down(stage.view, offset=(1, 0), meta=True)
        await stage.pilot.hover(stage.view, offset=(2, 1))
        await stage.pilot.mouse_up(stage.view, offset=(2, 1))
        await stage.settle()
        assert copied(stage) == ["xx\nyy"]


async def test_it_scrolls_on_while_the_pointer_is_beyond_the_edge() -> None:
    async with on_stage() as stage:
        await stage.shows(LINES)
        await stage.pilot.mouse_down(stage.view, offset=(3, 4))
        stage.view.post_message(at(events.MouseMove, -2))
        scroll = stage.session.emulator
        for _ in range(500):
            if scroll.scroll.offset < 80:
                break
            await stage.pilot.pause(0.01)
        assert scroll.scroll.offset < 80  # many times for one movement
        stage.view.post_message(at(events.MouseMove, 2))
        await stage.settle()
        assert stage.view._autoscroll._timer is None
        top = scroll.scroll.offset
        stage.view.post_message(at(events.MouseUp, 2))
        await stage.settle()
        assert scroll.scroll.offset == top
        [text] = copied(stage)
        assert text.startswith(f"e {top + 2}\n")
        assert text.endswith("\nline")


async def test_farther_out_it_scrolls_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_autoscroll, "INTERVAL", 3600)
    async with on_stage() as stage:
        await stage.shows(LINES)
        await stage.pilot.mouse_down(stage.view, offset=(3, 4))
        offsets = []
        for y in (-1, -5, 4, -500, ROWS - 1, ROWS, ROWS - 1, ROWS + 3):
            stage.view.post_message(at(events.MouseMove, y))
            await stage.pilot.pause()
            offsets.append(stage.session.emulator.scroll.offset)
            stage.view._autoscroll.stop()
        assert offsets == [89, 84, 84, 74, 74, 75, 75, 79]
        stage.view.post_message(at(events.MouseUp, 2))


async def test_the_view_goes_away_in_a_drag() -> None:
    async with on_stage() as stage:
        await stage.shows(LINES)
        await stage.pilot.mouse_down(stage.view, offset=(3, 4))
        stage.view.post_message(at(events.MouseMove, -2))
        await stage.pilot.pause()
        await stage.view.remove()
        await stage.pilot.pause(0.1)
        assert stage.app.is_running


async def test_the_right_button_stretches_what_is_selected() -> None:
    async with on_stage() as stage:
        await stage.shows(b"one two three four")
        await stage.pilot.mouse_down(stage.view, offset=(8, 0), button=3)
        await stage.pilot.mouse_up(stage.view, offset=(8, 0))
        assert copied(stage) == []
        await drag(stage, (4, 0), (6, 0))
        await stage.pilot.mouse_down(stage.view, offset=(12, 0), button=3)
        await stage.pilot.mouse_up(stage.view, offset=(12, 0))
        await stage.settle()
        assert copied(stage) == ["two", "two three"]
        assert stage.session.taken() == b""


async def test_words_and_lines_are_stretched_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_mouse, "_CLICK_SECONDS", 10)
    async with on_stage() as stage:
        await stage.shows(b"one two three four")
        for _ in range(2):
            await stage.pilot.mouse_down(stage.view, offset=(5, 0))
            await stage.pilot.mouse_up(stage.view, offset=(5, 0))
        await stage.pilot.mouse_down(stage.view, offset=(10, 0), button=3)
        await stage.pilot.mouse_up(stage.view, offset=(10, 0))
        await stage.settle()
        assert copied(stage)[-1] == "two three"


async def test_the_middle_button_pastes_what_was_copied_last() -> None:
    async with on_stage() as stage:
        await stage.shows(b"one two")
        stage.app.copy_to_clipboard("copied")
        await stage.pilot.mouse_down(stage.view, offset=(5, 0), button=2)
        await stage.pilot.mouse_up(stage.view, offset=(5, 0))
        assert stage.session.taken() == b"copied"
        stage.app.copy_to_clipboard("rm -r x\nls")
        await stage.pilot.mouse_down(stage.view, offset=(5, 0), button=2)
        await stage.pilot.mouse_up(stage.view, offset=(5, 0))
        assert stage.session.taken() == b""
        [asked] = stage.messages(TerminalView.PasteAsked)
        assert asked.text == "rm -r x\nls"
        stage.session.feed(b"\x1b[?1000h\x1b[?1006h")
        await stage.pilot.mouse_down(stage.view, offset=(5, 0), button=2)
        assert stage.session.taken() == b"\x1b[<1;6;1M"


async def test_in_copy_mode_the_mouse_is_ours() -> None:
    async with on_stage() as stage:
        await stage.shows(LINES + b"\x1b[?1000h\x1b[?1006h")
        stage.view.action_terminal_copy_mode()
        await drag(stage, (0, 0), (3, 0))
        assert copied(stage) == ["line"]
        stage.view.post_message(at(events.MouseScrollUp, 2))
        await stage.settle()
        assert stage.session.taken() == b""
        assert stage.rows()[0].split()[:2] == ["line", "87"]
