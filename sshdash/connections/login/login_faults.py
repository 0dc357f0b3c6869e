"""Why one attempt at a connection failed, told with what was seen of it until then."""

from collections.abc import Sequence

import asyncssh

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.faults import explain, is_too_many, negotiation_failed
from sshdash.connections.login.auth import SSHClient
from sshdash.connections.timeline import Phase
from sshdash.connections.transport.offers import disagreement
from sshdash.connections.transport.transport import Transport
from sshdash.errors import AuthenticationError, ConnectError, SSHDashError, UnreachableError
from sshdash.untrusted import clean

_TIMED_OUT: dict[Phase, tuple[str, str]] = {
    Phase.RESOLVE: (
        "No answer from the name server",
        "are you online, or is a VPN missing? an address in HostName needs no name server",
    ),
    Phase.TCP: ("Connection timed out", "a firewall, a wrong address, or the host is down"),
    Phase.GREETING: (
        "No SSH greeting",
        "something accepts connections there but says nothing: is it an SSH server, and is it "
        "well?",
    ),
    Phase.KEX: (
        "Timed out in the key exchange",
        "the server froze, or the network loses large packets (a wrong MTU, often in a VPN)",
    ),
    Phase.AUTH: (
        "Login timed out",
        "the server is there but does not answer: its log, its load or its user directory may "
        "say why",
    ),
}
_MENDING = (
    ("; run: ", "run: "),
    ("does not exist", "name a key that exists with IdentityFile, or load one: ssh-add"),
    ("wrong passphrase", "try again, or load the key once for all: ssh-add"),
    ("no passphrase given", "load the key beforehand: ssh-add"),
    ("refused to sign", "unlock the agent or say yes to it, or name a key file: IdentityFile"),
    ("agent", "start an agent and load the key (ssh-add), or name a key file: IdentityFile"),
)
"""Parts of what is noted of keys, and what to do then; for ``run:`` what follows in the note."""
_ASKING = ("password", "keyboard-interactive")
_TURNED_AWAY = ("exceeded maxstartups", "not allowed at this time", "too many connections")
"""What servers say, instead of a greeting, to those they have no room for."""


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
        return self._broken_off(error, client)

    def _broken_off(self, error: Exception, client: SSHClient) -> SSHDashError:
        """Return why the server, or the library, ended what had begun."""
        if client.transport and not client.server_version:
            return self._no_greeting(client.transport)
        differing = self._differing(client)
        if differing:
            return differing
        if isinstance(error, asyncssh.ConnectionLost | ConnectionError):
            return self._cut_off(client)
        goodbye = client.transport.goodbye if client.transport else ""
        too_many = isinstance(error, asyncssh.DisconnectError) and is_too_many(error)
        if goodbye and not too_many:
            return self._sent_away(goodbye)
        failure = explain(error, self._host, f"connecting to {self._where}")
        if isinstance(failure, AuthenticationError):
            failure.detail = "\n".join((failure.detail, *_tried(client)))
            if not client.keys.report.offered:
                failure.hint = "the server allows fewer attempts; try again later"
        return failure

    def _sent_away(self, said: str) -> ConnectError:
        return ConnectError(
            "The server ended the login",
            detail=f'{self._where} said "{said}"',
            hint="ask whoever runs the server",
            host=self._host,
        )

    def proxy_failed(self, said: str) -> ConnectError:
        """Return the error of a ProxyCommand that ended with `said`."""
        return ConnectError(
            "The ProxyCommand failed", said, "try the command in a shell", host=self._host
        )

    def proxy_silent(self, said: str, seconds: float) -> UnreachableError:
        """Return the error of a ProxyCommand that runs, but brings no greeting."""
        return UnreachableError(
            "No SSH greeting through the ProxyCommand",
            detail="\n".join(part for part in (f"after {seconds:g} s", said) if part),
            hint="it runs, but nothing comes: try the command in a shell",
            host=self._host,
        )

    def _denied(self, client: SSHClient) -> AuthenticationError:
        taken = client.transport.methods if client.transport else client.record.offered
        user = clean(f"{self._resolved.user}@{self._resolved.hostname}")
        lines = [f"{user}; the server takes {', '.join(taken) or 'no method at all'}"]
        lines += _tried(client)
        hint = self._advice(client, taken)
        return AuthenticationError(
            "Permission denied",
            # What to run is said once.
            detail="\n".join(line.removesuffix(f"; {hint}") for line in lines),
            hint=hint,
            host=self._host,
        )

    def _advice(self, client: SSHClient, taken: Sequence[str]) -> str:
        """Return what to do where nothing was enough."""
        report, tried = client.keys.report, client.record.tried
        if not taken:
            return "ask whoever runs the server"
        if "password" in tried or "keyboard-interactive" in tried:
            return "check User and what you typed"
        if client.is_silent and any(method in taken for method in _ASKING):
            return "nobody could be asked: use a terminal, or a key that the server takes"
        for note in report.notes:
            for sign, advice in _MENDING:
                if sign in note:
                    return advice + (note.partition(sign)[2] if "run:" in sign else "")
        if report.notes:
            return "the lines above say what is wrong with each key; IdentityFile names another"
        if report.offered:
            return "is User right, and is the key in authorized_keys there? or name another key"
        if "publickey" in taken and self._resolved.get("pubkeyauthentication") == "no":
            return "PubkeyAuthentication is no, and leaves nothing that the server takes"
        return "no key was found: name one with IdentityFile, or load it: ssh-add"

    def _timed_out(self, client: SSHClient, seconds: float) -> UnreachableError:
        step = client.timeline.current
        phase = step.phase if step and step.phase in _TIMED_OUT else Phase.TCP
        title, hint = _TIMED_OUT[phase]
        detail = f"{self._where}, after {seconds:g} s"
        if phase is Phase.GREETING and client.transport and client.transport.half_said:
            detail += f'; it said "{client.transport.half_said}"'
        return UnreachableError(title, detail=detail, hint=hint, host=self._host)

    def _hop_refused(self, error: asyncssh.ChannelOpenError) -> UnreachableError:
        hop = self._route[-2] if len(self._route) > 1 else "the jump host"
        reason = clean(error.reason, 200)
        if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            return UnreachableError(
                f"{hop} does not forward connections",
                detail=f"{self._where}: {reason}",
                hint=f"AllowTcpForwarding, PermitOpen or a restricted key on {hop} forbid it",
                host=self._host,
            )
        return UnreachableError(
            f"{hop} cannot reach it",
            detail=f"{self._where}: {reason}",
            hint=f"is it up, and is HostName right as seen from {hop}?",
            host=self._host,
        )

    def _no_greeting(self, transport: Transport) -> UnreachableError:
        """Return why a server that closed the connection said no greeting."""
        said = transport.foreword[0] if transport.foreword else ""
        if said.startswith("SSH-"):
            return UnreachableError(
                "The server speaks another version of SSH",
                detail=f'{self._where} said "{said}"',
                hint="only version 2 is safe, and the only one that sshdash speaks",
                host=self._host,
            )
        if any(word in said.lower() for word in _TURNED_AWAY):
            return UnreachableError(
                "The server takes no more logins at the moment",
                detail=f'{self._where} said "{said}"',
                hint="wait and try again; MaxStartups on the server sets how many may wait",
                host=self._host,
            )
        if said:
            web = said.startswith("HTTP/")
            return UnreachableError(
                "Not an SSH server",
                detail=f'{self._where} said "{said}"',
                hint=f"{'a web server answers there: ' if web else ''}check HostName and Port",
                host=self._host,
            )
        return UnreachableError(
            "Closed before an SSH greeting",
            detail=self._where,
            hint="not an SSH server, or it turns this address away (MaxStartups, penalties)",
            host=self._host,
        )

    def _differing(self, client: SSHClient) -> ConnectError | None:
        """Return what the two sides cannot agree on, None where they can."""
        ours, theirs = client.transport.offers if client.transport else (None, None)
        differing = disagreement(ours, theirs) if ours and theirs else None
        return negotiation_failed(differing, self._host) if differing else None

    def _cut_off(self, client: SSHClient) -> ConnectError:
        step = client.timeline.current
        during = "key exchange" if step and step.phase is Phase.KEX else "login"
        return ConnectError(
            f"The server cut the connection during the {during}",
            detail=self._where,
            hint="its log says why: an access rule, too many logins, or it crashed",
            host=self._host,
        )


def _tried(client: SSHClient) -> list[str]:
    """Return the methods that were tried, the keys among them, and what was wrong with others."""
    report = client.keys.report
    keys = f"publickey ({', '.join(report.offered) or 'no key'})"
    tried = [keys if method == "publickey" else method for method in client.record.tried]
    text = f"tried {', '.join(tried)}" if tried else "nothing was tried"
    return [text, *report.notes]
