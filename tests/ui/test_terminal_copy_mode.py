"""Copy mode on the screen: its cursor, what it copies, and that output does not move it."""

import pytest
from textual.message import Message

from sshdash.ui.messages import OffersChanged
from sshdash.ui.widgets.terminal_search_bar import SearchField
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.ui.terminal_stage import COLUMNS, ROWS, Stage, on_stage

LINES = b"\r\n".join(b"line %d" % number for number in range(100))
PROMPT = b"\x1b]133;A\x07$ \x1b]133;B\x07"
OUTPUT = b"\x1b]133;C\x07"


async def press(stage: Stage, *keys: str) -> None:
    await stage.pilot.press(*keys)
    await stage.settle()


async def copy_mode(stage: Stage, data: bytes = LINES) -> None:
    await stage.shows(data)
    stage.view.action_terminal_copy_mode()
    await stage.settle()


def copied(stage: Stage) -> list[str]:
    return [message.text for message in stage.messages(TerminalView.CopyRequested)]


def badge(stage: Stage) -> str:
    return stage.rows()[0].split("[")[-1].rstrip("]")


async def test_the_cursor_goes_about_and_the_view_with_it() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        assert badge(stage) == "0/90"
        assert stage.style_at(6, ROWS - 1).reverse
        await press(stage, "g")
        assert stage.rows()[0].startswith("line 0 ")
        assert badge(stage) == "90/90"
        assert stage.style_at(0, 0).reverse
        await press(stage, "5", "j", "w")
        assert stage.style_at(5, 5).reverse
        assert not stage.style_at(0, 0).reverse
        await press(stage, "q")
        assert stage.rows()[-1] == "line 99"
        assert stage.session.taken() == b""
        await press(stage, "x")
        assert stage.session.taken() == b"x"


async def test_y_copies_and_leaves() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        await press(stage, "k", "0", "v", "e", "e")
        assert stage.style_at(3, ROWS - 2).bgcolor != stage.style_at(3, ROWS - 3).bgcolor
        await press(stage, "y")
        assert copied(stage) == ["line 98"]
        assert stage.view.copying is None
        assert not stage.session.selection.active


async def test_lines_and_blocks_are_copied() -> None:
    async with on_stage() as stage:
        await copy_mode(stage, b"ab cd\r\nef gh\r\nij kl")
        await press(stage, "g", "V", "j", "enter")
        stage.view.action_terminal_copy_mode()
        await press(stage, "g", "w", "ctrl+v", "j", "j", "l", "y")
        stage.view.action_terminal_copy_mode()
        await press(stage, "g", "Y")
        assert copied(stage) == ["ab cd\nef gh", "cd\ngh\nkl", "ab cd"]


async def test_nothing_selected_copies_nothing() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        await press(stage, "y")
        assert copied(stage) == []
        assert "nothing is selected" in stage.rows()[-1]
        assert stage.view.copying is not None


async def test_output_moves_neither_view_nor_selection() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        await press(stage, "k", "k", "V")
        before = stage.rows()[1 : ROWS - 1]
        for number in range(20):
            await stage.shows(b"\r\nmore %d" % number)
        assert stage.rows()[1 : ROWS - 1] == before
        assert stage.rows()[-1].endswith("↓ 20 new below")
        await press(stage, "y")
        assert copied(stage) == ["line 97"]
        assert stage.rows()[-1] == "more 19"


async def test_search_from_the_cursor_either_way() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        await press(stage, "g", "2", "0", "j", "slash", *"line", "space", "3", "enter")
        assert stage.view.copying is not None
        assert stage.view.copying.at == (30, 0)
        await press(stage, "n", "n")
        assert stage.view.copying.at == (32, 0)
        await press(stage, "N", "question_mark", *"line", "space", "1", "1", "enter")
        assert stage.view.copying.at == (11, 0)
        await press(stage, "slash", *"line", "space", "5", "escape")
        assert stage.view.copying.at == (11, 0)
        assert "line 11" in stage.rows()[stage.view.copying.at.row - stage.view.copying.top]


async def test_prompts_and_the_output_of_the_last_command() -> None:
    async with on_stage() as stage:
        shown = b"".join(
            PROMPT + b"cmd %d\r\n" % one + OUTPUT + b"out\r\n" * 12 + b"end %d\r\n" % one
            for one in range(3)
        )
        await stage.shows(shown + PROMPT)
        stage.view.action_terminal_previous_prompt()
        await stage.settle()
        assert stage.rows()[0].startswith("$ cmd 2")
        stage.view.action_terminal_previous_prompt()
        await stage.settle()
        assert stage.rows()[0].startswith("$ cmd 1")
        stage.view.action_terminal_next_prompt()
        await stage.settle()
        assert stage.rows()[0].startswith("$ cmd 2")
        stage.view.action_terminal_copy_output()
        await stage.settle()
        assert copied(stage) == ["out\n" * 12 + "end 2"]
        stage.view.action_terminal_copy_mode()
        await press(stage, "ctrl+up", "ctrl+up")
        assert stage.view.copying is not None
        row = stage.view.copying.at.row - stage.view.copying.top
        assert stage.rows()[row].startswith("$ cmd 1")
        stage.view.action_terminal_copy_output()
        await stage.settle()
        assert copied(stage)[1:] == ["out\n" * 12 + "end 1"]


async def test_without_marks_it_says_so() -> None:
    async with on_stage() as stage:
        await stage.shows(LINES)
        stage.view.action_terminal_previous_prompt()
        await stage.settle()
        assert "OSC 133" in stage.rows()[-1]
        assert copied(stage) == []


async def test_a_resize_and_the_other_screen_leave_it_usable() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        await press(stage, "g", "v", "l")
        await stage.pilot.resize_terminal(COLUMNS // 2, ROWS)
        await stage.settle()
        await press(stage, "j", "l")
        stage.session.feed(b"\x1b[?1049h\x1b[2Jother\x1b[2;1H")
        await stage.settle()
        await press(stage, "G", "k", "w")
        await press(stage, "q")
        assert stage.session.taken() == b""
        assert stage.rows()[-1].endswith("other")


async def test_the_scrollback_by_keys() -> None:
    async with on_stage() as stage:
        await stage.shows(LINES)
        await press(stage, "shift+home")
        assert stage.rows()[0].startswith("line 0 ")
        await press(stage, "shift+down", "shift+down", "shift+up")
        assert stage.rows()[0].split() == ["line", "1", "[89/90]"]
        await stage.shows(b"\r\nnew\r\nnew")
        assert stage.rows()[0].split() == ["line", "1", "[91/92]"]
        assert stage.rows()[-1].endswith("↓ 2 new below")
        await press(stage, "shift+end")
        assert stage.rows()[-1] == "new"
        await press(stage, "shift+up", "x")
        assert stage.rows()[-1] == "new"
        assert stage.session.taken() == b"x"


async def test_pasting_what_was_copied() -> None:
    async with on_stage() as stage:
        stage.view.action_terminal_paste()
        await stage.settle()
        assert "nothing was copied" in stage.rows()[-1]
        stage.app.copy_to_clipboard("copied text")
        stage.view.action_terminal_paste()
        assert stage.session.taken() == b"copied text"


async def test_it_says_how_to_leave_until_a_key_is_pressed() -> None:
    async with on_stage() as stage:
        await copy_mode(stage)
        assert stage.rows()[0].endswith("q leaves [0/90]")
        await press(stage, "k")
        assert stage.rows()[0].split() == ["line", "90", "[0/90]"]


async def test_the_bar_keeps_the_focus_and_gives_way_to_copy_mode() -> None:
    async with on_stage() as stage:
        await stage.shows(LINES)
        stage.view.action_terminal_search()
        await stage.pilot.pause()
        stage.view.focus()
        await press(stage, "7", "7")
        assert stage.session.taken() == b""
        assert stage.view.finder is not None
        stage.view.action_terminal_copy_mode()
        await stage.settle()
        assert not stage.view.bar_open
        assert stage.view.has_focus
        assert stage.view.copying is not None
        await press(stage, "shift+home", "q")
        assert stage.rows()[-1] == "line 99"


async def test_the_word_under_the_cursor_is_searched_both_ways() -> None:
    async with on_stage() as stage:
        await copy_mode(stage, b"foo bar\r\nfoobar x\r\na bar\r\nfoo")
        view = stage.view
        await press(stage, "g", "w", "asterisk")
        assert view.copying is not None
        assert tuple(view.copying.at) == (2, 2)
        await press(stage, "n")
        assert tuple(view.copying.at) == (0, 4)
        await press(stage, "0", "number_sign")
        assert tuple(view.copying.at) == (3, 0)
        await press(stage, "N")
        assert tuple(view.copying.at) == (0, 0)


async def test_the_footer_is_told_which_keys_are_not_the_remotes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_stage() as stage:
        told: list[Message] = []
        post = stage.view.post_message

        def tell(message: Message) -> bool:
            told.append(message)
            return post(message)

        monkeypatch.setattr(stage.view, "post_message", tell)
        assert stage.view.hints == ()
        await copy_mode(stage)
        assert ("v", "Select") in stage.view.hints
        assert sum(isinstance(one, OffersChanged) for one in told) == 1
        await press(stage, "slash")
        focused = stage.pilot.app.focused
        assert isinstance(focused, SearchField)
        assert ("Esc", "Back") in focused.hints
        await press(stage, "escape", "q")
        assert stage.view.hints == ()
        assert sum(isinstance(one, OffersChanged) for one in told) == 2
