"""EscapeChar: what a person tells this side in the middle of a session, after a new line. Pure."""

from collections.abc import Collection, Iterator
from enum import Enum

_NEW_LINE = (b"\r", b"\n")
_FOCUS = (b"\x1b[I", b"\x1b[O")
"""What terminals send when they are looked at, and no longer: nobody typed that."""


class Escape(Enum):
    """What an escape sequence asks for, by its second character."""

    END = "."
    BREAK = "B"
    COMMAND = "C"
    REKEY = "R"
    QUIETER = "V"
    LOUDER = "v"
    SUSPEND = "\x1a"
    CONNECTIONS = "#"
    BACKGROUND = "&"
    HELP = "?"


RELAYED = frozenset({Escape.END, Escape.BREAK, Escape.REKEY, Escape.HELP})
"""What makes sense where there is no screen, only a command's input and output."""
_WORDS = {
    Escape.END: (".", "end this session; other sessions, files and tunnels go on"),
    Escape.BREAK: ("B", "send a BREAK to the remote system"),
    Escape.COMMAND: ("C", "open a command line"),
    Escape.REKEY: ("R", "request rekey"),
    Escape.QUIETER: ("V/v", "decrease/increase verbosity of the log (LogLevel)"),
    Escape.SUSPEND: ("^Z", "suspend ssh; sshdash says what to do instead"),
    Escape.CONNECTIONS: ("#", "list forwarded connections"),
    Escape.BACKGROUND: ("&", "background ssh; sshdash says what to do instead"),
    Escape.HELP: ("?", "this message"),
}


def escape_character(value: str | None) -> bytes:
    """Return the character of a value of EscapeChar; empty for ``none``."""
    if not value or value == "none":
        return b""
    return value.encode("utf-8", "surrogateescape")[:1]


def escape_name(character: bytes) -> str:
    """Return the character as it is shown: ``~``, ``^A``."""
    name = character.decode("latin-1")
    return name if name.isprintable() else f"^{chr(character[0] ^ 64)}"


def help_text(character: bytes, known: Collection[Escape] = tuple(Escape)) -> str:
    """Return the help, as ssh(1) has it, with line ends for a terminal."""
    name = escape_name(character)
    rows = [row for escape, row in _WORDS.items() if escape in known]
    lines = [f" {name}{keys:<4}- {words}" for keys, words in rows]
    lines.append(f" {name}{name:<4}- send the escape character by typing it twice")
    note = "(Note that escapes are only recognized immediately after newline.)"
    return "\r\n".join([f"{name}?", "Supported escape sequences:", *lines, note, ""])


class Escapes:
    """Takes what is typed apart into what is sent and what is meant for this side."""

    def __init__(self, character: bytes, known: Collection[Escape] = tuple(Escape)) -> None:
        self.character = character
        self._known = known
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
                if escape is not None and escape in self._known:
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
