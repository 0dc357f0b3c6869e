"""The command line of ``~C``: typed on this side, while what the remote sends waits. Pure."""

from sshdash.terminal.cooked import Cooked

PROMPT = b"\r\nssh> "
_BRACKETS = (b"\x1b[200~", b"\x1b[201~")


class EscapeLine:
    """Edits one line as a terminal would; `feed` is to be called until `over`."""

    def __init__(self) -> None:
        self.over = False
        self.line = ""
        """What was entered; empty where it was given up (Ctrl-C, Ctrl-D)."""
        self._cooked = Cooked()

    def feed(self, typed: bytes) -> tuple[bytes, bytes]:
        """Take what was typed; return what to show, and what was typed after the end."""
        echo = bytearray()
        for at in range(len(typed)):
            shown, entered = self._cooked.feed(typed[at : at + 1])
            echo += shown
            if entered or self._cooked.interrupted or self._cooked.ended:
                self.over = True
                self.line = entered.decode("utf-8", "replace").strip()
                return bytes(echo), typed[at + 1 :]
        return bytes(echo), b""

    def paste(self, pasted: bytes) -> bytes:
        """Take the first line of what was pasted, to be looked at before Enter; return the echo."""
        for bracket in _BRACKETS:
            pasted = pasted.replace(bracket, b"")
        lines = pasted.replace(b"\r", b"\n").split(b"\n")
        return self.feed(lines[0].translate(None, bytes(range(32))))[0]
