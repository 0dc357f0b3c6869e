"""What people read when something fails."""

import errno
import os
import socket

import asyncssh
import pytest

from sshdash.connections.faults import explain, lost_reason, negotiation_failed
from sshdash.connections.transport.offers import Disagreement
from sshdash.errors import (
    AuthenticationError,
    Cancelled,
    ConnectError,
    ConnectionLost,
    FileError,
    ForwardError,
    HostKeyError,
    SessionError,
    SSHDashError,
    UnreachableError,
)


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "kind", "title"),
    [
        (system(errno.ECONNREFUSED), UnreachableError, "Connection refused"),
        (system(errno.EHOSTUNREACH), UnreachableError, "No route to host"),
        (system(errno.ETIMEDOUT), UnreachableError, "Connection timed out"),
        (system(errno.ENETUNREACH), UnreachableError, "Network unreachable"),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            UnreachableError,
            "Name does not resolve",
        ),
        (TimeoutError(), UnreachableError, "Timed out"),
        (asyncssh.PermissionDenied("no"), AuthenticationError, "Permission denied"),
        (
            asyncssh.DisconnectError(2, "Too many authentication failures"),
            AuthenticationError,
            "Too many authentication failures",
        ),
        (asyncssh.HostKeyNotVerifiable("x"), HostKeyError, "Host key not verifiable"),
        (asyncssh.ConnectionLost("gone"), ConnectionLost, "Connection lost"),
        (asyncssh.ProtocolNotSupported("v1"), UnreachableError, "Not an SSH server"),
        (asyncssh.ProtocolError("odd"), ConnectError, "The server disconnected"),
        (asyncssh.SFTPPermissionDenied("x"), FileError, "Permission denied"),
        (asyncssh.SFTPNoSuchFile("x"), FileError, "No such file or folder"),
        (asyncssh.SFTPConnectionLost("x"), ConnectionLost, "Connection lost"),
        (asyncssh.ChannelListenError("x"), ForwardError, "The server refused to listen"),
        (RuntimeError("odd"), ConnectError, "Failed"),
    ],
)
def test_each_error_has_its_words(error: Exception, kind: type[SSHDashError], title: str) -> None:
    told = explain(error, "web", "open a shell")
    assert type(told) is kind
    assert told.title == title
    assert told.host == "web"
    assert str(told).startswith("web: ")


def test_ours_pass_through() -> None:
    error = Cancelled("no")
    assert explain(error, "web", "x") is error


@pytest.mark.parametrize(
    ("operation", "code", "kind", "hint"),
    [
        ("open a shell", asyncssh.OPEN_CONNECT_FAILED, SessionError, "MaxSessions"),
        ("run a command", asyncssh.OPEN_CONNECT_FAILED, SessionError, "MaxSessions"),
        ("start SFTP", asyncssh.OPEN_CONNECT_FAILED, SessionError, "MaxSessions"),
        (
            "forward 1:a:2",
            asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
            ForwardError,
            "AllowTcpForwarding",
        ),
        ("forward 1:a:2", asyncssh.OPEN_CONNECT_FAILED, ForwardError, "target"),
        ("forward 1:a:2", 99, ForwardError, ""),
    ],
)
def test_channels_that_do_not_open(
    operation: str, code: int, kind: type[SSHDashError], hint: str
) -> None:
    told = explain(asyncssh.ChannelOpenError(code, "open failed\x1b[2J"), "web", operation)
    assert type(told) is kind
    assert hint in told.hint
    assert "\x1b" not in str(told)


def test_what_the_sides_cannot_agree_on() -> None:
    differing = Disagreement("MAC", "MACs", ("a", "b"), ("hmac-md5", "x\x1b[2J"))
    told = negotiation_failed(differing, "web")
    assert told.title == "No MAC in common"
    assert told.detail == "sshdash offers a, b\nthe server offers hmac-md5, x\\x1b[2J"
    assert told.hint == "to allow it for this host, in ssh_config: MACs +hmac-md5"
    none = negotiation_failed(Disagreement("cipher", "Ciphers", ("a",), ("odd",)), "web")
    assert none.hint.startswith("sshdash can do none of those")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "closed by the server"),
        (asyncssh.ConnectionLost("Connection lost"), "the connection broke off"),
        (
            asyncssh.ConnectionLost("Server not responding to keepalive"),
            "the server stopped answering (keepalive)",
        ),
        (
            asyncssh.DisconnectError(11, "bye\x1b[2J"),
            "disconnected: bye\\x1b[2J",
        ),
        (system(errno.ECONNRESET), "connection reset"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_reasons_of_a_loss(error: Exception | None, reason: str) -> None:
    assert lost_reason(error) == reason
