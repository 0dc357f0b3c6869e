"""EscapeChar: what a person tells this side in the middle of a session, after a new line. Pure."""

from collections.abc import Iterator
from enum import Enum

_NEW_LINE = (b"\r", b"\n")
_FOCUS = (b"\x1b[I", b"\x1b[O")
"""What terminals send when they are looked at, and no longer: nobody typed that."""


class Escape(Enum):
    """What an escape sequence asks for, by its second character."""

    END = "."
    REKEY = "R"
    BREAK = "B"
    HELP = "?"


_WORDS = {
    Escape.END: "end this session",
    Escape.REKEY: "change the keys of the connection",
    Escape.BREAK: "send a BREAK to the remote terminal",
    Escape.HELP: "this help",
}


def escape_character(value: str | None) -> bytes:
    """Return the character of a value of EscapeChar; empty for ``none``."""
    if not value or value == "none":
        return b""
    return value.encode("utf-8", "surrogateescape")[:1]


def help_text(character: bytes) -> str:
    """Return the help, with line ends for a terminal."""
    name = character.decode("latin-1")
    name = name if name.isprintable() else f"^{chr(character[0] ^ 64)}"
    lines = [f"{name}{escape.value}  - {words}" for escape, words in _WORDS.items()]
    lines.append(f"{name}{name}  - send the character itself")
    note = "Only at the start of a line; all else that ssh has here is a key of sshdash."
    return "\r\n".join(["", "Supported escape sequences:", *lines, note, ""])


class Escapes:
    """Takes what is typed apart into what is sent and what is meant for this side."""

    def __init__(self, character: bytes) -> None:
        self.character = character
        self._at_start = True
        self._pending = False

    def feed(self, typed: bytes) -> Iterator[bytes | Escape]:
        """Return what to send and what to do, in order."""
        if typed in _FOCUS:
            yield typed
            return
        if not self.character or (self.character not in typed and not self._pending):
            self.passed(typed)
            yield typed
            return
        sent = bytearray()
        for at in range(len(typed)):
            key = typed[at : at + 1]
            if self._pending:
                self._pending = False
                escape = _escape(key)
                if escape is not None:
                    if sent:
                        yield bytes(sent)
                        sent.clear()
                    self._at_start = True
                    yield escape
                    continue
                sent += key if key == self.character else self.character + key
                self._at_start = key in _NEW_LINE
            elif self._at_start and key == self.character:
                self._pending = True
            else:
                sent += key
                self._at_start = key in _NEW_LINE
        if sent:
            yield bytes(sent)

    def passed(self, sent: bytes) -> None:
        """Take note of what was sent without a look, such as what was pasted."""
        if sent:
            self._at_start = sent[-1:] in _NEW_LINE
            self._pending = False


def _escape(key: bytes) -> Escape | None:
    try:
        return Escape(key.decode("latin-1"))
    except ValueError:
        return None
