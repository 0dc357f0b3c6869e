"""The terminal on the screen: where keys, pastes and the mouse go."""

import asyncio

import pytest
from textual import events
from textual.widgets import Input

from sshdash.terminal.cells import SelectBy
from sshdash.terminal.pasting import Pasting
from sshdash.ui.widgets import terminal_mouse
from sshdash.ui.widgets.terminal_keys import TypedKeysParser
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.patience import PATIENCE
from tests.ui.terminal_stage import Stage, drag, on_stage, wheel


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("a", b"a"),
        ("ctrl+a", b"\x01"),
        ("ctrl+c", b"\x03"),
        ("ctrl+p", b"\x10"),
        ("ctrl+q", b"\x11"),
        ("ctrl+z", b"\x1a"),
        ("tab", b"\t"),
        ("shift+tab", b"\x1b[Z"),
        ("escape", b"\x1b"),
        ("enter", b"\r"),
        ("f1", b"\x1bOP"),
        ("up", b"\x1b[A"),
        ("pageup", b"\x1b[5~"),
        ("ctrl+backslash", b"\x1c"),
        ("question_mark", b"?"),
    ],
)
async def test_keys_go_to_the_remote(key: str, sent: bytes) -> None:
    async with on_stage() as stage:
        await stage.pilot.press(key)
        assert stage.session.taken() == sent
        assert stage.view.has_focus
        assert stage.app.is_running


async def test_the_prefix_does_not() -> None:
    async with on_stage() as stage:
        await stage.pilot.press("ctrl+g")
        assert stage.session.taken() == b""


PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
OTHERS = [*"é§ßЖ", "\x7f", *(chr(code) for code in range(0x1B)), "\x1c", "\x1d", "\x1e", "\x1f"]


async def typed_into(stage: Stage, typed: str) -> bytes:
    """Return what the remote gets of what the terminal reads in one go."""
    driver = stage.app._driver
    assert driver is not None
    parser = TypedKeysParser()
    for event in parser.feed(typed):
        driver.process_message(event)
    parser._timeout_time = parser._timeout_time and 0.0  # the delay of an Escape is over
    for event in parser.tick():
        driver.process_message(event)
    await stage.pilot.pause()
    return stage.session.taken()


@pytest.mark.parametrize("times", [1, 4])
async def test_every_key_with_alt(times: int) -> None:
    async with on_stage() as stage:
        for char in PRINTABLE + OTHERS:
            typed = f"\x1b{char}" * times
            assert await typed_into(stage, typed) == typed.encode()


@pytest.mark.parametrize(
    "typed",
    [
        "".join(f"\x1b{char}" for char in reversed(PRINTABLE)),
        "\x1b:wq\r",
        "ihello\x1b:wq\r",
        "\x1bOhello, world, on a line above\x1b:wq\r",
        "\x1b/some text/\r",
        "\x1bjjk\x1b:x\r",
        "\x1b\x1b:q!\r",
        "\x1b" * 5,
        "\x1b\x1b.",
        "\x1b[\x1b.a",
    ],
)
async def test_escape_and_what_is_typed_behind_it(typed: str) -> None:
    async with on_stage() as stage:
        assert await typed_into(stage, typed) == typed.encode()


async def test_sequences_are_still_keys() -> None:
    parser = TypedKeysParser()
    typed = "\x1b[A\x1bOA\x1b[1;5C\x1b[3~\x1b[97;3u"
    keys = [event.key for event in parser.feed(typed) if isinstance(event, events.Key)]
    assert keys == ["up", "up", "ctrl+right", "delete", "alt+a"]


async def test_pastes() -> None:
    async with on_stage() as stage:
        stage.view.post_message(events.Paste("one line\n"))
        await stage.pilot.pause()
        assert stage.session.taken() == b"one line\r"
        stage.session.feed(b"\x1b[?2004h")
        stage.view.post_message(events.Paste("two\nlines\x1b[201~"))
        await stage.pilot.pause()
        assert stage.session.taken() == b"\x1b[200~two\nlines [201~\x1b[201~"


async def test_a_paste_that_would_run_line_by_line_is_asked_about() -> None:
    async with on_stage() as stage:
        stage.view.post_message(events.Paste("two\nlines\x1b[201~"))
        await stage.pilot.pause()
        [asked] = stage.messages(TerminalView.PasteAsked)
        assert stage.session.taken() == b""
        asked.answer(asked.text)
        assert stage.session.taken() == b"two\rlines [201~"


async def test_an_answer_to_another_shell_is_not_pasted() -> None:
    async with on_stage() as stage:
        stage.view.post_message(events.Paste("two\nlines"))
        await stage.pilot.pause()
        [asked] = stage.messages(TerminalView.PasteAsked)
        stage.session.ended_at = 1.0
        asked.answer(asked.text)
        assert stage.session.taken() == b""


async def test_a_long_paste_says_how_far_it_is_and_is_stopped() -> None:
    async def room() -> None: ...

    async with on_stage() as stage:
        text = "x" * 1_000_000
        stage.session.pasting = Pasting(text, bracketed=True, send=stage.session.write, room=room)
        stage.session.pasting.sent = 250_000
        stage.view.paste("")
        await stage.settle()
        assert "pasting 250 kB of 1.0 MB · Esc" in stage.rows()[-1]
        stage.view.post_message(events.Paste("another"))
        await stage.pilot.pause()
        assert "not pasted" in stage.rows()[-1]
        await stage.pilot.press("escape")
        await stage.session.pasting.run()
        assert stage.session.taken() == b"\x1b[200~\x1b[201~"
        stage.session.pasting = None
        async with asyncio.timeout(PATIENCE):
            while "pasting" in stage.rows()[-1]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_focus_is_reported_where_asked_for() -> None:
    async with on_stage() as stage:
        stage.app.query_one(Input).focus()
        await stage.pilot.pause()
        assert stage.session.taken() == b""
        stage.session.feed(b"\x1b[?1004h")
        stage.view.focus()
        await stage.pilot.pause()
        assert stage.session.taken() == b"\x1b[I"
        stage.app.query_one(Input).focus()
        await stage.pilot.pause()
        assert stage.session.taken() == b"\x1b[O"


async def test_scrolling_back_and_typing() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\r\n".join(b"%d" % number for number in range(100)))
        assert stage.rows()[0] == "90"
        await stage.pilot.press("shift+pageup")
        await stage.settle()
        assert stage.rows()[0].split() == ["81", "[9/90]"]
        assert stage.rows()[-1] == "90"
        assert stage.session.taken() == b""
        stage.view.post_message(wheel(events.MouseScrollUp))
        await stage.settle()
        assert stage.rows()[0].split() == ["78", "[12/90]"]
        await stage.pilot.press("x")
        await stage.settle()
        assert stage.rows()[0] == "90"
        assert stage.rows()[-1] == "99"
        assert stage.session.taken() == b"x"


async def test_the_wheel_on_the_alternate_screen_is_arrow_keys() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\x1b[?1049h")
        stage.view.post_message(wheel(events.MouseScrollUp))
        stage.view.post_message(wheel(events.MouseScrollDown))
        await stage.pilot.press("shift+pageup")
        assert stage.session.taken() == b"\x1b[A" * 3 + b"\x1b[B" * 3 + b"\x1b[5;2~"


async def test_a_program_that_tracks_the_mouse_gets_it() -> None:
    async with on_stage() as stage:
        await stage.shows(b"text\x1b[?1002h\x1b[?1006h")
        await stage.pilot.mouse_down(stage.view, offset=(1, 2))
        await stage.pilot.mouse_up(stage.view, offset=(1, 2))
        stage.view.post_message(wheel(events.MouseScrollDown))
        await stage.pilot.pause()
        assert stage.session.taken() == b"\x1b[<0;2;3M\x1b[<0;2;3m\x1b[<65;1;1M"
        await stage.pilot.mouse_down(stage.view, offset=(0, 0), shift=True)
        await stage.pilot.mouse_up(stage.view, offset=(0, 0), shift=True)
        assert stage.session.taken() == b""


async def test_a_drag_for_the_program_goes_on_outside_and_ends_there() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\x1b[?1002h\x1b[?1006h")
        below = stage.app.query_one(Input)
        await stage.pilot.mouse_down(stage.view, offset=(3, 8))
        await stage.pilot.hover(below, offset=(5, 1))
        await stage.pilot.mouse_up(below, offset=(5, 1))
        sent = stage.session.taken()
        assert sent == b"\x1b[<0;4;9M\x1b[<32;6;10M\x1b[<0;6;10m"
        await stage.pilot.hover(stage.view, offset=(1, 1))
        assert stage.session.taken() == b""


async def test_dragging_selects_and_copies() -> None:
    async with on_stage() as stage:
        await stage.shows(b"copy this text please")
        await drag(stage, (5, 0), (13, 0))
        [copied] = stage.messages(TerminalView.CopyRequested)
        assert copied.text == "this text"
        assert stage.style_at(5, 0).bgcolor != stage.style_at(0, 0).bgcolor
        await stage.pilot.press("x")
        await stage.settle()
        assert stage.style_at(5, 0).bgcolor == stage.style_at(0, 0).bgcolor


async def test_commands_scroll_and_copy() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\r\n".join(b"%d" % number for number in range(100)))
        stage.view.action_terminal_scroll_up()
        stage.view.action_terminal_scroll_up()
        stage.view.action_terminal_scroll_down()
        await stage.settle()
        assert stage.rows()[0].split() == ["81", "[9/90]"]
        stage.view.action_terminal_copy()
        stage.session.selection.begin(0, 1, SelectBy.WORD)
        stage.view.action_terminal_copy()
        await stage.pilot.pause()
        copies = [message.text for message in stage.messages(TerminalView.CopyRequested)]
        assert copies == ["81\n82\n83\n84\n85\n86\n87\n88\n89\n90\n", "82"]


async def test_double_and_triple_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_mouse, "_CLICK_SECONDS", 10)
    async with on_stage() as stage:
        await stage.shows(b"copy this text please")
        for _ in range(3):
            await stage.pilot.mouse_down(stage.view, offset=(6, 0))
            await stage.pilot.mouse_up(stage.view, offset=(6, 0))
        await stage.pilot.pause()
        texts = [message.text for message in stage.messages(TerminalView.CopyRequested)]
        assert texts == ["this", "copy this text please"]
