"""Which level of modifyOtherKeys a program has asked for.

The library remembers the second level only, as one that is on or off; Emacs and fish ask for
the first.
"""

import re

_ASKED = re.compile(rb"\x1b(?:c|\[>(?:4(?:;([0-9]*))?)?m|\[>4n)")
"""A reset of the terminal, XTMODKEYS with and without a level, and its disabling form."""
_BEGUN = re.compile(rb"\x1b(?:\[(?:>[0-9;]{0,8})?)?\Z")


class OtherKeys:
    """Reads what the terminal reads, and knows the level at its end."""

    def __init__(self) -> None:
        self.level = 0
        """0 where it was not asked for, else 1 or 2."""
        self._begun = b""

    def read(self, data: bytes) -> None:
        """Take note of `data`, which may end in the middle of a sequence."""
        if self._begun:
            data = self._begun + data
        if self.level or b">" in data:
            for asked in _ASKED.finditer(data):
                self.level = min(int(asked[1] or 0), 2)
        begun = _BEGUN.search(data, max(0, len(data) - 12))
        self._begun = begun[0] if begun else b""
