"""The one mapping from the SSH library's exceptions to our errors."""

import logging

import asyncssh

from sshdash.connections.network.system_faults import NETWORK, explain_socket
from sshdash.connections.transport.algorithms import can_do
from sshdash.connections.transport.offers import Disagreement
from sshdash.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    FileError,
    ForwardError,
    HostKeyError,
    SessionError,
    SSHDashError,
    UnreachableError,
)
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_REASON_LIMIT = 300

_OPEN_REASONS: dict[int, tuple[str, str]] = {
    asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED: (
        "The server does not allow it",
        "AllowTcpForwarding, PermitOpen or a forced command on the server forbid it",
    ),
    asyncssh.OPEN_CONNECT_FAILED: (
        "The server could not connect there",
        "the target refused the server, or does not exist from where it stands",
    ),
    asyncssh.OPEN_UNKNOWN_CHANNEL_TYPE: ("The server cannot do that", ""),
    asyncssh.OPEN_RESOURCE_SHORTAGE: ("The server is out of resources", "try again later"),
}


def explain(error: BaseException, host: str, operation: str) -> SSHDashError:
    """Return `error` as one of ours, told for a person; ours pass through as they are.

    `operation` says what was going on, such as "connecting" or "opening a shell".
    """
    if isinstance(error, SSHDashError):
        return error
    if isinstance(error, asyncssh.ChannelOpenError):
        return _explain_open(error, host, operation)
    if isinstance(error, asyncssh.SFTPError):
        return _explain_sftp(error, host, operation)
    if isinstance(error, asyncssh.DisconnectError):
        return _explain_disconnect(error, host, operation)
    if isinstance(error, asyncssh.ChannelListenError):
        return ForwardError(
            "The server refused to listen",
            detail=f"{operation}: {clean(str(error), _REASON_LIMIT)}",
            hint="the port may be taken, or AllowTcpForwarding and GatewayPorts forbid it",
            host=host,
        )
    if isinstance(error, TimeoutError) and error.errno is None:
        return UnreachableError(
            "Timed out", detail=operation, hint="ConnectTimeout sets the limit", host=host
        )
    if isinstance(error, OSError | UnicodeError):
        return explain_socket(error, host, operation)
    log.error("%s: %s failed unexpectedly", host, operation, exc_info=error)
    return ConnectError(
        "Failed", detail=f"{operation}: {clean(str(error) or type(error).__name__)}", host=host
    )


def lost_reason(error: BaseException | None) -> str:
    """Return in one line why a connection that was up is gone."""
    if error is None:
        return "closed by the server"
    text = clean(str(getattr(error, "reason", "")) or str(error), _REASON_LIMIT)
    if isinstance(error, asyncssh.ConnectionLost):
        if "keepalive" in text:
            return "the server stopped answering (keepalive)"
        return "the connection broke off" if text in ("Connection lost", "") else text
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "the server showed another host key"
    if isinstance(error, asyncssh.DisconnectError):
        return f"disconnected: {text}"
    if isinstance(error, OSError):
        return NETWORK.get(error.errno or 0, (clean(error.strerror or str(error)), ""))[0].lower()
    return text or type(error).__name__


def is_too_many(error: asyncssh.DisconnectError) -> bool:
    """Return whether a server ended the login because of too many attempts."""
    return "too many authentication failures" in error.reason.lower()


def _lost(what: str, host: str) -> ConnectionLost:
    hint = "try it again once the host is back"
    return ConnectionLost("Connection lost", f"meanwhile: {what}", hint, host)


def _explain_open(error: asyncssh.ChannelOpenError, host: str, operation: str) -> SSHDashError:
    reason = clean(error.reason, _REASON_LIMIT)
    if "SSH connection closed" in reason:
        return _lost(operation, host)
    detail = f"{operation}: {reason}" if reason else operation
    session = "shell" in operation or "command" in operation or "SFTP" in operation
    if session and error.code in (
        asyncssh.OPEN_CONNECT_FAILED,
        asyncssh.OPEN_RESOURCE_SHORTAGE,
        asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
    ):
        return SessionError(
            "The server opens no session",
            detail=detail,
            hint="the account may be for forwarding alone (MaxSessions on the server sets it)",
            host=host,
        )
    title, hint = _OPEN_REASONS.get(error.code, ("The server refused", ""))
    kind = SessionError if session else ForwardError
    return kind(title, detail=detail, hint=hint, host=host)


def _explain_sftp(error: asyncssh.SFTPError, host: str, operation: str) -> SSHDashError:
    if isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
        return _lost(operation, host)
    titles = {
        asyncssh.FX_NO_SUCH_FILE: "No such file or folder",
        asyncssh.FX_PERMISSION_DENIED: "Permission denied",
        asyncssh.FX_OP_UNSUPPORTED: "The server cannot do that",
        asyncssh.FX_FILE_ALREADY_EXISTS: "It exists already",
        asyncssh.FX_NO_SPACE_ON_FILESYSTEM: "No space left on the server",
        asyncssh.FX_QUOTA_EXCEEDED: "Quota exceeded on the server",
    }
    title = titles.get(error.code, clean(error.reason or "The server failed", _REASON_LIMIT))
    return FileError(title, detail=operation, host=host)


def _explain_disconnect(error: asyncssh.DisconnectError, host: str, operation: str) -> SSHDashError:
    reason = clean(error.reason, _REASON_LIMIT)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return HostKeyError("Host key not verifiable", detail=reason, host=host)
    if is_too_many(error):
        return AuthenticationError(
            "Too many authentication failures",
            detail="the server gave up before a method succeeded",
            hint="too many keys were offered? set IdentityFile and IdentitiesOnly yes",
            host=host,
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return AuthenticationError("Permission denied", detail=reason, host=host)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return ConnectError("Key exchange failed", detail=reason, host=host)
    if isinstance(error, asyncssh.ProtocolNotSupported) or "anner line" in reason:
        return UnreachableError(
            "Not an SSH server", detail=reason, hint="check the port", host=host
        )
    if isinstance(error, asyncssh.ConnectionLost):
        return _lost(f"{operation}: {reason}", host)
    return ConnectError("The server disconnected", detail=f"{operation}: {reason}", host=host)


def negotiation_failed(differing: Disagreement, host: str) -> ConnectError:
    """Return the error of a key exchange in which the sides have nothing in common."""
    theirs = ", ".join(map(clean, differing.theirs)) or "nothing"
    possible = [name for name in differing.theirs if can_do(differing.option, name)]
    if possible:
        hint = f"to allow it for this host, in ssh_config: {differing.keyword} +{possible[0]}"
    else:
        hint = "sshdash can do none of those: the server needs an update, or other settings"
    return ConnectError(
        f"No {differing.kind} in common",
        detail=f"sshdash offers {', '.join(differing.ours)}\nthe server offers {theirs}",
        hint=hint,
        host=host,
    )
