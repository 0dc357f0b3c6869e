"""What the kernel does between a keyboard and a program that has no terminal of its own.

A session without a terminal (``RequestTTY no``) leaves echo, line editing and the ends of lines
to this side, where for ssh the local terminal does them. Pure: bytes in, bytes out.
"""

_ERASE = (b"\x7f", b"\x08")
_KILL, _WORD, _END, _INTERRUPT = b"\x15", b"\x17", b"\x04", b"\x03"
_ENTER = (b"\r", b"\n")
_LONGEST = 4095
"""Bytes of a line, as in the kernel."""


class Cooked:
    """Edits one line after the other.

    `feed` returns what to show and what to send; after it, `ended` tells that the input is over
    and `interrupted` that the session is to end.
    """

    def __init__(self) -> None:
        self.ended = False
        self.interrupted = False
        self._line = bytearray()
        self._escape = False

    def feed(self, typed: bytes) -> tuple[bytes, bytes]:
        """Take what was typed."""
        shown, sent = bytearray(), bytearray()
        for at in range(len(typed)):
            if self.ended or self.interrupted:
                break
            key = typed[at : at + 1]
            if self._skips(key):
                continue
            if key in _ENTER:
                sent += self._take() + b"\n"
                shown += b"\r\n"
            elif key == _END:
                self.ended = not self._line
                sent += self._take()
            elif key == _INTERRUPT:
                self.interrupted = True
                shown += b"^C\r\n"
            else:
                shown += self._edit(key)
        return bytes(shown), bytes(sent)

    def _skips(self, key: bytes) -> bool:
        """Return whether a byte belongs to the sequence of a special key, which means nothing."""
        if self._escape:
            # The last byte of CSI and SS3 sequences; their first is no letter to them.
            self._escape = key in (b"[", b"O") or (not key.isalpha() and key != b"~")
            return True
        self._escape = key == b"\x1b"
        return self._escape

    def _take(self) -> bytes:
        line = bytes(self._line)
        self._line.clear()
        return line

    def _edit(self, key: bytes) -> bytes:
        if key in _ERASE:
            return self._erase(1)
        if key == _KILL:
            return self._erase(len(self._line))
        if key == _WORD:
            kept = self._line.rstrip(b" ").rpartition(b" ")
            return self._erase(len(self._line) - len(kept[0] + kept[1]))
        if len(self._line) >= _LONGEST:
            return b"\a"
        self._line += key
        return b"^" + bytes((key[0] ^ 64,)) if key < b" " and key != b"\t" else key

    def _erase(self, count: int) -> bytes:
        """Take characters off the end; the bytes of one character go together."""
        shown = b""
        until = len(self._line) - count
        while self._line and len(self._line) > until:
            gone = self._line.pop()
            while self._line and gone & 0xC0 == 0x80:
                gone = self._line.pop()
            width = 2 if gone < 0x20 and gone != 9 else 1
            shown += b"\b \b" * width
        return shown


def shown(output: bytes) -> bytes:
    """Return output of a program without a terminal, with ends of lines for one."""
    return output.replace(b"\n", b"\r\n")
