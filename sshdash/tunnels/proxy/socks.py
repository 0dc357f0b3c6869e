"""SOCKS 4, 4a and 5 (RFC 1928, RFC 1929) as a proxy reads them. Pure.

Only CONNECT is served; BIND and UDP are refused by their codes. A request is answered when the
target is open or has refused, never before; a name goes to the server as it is, once it is known
to be one. Whoever may connect may go through, so a user name and password, which some programs
insist on sending, are read, accepted and dropped.
"""

import ipaddress
from dataclasses import dataclass
from enum import Enum

from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.proxy.proxy_request import Request, Step, TurnedAway, Unfinished, is_sendable

VERSION4, VERSION5 = 4, 5
_CONNECT = 1
_NO_AUTHENTICATION, _PASSWORD, _NO_METHOD = 0, 2, 0xFF
_PASSWORD_VERSION, _PASSWORD_ACCEPTED = 1, 0
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LONGEST_FIELD = 255
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
class SocksRequest(Request):
    """A CONNECT of SOCKS 4, 4a or 5."""

    version: int

    def reply(self, refusal: Refusal | None) -> bytes:
        """Return the reply of the client's version."""
        code = Reply.SUCCEEDED
        if refusal is not None:
            code = _REPLIES.get(refusal, Reply.FAILURE)
        return _reply(self.version, code)


def read_request4(data: bytes) -> Step:
    """Read a request of version 4 or 4a."""
    fields = _Fields(data)
    fields.take(1)
    command, port, address = fields.byte(), fields.port(), fields.take(4)
    if command != _CONNECT:
        raise _unsupported(VERSION4, "BIND" if command == 2 else f"command {command}")
    fields.until_nul()
    if address[:3] == b"\0\0\0" and address[3]:
        host = _name(VERSION4, fields.until_nul())
    else:
        host = str(ipaddress.IPv4Address(address))
    return Step(fields.at, SocksRequest(host, _valid_port(VERSION4, port), VERSION4))


def read_greeting(data: bytes) -> Step:
    """Read which ways to log in a client of version 5 offers, and choose one."""
    fields = _Fields(data)
    fields.take(1)
    methods = fields.take(fields.byte())
    if not methods:
        raise TurnedAway("a SOCKS client offered no way to log in, not even none")
    if _NO_AUTHENTICATION in methods:
        return Step(fields.at, _read_request5, bytes((VERSION5, _NO_AUTHENTICATION)))
    if _PASSWORD in methods:
        return Step(fields.at, _read_password, bytes((VERSION5, _PASSWORD)))
    raise TurnedAway(
        "a SOCKS client wants a login that is not served", bytes((VERSION5, _NO_METHOD))
    )


def _read_password(data: bytes) -> Step:
    fields = _Fields(data)
    if fields.byte() != _PASSWORD_VERSION:
        raise TurnedAway("a SOCKS client garbled its login", bytes((_PASSWORD_VERSION, 1)))
    fields.take(fields.byte())
    fields.take(fields.byte())
    return Step(fields.at, _read_request5, bytes((_PASSWORD_VERSION, _PASSWORD_ACCEPTED)))


def _read_request5(data: bytes) -> Step:
    fields = _Fields(data)
    if fields.byte() != VERSION5:
        raise TurnedAway("a SOCKS client changed its version", _reply(VERSION5, Reply.FAILURE))
    command, _, kind = fields.take(3)
    if command != _CONNECT:
        words = {2: "BIND", 3: "UDP ASSOCIATE"}
        raise _unsupported(VERSION5, words.get(command, f"command {command}"))
    name = b""
    if kind == _IPV4:
        host = str(ipaddress.IPv4Address(fields.take(4)))
    elif kind == _IPV6:
        host = str(ipaddress.IPv6Address(fields.take(16)))
    elif kind == _NAME:
        name = fields.take(fields.byte())
    else:
        raise TurnedAway(
            "a SOCKS client named an unknown kind of address",
            _reply(VERSION5, Reply.ADDRESS_NOT_SUPPORTED),
        )
    port = fields.port()
    if kind == _NAME:
        host = _name(VERSION5, name)
    return Step(fields.at, SocksRequest(host, _valid_port(VERSION5, port), VERSION5))


class _Fields:
    """Reads fields off the front of what has arrived. Raises Unfinished."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if len(self._data) < self.at + size:
            raise Unfinished
        self.at += size
        return self._data[self.at - size : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def port(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def until_nul(self) -> bytes:
        end = self._data.find(b"\0", self.at)
        if (end if end >= 0 else len(self._data)) - self.at > _LONGEST_FIELD:
            raise TurnedAway(
                "a field of a SOCKS request is too long", _reply(VERSION4, Reply.FAILURE)
            )
        if end < 0:
            raise Unfinished
        field, self.at = self._data[self.at : end], end + 1
        return field


def _unsupported(version: int, command: str) -> TurnedAway:
    return TurnedAway(
        f"a SOCKS client asked for {command}; only CONNECT is served",
        _reply(version, Reply.COMMAND_NOT_SUPPORTED),
    )


def _name(version: int, name: bytes) -> str:
    if not is_sendable(name):
        raise TurnedAway(
            "a SOCKS client sent a bad host name", _reply(version, Reply.HOST_UNREACHABLE)
        )
    return name.decode("ascii")


def _valid_port(version: int, port: int) -> int:
    if not port:
        raise TurnedAway("a SOCKS client asked for port 0", _reply(version, Reply.FAILURE))
    return port


def _reply(version: int, code: Reply) -> bytes:
    if version == VERSION4:
        granted = _GRANTED4 if code is Reply.SUCCEEDED else _REJECTED4
        return bytes((0, granted)) + bytes(6)
    return bytes((VERSION5, code.value, 0, _IPV4)) + bytes(6)
