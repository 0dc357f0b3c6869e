"""What bytes do to the screen: the sequences that programs live on."""

import gc
import weakref
from typing import Any

import pytest

from sshdash.terminal import colours as colours_module
from sshdash.terminal import ghostty
from sshdash.terminal.cells import PLAIN, CellStyle, Cursor, CursorShape, Line, Underline
from sshdash.terminal.emulator import Emulator


def screen(data: bytes, columns: int = 20, rows: int = 5) -> Emulator:
    emulator = Emulator(columns, rows)
    emulator.feed(data)
    return emulator


def lines(emulator: Emulator) -> dict[int, Line]:
    return emulator.take_damage().lines


def style_at(data: bytes, column: int = 0) -> CellStyle:
    for run in lines(screen(data))[0].runs:
        if column < run.width:
            return run.style
        column -= run.width
    raise AssertionError("no such column")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello", ["hello"]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\nb", ["a", " b"]),
        (b"abc\rX", ["Xbc"]),
        (b"ab\bX", ["aX"]),
        (b"a\tb", ["a       b"]),
        (b"\x1b[3gab\tc\x1b[1;10H\x1bH\rx\ty", ["xb       y         c"]),
        (b"12345678901234567890wrap", ["12345678901234567890", "wrap"]),
        (b"\x1b[?7l12345678901234567890X", ["1234567890123456789X"]),
        (b"a\x1b[3;4Hb", ["a", "", "   b"]),
        (b"abcdef\x1b[3D\x1b[K", ["abc"]),
        (b"abcdef\x1b[3D\x1b[1K", ["    ef"]),
        (b"abc\r\ndef\x1b[2J", ["", ""]),
        (b"abc\r\ndef\x1b[1;2H\x1b[J", ["a", ""]),
        (b"abcdef\r\x1b[2P", ["cdef"]),
        (b"abcdef\r\x1b[2@", ["  abcdef"]),
        (b"abcdef\r\x1b[2X", ["  cdef"]),
        (b"a\r\nb\r\nc\x1b[1;1H\x1b[L", ["", "a", "b", "c"]),
        (b"a\r\nb\r\nc\x1b[1;1H\x1b[M", ["b", "c"]),
        (b"1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[4;1H\n", ["1", "3", "4", "", "5"]),
        (b"1\r\n2\r\n3\x1b[1;1H\x1bM", ["", "1", "2", "3"]),
        (b"x\x1b[5b", ["xxxxxx"]),
        (b"\x1b7abc\x1b8X", ["Xbc"]),
        (b"\x1b(0lqk\x1b(B", ["┌─┐"]),
        (b"\x1b#8", ["E" * 20] * 5),
        (b"\x1b[4hab\x1b[1;1HX", ["Xab"]),
        (b"a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x1b]8;;\x1b\\", ["abc"]),
        (b"a\x1bP$qm\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d", ["abcd"]),
        (b"\xff\xfe ok", ["\ufffd\ufffd ok"]),
        ("é漢e\u0301".encode(), ["é漢e\u0301"]),
    ],
)
def test_what_is_on_the_screen(data: bytes, expected: list[str]) -> None:
    assert screen(data).screen_text()[: len(expected)] == expected


@pytest.mark.parametrize(
    ("sgr", "style"),
    [
        ("0", PLAIN),
        ("1", CellStyle(bold=True)),
        ("2", CellStyle(dim=True)),
        ("3", CellStyle(italic=True)),
        ("4", CellStyle(underline=Underline.SINGLE)),
        ("21", CellStyle(underline=Underline.DOUBLE)),
        ("4:2", CellStyle(underline=Underline.DOUBLE)),
        ("4:3", CellStyle(underline=Underline.CURLY)),
        ("4:4", CellStyle(underline=Underline.DOTTED)),
        ("4:5", CellStyle(underline=Underline.DASHED)),
        ("4:3;4:0", PLAIN),
        ("4;58;5;9", CellStyle(underline=Underline.SINGLE, underline_colour=9)),
        ("4;58:2::1:2:3", CellStyle(underline=Underline.SINGLE, underline_colour=(1, 2, 3))),
        ("4;58;5;9;59", CellStyle(underline=Underline.SINGLE)),
        ("5", CellStyle(blink=True)),
        ("7", CellStyle(reverse=True)),
        ("8", CellStyle(conceal=True)),
        ("9", CellStyle(strike=True)),
        ("53", CellStyle(overline=True)),
        ("31", CellStyle(foreground=1)),
        ("97", CellStyle(foreground=15)),
        ("42", CellStyle(background=2)),
        ("103", CellStyle(background=11)),
        ("38;5;200", CellStyle(foreground=200)),
        ("48;5;17", CellStyle(background=17)),
        ("38;2;1;2;3", CellStyle(foreground=(1, 2, 3))),
        ("48:2::4:5:6", CellStyle(background=(4, 5, 6))),
        ("1;31;44", CellStyle(foreground=1, background=4, bold=True)),
        ("1;31;22;39", PLAIN),
    ],
)
def test_how_it_looks(sgr: str, style: CellStyle) -> None:
    assert style_at(f"\x1b[{sgr}mX".encode()) == style


def test_erasing_paints_the_background() -> None:
    assert style_at(b"\x1b[44m\x1b[K", column=19) == CellStyle(background=4)
    assert style_at(b"\x1b[48;2;9;8;7m\x1b[2J", column=19) == CellStyle(background=(9, 8, 7))


def test_each_run_knows_its_width() -> None:
    data = "ab漢\x1b[31m字e\u0301👍\x1b[m|".encode()
    row = lines(screen(data))[0]
    assert [(run.text.rstrip(), run.width) for run in row.runs] == [
        ("ab漢", 4),
        ("字e\u0301👍", 5),
        ("|", 11),
    ]
    assert row.runs[1].parts == ("字", "", "e\u0301", "👍", "")
    assert sum(run.width for run in row.runs) == 20


def test_a_wide_character_that_does_not_fit_wraps() -> None:
    emulator = screen("1234567890123456789漢".encode())
    assert emulator.screen_text()[:2] == ["1234567890123456789", "漢"]
    assert sum(run.width for run in lines(emulator)[0].runs) == 20


@pytest.mark.parametrize("code", [0x80, 0x9B, 0x9D, 0x202E, 0x2066, 0x2028, 0x200F])
def test_no_character_that_could_act_on_the_outer_terminal_is_shown(code: int) -> None:
    emulator = screen(f"a{chr(code)}b e{chr(code)}".encode())
    shown = "".join(emulator.screen_text())
    assert chr(code) not in shown
    assert shown.startswith("a")


def test_combining_marks_are_bounded() -> None:
    emulator = screen(b"e" + "\u0301".encode() * 5000 + b"x")
    text = emulator.screen_text()[0]
    assert text.startswith("e")
    assert text.endswith("x")
    assert len(text) < 20


def test_only_changed_rows_are_damaged() -> None:
    emulator = screen(b"a\r\nb\r\nc")
    assert emulator.take_damage().full
    assert not emulator.take_damage().lines
    emulator.feed(b"\x1b[2;1Hx")
    damage = emulator.take_damage()
    assert not damage.full
    assert 1 in damage.lines
    assert 4 not in damage.lines


def test_the_cursor() -> None:
    emulator = screen(b"ab\r\ncd")
    emulator.take_damage()
    assert emulator.cursor == Cursor(2, 1, visible=True)
    emulator.feed(b"\x1b[?25l\x1b[6 q")
    emulator.take_damage()
    assert emulator.cursor == Cursor(2, 1, visible=False, shape=CursorShape.BAR)
    emulator.feed(b"\x1b[?25h\x1b[3 q")
    emulator.take_damage()
    assert emulator.cursor.shape is CursorShape.UNDERLINE
    assert emulator.cursor.blinking


def test_the_alternate_screen_leaves_the_main_one_alone() -> None:
    emulator = screen(b"main")
    emulator.feed(b"\x1b[?1049h\x1b[Hother")
    assert emulator.modes.alternate_screen
    assert emulator.screen_text()[0] == "other"
    emulator.feed(b"\x1b[?1049l")
    assert not emulator.modes.alternate_screen
    assert emulator.screen_text()[0] == "main"


@pytest.mark.parametrize(
    ("sequence", "name"),
    [
        (b"\x1b[?1h", "application_cursor"),
        (b"\x1b[?2004h", "bracketed_paste"),
        (b"\x1b[?1004h", "focus_reporting"),
        (b"\x1b[?2026h", "synchronized"),
        (b"\x1b[?9h", "mouse_tracking"),
        (b"\x1b[?1000h", "mouse_tracking"),
        (b"\x1b[?1002h", "mouse_tracking"),
        (b"\x1b[?1003h", "mouse_tracking"),
    ],
)
def test_modes(sequence: bytes, name: str) -> None:
    emulator = screen(b"")
    assert getattr(emulator.modes, name) is False
    emulator.feed(sequence)
    assert getattr(emulator.modes, name) is True
    emulator.feed(sequence[:-1] + b"l")
    assert getattr(emulator.modes, name) is False


def test_resizing_wraps_lines_anew_and_back() -> None:
    emulator = screen(b"one two three four\r\n$ ")
    emulator.resize(9, 5)
    assert emulator.screen_text()[:3] == ["one two t", "hree four", "$"]
    emulator.resize(40, 5)
    assert emulator.screen_text()[:2] == ["one two three four", "$"]


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 50), (500, 200), (0, 0), (100_000, 100_000)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    emulator = screen("漢字 text\r\nmore".encode())
    emulator.feed(b"\x1b[?1049h")
    emulator.resize(*size)
    emulator.feed("漢字 text\r\n\x1b[99;99Hmore\x1b[?1049l漢".encode())
    damage = emulator.take_damage()
    assert all(
        sum(run.width for run in line.runs) == emulator.columns for line in damage.lines.values()
    )


def test_scrolling_back_and_to_the_bottom() -> None:
    emulator = screen(b"".join(b"%d\r\n" % number for number in range(100)))
    assert emulator.scroll.from_bottom == 0
    emulator.scroll_by(-10)
    assert emulator.scroll.from_bottom == 10
    assert emulator.screen_text()[0] == "86"
    emulator.feed(b"new\r\n")
    assert emulator.screen_text()[0] == "86"
    emulator.scroll_by(-1000)
    assert emulator.screen_text()[0] == "0"
    emulator.scroll_to_bottom()
    assert emulator.screen_text()[-2] == "new"


def test_the_cursor_is_not_seen_while_scrolled_away() -> None:
    emulator = screen(b"x\r\n" * 50)
    emulator.scroll_by(-20)
    emulator.take_damage()
    assert not emulator.cursor.visible


def test_the_scrollback_is_bounded_in_lines() -> None:
    emulator = Emulator(80, 24, scrollback=1000)
    emulator.feed(b"line\r\n" * 20_000)
    assert 1000 <= emulator.scroll.total < 3000


def test_no_scrollback_at_all() -> None:
    emulator = Emulator(80, 24, scrollback=0)
    emulator.feed(b"line\r\n" * 1000)
    emulator.scroll_by(-5)
    assert emulator.scroll.from_bottom == 0


def test_titles_are_cleaned_and_bounded() -> None:
    emulator = screen(b"\x1b]0;hello\x07")
    assert emulator.take_title() == "hello"
    assert emulator.take_title() is None
    emulator.feed("\x1b]2;a\u202eb\u009bc [red]x[/]\x07".encode())
    assert emulator.take_title() == "a\\u202eb\\x9bc [red]x[/]"
    emulator.feed(b"\x1b]2;" + b"long " * 60 + b"\x07")
    title = emulator.take_title()
    assert title is not None
    assert len(title) <= 80
    emulator.feed(b"\x1b]2;\x07")
    assert emulator.take_title() == ""


def test_the_bell() -> None:
    emulator = screen(b"x")
    assert not emulator.take_bell()
    emulator.feed(b"\a\a")
    assert emulator.take_bell()
    assert not emulator.take_bell()
    emulator.feed(b"\x1b]0;t\a")
    assert not emulator.take_bell()


def test_the_palette_is_in_memory_that_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Any]] = []
    kept: list[bool] = []

    def new(ctype: str) -> Any:
        made.append(weakref.ref(box := ghostty.new(ctype)))
        return box

    subject = Emulator(20, 5)
    monkeypatch.setattr(colours_module, "new", new)
    monkeypatch.setattr(colours_module, "call", lambda *_: kept.append(made[-1]() is not None))
    subject.colours.set_palette([(1, 2, 3)] * 16)
    assert subject.colours.palette[:3] == bytes([1, 2, 3])
    assert kept == [True, True]


def test_what_belongs_to_a_terminal_keeps_it() -> None:
    colours, effects = screen(b"\x1b]4;1;#010203\x07").colours, screen(b"").effects
    gc.collect()
    for _ in range(50):  # which would take the place of what was freed
        screen(b"x" * 1000).view()
    assert colours.palette[3:6] == bytes([1, 2, 3])
    assert not effects.hold


def test_a_terminal_is_freed_with_the_last_who_holds_it() -> None:
    freed = []
    real = ghostty.lib.ghostty_terminal_free

    def free(handle: Any) -> None:
        freed.append(handle)
        real(handle)

    handle = ghostty.owned(
        "GhosttyTerminal",
        lambda box: ghostty.lib.ghostty_terminal_new(ghostty.ffi.NULL, box, 10, 5),
        free,
    )
    other = handle
    del handle
    assert not freed
    del other
    assert len(freed) == 1


def test_the_palette_is_the_themes_until_a_program_changes_it() -> None:
    emulator = screen(b"")
    emulator.colours.set_palette([(index, 0, 0) for index in range(16)])
    assert emulator.colours.palette[:6] == bytes([0, 0, 0, 1, 0, 0])
    assert emulator.colours.palette[-3:] == bytes([238, 238, 238])
    emulator.feed(b"\x1b]4;1;rgb:aa/bb/cc\x07")
    emulator.colours.set_palette([(index, 9, 9) for index in range(16)])
    assert emulator.colours.palette[:6] == bytes([0, 9, 9, 0xAA, 0xBB, 0xCC])


def test_a_new_program_does_not_inherit_modes() -> None:
    emulator = screen(b"first\r\n$ ")
    emulator.feed(
        b"\x1b[?1;1000;1003;1004;1006;2004;2026h\x1b[?25l\x1b[2;3r\x1b[2;3H\x1b[4h\x1b[>1u\x1b[31m"
        b"\x1b[?1049h\x1b[?6h\x1b]4;1;rgb:00/00/00\x07\x1b]0;half an osc"
    )
    emulator.forget_program()
    modes = emulator.modes
    assert not any(
        (
            modes.alternate_screen,
            modes.application_cursor,
            modes.bracketed_paste,
            modes.focus_reporting,
            modes.mouse_tracking,
            modes.synchronized,
        )
    )
    emulator.feed(b"\r\nnext")
    assert emulator.screen_text()[:3] == ["first", "$", "next"]
    row = lines(emulator)[2]
    assert row.runs[0].style == PLAIN
    assert emulator.cursor.visible
    assert not emulator.take_replies()
