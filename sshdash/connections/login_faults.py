"""Why one attempt at a connection failed, told with what was seen of it until then."""

import asyncssh

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.auth import SSHClient
from sshdash.connections.faults import explain, is_too_many
from sshdash.errors import AuthenticationError, ConnectError, SSHDashError, UnreachableError
from sshdash.untrusted import clean


class LoginFaults:
    """Turns the error of one attempt into one for people."""

    def __init__(self, host: str, resolved: ResolvedHost, route: tuple[str, ...]) -> None:
        self._host = host
        self._resolved = resolved
        self._route = route
        self._where = clean(f"{resolved.hostname} port {resolved.port}")

    def explain(self, error: Exception, client: SSHClient, seconds: float) -> SSHDashError:
        """Return what to raise for `error`; `seconds` was the limit of the attempt."""
        if isinstance(error, SSHDashError):
            return error
        if isinstance(error, asyncssh.PermissionDenied) and not is_too_many(error):
            return self._denied(client)
        if isinstance(error, TimeoutError):
            return self._timed_out(client, seconds)
        if isinstance(error, asyncssh.ChannelOpenError):
            return self._hop_refused(error)
        if isinstance(error, asyncssh.ConnectionLost | ConnectionError):
            return self._cut_off(client)
        failure = explain(error, self._host, f"connecting to {self._where}")
        if isinstance(failure, AuthenticationError):
            failure.detail = f"{failure.detail}; {_tried(client)}"
            if not client.keys.report.offered:
                failure.hint = "the server allows fewer attempts; try again later"
        return failure

    def proxy_failed(self, said: str) -> ConnectError:
        """Return the error of a ProxyCommand that ended with `said`."""
        return ConnectError(
            "The ProxyCommand failed", said, "try the command in a shell", host=self._host
        )

    def _denied(self, client: SSHClient) -> AuthenticationError:
        record = client.record
        offered = ", ".join(record.offered) or "no method that sshdash knows"
        user = clean(f"{self._resolved.user}@{self._resolved.hostname}")
        hint = "check User and IdentityFile, or load the key: ssh-add"
        if client.keys.report.notes:
            hint = "see the keys named above"
        return AuthenticationError(
            "Permission denied",
            detail=f"{user}; the server offers {offered}; {_tried(client)}",
            hint=hint,
            host=self._host,
        )

    def _timed_out(self, client: SSHClient, seconds: float) -> UnreachableError:
        if client.server_version:
            title, hint = "Login timed out", "the server is there but too slow to log in"
        elif client.is_adopted:
            title, hint = "No SSH greeting", "something accepts connections there but says nothing"
        else:
            title, hint = "Connection timed out", "a firewall, a wrong address, or the host is down"
        detail = f"{self._where}, after {seconds:g} s"
        return UnreachableError(title, detail=detail, hint=hint, host=self._host)

    def _hop_refused(self, error: asyncssh.ChannelOpenError) -> UnreachableError:
        hop = self._route[-2] if len(self._route) > 1 else "the jump host"
        return UnreachableError(
            f"{hop} cannot reach it",
            detail=f"{self._where}: {clean(error.reason, 200)}",
            hint=f"try it from {hop}; AllowTcpForwarding there may forbid it",
            host=self._host,
        )

    def _cut_off(self, client: SSHClient) -> ConnectError:
        if client.server_version:
            return ConnectError(
                "The server cut the connection during the login", self._where, host=self._host
            )
        return UnreachableError(
            "Closed before an SSH greeting",
            detail=self._where,
            hint="not an SSH server, or it turns this address away (MaxStartups, penalties)",
            host=self._host,
        )


def _tried(client: SSHClient) -> str:
    """Return the methods that were tried, the keys among them, and what was wrong with others."""
    report = client.keys.report
    keys = f"publickey ({', '.join(report.offered) or 'no key'})"
    tried = [keys if method == "publickey" else method for method in client.record.tried]
    text = f"tried {', '.join(tried)}" if tried else "nothing to try"
    return "; ".join([text, *report.notes])
