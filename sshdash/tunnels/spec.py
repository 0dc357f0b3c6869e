"""What a person asks of a forward: the grammar of ``-L``, ``-R`` and ``-D``. Pure."""

import socket
from dataclasses import dataclass
from enum import Enum

from sshdash.errors import UsageError
from sshdash.untrusted import clean

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Kind(Enum):
    """Which way a forward goes; the value is the letter of ssh's option."""

    LOCAL = "L"
    REMOTE = "R"
    DYNAMIC = "D"

    @property
    def word(self) -> str:
        """Return the name people use: ``local``, ``remote``, ``dynamic``."""
        return self.name.lower()


_FORMS = {
    Kind.LOCAL: "-L [bind:]port:host:hostport",
    Kind.REMOTE: "-R [bind:]port:host:hostport",
    Kind.DYNAMIC: "-D [bind:]port",
}


@dataclass(frozen=True, slots=True)
class ForwardSpec:
    """One forward as asked for; `str` gives the canonical command-line form."""

    kind: Kind
    bind: str | None
    """None where no address was given (loopback, unless GatewayPorts), ``*`` for all."""
    port: int
    """0 lets the system choose."""
    target_host: str = ""
    """Empty for a dynamic forward: its clients name the target."""
    target_port: int = 0

    def __str__(self) -> str:
        """Return the argument of -L, -R or -D that means this forward."""
        listen = f"{self.port}" if self.bind is None else host_port(self.bind, self.port)
        if self.kind is Kind.DYNAMIC:
            return listen
        return f"{listen}:{self.target_text}"

    @property
    def listen_text(self) -> str:
        """Return where it listens, for display: ``localhost:5432``, ``*:80``, ``[::1]:80``."""
        return host_port(self.bind or "localhost", self.port)

    @property
    def target_text(self) -> str:
        """Return where it leads: ``db:5432``, or ``SOCKS`` for a dynamic forward."""
        if self.kind is Kind.DYNAMIC:
            return "SOCKS"
        return host_port(self.target_host, self.target_port)

    @property
    def exposed(self) -> bool:
        """Return whether other machines are meant to reach the listening end."""
        return self.bind is not None and self.bind.lower() not in LOOPBACK_NAMES


def host_port(host: str, port: int) -> str:
    """Return ``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_forward(kind: Kind, text: str) -> ForwardSpec:
    """Return the forward that `text` describes.

    Both of ssh's forms are understood: ``[bind:]port:host:hostport`` of the command line and
    ``[bind:]port host:hostport`` of the configuration; IPv6 addresses stand in brackets; an
    empty or ``*`` bind address means all interfaces; ports may be service names. Raises
    UsageError naming the part that is wrong.
    """
    problem = _Problem(kind, text)
    words = text.split()
    if not words:
        raise problem("nothing given")
    if kind is Kind.DYNAMIC:
        if len(words) > 1:
            raise problem(f"unexpected '{clean(words[1], 60)}' after the port")
        bind, port = _listen(problem, _fields(problem, words[0]))
        return ForwardSpec(kind, bind, port)
    if len(words) == 1:
        fields = _fields(problem, words[0])
        if kind is Kind.REMOTE and len(fields) <= 2 and fields[-1].isdigit():
            raise problem("the target host:port is missing (remote SOCKS is not supported yet)")
        if len(fields) < 3:
            raise problem("the target host:port is missing")
        listen, target = fields[:-2], fields[-2:]
    elif len(words) == 2:
        listen, target = _fields(problem, words[0]), _fields(problem, words[1])
    else:
        raise problem(f"unexpected '{clean(words[2], 60)}' after the target")
    bind, port = _listen(problem, listen)
    host, host_port_number = _target(problem, target)
    return ForwardSpec(kind, bind, port, host, host_port_number)


class _Problem:
    """Makes the error for one argument, so that every message names option and text."""

    def __init__(self, kind: Kind, text: str) -> None:
        self._kind = kind
        self._text = text

    def __call__(self, reason: str) -> UsageError:
        shown = f"-{self._kind.value} {clean(self._text, 120)}"
        return UsageError("Bad forward", f"{shown}: {reason}", hint=_FORMS[self._kind])


def _fields(problem: _Problem, text: str) -> list[str]:
    """Split at colons outside brackets; the brackets themselves are taken off."""
    fields: list[str] = []
    rest = text
    while True:
        if rest.startswith("["):
            inside, bracket, rest = rest[1:].partition("]")
            if not bracket:
                raise problem("'[' without ']'")
            if rest and not rest.startswith(":"):
                raise problem(f"unexpected '{clean(rest, 60)}' after ']'")
            colon, rest = rest[:1], rest[1:]
            fields.append(inside)
        else:
            field, colon, rest = rest.partition(":")
            if "/" in field:
                raise problem(f"Unix sockets are not supported yet: '{clean(field, 60)}'")
            fields.append(field)
        if not colon:
            return fields


def _listen(problem: _Problem, fields: list[str]) -> tuple[str | None, int]:
    if len(fields) > 2:
        raise problem("too many parts before the target; IPv6 addresses need [brackets]")
    port = _port(problem, fields[-1], "listening port", lowest=0)
    if len(fields) == 1:
        return None, port
    bind = fields[0] or "*"
    if bind != "*":
        _check_host(problem, bind, "bind address")
    return bind, port


def _target(problem: _Problem, fields: list[str]) -> tuple[str, int]:
    if len(fields) < 2:
        raise problem("the target needs host:port")
    if len(fields) > 2:
        raise problem("too many parts in the target; IPv6 addresses need [brackets]")
    host, port = fields
    if not host:
        raise problem("the target host is empty")
    _check_host(problem, host, "target host")
    return host, _port(problem, port, "target port", lowest=1)


def _check_host(problem: _Problem, host: str, part: str) -> None:
    if len(host.encode("utf-8", "surrogateescape")) > 255:
        raise problem(f"the {part} is longer than 255 bytes")
    if not host.isprintable() or any(char in "[]" or char.isspace() for char in host):
        raise problem(f"the {part} '{clean(host, 60)}' is not a host name or address")
    if not host.isascii():
        raise problem(f"the {part} '{clean(host, 60)}' has to be written in ASCII (xn--)")


def _port(problem: _Problem, text: str, part: str, lowest: int) -> int:
    if not text:
        raise problem(f"the {part} is empty")
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) <= 5 else 65536
        if not lowest <= number <= 65535:
            raise problem(f"the {part} {clean(text, 20)} is not between {lowest} and 65535")
        return number
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        raise problem(f"the {part} '{clean(text, 60)}' is not a port number") from None
