"""The terminal on the screen: what is drawn, where keys and the mouse go, how it ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from sshdash.paths import styles_dir
from sshdash.states import SessionState
from sshdash.terminal.cells import SelectBy
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.keyboard import Keyboard, encode_paste
from sshdash.terminal.pointer import Pointer
from sshdash.terminal.selection import Selection
from sshdash.terminal.session import ShellSession
from sshdash.ui.outlook import Outlook
from sshdash.ui.theme import DARK, LIGHT
from sshdash.ui.widgets import terminal_frames, terminal_mouse, terminal_view
from sshdash.ui.widgets.terminal_frames import SHORTEST
from sshdash.ui.widgets.terminal_keys import TypedKeysParser
from sshdash.ui.widgets.terminal_view import TerminalView

COLUMNS, ROWS = 40, 10
PATIENCE = 10.0


class FakeSession:
    """A session without a network: what is written is kept, what is fed is drawn."""

    def __init__(self) -> None:
        self.id = "host#1"
        self.host = "host"
        self.title = "host"
        self.state = SessionState.RUNNING
        self.exit_text = ""
        self.emulator = Emulator(80, 24)
        self.keyboard = Keyboard(self.emulator)
        self.pointer = Pointer(self.emulator)
        self.selection = Selection(self.emulator)
        self.on_output: Callable[[], None] | None = None
        self.on_change: Callable[[], None] | None = None
        self.written = b""
        self.sizes: list[tuple[int, int]] = []

    def write(self, data: bytes) -> None:
        self.written += data

    def paste(self, text: str) -> None:
        self.write(encode_paste(text, bracketed=self.emulator.modes.bracketed_paste))

    def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))
        self.emulator.resize(columns, rows)

    def feed(self, data: bytes) -> None:
        self.emulator.feed(data)
        if self.on_output:
            self.on_output()

    def end(self, state: SessionState, text: str) -> None:
        self.state, self.exit_text = state, text
        if self.on_change:
            self.on_change()

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        written, self.written = self.written, b""
        return written


class TerminalApp(App[None], inherit_bindings=False):
    """A terminal above an input, so that something else can have the focus."""

    CSS_PATH = styles_dir() / "terminal.tcss"
    CSS = "Input { height: 3; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: FakeSession) -> None:
        super().__init__()
        self.session = session
        self.told: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def compose(self) -> ComposeResult:
        yield TerminalView(cast(ShellSession, self.session), prefix="ctrl+g")
        yield Input()

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.query_one(TerminalView).focus()

    def on_terminal_view_title_changed(self, message: TerminalView.TitleChanged) -> None:
        self.told.append(message)

    def on_terminal_view_bell_rang(self, message: TerminalView.BellRang) -> None:
        self.told.append(message)

    def on_terminal_view_session_ended(self, message: TerminalView.SessionEnded) -> None:
        self.told.append(message)

    def on_terminal_view_reopen_requested(self, message: TerminalView.ReopenRequested) -> None:
        self.told.append(message)

    def on_terminal_view_copy_requested(self, message: TerminalView.CopyRequested) -> None:
        self.told.append(message)


@dataclass
class Stage:
    app: TerminalApp
    session: FakeSession
    pilot: Pilot[None]
    view: TerminalView = field(init=False)

    def __post_init__(self) -> None:
        self.view = self.app.query_one(TerminalView)

    async def shows(self, data: bytes) -> list[str]:
        """Feed `data` and return the rows as drawn."""
        self.session.feed(data)
        await self.settle()
        return self.rows()

    async def settle(self) -> None:
        """Return once what was asked for is drawn."""
        await self.pilot.pause()
        clock = self.view._clock
        assert clock is not None
        async with asyncio.timeout(PATIENCE):
            while clock._handle is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await self.pilot.pause()

    def rows(self) -> list[str]:
        return [self.strip(y).text.rstrip() for y in range(self.view.size.height)]

    def strip(self, y: int) -> Strip:
        return self.view.render_line(y)

    def style_at(self, x: int, y: int) -> Style:
        for segment in self.strip(y).crop(x, x + 1):
            assert segment.style is not None
            return segment.style
        raise AssertionError("nothing there")

    def messages(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.app.told if isinstance(message, kind)]


@asynccontextmanager
async def on_stage() -> AsyncIterator[Stage]:
    session = FakeSession()
    app = TerminalApp(session)
    async with app.run_test(size=(COLUMNS, ROWS + 3)) as pilot:
        await pilot.pause()
        yield Stage(app, session, pilot)


async def test_it_takes_the_size_of_the_widget() -> None:
    async with on_stage() as stage:
        assert stage.session.sizes[-1] == (COLUMNS, ROWS)
        await stage.pilot.resize_terminal(60, 23)
        await stage.pilot.pause()
        assert stage.session.sizes[-1] == (60, 20)


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
        monkeypatch.setattr(terminal_frames, "LONGEST_HOLD", 0.05)
        await stage.shows(b"\x1b[?2026hthe program died")
        assert stage.rows()[0] == "half fullthe program died"


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
        for key, sent in (("escape", b""), ("enter", b"two\rlines [201~")):
            stage.view.post_message(events.Paste("two\nlines\x1b[201~"))
            await stage.pilot.pause()
            assert "paste 2 lines" in stage.rows()[-1]
            await stage.pilot.press("x", key)
            assert stage.session.taken() == sent
            assert "paste" not in stage.rows()[-1]


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
        assert stage.rows()[0] == "81"
        assert stage.rows()[-1].endswith("↓ 9")
        assert stage.session.taken() == b""
        stage.view.post_message(wheel(events.MouseScrollUp))
        await stage.settle()
        assert stage.rows()[0] == "78"
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
        assert stage.rows()[0] == "81"
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
    monkeypatch.setattr(terminal_view, "PAUSE", 0.4)
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
        async with asyncio.timeout(5):
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


def wheel(kind: type[events.MouseEvent]) -> events.MouseEvent:
    return kind(None, 0, 0, 0, 0, 0, shift=False, meta=False, ctrl=False)


async def drag(stage: Stage, start: tuple[int, int], end: tuple[int, int]) -> None:
    await stage.pilot.mouse_down(stage.view, offset=start)
    await stage.pilot.hover(stage.view, offset=end)
    await stage.pilot.mouse_up(stage.view, offset=end)
    await stage.settle()
