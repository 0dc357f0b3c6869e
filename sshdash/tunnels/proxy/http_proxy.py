"""HTTP as a proxy reads it (RFC 9110 and 9112): CONNECT, plain requests, the PAC file. Pure.

CONNECT leads to a target and what comes behind it is not read. A plain request (``GET http://…``)
is made into one for the target, with an end to the connection behind its answer, so that the next
one, which may be for another target, comes with a connection of its own. Headers are bounded;
any Proxy-Authorization is as good as none. What is asked of the port itself is the PAC file.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.proxy.http_answers import (
    ESTABLISHED,
    PAC_PATH,
    bad_request,
    headers_only,
    not_allowed,
    nothing_there,
    pac_file,
    refused,
    too_large,
)
from sshdash.tunnels.proxy.proxy_request import Request, Step, TurnedAway, Unfinished, is_sendable

LONGEST_HEAD = 8192
"""Bytes of a request line and its headers."""

_LONGEST_METHOD = 24
_METHOD = re.compile(rb"[A-Z-]*")
_END = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE = re.compile(r"([A-Z-]+) ([!-~]+) (HTTP/1\.[0-9])")
_PLAIN_TARGET = re.compile(r"http://([^/?#]*)([/?][^#]*)?", re.IGNORECASE)
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_NAME = re.compile(r"[^/?#@\\\[\]:]+")
_HTTP_PORT = 80
_OF_THE_HOP = frozenset(
    {"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection", "upgrade"}
)
"""Headers that are for the proxy, or that it replaces."""

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ConnectRequest(Request):
    """A CONNECT."""

    def reply(self, refusal: Refusal | None) -> bytes:
        """Return the response: 200, or what stopped it as a status and in words."""
        return ESTABLISHED if refusal is None else refused(self.host, self.port, refusal)


@dataclass(frozen=True, slots=True)
class PlainRequest(Request):
    """Any other method, for an ``http://`` address; the target itself answers it."""

    def reply(self, refusal: Refusal | None) -> bytes:
        """Return nothing, or what stopped it as a status and in words."""
        return b"" if refusal is None else refused(self.host, self.port, refusal)


def read_head(data: bytes) -> Step:
    """Read a request line with its headers."""
    method = _METHOD.match(data, 0, _LONGEST_METHOD + 1)
    assert method
    size = method.end()
    if size > _LONGEST_METHOD or data[size : size + 1] not in (b"", b" "):
        raise TurnedAway("a client spoke neither SOCKS nor HTTP to the SOCKS port")
    end = _END.search(data, 0, LONGEST_HEAD)
    if end is None:
        if len(data) < LONGEST_HEAD:
            raise Unfinished
        raise too_large(LONGEST_HEAD)
    line, *rest = data[: end.start()].decode("latin-1").split("\n")
    parts = _REQUEST_LINE.fullmatch(line.removesuffix("\r"))
    if parts is None:
        raise bad_request("the request line is not METHOD TARGET HTTP/1.x")
    return _judge(end.end(), parts[1], parts[2], parts[3], list(_headers(rest)))


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        parts = _HEADER.fullmatch(line.removesuffix("\r"))
        if parts is None:
            raise bad_request("a line of the headers is not NAME: VALUE")
        yield parts[1], parts[2].strip(" \t")


def _judge(taken: int, method: str, target: str, version: str, headers: Headers) -> Step:
    if method == "CONNECT":
        return Step(taken, ConnectRequest(*_authority(target)))
    if not target.startswith(("/", "*")):
        request, head = _plain(method, target, version, headers)
        return Step(taken, request, onward=head)
    if method not in ("GET", "HEAD"):
        raise not_allowed(method)
    is_pac = target.partition("?")[0] == PAC_PATH
    page = pac_file(_own_address(headers)) if is_pac else nothing_there()
    return Step(taken, None, headers_only(page) if method == "HEAD" else page)


def _plain(method: str, target: str, version: str, headers: Headers) -> tuple[PlainRequest, bytes]:
    """Return whom a request is for, and its head as it is said there."""
    parts = _PLAIN_TARGET.fullmatch(target)
    if parts is None:
        raise bad_request(f"{method} is for http:// addresses; others go through CONNECT")
    authority, path = parts[1], parts[2] or ""
    host, port = _authority(authority, _HTTP_PORT)
    if not path.startswith("/"):
        path = "*" if method == "OPTIONS" and not path else f"/{path}"
    named = {
        word.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for word in value.split(",")
    }
    lines = [f"{method} {path} {version}", f"Host: {authority}"]
    lines += [
        f"{name}: {value}"
        for name, value in headers
        if name.lower() not in _OF_THE_HOP and name.lower() not in named
    ]
    head = "\r\n".join([*lines, "Connection: close", "", ""])
    return PlainRequest(host, port), head.encode("latin-1")


def _authority(text: str, usual_port: int | None = None) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[address]:port``."""
    if usual_port is not None and (text.endswith("]") or ":" not in text):
        text = f"{text}:{usual_port}"
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535):
        raise bad_request("the target needs a port from 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = _address6(host[1:-1])
    elif not _NAME.fullmatch(host):
        host = ""
    if not is_sendable(host.encode("latin-1")):
        raise bad_request("the target is not a host name or address")
    return host, int(port)


def _address6(text: str) -> str:
    """Return an IPv6 address as it is written, empty where it is none."""
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return ""


def _own_address(headers: Headers) -> str:
    """Return the address that the client has connected to, by its own account.

    It is what the client can reach again, also where the port was passed on to it under another
    name; nobody but the client itself is told.
    """
    hosts = [value for name, value in headers if name.lower() == "host"]
    parts = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if parts is None:
        raise bad_request("the request needs one Host header that is host:port")
    return parts[0] if parts[1] else f"{parts[0]}:{_HTTP_PORT}"
