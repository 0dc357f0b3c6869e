"""The screen of a terminal, written: another terminal that reads it shows the same."""

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.screen_writing import written_screen

SCREENS = {
    "nothing": b"",
    "a shell": b"one\r\ntwo\r\n$ ls\x1b[K",
    "scrolled lines": b"".join(b"line %d\r\n" % number for number in range(40)) + b"$ ",
    "a full row": b"x" * 30 + b"\x1b[6;1H" + b"y" * 30 + b"\x1b[2;9H",
    "styles": b"\x1b[1;38;5;120mhi\x1b[m \x1b[4:3;58;2;1;2;3mcurly\x1b[m \x1b[7;48;2;1;2;3mx\x1b[m",
    "wide and combined": "中文 e\u0301 👩‍👩‍👧 ─│".encode(),
    "coloured rows": b"\x1b[44m\x1b[2J\x1b[3;4Hmenu\x1b[m\x1b[5;1H\x1b[48;2;9;8;7m\x1b[K\x1b[m",
    "an editor": b"main\x1b[?1049h\x1b[H~\r\n~\x1b[6;1H\x1b[7mstatus\x1b[m\x1b[2;2H\x1b[?1h",
    "a hidden cursor": b"\x1b[?25l\x1b[?7lhidden",
    "margins": b"\x1b[2;5r\x1b[3;3Hhere\x1b[31m",
    "an origin": b"\x1b[2;5r\x1b[?6h\x1b[2;3Hin\x1b[4h",
    "side margins": b"\x1b[?69h\x1b[5;20s\x1b[2;5r\x1b[?6h\x1b[2;3Hin",
}


def shown(emulator: Emulator) -> tuple[object, ...]:
    lines = emulator.view()
    emulator.take_damage()
    return lines, emulator.cursor, emulator.modes, emulator.position


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("more", [b"", b"more\r\nlines\x1b[1;1Hat the top\x1b[K\x1b[Lin\ttabs"])
def test_another_terminal_shows_the_same_and_goes_on_alike(name: str, more: bytes) -> None:
    one, other = Emulator(30, 6), Emulator(30, 6, 0)
    one.feed(SCREENS[name])
    other.feed(written_screen(one))
    one.feed(more)
    other.feed(more)
    assert shown(other) == shown(one)


def test_only_the_screen_is_written() -> None:
    emulator = Emulator(30, 6)
    emulator.feed(b"\x1b]2;the title\x07" + b"secret\r\n" * 3 + b"\r\n" * 9 + b"seen")
    emulator.scroll_by(-10)
    assert b"seen" in written_screen(emulator)
    emulator.feed(b"\x1b[?1049heditor")
    written = written_screen(emulator)
    assert b"editor" in written
    assert not any(word in written for word in (b"secret", b"seen", b"title"))


def test_a_frame_in_the_middle_does_not_hold_the_picture_back() -> None:
    one, other = Emulator(30, 6), Emulator(30, 6)
    one.feed(b"\x1b[?2026hhalf")
    other.feed(written_screen(one))
    assert other.hold == 0
    assert other.screen_text()[0] == "half"
