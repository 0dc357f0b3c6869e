"""The client's half of SOCKS 4, 4a and 5 (RFC 1928), parsed without any I/O. Pure.

Only CONNECT without authentication is served. A request is answered when the target is open
or has refused, never before; a name goes to the server as it is, once it is known to be one.
"""

import ipaddress
from dataclasses import dataclass
from enum import Enum

from sshdash.tunnels.refusal import Refusal

_VERSION4, _VERSION5 = 4, 5
_CONNECT = 1
_NO_AUTHENTICATION, _NO_METHOD = 0, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LIMIT = 1024
"""Bytes a handshake may have; the longest honest one has under 800."""
_GRANTED4, _REJECTED4 = 90, 91


class Reply(Enum):
    """The REP field of a SOCKS 5 reply."""

    SUCCEEDED = 0
    FAILURE = 1
    NOT_ALLOWED = 2
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    REFUSED = 5
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_NOT_SUPPORTED = 8


_REPLIES = {
    Refusal.PROHIBITED: Reply.NOT_ALLOWED,
    Refusal.REFUSED: Reply.REFUSED,
    Refusal.NETWORK_UNREACHABLE: Reply.NETWORK_UNREACHABLE,
    Refusal.HOST_UNREACHABLE: Reply.HOST_UNREACHABLE,
    Refusal.TIMED_OUT: Reply.HOST_UNREACHABLE,
    Refusal.UNKNOWN_NAME: Reply.HOST_UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Request:
    """Where a client wants to go."""

    version: int
    host: str
    port: int

    def reply(self, refusal: Refusal | None) -> bytes:
        """Return the answer: success, or what stopped it."""
        code = Reply.SUCCEEDED
        if refusal is not None:
            code = _REPLIES.get(refusal, Reply.FAILURE)
        return _reply(self.version, code)


class _Bad(Exception):
    """The handshake cannot go on; `reply` is what the client is told first."""

    def __init__(self, reason: str, reply: bytes = b"") -> None:
        super().__init__(reason)
        self.reply = reply


class _More(Exception):
    """The handshake is not complete yet."""


class Handshake:
    """Takes what a client sends until it is a request or an error.

    After each `feed`, `answer` bytes go to the client; then there is a `request`, or an
    `error` (close after the answer), or more to wait for. `rest` is what came behind the
    request already and belongs to the target.
    """

    def __init__(self) -> None:
        self.request: Request | None = None
        self.error = ""
        self.rest = b""
        self._buffer = b""
        self._greeted = False

    @property
    def done(self) -> bool:
        """Return whether there is a request or an error."""
        return self.request is not None or bool(self.error)

    def feed(self, data: bytes) -> bytes:
        """Take more bytes; return what to send to the client now."""
        self._buffer += data
        answer = b""
        try:
            while self.request is None:
                answer += self._step(_Fields(self._buffer))
        except _More:
            if len(self._buffer) > _LIMIT:
                self.error = "the SOCKS request is too long"
        except _Bad as bad:
            self.error = str(bad)
            answer += bad.reply
        if self.done:
            self.rest, self._buffer = self._buffer, b""
        return answer

    def _step(self, fields: "_Fields") -> bytes:
        version = fields.byte()
        if version == _VERSION4 and not self._greeted:
            self.request = _request4(fields)
        elif version != _VERSION5:
            raise _Bad("not SOCKS")
        elif self._greeted:
            self.request = _request5(fields)
        else:
            methods = fields.take(fields.byte())
            if not methods:
                raise _Bad("the SOCKS client offers no authentication method")
            if _NO_AUTHENTICATION not in methods:
                raise _Bad("the SOCKS client wants authentication", bytes((_VERSION5, _NO_METHOD)))
            self._greeted = True
            self._buffer = fields.rest()
            return bytes((_VERSION5, _NO_AUTHENTICATION))
        self._buffer = fields.rest()
        return b""


class _Fields:
    """Reads fields off the front of a buffer, and says when there are not enough bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        if len(self._data) < self._at + size:
            raise _More
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def port(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def until_nul(self, limit: int) -> bytes:
        end = self._data.find(b"\0", self._at)
        if (end if end >= 0 else len(self._data)) - self._at > limit:
            raise _Bad("a field of the SOCKS request is too long", _reply(4, Reply.FAILURE))
        if end < 0:
            raise _More
        field, self._at = self._data[self._at : end], end + 1
        return field

    def rest(self) -> bytes:
        return self._data[self._at :]


def _request4(fields: _Fields) -> Request:
    command, port, address = fields.byte(), fields.port(), fields.take(4)
    if command != _CONNECT:
        raise _Bad("only SOCKS CONNECT is supported", _reply(4, Reply.COMMAND_NOT_SUPPORTED))
    fields.until_nul(255)
    if address[:3] == b"\0\0\0" and address[3]:
        return Request(4, _name(4, fields.until_nul(255)), _valid_port(4, port))
    return Request(4, str(ipaddress.IPv4Address(address)), _valid_port(4, port))


def _request5(fields: _Fields) -> Request:
    command, _, kind = fields.take(3)
    if command != _CONNECT:
        raise _Bad("only SOCKS CONNECT is supported", _reply(5, Reply.COMMAND_NOT_SUPPORTED))
    if kind == _IPV4:
        host = str(ipaddress.IPv4Address(fields.take(4)))
    elif kind == _IPV6:
        host = str(ipaddress.IPv6Address(fields.take(16)))
    elif kind == _NAME:
        name = fields.take(fields.byte())
        port = fields.port()
        return Request(5, _name(5, name), _valid_port(5, port))
    else:
        raise _Bad("unknown SOCKS address type", _reply(5, Reply.ADDRESS_NOT_SUPPORTED))
    return Request(5, host, _valid_port(5, fields.port()))


def _name(version: int, name: bytes) -> str:
    """Return a host name that is safe to hand to a server.

    Servers end the whole connection over a NUL, and no name or address needs a character that
    is not printable ASCII (names in other scripts travel as xn--).
    """
    if not name or any(not 0x21 <= char <= 0x7E for char in name):
        raise _Bad("the SOCKS client sent a bad host name", _reply(version, Reply.HOST_UNREACHABLE))
    return name.decode("ascii")


def _valid_port(version: int, port: int) -> int:
    if not port:
        raise _Bad("the SOCKS client asked for port 0", _reply(version, Reply.FAILURE))
    return port


def _reply(version: int, code: Reply) -> bytes:
    if version == _VERSION4:
        granted = _GRANTED4 if code is Reply.SUCCEEDED else _REJECTED4
        return bytes((0, granted)) + bytes(6)
    return bytes((_VERSION5, code.value, 0, _IPV4)) + bytes(6)
