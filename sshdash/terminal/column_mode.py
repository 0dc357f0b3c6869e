"""DECCOLM, the switch between 80 and 132 columns, is refused: the width is the window's.

The library obeys it where a program has allowed it (mode 40), and wraps the whole scrollback
anew each time: 16 KiB of such sequences would hold the screen for ten seconds. Xterm, too,
refuses it unless its user says otherwise. So mode 40 is never set.
"""

import re
from collections.abc import Iterator

_ALLOW = 40
_IGNORED = rb"\x00-\x17\x19\x1c-\x1f\x7f"
"""What may stand inside a control sequence without ending it."""
_SET = re.compile(rb"\?(?=[0-9;:%b]*4[%b]*0)([0-9;:%b]*+)h" % (_IGNORED, _IGNORED, _IGNORED))
_BEFORE = re.compile(rb"\x1b\[[%b]*\Z" % _IGNORED)
_BEGUN = re.compile(rb"\x1b(?:\[[%b]*(?:\?[0-9;:%b]*)?)?\Z" % (_IGNORED, _IGNORED))
_NOT_DIGITS = re.compile(rb"[^0-9;:]+")
_CANCEL = b"\x18"
_LONGEST = 512
"""Bytes of a sequence that has not ended; one that is longer is given up."""


class ColumnModeGuard:
    """Takes mode 40 out of what a terminal reads."""

    def __init__(self) -> None:
        self._begun = b""

    def filter(self, data: bytes) -> bytes:
        """Return `data`, which may begin and end in the middle of a sequence, without it."""
        begun = self._begun
        seen = begun + data if begun else data
        if b"?" in seen:
            data = self._without(seen)[len(begun) :]
        self._begun = b""
        escape = seen.rfind(b"\x1b")
        if escape >= 0 and _BEGUN.match(seen, escape):
            if len(seen) - escape > _LONGEST:
                return data + _CANCEL
            self._begun = seen[escape:]
        return data

    def _without(self, seen: bytes) -> bytes:
        """Return `seen` with each sequence that sets the mode cancelled at its last byte."""
        parts = []
        start = 0
        for found in _SET.finditer(seen):
            numbers = list(_numbers(found[1]))
            if _ALLOW in numbers and _BEFORE.search(seen, start, found.start()):
                others = b";".join(b"%d" % number for number in numbers if number != _ALLOW)
                parts += [seen[start : found.end() - 1], _CANCEL]
                parts.append(b"\x1b[?%bh" % others if others else b"")
                start = found.end()
        return b"".join([*parts, seen[start:]]) if parts else seen


def _numbers(parameters: bytes) -> Iterator[int]:
    plain = _NOT_DIGITS.sub(b"", parameters)
    return (int(number[-9:] or 0) for number in re.split(rb"[;:]", plain))
