"""A long paste on its way: in pieces, no faster than the remote reads, and to be stopped."""

from collections.abc import Awaitable, Callable, Iterator

from sshdash.terminal.keyboard import encode_paste

AT_ONCE = 16 * 1024
"""Characters that are sent at once; more go in pieces of as many."""
_START, _END = b"\x1b[200~", b"\x1b[201~"


class Pasting:
    """Sends `text` by `send`, a piece whenever `room` says that there is room for it."""

    def __init__(
        self,
        text: str,
        *,
        bracketed: bool,
        send: Callable[[bytes], None],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self._text = text
        self._bracketed = bracketed
        self._send = send
        self._room = room
        self._stopped = False
        self.total = len(text)
        """Characters in all."""
        self.sent = 0

    def __repr__(self) -> str:
        return f"<Pasting [{self.sent} of {self.total}{', stopped' if self._stopped else ''}]>"

    async def run(self) -> None:
        """Send everything, or what was sent until it was stopped; brackets are always closed."""
        if self._bracketed:
            self._send(_START)
        for piece in _pieces(self._text):
            await self._room()
            if self._stopped:
                break
            encoded = encode_paste(piece, bracketed=self._bracketed)
            self._send(encoded[len(_START) : -len(_END)] if self._bracketed else encoded)
            self.sent += len(piece)
        if self._bracketed:
            self._send(_END)

    def stop(self) -> None:
        """Send no more of it."""
        self._stopped = True


def _pieces(text: str) -> Iterator[str]:
    """Cut `text`, never between the two characters of one end of a line."""
    start = 0
    while start < len(text):
        end = start + AT_ONCE
        if text[end - 1 : end + 1] == "\r\n":
            end += 1
        yield text[start:end]
        start = end
