"""HTTP CONNECT (RFC 9110, section 9.3.6) as a proxy reads it, and the PAC file it serves. Pure.

Only CONNECT leads anywhere. Plain requests (``GET http://…``) are refused in words: passing them
on would mean to take part in them, and a tunnel carries what it does not read. Headers are bounded
and, but for Host, not looked at; so any Proxy-Authorization is as good as none.
"""

import ipaddress
import re
from dataclasses import dataclass

from sshdash.tunnels.proxy_request import Request, Step, TurnedAway, Unfinished, is_sendable
from sshdash.tunnels.refusal import Refusal
from sshdash.tunnels.spec import host_port

LONGEST_HEAD = 8192
"""Bytes of a request line and its headers."""
PAC_PATH = "/proxy.pac"

_LONGEST_METHOD = 24
_METHOD = re.compile(rb"[A-Z-]*")
_END = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"([A-Z-]+) (\S+) HTTP/1\.[0-9]")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_NAME = re.compile(r"[^\s/?#@\\\[\]:]+")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_PLAIN = "text/plain; charset=utf-8"
_PAC = "application/x-ns-proxy-autoconfig"

_BAD_REQUEST, _NOT_FOUND, _NOT_ALLOWED = (
    "400 Bad Request",
    "404 Not Found",
    "405 Method Not Allowed",
)
_TOO_LARGE = "431 Request Header Fields Too Large"
_BAD_GATEWAY = "502 Bad Gateway"
_STATUSES = {
    Refusal.PROHIBITED: "403 Forbidden",
    Refusal.TIMED_OUT: "504 Gateway Timeout",
    Refusal.SHORTAGE: "503 Service Unavailable",
    Refusal.LOST: "503 Service Unavailable",
}
_WHAT_THIS_IS = (
    "This port is a proxy of sshdash: what goes through it comes out at the host of its forward.\n"
    "It speaks SOCKS 4, 4a and 5 and HTTP CONNECT, and plain HTTP only by these:\n"
    "point a program at it as socks5h:// and this address, or a browser at "
    f"http:// and this address and {PAC_PATH}.\n"
)


@dataclass(frozen=True, slots=True)
class ConnectRequest(Request):
    """A CONNECT of HTTP."""

    def reply(self, refusal: Refusal | None) -> bytes:
        """Return the response: 200, or what stopped it as a status and in words."""
        if refusal is None:
            return _ESTABLISHED
        text = f"{host_port(self.host, self.port)}: {refusal.value}\n"
        return _response(_STATUSES.get(refusal, _BAD_GATEWAY), text)


def read_head(data: bytes) -> Step:
    """Read a request line with its headers."""
    method = _METHOD.match(data, 0, _LONGEST_METHOD + 1)
    assert method
    size = method.end()
    if size > _LONGEST_METHOD or data[size : size + 1] not in (b"", b" "):
        raise TurnedAway("a client spoke neither SOCKS nor HTTP")
    end = _END.search(data, 0, LONGEST_HEAD)
    if end is None:
        if len(data) < LONGEST_HEAD:
            raise Unfinished
        raise TurnedAway(
            "the headers of a client's HTTP request are too long",
            _response(_TOO_LARGE, f"The headers are longer than {LONGEST_HEAD} bytes.\n"),
        )
    head = data[: end.start()].decode("latin-1").split("\n")
    line, *headers = (each.removesuffix("\r") for each in head)
    return _judge(end.end(), line, headers)


def _judge(taken: int, line: str, headers: list[str]) -> Step:
    parts = _REQUEST_LINE.fullmatch(line)
    if parts is None:
        raise _bad("the request line is not METHOD TARGET HTTP/1.x")
    method, target = parts.groups()
    if method == "CONNECT":
        return Step(taken, ConnectRequest(*_authority(target)))
    if method in ("GET", "HEAD") and target.startswith("/"):
        return Step(taken, None, _page(method, target, headers))
    raise TurnedAway(
        f"a client asked for plain HTTP ({method}); only CONNECT is proxied",
        _response(
            _NOT_ALLOWED,
            f"{method} is not proxied here; use CONNECT, or SOCKS for http:// addresses.\n"
            + _WHAT_THIS_IS,
            extra="Allow: CONNECT\r\n",
        ),
    )


def _authority(target: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[address]:port``."""
    host, _, port = target.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535):
        raise _bad("CONNECT needs host:port, with a port from 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = _address6(host[1:-1])
    elif not _NAME.fullmatch(host):
        host = ""
    if not is_sendable(host.encode("latin-1")):
        raise _bad("what CONNECT names is not a host name or address")
    return host, int(port)


def _address6(text: str) -> str:
    """Return an IPv6 address as it is written, empty where it is none."""
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return ""


def _page(method: str, path: str, headers: list[str]) -> bytes:
    if path.partition("?")[0] != PAC_PATH:
        response = _response(_NOT_FOUND, _WHAT_THIS_IS)
    else:
        response = _response("200 OK", pac(_own_address(headers)), _PAC)
    head, end, body = response.partition(b"\r\n\r\n")
    return head + end + (b"" if method == "HEAD" else body)


def _own_address(headers: list[str]) -> str:
    """Return the address that the client has connected to, by its own account.

    It is what the client can reach again, also where the port was passed on to it under another
    name; nobody but the client itself is told.
    """
    pairs = (header.partition(":") for header in headers)
    hosts = [value.strip() for name, _, value in pairs if name.lower() == "host"]
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise _bad("the request needs one Host header that is host:port")
    host = hosts[0]
    return host if re.search(r":[0-9]+$", host) and not host.endswith("]") else f"{host}:80"


def pac(address: str) -> str:
    """Return a proxy auto-configuration file that sends everything through ``host:port``.

    There is no way around the proxy in it: what a tunnel cannot reach fails.
    """
    return (
        "function FindProxyForURL(url, host) {\n"
        f'  return "SOCKS5 {address}; PROXY {address}";\n'
        "}\n"
    )


def _bad(reason: str) -> TurnedAway:
    return TurnedAway(
        f"a client sent a bad HTTP request: {reason}",
        _response(_BAD_REQUEST, f"{reason}.\n" + _WHAT_THIS_IS),
    )


def _response(status: str, text: str, kind: str = _PLAIN, extra: str = "") -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"{extra}Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
