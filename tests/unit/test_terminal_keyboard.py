"""Which bytes each key becomes, in the modes programs ask for."""

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.keyboard import Keyboard, encode_paste

LEGACY: list[tuple[str, str | None, bytes]] = [
    ("a", "a", b"a"),
    ("A", "A", b"A"),
    ("0", "0", b"0"),
    ("space", " ", b" "),
    ("question_mark", "?", b"?"),
    ("reverse_solidus", "\\", b"\\"),
    ("backslash", "\\", b"\\"),
    ("dollar_sign", "$", b"$"),
    ("é", "é", "é".encode()),
    ("漢", "漢", "漢".encode()),
    ("👍", "👍", "👍".encode()),
    ("enter", "\r", b"\r"),
    ("tab", "\t", b"\t"),
    ("shift+tab", None, b"\x1b[Z"),
    ("escape", "\x1b", b"\x1b"),
    ("backspace", "\x7f", b"\x7f"),
    ("backspace", "\x08", b"\x08"),
    ("ctrl+h", None, b"\x08"),
    ("delete", None, b"\x1b[3~"),
    ("insert", None, b"\x1b[2~"),
    ("home", None, b"\x1b[H"),
    ("end", None, b"\x1b[F"),
    ("pageup", None, b"\x1b[5~"),
    ("pagedown", None, b"\x1b[6~"),
    ("up", None, b"\x1b[A"),
    ("down", None, b"\x1b[B"),
    ("right", None, b"\x1b[C"),
    ("left", None, b"\x1b[D"),
    ("shift+up", None, b"\x1b[1;2A"),
    ("alt+down", None, b"\x1b[1;3B"),
    ("ctrl+right", None, b"\x1b[1;5C"),
    ("ctrl+shift+left", None, b"\x1b[1;6D"),
    ("ctrl+home", None, b"\x1b[1;5H"),
    ("shift+end", None, b"\x1b[1;2F"),
    ("ctrl+pageup", None, b"\x1b[5;5~"),
    ("shift+delete", None, b"\x1b[3;2~"),
    ("f1", None, b"\x1bOP"),
    ("f4", None, b"\x1bOS"),
    ("f5", None, b"\x1b[15~"),
    ("f10", None, b"\x1b[21~"),
    ("f12", None, b"\x1b[24~"),
    ("shift+f1", None, b"\x1b[1;2P"),
    ("ctrl+f5", None, b"\x1b[15;5~"),
    ("alt+f4", None, b"\x1b[1;3S"),
    ("f13", None, b"\x1b[25~"),
    ("ctrl+a", "\x01", b"\x01"),
    ("ctrl+c", "\x03", b"\x03"),
    ("ctrl+g", "\x07", b"\x07"),
    ("ctrl+i", None, b"\t"),
    ("ctrl+j", "\n", b"\n"),
    ("ctrl+m", None, b"\r"),
    ("ctrl+p", "\x10", b"\x10"),
    ("ctrl+q", "\x11", b"\x11"),
    ("ctrl+s", "\x13", b"\x13"),
    ("ctrl+z", "\x1a", b"\x1a"),
    ("ctrl+@", "\x00", b"\x00"),
    ("ctrl+at", None, b"\x00"),
    ("ctrl+space", None, b"\x00"),
    ("ctrl+2", None, b"\x00"),
    ("ctrl+left_square_bracket", None, b"\x1b"),
    ("ctrl+backslash", None, b"\x1c"),
    ("ctrl+right_square_bracket", None, b"\x1d"),
    ("ctrl+circumflex_accent", None, b"\x1e"),
    ("ctrl+6", None, b"\x1e"),
    ("ctrl+underscore", None, b"\x1f"),
    ("ctrl+slash", None, b"\x1f"),
    ("ctrl+minus", None, b"-"),
    ("ctrl+question_mark", None, b"\x7f"),
    ("ctrl+shift+a", None, b"\x01"),
    ("ctrl+full_stop", None, b"."),
    ("ctrl+1", None, b"1"),
    ("shift+enter", None, b"\r"),
    ("ctrl+enter", None, b"\r"),
    ("ctrl+tab", None, b"\t"),
    ("ctrl+backspace", None, b"\x08"),
    ("alt+a", "a", b"\x1ba"),
    ("alt+shift+a", "A", b"\x1bA"),
    ("alt+f", None, b"\x1bf"),
    ("alt+1", None, b"\x1b1"),
    ("alt+full_stop", ".", b"\x1b."),
    ("alt+space", " ", b"\x1b "),
    ("alt+enter", None, b"\x1b\r"),
    ("alt+backspace", None, b"\x1b\x7f"),
    ("alt+escape", None, b"\x1b\x1b"),
    ("alt+ctrl+a", None, b"\x1b\x01"),
    ("ctrl+alt+space", None, b"\x1b\x00"),
    ("alt+é", None, b"\x1b" + "é".encode()),
    ("left_shift", None, b""),
    ("caps_lock", None, b""),
    ("<ignore>", None, b""),
    ("unheard_of", None, b""),
]


def keyboard(modes: bytes = b"") -> Keyboard:
    emulator = Emulator(80, 24)
    emulator.feed(modes)
    return Keyboard(emulator)


@pytest.mark.parametrize(("key", "character", "sent"), LEGACY)
def test_legacy_keys(key: str, character: str | None, sent: bytes) -> None:
    assert keyboard().encode(key, character) == sent


def test_every_letter_with_ctrl_and_with_alt() -> None:
    keys = keyboard()
    for code in range(1, 27):
        letter = chr(code + 96)
        assert keys.encode(f"ctrl+{letter}") == bytes([code])
        assert keys.encode(f"alt+{letter}", letter) == b"\x1b" + letter.encode()


def test_every_printable_ascii_character() -> None:
    keys = keyboard()
    for code in range(0x20, 0x7F):
        assert keys.encode(chr(code), chr(code)) == bytes([code])


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("up", b"\x1bOA"),
        ("left", b"\x1bOD"),
        ("home", b"\x1bOH"),
        ("end", b"\x1bOF"),
        ("ctrl+up", b"\x1b[1;5A"),
        ("f1", b"\x1bOP"),
    ],
)
def test_application_cursor_keys(key: str, sent: bytes) -> None:
    assert keyboard(b"\x1b[?1h").encode(key) == sent


@pytest.mark.parametrize(
    ("flags", "key", "character", "sent"),
    [
        (1, "escape", "\x1b", b"\x1b[27u"),
        (1, "ctrl+a", "\x01", b"\x1b[97;5u"),
        (1, "ctrl+i", None, b"\x1b[105;5u"),
        (1, "a", "a", b"a"),
        (1, "A", "A", b"A"),
        (1, "shift+enter", None, b"\x1b[13;2u"),
        (1, "up", None, b"\x1b[A"),
        (8, "a", "a", b"\x1b[97u"),
        (15, "A", "A", b"\x1b[97:65;2u"),
    ],
)
def test_the_kitty_protocol(flags: int, key: str, character: str | None, sent: bytes) -> None:
    assert keyboard(b"\x1b[>%du" % flags).encode(key, character) == sent


def test_modify_other_keys() -> None:
    assert keyboard(b"\x1b[>4;2m").encode("ctrl+i") == b"\x1b[27;5;105~"
    assert keyboard(b"\x1b[>4;2m").encode("shift+enter") == b"\x1b[27;2;13~"


@pytest.mark.parametrize(
    ("text", "bracketed", "sent"),
    [
        ("plain", False, b"plain"),
        ("plain", True, b"\x1b[200~plain\x1b[201~"),
        ("a\nb\r\nc\rd", False, b"a\rb\rc\rd"),
        ("a\nb\r\nc", True, b"\x1b[200~a\nb\nc\x1b[201~"),
        ("tab\there é漢", False, "tab\there é漢".encode()),
        ("a\x1b[201~ \r id \r", True, b"\x1b[200~a [201~ \n id \n\x1b[201~"),
        ("a\x1b[201~b", False, b"a [201~b"),
        ("\x00\x03\x04\x05\x08\x11\x13\x15\x1a\x1c\x7f", False, b" " * 11),
        ("a\x9b201~\x9db", True, b"\x1b[200~a 201~ b\x1b[201~"),
        ("\ud800x", False, b"?x"),
    ],
)
def test_pastes(text: str, bracketed: bool, sent: bytes) -> None:
    assert encode_paste(text, bracketed=bracketed) == sent


def test_no_paste_breaks_out_of_its_brackets() -> None:
    hostile = "".join(map(chr, range(0xA0))) + "\x1b[201~\x9b201~"
    sent = encode_paste(hostile, bracketed=True)
    inside = sent.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~")
    assert b"\x1b" not in inside
    assert b"\xc2\x9b" not in inside
