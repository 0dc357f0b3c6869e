"""What a session asks a server for: RequestTTY, RemoteCommand, SessionType, StdinNull, SetEnv."""

from dataclasses import dataclass, field, replace
from typing import Any

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.environment import environment, terminal_type
from sshdash.errors import SessionError

YES, NO, FORCE, AUTO = "yes", "no", "force", "auto"
"""The words of RequestTTY."""
_COLOURS = b"COLORTERM"


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """One session: a shell where there is neither a command nor a subsystem."""

    command: bytes | None
    subsystem: str | None
    terminal: bool
    """Whether the server is asked for a terminal."""
    term: str
    has_input: bool = True
    """Whether there is anything to read for it."""
    environment: dict[bytes | str, bytes | str] = field(default_factory=dict, repr=False)

    def with_true_colour(self) -> "SessionRequest":
        """Return it telling programs that the terminal has 24-bit colours, if it has one.

        COLORTERM has no name of its own in the protocol. A server that does not accept it goes
        on without a word, and what SetEnv or SendEnv gives wins.
        """
        if not self.terminal or any(name in self.environment for name in ("COLORTERM", _COLOURS)):
            return self
        return replace(self, environment={**self.environment, _COLOURS: b"truecolor"})

    def options(self) -> dict[str, Any]:
        """Return what the SSH library is told."""
        return {
            "command": self.command,  # it sends bytes as they are
            "subsystem": self.subsystem,
            "env": self.environment,
            "send_env": (),
            "request_pty": FORCE if self.terminal else False,
            "term_type": self.term if self.terminal else None,
        }


def plan_session(
    resolved: ResolvedHost,
    term: str,
    *,
    command: bytes | None = None,
    tty: str = "",
    typing: bool = True,
    has_input: bool = True,
    subsystem: bool = False,
) -> SessionRequest:
    """Return what the configuration and the command line ask for, by ssh's rules.

    `command` is one that was given beside the host, `tty` a word of RequestTTY that wins over
    it, `typing` whether a person's keyboard is the input; the command names a `subsystem` where
    that is so, or SessionType says it. Raises SessionError where the
    configuration asks for no session, or for two commands.
    """
    kind = "subsystem" if subsystem else resolved.get("sessiontype") or "default"
    if kind == "none":
        raise SessionError(
            "This host gets no session",
            detail=f"SessionType none at {_place(resolved, 'sessiontype')}",
            hint="its tunnels and files are there; for a shell, take SessionType none away",
            host=resolved.alias,
        )
    remote = resolved.get("remotecommand")
    if command is not None and remote is not None:
        raise SessionError(
            "Cannot run a command beside the RemoteCommand",
            detail=f"RemoteCommand at {_place(resolved, 'remotecommand')}",
            hint="add -o RemoteCommand=none",
            host=resolved.alias,
        )
    text = command if command is not None or remote is None else _bytes(remote)
    if kind == "subsystem" and not text:
        raise SessionError(
            "No subsystem is named",
            detail=f"SessionType subsystem at {_place(resolved, 'sessiontype')}",
            hint="RemoteCommand names it",
            host=resolved.alias,
        )
    has_input = has_input and not resolved.flag("stdinnull")
    wish = tty or resolved.get("requesttty") or AUTO
    return SessionRequest(
        command=None if kind == "subsystem" else text or None,
        subsystem=(text or b"").decode("utf-8", "replace") if kind == "subsystem" else None,
        terminal=_gets_terminal(wish, bool(text), typing and has_input),
        term=terminal_type(resolved, term),
        has_input=has_input,
        environment=environment(resolved),
    )


def plan_command(resolved: ResolvedHost, term: str, command: bytes) -> SessionRequest:
    """Return the request for `command` in a terminal, whatever the configuration asks for."""
    kept = environment(resolved)
    return SessionRequest(command, None, True, terminal_type(resolved, term), environment=kept)


def _gets_terminal(wish: str, has_command: bool, typing: bool) -> bool:
    if wish == FORCE:
        return True
    if not typing:
        return False
    return wish == YES or (wish != NO and not has_command)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _place(resolved: ResolvedHost, key: str) -> str:
    return str(next(iter(resolved.origins.get(key, ())), "the command line"))


def has_command_line(resolved: ResolvedHost) -> bool:
    """Return whether ``~C`` opens a command line.

    ssh_config(5) has ``no`` as the default of EnableEscapeCommandline, for the sake of ssh's own
    sandbox; here it is there unless the configuration says no.
    """
    given = "enableescapecommandline" in resolved.origins
    return not given or resolved.flag("enableescapecommandline")
