"""Which failures go away by waiting, and which need a person first."""

from collections.abc import Iterator

import asyncssh

from sshdash.errors import (
    AuthenticationError,
    Cancelled,
    ConfigError,
    ConnectError,
    HostKeyError,
    UnreachableError,
    UsageError,
)

_HOPELESS: tuple[tuple[type[BaseException], str], ...] = (
    (Cancelled, "a question was dismissed"),
    (HostKeyError, "the host key was not accepted"),
    (AuthenticationError, "the login was refused"),
    (ConfigError, "the configuration is wrong"),
    (UsageError, "the configuration is wrong"),
    (asyncssh.KeyExchangeFailed, "no algorithm in common"),
    (asyncssh.IllegalUserName, "the user name is not valid"),
)
_CUT_OFF = (
    asyncssh.DisconnectError,
    BrokenPipeError,
    ConnectionAbortedError,
    ConnectionResetError,
)


def why_not(error: BaseException) -> str:
    """Return why an attempt that failed so is not repeated by itself, "" where it is.

    A login that was refused once is refused again, and each time counts against the person; a
    network that was not there may be back.
    """
    for kind, words in _HOPELESS:
        if any(isinstance(one, kind) for one in _causes(error)):
            return words
    return ""


def turned_away(error: BaseException) -> bool:
    """Return whether a server was reached and cut the attempt off, which it may be tired of."""
    if any(isinstance(one, _CUT_OFF) for one in _causes(error)):
        return True
    return isinstance(error, ConnectError) and not isinstance(error, UnreachableError)


def refused(error: BaseException) -> bool:
    """Return whether a machine was reached on which nobody listens."""
    return any(isinstance(one, ConnectionRefusedError) for one in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []  # an error of ours may be its own cause
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__
