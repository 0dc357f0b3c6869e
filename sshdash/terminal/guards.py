"""Sequences that the library obeys at a price, changed on their way to it.

What a remote sends comes in pieces, and a piece is passed on at once. So a sequence is changed at
its last byte: it is cancelled there (CAN), and what stands for it follows.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

MOST_LINKED = 22_500
"""Cells of a screen, 300 by 75 for example, that may all be linked."""
CLOSE_LINK = b"\x18\x1b]8;;\x1b\\"
"""What ends a link that was begun on a smaller screen."""
SOFT_RESET = b"\x1b[!p"
"""DECSTR."""
_CANCEL = b"\x18"
_LONGEST = 512
"""Bytes of a sequence that has not ended; one that is longer is given up."""
_WITHIN = rb"\x00-\x17\x19\x1c-\x1f\x7f-\x9a\x9c-\xff"
"""What may stand inside a control sequence without ending it."""
_WITHIN_OSC = rb"\x00-\x06\x08-\x17\x19\x1c-\x1f"
# Within other sequences the library takes the introducers of one byte, too.
_CSI = rb"(?:\x1b[%b]*+\[|\x9b)[%b]*+" % (_WITHIN, _WITHIN)
_CSI_BEGUN = rb"(?:\x1b[%b]*+(?:\[[%b]*+%%b)?|\x9b[%b]*+%%b)\Z" % (_WITHIN, _WITHIN, _WITHIN)
_SUSPECTS = bytes(
    0x3B if byte in b"[;" else 0x41 if byte in b"ABCDEFGIJKLMPSXZ@`abdefgjkr" else 0x20
    for byte in range(256)
)
_NOT_DIGITS = re.compile(rb"[^0-9;:]+")
_PARAMETERS = bytes(
    0x30 if byte < 0x20 or byte >= 0x7F or 0x30 <= byte < 0x3C else byte for byte in range(256)
)


def repeats(data: bytes) -> int:
    """Return how often `data` may have a character repeated (REP), at most; cheap to ask."""
    if b"b" not in data or (b"\x1b" not in data and b"\x9b" not in data):
        return 0
    return data.translate(_PARAMETERS).count(b"0b")


class Guard(ABC):
    """Changes one kind of sequence, whole or in pieces."""

    begun: ClassVar[re.Pattern[bytes]]
    """The beginning of such a sequence, up to the end of a piece."""

    def __init__(self) -> None:
        self._begun = b""

    def filter(self, data: bytes) -> bytes:
        """Return `data`, which may begin and end in the middle of a sequence, changed."""
        passed = len(self._begun)
        seen = self._begun + data if passed else data
        data = self.change(seen)[passed:]
        self._begun = b""
        for introducer in (b"\x1b", b"\x9b", b"\x9d"):
            start = seen.rfind(introducer)
            if start < 0 or not self.begun.match(seen, start):
                continue
            if len(seen) - start > _LONGEST:
                return data + _CANCEL
            self._begun = seen[start:]
            break
        return data

    @abstractmethod
    def change(self, seen: bytes) -> bytes:
        """Return `seen` with the sequences that end in it changed, each at its last byte."""


class ColumnModeGuard(Guard):
    """Refuses DECCOLM, the switch between 80 and 132 columns: the width is the window's.

    The library obeys it where a program has allowed it (mode 40), and wraps the whole scrollback
    anew each time: 16 KiB of such sequences would hold the screen for ten seconds. Xterm, too,
    refuses it unless its user says otherwise. So mode 40 is never set.
    """

    begun = re.compile(_CSI_BEGUN % ((rb"(?:\?[0-9;:%b]*)?" % _WITHIN,) * 2))
    _set = re.compile(rb"\?(?=[0-9;:%b]*4[%b]*0)([0-9;:%b]*+)h" % (_WITHIN, _WITHIN, _WITHIN))
    _before = re.compile(_CSI + rb"\Z")
    _allow = 40

    def change(self, seen: bytes) -> bytes:
        """Take the mode out of what is set."""
        if b"?" not in seen:
            return seen
        parts = []
        start = 0
        for found in self._set.finditer(seen):
            numbers = list(_numbers(found[1]))
            if self._allow in numbers and self._before.search(seen, start, found.start()):
                others = b";".join(b"%d" % number for number in numbers if number != self._allow)
                parts += [seen[start : found.end() - 1], _CANCEL]
                parts.append(b"\x1b[?%bh" % others if others else b"")
                start = found.end()
        return b"".join([*parts, seen[start:]]) if parts else seen


class RepeatGuard(Guard):
    """Bounds how often REP repeats a character: once through a row, as curses uses it.

    The library repeats it 65,535 times, which takes a quarter of a second where that scrolls
    between margins. It does so, too, where something else was sent since the character; as in
    xterm nothing is repeated then.
    """

    begun = re.compile(_CSI_BEGUN % ((rb"[0-9;:%b]*" % _WITHIN,) * 2))
    _repeat = re.compile(_CSI + rb"([0-9;:%b]*+)b" % _WITHIN)
    _sequence = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-OQ-WYZ\\`-~])\Z")

    def __init__(self) -> None:
        super().__init__()
        self.most = 1
        """The columns of the terminal."""
        self._end = b""
        """The end of what was seen."""

    def change(self, seen: bytes) -> bytes:
        """Repeat less where it is too often, and nothing where no character is the last."""
        before = self._end[: len(self._end) - len(self._begun)]
        self._end = (before + seen if len(seen) < _LONGEST else seen)[-_LONGEST:]
        if not repeats(seen):
            return seen
        return self._repeat.sub(partial(self._bounded, before), seen)

    def _bounded(self, before: bytes, found: re.Match[bytes]) -> bytes:
        start = found.start()
        before = found.string[max(0, start - _LONGEST) : start] if start else before
        if not self._is_written(before):
            return found[0][:-1] + _CANCEL
        if next(_numbers(found[1]), 0) <= self.most:
            return found[0]
        return b"%b%b\x1b[%db" % (found[0][:-1], _CANCEL, self.most)

    def _is_written(self, before: bytes) -> bool:
        """Return whether a character is the last of what came before."""
        if not before or before[-1] < 0x20:
            return False
        at = before.rfind(b"\x1b")
        return at < 0 or self._sequence.match(before, at) is None


class NumberGuard(Guard):
    """Gives sequences the numbers that they mean (ECMA-48, xterm) where the library takes others.

    TBC without one is TBC 0. And 0 is 1 where lines and characters are inserted, deleted or
    scrolled, and where the cursor goes relatively or by tab stops. One number more than a
    sequence knows does not make it another; HPB and VPB, which no terminal had, are nothing.
    """

    begun = re.compile(rb"\x1b(?:\[[0-9;]*+)?\Z")
    _others = re.compile(
        rb"\x1b\[(0+(?=[ILMPSZae])|(?=g)|[0-9;]*(?=[jk])|[0-9]*;[0-9;]*(?=[A-GI-MPSXZ@`abde])"
        rb"|[0-9]*;[0-9]*;[0-9;]*(?=[fr]))([@-~])"
    )

    def change(self, seen: bytes) -> bytes:
        """Say the numbers."""
        # Without its digits, and with one letter for many, a flood is quickly seen to have none.
        if b"\x1b" not in seen or b";A" not in seen.translate(_SUSPECTS, b"0123456789"):
            return seen
        return self._others.sub(self._said, seen)

    def _said(self, found: re.Match[bytes]) -> bytes:
        """Return a sequence cancelled at its last byte, and what it means."""
        numbers, last = found[1].split(b";"), found[2]
        kept = b";".join(numbers[: 2 if last in b"fr" else 1])
        if last == b"g":
            kept = b"0"
        elif not kept.strip(b"0"):
            kept = b""
        meant = b"" if last in b"jk" else b"\x1b[%b%b" % (kept, last)
        return found[0][:-1] + _CANCEL + meant


class SoftResetGuard(Guard):
    """Has DECSTR in one piece, for the emulator to do in the place of the library, which cannot."""

    begun = re.compile(rb"\x1b(?:\[!?)?\Z")

    def change(self, seen: bytes) -> bytes:
        """Begin it anew at its last byte."""
        if b"!" not in seen:
            return seen
        return seen.replace(SOFT_RESET, SOFT_RESET[:-1] + _CANCEL + SOFT_RESET)


class LinkGuard(Guard):
    """Takes links (OSC 8) out, for a screen of very many cells.

    The library counts the linked cells of the alternate screen in a table that it doubles up to
    64 KiB, and ends the whole program where that is not enough. A screen that was resized begins
    with a table of another size, so that its largest has room for some number between 22,937 cells
    and twice as many.
    """

    begun = re.compile(rb"\x1b[%b]*(?:\][%b]*(?:8[%b]*)?)?\Z" % (_WITHIN, _WITHIN_OSC, _WITHIN_OSC))
    _link = re.compile(rb"(\x1b[%b]*\][%b]*8[%b]*);" % (_WITHIN, _WITHIN_OSC, _WITHIN_OSC))

    def change(self, seen: bytes) -> bytes:
        """Make each link an OSC 888, which means nothing."""
        return self._link.sub(rb"\g<1>88;", seen)


def _numbers(parameters: bytes) -> Iterator[int]:
    plain = _NOT_DIGITS.sub(b"", parameters)
    return (int(number.lstrip(b"0")[:9] or 0) for number in re.split(rb"[;:]", plain))
