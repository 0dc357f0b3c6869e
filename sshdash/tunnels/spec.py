"""What a person asks of a forward: the grammar of ``-L``, ``-R`` and ``-D``. Pure."""

import os
import re
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from sshdash.config.forward_fields import BadFields, Field, escaped, fields, words
from sshdash.config.forwards import SOCKET_LIMIT
from sshdash.config.numbers import port_number
from sshdash.config.tokens import TokenError, expand_environment
from sshdash.errors import UsageError
from sshdash.untrusted import clean

_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1", re.IGNORECASE)


class Kind(Enum):
    """Which way a forward goes; the value is the letter of ssh's option."""

    LOCAL = "L"
    REMOTE = "R"
    DYNAMIC = "D"

    @property
    def word(self) -> str:
        """Return the name people use: ``local``, ``remote``, ``dynamic``."""
        return self.name.lower()


_PATH_STARTS = "/.~"
"""What one begins the path of a socket with; any slash makes one."""
_BLANK_AT_COLON = re.compile(r":\s|\s:")
_FORMS = {
    Kind.LOCAL: "-L [bind:]port:host:hostport, with a socket's path for either end",
    Kind.REMOTE: "-R [bind:]port[:host:hostport], with a socket's path for either end",
    Kind.DYNAMIC: "-D [bind:]port, or a socket's path",
}


@dataclass(frozen=True, slots=True)
class ForwardSpec:
    """One forward as asked for; `str` gives the canonical command-line form.

    Each end is a host and a port, or the path of a Unix socket.
    """

    kind: Kind
    bind: str | None
    """None where no address was given (loopback, unless GatewayPorts), ``*`` for all."""
    port: int
    """0 lets the system choose; also 0 where it listens on a socket."""
    target_host: str = ""
    """Empty where the target is a socket, or the clients name it."""
    target_port: int = 0
    listen_path: str = ""
    """The socket that is listened on; empty for a port."""
    target_path: str = ""
    """The socket that is the target; empty for a host and a port."""

    def __str__(self) -> str:
        """Return the argument of -L, -R or -D that means this forward; see `in_ssh`."""
        return ":".join(self._sides())

    def in_ssh(self) -> tuple[str, ...]:
        """Return where it listens and, unless clients say, where it leads, as ssh has to be told.

        They are the words of ssh_config, or with a colon between them the option's argument. In
        both, ssh takes ``%h`` and its like in a path for tokens.
        """
        paths = (self.listen_path, self.target_path)
        return tuple(
            side.replace("%", "%%") if path else side
            for side, path in zip(self._sides(), paths, strict=False)
        )

    def _sides(self) -> tuple[str, ...]:
        if self.listen_path:
            listen = escaped(self.listen_path)
        else:
            listen = f"{self.port}" if self.bind is None else host_port(self.bind, self.port)
        if self.is_socks:
            return (listen,)
        return listen, escaped(self.target_path) or self.target_text

    @property
    def is_socks(self) -> bool:
        """Return whether its clients name the target: -D, and -R without one."""
        return not self.target_host and not self.target_path

    @property
    def listen_text(self) -> str:
        """Return where it listens, for display: ``localhost:5432``, ``*:80``, ``/run/a.sock``."""
        return self.listen_path or host_port(self.bind or "localhost", self.port)

    @property
    def target_text(self) -> str:
        """Return where it leads: ``db:5432``, ``/run/b.sock``, or ``SOCKS``."""
        if self.is_socks:
            return "SOCKS"
        return self.target_path or host_port(self.target_host, self.target_port)

    @property
    def exposed(self) -> bool:
        """Return whether other machines are meant to reach the listening end."""
        return self.bind is not None and not is_loopback(self.bind)


def exposure(kind: Kind) -> str:
    """Return who can connect to an address that is not loopback."""
    if kind is Kind.REMOTE:
        return (
            "other machines can connect if the server's GatewayPorts lets them;"
            " by default only the server itself can"
        )
    return "other machines can connect"


def is_loopback(bind: str) -> bool:
    """Return whether only the machine itself reaches a bind address."""
    return _LOOPBACK.fullmatch(bind) is not None


def is_path(bind: str | None) -> bool:
    """Return whether a bind address is the path of a Unix socket."""
    return bind is not None and "/" in bind


def host_port(host: str, port: int) -> str:
    """Return ``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_forward(kind: Kind, text: str, *, is_option: bool = False) -> ForwardSpec:
    """Return the forward that `text` describes.

    Both of ssh's forms are understood: ``[bind:]port:host:hostport`` of the command line and
    ``[bind:]port host:hostport`` of the configuration. IPv6 addresses stand in brackets; an
    empty or ``*`` bind address means all interfaces; ports may be service names; what has a
    slash is the path of a Unix socket, in which a backslash goes before blanks and colons;
    ``${VAR}`` is replaced. An option (`is_option`) has only the command line's form, as with ssh.
    Raises UsageError naming the part that is wrong.
    """
    problem = _Problem(kind, text)
    try:
        text = expand_environment(text)
    except TokenError as error:
        raise problem(clean(str(error), 120)) from error
    found = words(text)
    if not found:
        raise problem("nothing given")
    most = 1 if kind is Kind.DYNAMIC else 2
    try:
        if len(found) > most:
            after = "the port" if kind is Kind.DYNAMIC else "the target"
            raise problem(f"unexpected '{clean(found[most], 60)}' after {after}")
        return _parse(problem, kind, [text.strip()] if is_option else found)
    except UsageError as error:
        if len(found) == 1:
            raise
        # ssh takes a path with blanks from its command line as it is.
        spec = _parsed(problem, kind, [text.strip()])
        if spec is not None:
            return spec
        tight = "".join(found)
        if _BLANK_AT_COLON.search(text) and _parsed(problem, kind, [tight]) is not None:
            raise problem(f"blanks around a colon; '{clean(tight, 120)}' has none") from error
        spec = _parsed(problem, kind, found)
        if spec is not None and len(found) <= most:
            raise problem(f"a blank, where an option has a colon: '{spec}'") from error
        raise


class _Problem:
    """Makes the error for one argument, so that every message names option and text."""

    def __init__(self, kind: Kind, text: str) -> None:
        self._kind = kind
        self._text = text

    def __call__(self, reason: str) -> UsageError:
        shown = f"-{self._kind.value} {clean(self._text, 120)}"
        return UsageError("Bad forward", f"{shown}: {reason}", hint=_FORMS[self._kind])


def _parsed(problem: _Problem, kind: Kind, found: list[str]) -> ForwardSpec | None:
    try:
        return _parse(problem, kind, found)
    except UsageError:
        return None


def _parse(problem: _Problem, kind: Kind, found: list[str]) -> ForwardSpec:
    try:
        parts, rest = fields(":".join(found))
        behind = fields(found[-1])[0] if len(found) == 2 else []
    except BadFields as error:
        raise problem(clean(str(error), 120)) from error
    if any(one.text.isalpha() and two.text.startswith("//") for one, two in pairwise(parts)):
        raise problem("a URL; a forward takes its host and its port alone")
    if rest:
        raise problem("too many parts; IPv6 addresses need [brackets]")
    if len(behind) > 2:
        # To ssh_config 8 0:a:1 is 8:0:a:1, which nobody means who writes it here.
        raise problem(f"the target '{clean(found[-1], 60)}' has too many parts")
    listen, target = _sides(problem, kind, parts, len(found) == 2)
    bind, port, listen_path = _listen(problem, listen)
    if not target:
        return ForwardSpec(kind, bind, port, listen_path=listen_path)
    if target[0].is_path and len(target) == 1:
        path = _path(problem, target[0].text, "target")
        return ForwardSpec(kind, bind, port, listen_path=listen_path, target_path=path)
    host, target_port = _target(problem, target)
    return ForwardSpec(kind, bind, port, host, target_port, listen_path)


def _sides(
    problem: _Problem, kind: Kind, parts: list[Field], is_config: bool
) -> tuple[list[Field], list[Field]]:
    """Return the parts of the listening side and of the target, which SOCKS has not."""
    count = len(parts)
    if kind is Kind.DYNAMIC:
        return parts, []
    if count in (2, 3) and parts[-1].is_path:
        hosts_port = count == 3 and _is_port(parts[0]) and port_number(parts[1].text) < 0
        if hosts_port and parts[-1].text[:1] not in _PATH_STARTS:
            _port(problem, parts[-1].text, "target port", lowest=1)
        return parts[:-1], parts[-1:]
    if [port_number(field.text) >= 0 for field in parts] == [False, True, False]:
        raise problem("the target host:port is missing its port")
    if count >= 3:
        return parts[:-2], parts[-2:]
    if is_config:
        raise problem("the target needs host:port")
    if kind is Kind.REMOTE:
        if count == 2 and _is_port(parts[0]) and not _is_port(parts[1]):
            raise problem("the target host:port is missing its port")
        return parts, []
    raise problem("the target host:port is missing")


def _is_port(field: Field) -> bool:
    return field.text.isascii() and field.text.isdigit()


def _listen(problem: _Problem, parts: list[Field]) -> tuple[str | None, int, str]:
    """Return the bind address, the port and the path of what is listened on."""
    if len(parts) > 2:
        raise problem("too many parts; IPv6 addresses need [brackets]")
    for field in parts:
        if field.is_path and len(parts) > 1:
            raise problem(f"the socket '{clean(field.text, 60)}' has no address and no port")
    if parts[0].is_path:
        return None, 0, _path(problem, parts[0].text, "listening")
    port = _port(problem, parts[-1].text, "listening port", lowest=0)
    if len(parts) == 1:
        return None, port, ""
    bind = parts[0].text or "*"
    if bind != "*":
        _check_host(problem, bind, "bind address")
    return bind, port, ""


def _target(problem: _Problem, parts: list[Field]) -> tuple[str, int]:
    host, port = (field.text for field in parts)
    if not host:
        raise problem("the target host is empty")
    if parts[0].is_path or parts[1].is_path:
        path = next(field.text for field in parts if field.is_path)
        if path == host and path[:1] not in _PATH_STARTS:
            raise problem(f"the target host '{clean(path, 60)}' has a slash in it")
        raise problem(f"the socket '{clean(path, 60)}' has no address and no port")
    _check_host(problem, host, "target host")
    return host, _port(problem, port, "target port", lowest=1)


def _path(problem: _Problem, path: str, part: str) -> str:
    if not path.isprintable():
        raise problem(f"the {part} socket '{clean(path, 60)}' has a character that does not print")
    if len(os.fsencode(path)) >= SOCKET_LIMIT:
        raise problem(f"the path of the {part} socket is longer than {SOCKET_LIMIT - 1} bytes")
    return path


def _check_host(problem: _Problem, host: str, part: str) -> None:
    if len(host.encode("utf-8", "surrogateescape")) > 255:
        raise problem(f"the {part} is longer than 255 bytes")
    if not host.isprintable() or any(char in "[]\\" or char.isspace() for char in host):
        raise problem(f"the {part} '{clean(host, 60)}' is not a host name or address")
    if not host.isascii():
        raise problem(f"the {part} '{clean(host, 60)}' has to be written in ASCII (xn--)")


def _port(problem: _Problem, text: str, part: str, lowest: int) -> int:
    if not text:
        raise problem(f"the {part} is empty")
    number = port_number(text)
    if lowest <= number:
        return number
    if text.isascii() and text.isdigit():
        raise problem(f"the {part} {clean(text, 20)} is not between {lowest} and 65535")
    raise problem(f"the {part} '{clean(text, 60)}' is not a port number or the name of a service")
