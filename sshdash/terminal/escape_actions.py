"""What the escape sequences of a session do, as ssh(1) does it where that makes sense here."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import asyncssh

from sshdash.logs import change_verbosity
from sshdash.terminal.escape_line import PROMPT, EscapeLine
from sshdash.terminal.escapes import Escape, escape_name, help_text

if TYPE_CHECKING:
    from sshdash.connections.transport.transport import Transport

Channel = asyncssh.SSHClientChannel[bytes]

BREAK = 1000
"""Milliseconds, as ssh asks for."""
_SUSPENDED = "sshdash is not suspended: it holds other sessions too; its prefix key leaves this one"
_BACKGROUND = "tunnels outlive their shells here: close this one, and they go on until disconnected"


class EscapeCommands(Protocol):
    """What a session cannot do by itself: forwards, and what else is open on the connection."""

    def run(
        self, host: str, line: str, show: Callable[[str], None], done: Callable[[], None]
    ) -> None:
        """Carry out a line of ``~C``; `show` gets each line of the answer, before `done`."""

    def connections(self, host: str) -> list[str]:
        """Return what is open for a host, one thing a line, cleaned."""


class EscapeActions:
    """Obeys escape sequences; `show` puts bytes on the session's own screen.

    `end` closes the session without waiting for the other side. Until a command line is typed and
    answered, what the remote sends is kept back here, and the remote is paused.
    """

    def __init__(
        self,
        host: str,
        character: bytes,
        show: Callable[[bytes], None],
        end: Callable[[], None],
    ) -> None:
        self.commands: EscapeCommands | None = None
        self.has_command_line = True
        """Whether ``~C`` opens one (EnableEscapeCommandline)."""
        self._host = host
        self._character = character
        self._show = show
        self._end = end
        self._line: EscapeLine | None = None
        self._holding = False
        self._held: list[bytes] = []

    def obey(self, escape: Escape, channel: Channel) -> None:
        """Do what an escape sequence asks for."""
        if escape is Escape.END:
            self._end()
        elif escape is Escape.HELP:
            self._show(help_text(self._character).encode())
        elif escape is Escape.BREAK:
            channel.send_break(BREAK)
            self._say(escape)
        elif escape is Escape.REKEY:
            cast("Transport", channel.get_connection()).change_keys()
            self._say(escape)
        elif escape is Escape.COMMAND:
            self._open_line(channel)
        elif escape is Escape.CONNECTIONS:
            listed = self.commands.connections(self._host) if self.commands else []
            rows = (f"  {row}" for row in listed)
            self._say(escape, "\r\n".join(("", "The following connections are open:", *rows)))
        elif escape in (Escape.LOUDER, Escape.QUIETER):
            level = change_verbosity(1 if escape is Escape.LOUDER else -1)
            self._say(escape, f" [LogLevel {level}]")
        else:
            words = _SUSPENDED if escape is Escape.SUSPEND else _BACKGROUND
            self._say(escape, f"\r\n[{words}]")

    # -- the command line

    @property
    def is_typing(self) -> bool:
        """Return whether what is typed is for the command line."""
        return self._line is not None

    def type(self, data: bytes, channel: Channel) -> bytes:
        """Take what was typed into the command line; return what was typed after its end."""
        if self._line is None:
            return data
        echo, rest = self._line.feed(data)
        self._show(echo)
        if self._line.over:
            self._close_line(channel)
        return rest

    def paste(self, data: bytes) -> None:
        """Take what was pasted into the command line."""
        if self._line is not None:
            self._show(self._line.paste(data))

    def hold(self, data: bytes, channel: Channel) -> bool:
        """Keep back what the remote sent, if a command line is open; return whether it is."""
        if not self._holding:
            return False
        self._held.append(data)
        channel.pause_reading()
        return True

    def release(self) -> None:
        """Show what was kept back: nobody types a command line any more."""
        self._line = None
        self._holding = False
        held, self._held = self._held, []
        for data in held:
            self._show(data)

    def _open_line(self, channel: Channel) -> None:
        if not self.has_command_line:
            self._say(Escape.COMMAND, "\r\ncommandline disabled")
        elif self.commands is not None:
            self._line = EscapeLine()
            self._holding = True
            self._show(PROMPT)

    def _close_line(self, channel: Channel) -> None:
        line = self._line.line if self._line else ""
        self._line = None
        if line and self.commands is not None:
            self.commands.run(self._host, line, self._tell, partial(self._answered, channel))
            return
        self._show(b"\r\n")
        self._answered(channel)

    def _answered(self, channel: Channel) -> None:
        held = bool(self._held)
        if self._line is None:  # else another command line was opened meanwhile
            self.release()
            if held:
                channel.resume_reading()

    def _tell(self, text: str) -> None:
        self._show(text.encode() + b"\r\n")

    def _say(self, escape: Escape, words: str = "") -> None:
        name = "^Z" if escape is Escape.SUSPEND else escape.value
        self._show(f"{escape_name(self._character)}{name}{words}\r\n".encode())
