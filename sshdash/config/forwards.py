"""The arguments of LocalForward, RemoteForward and DynamicForward, checked as OpenSSH does."""

import os

from msgspec import Struct

from sshdash.config.forward_fields import BadFields, fields, words
from sshdash.config.numbers import port_number

_HOST_LIMIT = 1025
SOCKET_LIMIT = 108
"""Bytes that the path of a socket and its final NUL may have."""


class Forward(Struct, frozen=True):
    """One forward: a listening side and, unless it is dynamic, a target."""

    listen: str
    """``port``, ``[address]:port`` or a socket's path."""
    target: str = ""
    """``[host]:port`` or a socket's path; empty for SOCKS."""
    text: str = ""
    """As written: ``[bind:]port`` or ``[bind:]port host:hostport``."""

    @property
    def canonical(self) -> str:
        """Return the forward as ``ssh -G`` prints it."""
        return f"{self.listen} {self.target}" if self.target else self.listen


def parse_forward(listen: str, target: str | None, *, remote: bool = False) -> Forward | None:
    """Return the forward that the two words of a directive mean, None where they are wrong.

    Without a target it is dynamic (SOCKS).
    """
    spec = listen if target is None else f"{listen}:{target}"
    parts = _fields(spec.lstrip(" \t\n\v\f\r")[:255])
    if parts is None:
        return None
    text = _word(listen) if target is None else f"{_word(listen)} {_word(target)}"
    if target is None:
        return _dynamic(parts, text, remote=remote)
    return _static(parts, text, remote=remote)


def _fields(spec: str) -> list[tuple[str, bool]] | None:
    """Return the colon-separated fields and whether each is a path."""
    try:
        found, rest = fields(spec)
    except BadFields:
        return None
    return [(field.text, field.is_path) for field in found] if found and not rest else None


def _word(text: str) -> str:
    """Return a word of the configuration so that the blanks in it do not end it."""
    return text if len(words(text)) == 1 else "".join(f"\\{c}" if c.isspace() else c for c in text)


def _listen(host: str | None, port: str, *, remote: bool) -> str | None:
    number = port_number(port)
    if number < 0 or (number == 0 and not remote) or len(host or "") >= _HOST_LIMIT:
        return None
    return str(number) if host is None else f"[{host}]:{number}"


def _dynamic(parts: list[tuple[str, bool]], text: str, *, remote: bool) -> Forward | None:
    if len(parts) == 1 and parts[0][1]:
        path = parts[0][0]
        return Forward(path, text=text) if _fits(path) else None
    if len(parts) > 2:
        return None
    if len(parts) == 2 and parts[1][1]:
        # A port or a socket, a colon and a socket: both sides in one word.
        return _static(parts, text, remote=remote)
    host = parts[0][0] if len(parts) == 2 else None
    listen = _listen(host, parts[-1][0], remote=remote)
    return Forward(listen, text=text) if listen else None


def _static(parts: list[tuple[str, bool]], text: str, *, remote: bool) -> Forward | None:
    names = [name for name, _ in parts]
    first_is_path, last_is_path = parts[0][1], parts[-1][1]
    if last_is_path and len(parts) in (2, 3):
        target: str | None = names[-1] if _fits(names[-1]) else None
        rest = parts[:-1]
    elif len(parts) in (3, 4):
        number = port_number(names[-1])
        usable = number > 0 and len(names[-2]) < _HOST_LIMIT
        target = f"[{names[-2]}]:{number}" if usable else None
        rest = parts[:-2]
    else:
        return None
    if first_is_path and len(rest) == 1:
        listen = names[0] if _fits(names[0]) else None
    else:
        host = names[0] if len(rest) == 2 else None
        listen = _listen(host, rest[-1][0], remote=remote)
    return Forward(listen, target, text) if listen and target else None


def _fits(path: str) -> bool:
    return len(os.fsencode(path)) < SOCKET_LIMIT
