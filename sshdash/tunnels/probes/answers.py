"""What a probe asks a target, and what it makes of the answer. Pure.

An answer is looked at as it comes in, so every judge gets all that was said so far and whether
more can follow, and returns None where it has to see more.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from sshdash.tunnels.kept.rule import Probe, ProbeKind
from sshdash.untrusted import clean

LIMIT = 4096
"""Bytes of an answer that are looked at."""
_SHOWN = 120
"""Characters of it that are shown."""
_SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
"""PostgreSQL's question whether it speaks TLS, which every version answers without a log line."""
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: ([^\r\n]*))?\r?\n")
_TLS_ALERT = b"\x15\x03"
_PATH = "/?&=%:@!$'()*+,;~-._[]"
"""What stays as it is in the path of a request; the rest is escaped."""
_READY = ("SSH-2.0-", "SSH-1.99-")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of its target."""

    well: bool
    text: str
    """Cleaned, on one line."""


def question(probe: Probe, target: str) -> bytes:
    """Return what the target, ``host:port``, is sent; nothing where it speaks first."""
    if probe.kind is ProbeKind.HTTP:
        path = quote(probe.path or "/", safe=_PATH, errors="replace")
        host = quote(target, safe=":[].-_", errors="replace")
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "User-Agent: sshdash",
            "Accept: */*",
            "Connection: close",
        )
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")
    return {ProbeKind.POSTGRES: _SSL_REQUEST, ProbeKind.REDIS: b"PING\r\n"}.get(probe.kind, b"")


def judge(kind: ProbeKind, said: bytes, ended: bool) -> Verdict | None:
    """Return what a target's answer amounts to, None while more of it has to be seen."""
    if kind is ProbeKind.TCP:
        return Verdict(True, "connected")
    ended = ended or len(said) >= LIMIT
    if not said:
        return Verdict(False, "closed without an answer") if ended else None
    return _JUDGES[kind](said[:LIMIT], ended)


def _http(said: bytes, ended: bool) -> Verdict | None:
    found = _STATUS.match(said)
    if found:
        code = found[1].decode()
        return Verdict(code < "500", clean(b" ".join((found[1], found[2] or b"")).strip(), _SHOWN))
    if said.startswith(_TLS_ALERT):
        return Verdict(False, "speaks TLS, not plain HTTP")
    begins = said.startswith(b"HTTP/") or b"HTTP/".startswith(said)
    if begins and not ended and b"\n" not in said:
        return None
    return _stranger("HTTP", said)


def _postgres(said: bytes, ended: bool) -> Verdict | None:
    if said[:1] == b"S":
        return Verdict(True, "PostgreSQL, with TLS")
    if said[:1] == b"N":
        return Verdict(True, "PostgreSQL, without TLS")
    if said[:1] == b"E":
        whole = len(said) >= 5 and len(said) > int.from_bytes(said[1:5])
        if not ended and not whole:
            return None
        return Verdict(False, clean(_postgres_error(said), _SHOWN))
    return _stranger("PostgreSQL", said)


def _postgres_error(said: bytes) -> bytes:
    """Return the message of an ErrorResponse: fields of a letter and a text that ends with NUL."""
    for field in said[5:].split(b"\0"):
        if field[:1] == b"M":
            return field[1:]
    return said[1:].strip(b"\0")


def _redis(said: bytes, ended: bool) -> Verdict | None:
    if said[:1] not in b"+-":
        return _stranger("Redis", said)
    if b"\n" not in said and not ended:
        return None
    line = said[1:].split(b"\n", 1)[0].rstrip(b"\r")
    if said[:1] == b"+":
        return Verdict(True, clean(line, _SHOWN))
    if line.startswith(b"NOAUTH"):
        return Verdict(True, "Redis, with a password")
    return Verdict(False, clean(line, _SHOWN))


def _ssh(said: bytes, ended: bool) -> Verdict | None:
    """Look for the identification, before which a server may say other lines (RFC 4253, 4.2)."""
    *lines, rest = said.split(b"\n")
    for line in (*lines, rest) if ended else lines:
        if line.startswith(b"SSH-"):
            text = clean(line.rstrip(b"\r"), _SHOWN)
            return Verdict(text.startswith(_READY), text)
    return _stranger("SSH", said) if ended else None


def _stranger(protocol: str, said: bytes) -> Verdict:
    line = said.lstrip().split(b"\n", 1)[0].rstrip(b"\r")
    return Verdict(False, f"not {protocol}: {clean(line, _SHOWN // 2) or 'blank lines'}")


_JUDGES: dict[ProbeKind, Callable[[bytes, bool], Verdict | None]] = {
    ProbeKind.HTTP: _http,
    ProbeKind.POSTGRES: _postgres,
    ProbeKind.REDIS: _redis,
    ProbeKind.SSH: _ssh,
}
