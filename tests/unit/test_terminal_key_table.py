"""Every key in every mode: the bytes are those of xterm, or of the kitty keyboard protocol."""

import re

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.keyboard import Keyboard
from sshdash.terminal.other_keys import OtherKeys
from tests.key_table import MODES, key_name, keys, load

NAMES = list(keys())
KITTY_FLAGS = (1, 3, 7, 15, 31)
TWINS = {
    **{f"kp_{digit}": str(digit) for digit in range(10)},
    "kp_add": "plus_sign", "kp_subtract": "hyphen_minus", "kp_multiply": "asterisk",
    "kp_divide": "solidus", "kp_decimal": "full_stop", "kp_equal": "equals_sign",
    "kp_enter": "enter",
}  # fmt: skip
"""Textual tells the keys of the keypad as the ones they double."""

# Where sshdash does not send what xterm sends, and why.
DEVIATIONS = {
    # As every other terminal does: Alt is Escape, whatever the character.
    **{f"alt+{char}": b"\x1b" + char.encode() for char in "éßñж漢€"},
    # What Ctrl makes of it is kept with Alt, as with every other key.
    "ctrl+alt+question_mark": b"\x1b\x7f",
}
KEYPAD_DEVIATIONS = {"kp_add": b"+", "kp_subtract": b"-", "kp_multiply": b"*", "kp_divide": b"/"}
# xterm forgets Alt where the keysym is not Latin-1.
WIDE_DEVIATIONS = {f"alt+{char}": b"\x1b[27;3;%d~" % ord(char) for char in "ж漢€"}
MODE_DEVIATIONS: dict[str, dict[str, bytes]] = {
    "normal": DEVIATIONS,
    "application_cursor": DEVIATIONS,
    "application_keypad": DEVIATIONS | KEYPAD_DEVIATIONS,
    "modify_other_keys_1": WIDE_DEVIATIONS,
    "modify_other_keys_2": WIDE_DEVIATIONS,
}


def keyboard(modes: bytes) -> Keyboard:
    emulator = Emulator(80, 24)
    emulator.feed(modes)
    return Keyboard(emulator)


def test_the_table_is_large_enough() -> None:
    assert len(NAMES) >= 150
    assert all(set(load(mode)) == set(NAMES) for mode in MODES)


@pytest.mark.parametrize("mode", MODES)
def test_the_bytes_are_those_of_xterm(mode: str) -> None:
    sending = keyboard(MODES[mode])
    sent = {key: sending.encode(TWINS.get(key, key)) for key in NAMES}
    expected = load(mode) | MODE_DEVIATIONS[mode]
    assert {key: sent[key] for key in NAMES if sent[key] != expected[key]} == {}


@pytest.mark.parametrize("mode", MODES)
def test_every_deviation_is_one(mode: str) -> None:
    table = load(mode)
    deviations = MODE_DEVIATIONS[mode]
    assert [key for key, sent in deviations.items() if table[key] == sent] == []


FUNCTIONAL = {
    "escape": "27u", "enter": "13u", "tab": "9u", "backspace": "127u", "insert": "2~",
    "delete": "3~", "left": "1D", "right": "1C", "up": "1A", "down": "1B", "pageup": "5~",
    "pagedown": "6~", "home": "1H", "end": "1F", "f1": "1P", "f2": "1Q", "f3": "13~", "f4": "1S",
    "f5": "15~", "f6": "17~", "f7": "18~", "f8": "19~", "f9": "20~", "f10": "21~", "f11": "23~",
    "f12": "24~", **{f"f{number}": f"{57363 + number}u" for number in range(13, 25)},
}  # fmt: skip
"""The table of functional keys in the protocol's text."""
LEGACY_TEXT = {"enter": b"\r", "tab": b"\t", "backspace": b"\x7f"}
UNSHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./", strict=True))
CHARS = {key_name(char): char for char in [*UNSHIFTED, *UNSHIFTED.values()]}


def by_the_protocol(key: str, flags: int) -> bytes:
    """Return the encoding of a press, as the protocol's text has it (a US layout)."""
    *names, base = key.split("+")
    mods = sum({"shift": 1, "alt": 2, "ctrl": 4}[name] for name in names)
    every = bool(flags & 8)
    if base in FUNCTIONAL:
        if base in LEGACY_TEXT and not mods and not every:
            return LEGACY_TEXT[base]
        number, final = FUNCTIONAL[base][:-1], FUNCTIONAL[base][-1]
        if mods:
            return f"\x1b[{number};{mods + 1}{final}".encode()
        return f"\x1b[{'' if number == '1' else number}{final}".encode()
    char = {"space": " "}.get(base) or CHARS.get(base, base)
    code = UNSHIFTED.get(char, char)
    if code != char:
        mods |= 1
    shifted = char.upper() if mods & 1 and len(char.upper()) == 1 else char
    if not every and not mods & ~1:
        return shifted.encode()
    alternate = f":{ord(shifted)}" if flags & 4 and mods & 1 and shifted != code else ""
    text = f";{ord(shifted)}" if flags & 16 and not mods & ~1 else ""
    modifiers = f";{mods + 1}" if mods else ";" if text else ""
    return f"\x1b[{ord(code)}{alternate}{modifiers}{text}u".encode()


def shortest(sent: bytes) -> bytes:
    """Leave out what the protocol lets a terminal leave out: that the event is a press."""
    return re.sub(rb"\[1;1([A-Z])", rb"[\1", re.sub(rb":1([A-Z])\Z", rb"\1", sent))


@pytest.mark.parametrize("flags", KITTY_FLAGS)
def test_the_bytes_are_those_of_the_kitty_protocol(flags: int) -> None:
    sending = keyboard(b"\x1b[>%du" % flags)
    sent = {key: shortest(sending.encode(TWINS.get(key, key))) for key in NAMES}
    expected = {key: by_the_protocol(TWINS.get(key, key), flags) for key in NAMES}
    assert {key: sent[key] for key in NAMES if sent[key] != expected[key]} == {}


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        (b"", 0),
        (b"\x1b[>4;1m", 1),
        (b"\x1b[>4;2m", 2),
        (b"\x1b[>4;3m", 2),
        (b"\x1b[>4;2m\x1b[>4;1m", 1),
        (b"\x1b[>4;2m\x1b[>4;0m", 0),
        (b"\x1b[>4;2m\x1b[>4m", 0),
        (b"\x1b[>4;2m\x1b[>m", 0),
        (b"\x1b[>4;1m\x1b[>4n", 0),
        (b"\x1b[>4;1m\x1bc", 0),
        (b"\x1b[>1;2m\x1b[4;1m\x1b[?4;1m", 0),
    ],
)
def test_the_level_of_other_keys(asked: bytes, level: int) -> None:
    whole = OtherKeys()
    whole.read(b"text" + asked + b"text")
    assert whole.level == level
    pieces = OtherKeys()
    for byte in asked:
        pieces.read(bytes([byte]))
    assert pieces.level == level


def test_a_new_program_does_not_inherit_the_level() -> None:
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[>4;1m")
    emulator.forget_program()
    assert emulator.modify_other_keys == 0
