"""What consoles behind a serial line may need: echo on this side, other ends of lines. Pure.

Such a console is reached through a terminal server, which passes on what it is sent. The words are
those of terminal programs for serial lines (local echo, CR, LF).
"""

import re
from enum import Enum

_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|.)?")
"""What special keys send, and the brackets around a paste."""


class LineEnding(Enum):
    """What Enter sends."""

    CR = b"\r"
    LF = b"\n"
    CRLF = b"\r\n"

    @property
    def following(self) -> "LineEnding":
        """Return the next one, around the end."""
        members = list(LineEnding)
        return members[(members.index(self) + 1) % len(members)]


class SerialLine:
    """How one session treats what is typed; CR and no echo are what every terminal does."""

    def __init__(self) -> None:
        self.local_echo = False
        self.ending = LineEnding.CR

    def __repr__(self) -> str:
        return f"<SerialLine {self.words or 'as usual'}>"

    @property
    def words(self) -> str:
        """Return what is not as usual, for the tab."""
        echo = "echo" if self.local_echo else ""
        ending = "" if self.ending is LineEnding.CR else self.ending.name
        return " ".join(filter(None, (echo, ending)))

    def sent(self, typed: bytes) -> bytes:
        """Return what to send for what was typed or pasted."""
        if self.ending is LineEnding.CR:
            return typed
        return typed.replace(b"\r", self.ending.value)

    def echoed(self, typed: bytes) -> bytes:
        """Return what to show for it: nothing for special keys."""
        if not self.local_echo:
            return b""
        shown = bytearray()
        for byte in _SEQUENCE.sub(b"", typed):
            key = bytes((byte,))
            if key in (b"\r", b"\n"):
                shown += b"\r\n"
            elif key in (b"\x7f", b"\x08"):
                shown += b"\b \b"
            elif byte < 0x20 and key != b"\t":
                shown += b"^" + bytes((byte ^ 64,))
            else:
                shown += key
        return bytes(shown)
