"""Where xterm sends other bytes for a key than the library: programs expect xterm's.

The table of what xterm sends is in the tests, written by an xterm. Without the kitty protocol
these are the rules; with it the library's encoding is the protocol's own.
"""

import re
from dataclasses import dataclass

SHIFT, CTRL, ALT = 1, 2, 4
"""The library's bits of the modifiers."""

# What Ctrl makes of a character that is not a letter.
_CONTROL = dict.fromkeys("@ 2`", 0x00)
_CONTROL |= dict.fromkeys("[3{", 0x1B)
_CONTROL |= dict.fromkeys("\\4|", 0x1C)
_CONTROL |= dict.fromkeys("]5}", 0x1D)
_CONTROL |= dict.fromkeys("^6~", 0x1E)
_CONTROL |= dict.fromkeys("_7/", 0x1F)
_CONTROL |= dict.fromkeys("?8", 0x7F)
_CONTROL |= {chr(code): code & 0x1F for code in range(ord("a"), ord("z") + 1)}

_PLAIN = {"ENTER": b"\r", "TAB": b"\t", "ESCAPE": b"\x1b", "BACKSPACE": b"\x7f"}
_EXTENDED = re.compile(rb"\x1b\[(?:27;[0-9]+;[0-9]+~|[0-9:;]+u)\Z")
"""Encodings that only a program that asked for them understands."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A key by the library's name, the modifiers held, and the character it types, if any."""

    name: str
    mods: int
    char: str

    @property
    def parameter(self) -> int:
        """The modifiers as xterm counts them: one more than Shift 1, Alt 2 and Ctrl 4."""
        mods = self.mods
        return 1 + bool(mods & SHIFT) + 2 * bool(mods & ALT) + 4 * bool(mods & CTRL)


def as_xterm(sent: bytes, chord: Chord, level: int) -> bytes:
    """Return what xterm sends for `chord` where the library sends `sent`.

    `level` is that of modifyOtherKeys: 0, 1 or 2.
    """
    if not chord.mods:
        return sent
    if chord.name == "F3":
        return b"\x1b[1;%dR" % chord.parameter
    if chord.name == "TAB" and chord.mods & SHIFT and (level < 2 or chord.mods == SHIFT):
        return b"\x1b[Z"
    if level == 2:
        if chord.name == "BACKSPACE" and chord.mods & CTRL and chord.mods != CTRL:
            return _other_key(chord.parameter, 8)
        return sent
    if level == 1 and (code := _reported(chord)):
        told = bool(chord.char and chord.mods & SHIFT and not chord.mods & CTRL)
        return _other_key(chord.parameter - told, code)  # the character tells of Shift already
    if chord.char or chord.name == "BACKSPACE" or _EXTENDED.match(sent):
        return _legacy(chord)
    return sent


def _other_key(parameter: int, code: int) -> bytes:
    return b"\x1b[27;%d;%d~" % (parameter, code)


def _reported(chord: Chord) -> int:
    """Return the code of a chord that level 1 reports, 0 where its meaning is well known.

    What Ctrl makes a control character of stays that, and so do Backspace and plain capitals.
    """
    plain = chord.char.encode("utf-8", "ignore") if chord.char else _PLAIN.get(chord.name, b"")
    if not plain or chord.name == "BACKSPACE":
        return 0
    code = ord(chord.char) if chord.char else plain[0]
    if chord.mods & ALT:
        return code
    if chord.mods & CTRL:
        if chord.char == "?":
            return code
        return code if chord.name != "ESCAPE" and _legacy(chord) == plain else 0
    return code if chord.name == "ENTER" else 0


def _legacy(chord: Chord) -> bytes:
    """Return the bytes of a chord that types a character, as terminals have always sent them."""
    char = chord.char
    if chord.name in _PLAIN and not char:
        sent = _PLAIN[chord.name]
        if chord.name == "BACKSPACE" and chord.mods & CTRL:
            sent = b"\b"
    elif chord.mods & CTRL and char.lower() in _CONTROL:
        sent = bytes([_CONTROL[char.lower()]])
    else:
        sent = char.encode("utf-8", "ignore")
    return b"\x1b" + sent if chord.mods & ALT else sent
