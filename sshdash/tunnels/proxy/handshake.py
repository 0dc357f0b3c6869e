"""What a proxy's client says first: SOCKS or HTTP, told apart by their first byte. Pure."""

from sshdash.tunnels.proxy.http_proxy import read_head
from sshdash.tunnels.proxy.proxy_request import Reader, Request, Step, TurnedAway, Unfinished
from sshdash.tunnels.proxy.socks import VERSION4, VERSION5, read_greeting, read_request4

_TLS_HANDSHAKE = 0x16
_SSH = b"SSH-"


class Handshake:
    """Takes what a client sends until it is a request, or something to close after.

    What each `feed` returns goes to the client. Once it is `done` there is a `request`; or there
    is none, and the client is to be closed behind the last answer: with an `error`, which says
    why in words, or without one where the answer was all that it wanted. `rest` belongs to the
    target: what came behind the request already and, for plain HTTP, the request itself.
    """

    def __init__(self) -> None:
        self.request: Request | None = None
        self.error = ""
        self.rest = b""
        self.done = False
        self._buffer = b""
        self._read: Reader = _read_opening

    def __repr__(self) -> str:
        """Return how far it is, and nothing of what was said: there may be passwords in it."""
        how = self.request or self.error or ("answered" if self.done else "under way")
        return f"<Handshake [{how}]>"

    def mishap(self, *, left: bool) -> str:
        """Return why there is no request, in words; empty where nothing went wrong.

        `left` is whether the client has gone by itself. Whoever connects and leaves without a
        word has only looked whether somebody is there.
        """
        if self.done or (left and not self._begun):
            return self.error
        if left:
            return "a client left in the middle of its request"
        return "a client took too long to say where it wants to go"

    @property
    def _begun(self) -> bool:
        return bool(self._buffer) or self._read is not _read_opening

    def feed(self, data: bytes) -> bytes:
        """Take more bytes; return what to send to the client now."""
        self._buffer += data
        answer = b""
        try:
            while not self.done:
                step = self._read(self._buffer)
                self._buffer = self._buffer[step.taken :]
                answer += step.answer
                self._go_on(step)
        except Unfinished:
            return answer
        except TurnedAway as error:
            self.done = True
            self.error = str(error)
            answer += error.answer
        if self.request is not None:
            self.rest += self._buffer
        self._buffer = b""
        return answer

    def _go_on(self, step: Step) -> None:
        if step.then is None or isinstance(step.then, Request):
            self.request = step.then
            self.rest = step.onward
            self.done = True
        else:
            self._read = step.then


def _read_opening(data: bytes) -> Step:
    if not data:
        raise Unfinished
    first = data[0]
    if first == VERSION5:
        return Step(0, read_greeting)
    if first == VERSION4:
        return Step(0, read_request4)
    if first == _TLS_HANDSHAKE:
        raise TurnedAway("a client spoke TLS to the SOCKS port")
    if data.startswith(_SSH):
        raise TurnedAway("a client spoke SSH to the SOCKS port")
    if _SSH.startswith(data):
        raise Unfinished
    if 0x41 <= first <= 0x5A:
        return Step(0, read_head)
    raise TurnedAway("a client spoke neither SOCKS nor HTTP to the SOCKS port")
