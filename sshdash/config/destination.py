"""Where to connect to, as a person types it: ``[user@]host[:port]`` or ``ssh://``."""

import re

from msgspec import Struct

from sshdash.config.numbers import port_number
from sshdash.errors import UsageError
from sshdash.untrusted import clean

_HOST_FORBIDDEN = frozenset("'`\"$\\;&<>|(){},")
_USER_FORBIDDEN = frozenset("'`\";&<>|(){}")
_URI_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.))*\Z")


class Destination(Struct, frozen=True):
    """A host by name or address, and what else was said about it."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        """Return ``user@host:port`` with only what was given; IPv6 with a port in brackets."""
        host = f"[{self.host}]" if self.port is not None and ":" in self.host else self.host
        user = f"{self.user}@" if self.user is not None else ""
        return f"{user}{host}" if self.port is None else f"{user}{host}:{self.port}"


def parse_destination(text: str) -> Destination:
    """Return the destination that `text` names.

    Accepts ``user@host:port``, ``ssh://user@host:port``, ``[::1]:22`` and a bare IPv6 address.
    Raises UsageError for what ssh would refuse: empty parts, a leading ``-``, characters that
    mean something to a shell, a port that is none.
    """
    try:
        destination = _parse_uri(text) if text.startswith("ssh://") else _parse_plain(text)
        check_host(destination.host)
        if destination.user is not None:
            check_user(destination.user)
    except ValueError as error:
        raise UsageError(
            f"“{clean(text)}” is not a destination",
            detail=str(error),
            hint="write [user@]host[:port] or the name of a host in the configuration",
        ) from error
    return destination


def split_user_host_port(text: str) -> Destination | None:
    """Return ``[user@]host[:port]`` taken apart as in ProxyJump, None where it is malformed."""
    user, at, rest = text.rpartition("@")
    if at and not user:
        return None
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or tail[:1] not in ("", ":"):
            return None
    else:
        host, colon, tail = rest.partition(":")
        tail = colon + tail
        if not host or "/" in host:
            return None
    port = port_number(tail[1:]) if tail[1:] else None
    return None if port is not None and port <= 0 else Destination(host, user if at else None, port)


def split_uri(text: str) -> Destination | None:
    """Return an ``ssh://`` address taken apart, None where it is malformed or has a path."""
    user, at, rest = text.removeprefix("ssh://").partition("@")
    if not at:
        user, rest = "", user
    name = user.partition(";")[0]
    if (at and not name) or re.search(r"%(?![0-9A-Fa-f]{2})", name):
        return None
    address, _, path = rest.partition("/")
    found = None if path else split_user_host_port(address)
    if found is None or not _URI_HOST.match(found.host):
        return None
    return Destination(found.host.removesuffix("."), _decode(name) if at else None, found.port)


def check_host(host: str) -> None:
    """Raise ValueError for a host name that ssh refuses."""
    if not host:
        raise ValueError("the host is empty")
    if host.startswith("-"):
        raise ValueError("a host cannot begin with -")
    if any(char in _HOST_FORBIDDEN or _is_blank_or_control(char) for char in host):
        raise ValueError("the host contains characters that no host name has")


def check_user(user: str) -> None:
    """Raise ValueError for a user name that ssh refuses."""
    if not user:
        raise ValueError("the user is empty")
    if user.startswith("-"):
        raise ValueError("a user cannot begin with -")
    if any(char in _USER_FORBIDDEN or ord(char) < 32 or ord(char) == 127 for char in user):
        raise ValueError("the user contains characters that mean something to a shell")
    if re.search(r"\s-", user) or user.endswith("\\"):
        raise ValueError("the user contains characters that mean something to a shell")


def _is_blank_or_control(char: str) -> bool:
    return char.isspace() or ord(char) < 32 or 127 <= ord(char) < 160


def _decode(name: str) -> str:
    """Return a user name without its URL encoding."""
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(name.replace("+", " ")).decode("utf-8", "surrogateescape")


def _parse_uri(text: str) -> Destination:
    found = split_uri(text)
    if found is None:
        raise ValueError("not a valid ssh:// address")
    return found


def _parse_plain(text: str) -> Destination:
    user, at, rest = text.rpartition("@")
    if at and not user:
        raise ValueError("the user is empty")
    if rest.startswith("[") or rest.count(":") == 1:
        found = split_user_host_port(rest)
        if found is None:
            raise ValueError("the port is not a number from 1 to 65535")
        host, port = found.host, found.port
    else:
        host, port = rest, None
    return Destination(host, user if at else None, port)
