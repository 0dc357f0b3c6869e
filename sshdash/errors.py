"""What can go wrong, in words a person can act on.

::

    SSHDashError                 title, detail, hint, host
    ├── UsageError               the command line or a form field is wrong
    ├── ConfigError              ssh_config or settings: file and line
    ├── Cancelled                the person said no, or dismissed the question
    ├── ConnectError             a connection could not be made
    │   ├── UnreachableError     name, route, refusal, time
    │   │   └── ShortageError    no descriptors are left here
    │   ├── HostKeyError         the server's key is changed, revoked or not accepted
    │   └── AuthenticationError  every method failed
    ├── ConnectionLost           a connection that was up is gone
    ├── SessionError             a shell or command could not be started
    ├── FileError                a file operation failed; path
    └── ForwardError             a tunnel could not listen or be established
        └── UntrustedError       a tunnel over a server whose key nothing vouches for

The mapping from the SSH library's and the system's exceptions lives in
`sshdash.connections.faults`.
"""

import errno
from pathlib import Path

from sshdash.untrusted import clean


class SSHDashError(Exception):
    """A failure with a title, an optional detail (what, where) and a hint (what to do next).

    Only the detail may have several lines.
    All three are shown as they are, so whoever raises one cleans remote text first.
    """

    def __init__(self, title: str, detail: str = "", hint: str = "", host: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hint = hint
        self.host = host
        self.via = ""
        """The jump host that is to blame, where it was not `host` itself."""

    def __str__(self) -> str:
        """Return the whole message on one line, as a log or stderr shows it."""
        text = f"{self.host}: {self.title}" if self.host else self.title
        if self.detail:
            text += f": {_one_line(self.detail)}"
        if self.hint:
            text += f" ({self.hint})"
        return text


def _one_line(detail: str) -> str:
    return "; ".join(detail.split("\n"))


class UsageError(SSHDashError):
    """The command line or a form field is wrong."""


class ConfigError(SSHDashError):
    """A configuration file is wrong at a known place."""

    def __init__(
        self, title: str, file: Path | str = "", line: int = 0, detail: str = "", hint: str = ""
    ) -> None:
        where = f"{file}:{line}" if line else str(file)
        super().__init__(title, detail=f"{where}: {detail}" if detail else where, hint=hint)
        self.file = str(file)
        self.line = line

    @classmethod
    def of_yaml(cls, title: str, file: Path | str, error: Exception) -> "ConfigError":
        """Return that a file is no YAML, with the line where the parser tells one."""
        mark = getattr(error, "problem_mark", None)
        problem = clean(getattr(error, "problem", None) or "not valid YAML")
        return cls(title, file, mark.line + 1 if mark else 0, problem)


class SSHConfigError(ConfigError):
    """ssh_config is wrong, or must not be used: ssh would not connect either."""


class Cancelled(SSHDashError):
    """The person dismissed a question or cancelled the operation."""


class ConnectError(SSHDashError):
    """A connection could not be made."""


class UnreachableError(ConnectError):
    """No usable answer from the network: name, route, refusal, time."""


class ShortageError(UnreachableError):
    """The system has no descriptors left for a connection, or for what has to be read for it."""


class HostKeyError(ConnectError):
    """The server's host key is changed, revoked or was not accepted."""


class AuthenticationError(ConnectError):
    """Every authentication method failed or was refused."""


class ConnectionLost(SSHDashError):
    """A connection that was up is gone."""


class SessionError(SSHDashError):
    """A shell or command could not be started."""


class FileError(SSHDashError):
    """An operation on one path failed."""

    def __init__(
        self, title: str, path: str = "", detail: str = "", hint: str = "", host: str = ""
    ) -> None:
        super().__init__(title, detail=detail, hint=hint, host=host)
        self.path = path

    def __str__(self) -> str:
        """Return the message with its path, as a log or stderr shows it."""
        where = ":".join(part for part in (self.host, self.path) if part)
        text = f"{where}: {self.title}" if where else self.title
        if self.detail:
            text += f": {_one_line(self.detail)}"
        return f"{text} ({self.hint})" if self.hint else text


class ForwardError(SSHDashError):
    """A tunnel could not listen, or its far end refused it."""


class UntrustedError(ForwardError):
    """A tunnel over a server whose key nothing vouches for."""


def is_shortage(error: OSError) -> bool:
    """Return whether the system gave nothing for now: it says nothing about what was asked for."""
    return error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
