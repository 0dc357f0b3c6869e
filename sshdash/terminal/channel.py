"""The SSH library's view of a session: what arrives, what is typed, and how it ends."""

import asyncio
from collections.abc import Callable

import asyncssh
from asyncssh.constants import PTY_IUTF8, PTY_VERASE

from sshdash.connections.session_request import SessionRequest
from sshdash.terminal.cooked import Cooked, shown
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.endings import Beginning
from sshdash.terminal.intake import Intake
from sshdash.untrusted import clean

WINDOW = 256 * 1024
"""Bytes the remote may send ahead. Small: what is in flight is in the way of Ctrl-C."""
_UNSENT_LIMIT = 64 * 1024
_TERM_MODES = {PTY_VERASE: 0x7F, PTY_IUTF8: 1}


class SessionChannel(asyncssh.SSHClientSession[bytes]):
    """One session. Where the server gives it no terminal, echo and line editing happen here."""

    def __init__(
        self, request: SessionRequest, emulator: Emulator, progressed: Callable[[], None]
    ) -> None:
        self.intake = Intake(emulator.feed, progressed, self._pause, self._resume)
        self.closed = asyncio.get_running_loop().create_future()
        self.exit_text = ""
        self.beginning = Beginning(request.command is not None)
        self._request = request
        self._cooked = None if request.terminal else Cooked()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    async def open(self, ssh: asyncssh.SSHClientConnection, columns: int, rows: int) -> None:
        """Ask for the session, which closes again where the one who waits is cancelled."""
        opening = asyncio.get_running_loop().create_task(self._open(ssh, columns, rows))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The server may be about to open what nobody waits for any more.
            opening.add_done_callback(self._abandon)
            raise

    async def _open(self, ssh: asyncssh.SSHClientConnection, columns: int, rows: int) -> None:
        await ssh.create_session(
            lambda: self,
            term_size=(columns, rows),
            term_modes=_TERM_MODES,
            encoding=None,
            window=WINDOW,
            **self._request.options(),
        )
        if not self._request.has_input and self._channel is not None:
            self._channel.write_eof()

    # -- called by the library

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take output; that of a program without a terminal has bare line feeds."""
        self.intake.add(data if self._cooked is None else shown(data))

    def eof_received(self) -> bool:
        """Let the channel close with its output."""
        return False

    def exit_status_received(self, status: int) -> None:
        """Note how the program ended."""
        self.exit_text = f"exit {status}"

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """Note what ended the program."""
        self.exit_text = f"signal {clean(signal, 24)}{' (core dumped)' if core_dumped else ''}"

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that it is over."""
        self._channel = None
        if not self.closed.done():
            self.closed.set_result(None)

    # -- called by the session

    def write(self, data: bytes) -> None:
        """Send what was typed, if the channel is still open."""
        if self._channel is None or self._channel.is_closing():
            return
        self.beginning.used = True
        if self._cooked is None:
            self._channel.write(data)
            return
        echo, line = self._cooked.feed(data)
        if echo:
            self.intake.add(echo)
        if line:
            self._channel.write(line)
        if self._cooked.interrupted:
            self._interrupt(self._channel)
        elif self._cooked.ended:
            self._channel.write_eof()

    def reply(self, data: bytes) -> None:
        """Send the emulator's answers, unless the remote does not read what it asks for."""
        if self._channel is None or self._cooked is not None:
            return
        if not self._channel.is_closing() and self._channel.get_write_buffer_size() < _UNSENT_LIMIT:
            self._channel.write(data)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the remote terminal its new size."""
        if self._channel is None or self._channel.is_closing() or self._cooked is not None:
            return
        self._channel.change_terminal_size(columns, rows)

    def close(self) -> None:
        """Close the channel, if it is open."""
        if self._channel is not None:
            self._channel.close()

    def _interrupt(self, channel: "asyncssh.SSHClientChannel[bytes]") -> None:
        """End it as ctrl+c ends an ssh that has no terminal over there: without waiting."""
        self.exit_text = self.exit_text or "interrupted"
        channel.send_signal("INT")
        channel.close()
        if not self.closed.done():
            self.closed.set_result(None)

    def _abandon(self, opening: "asyncio.Task[None]") -> None:
        """Close what was opened after all; failures to open it are nobody's business now."""
        if not opening.cancelled():
            opening.exception()
        self.close()

    def _pause(self) -> None:
        if self._channel is not None:
            self._channel.pause_reading()

    def _resume(self) -> None:
        if self._channel is not None:
            self._channel.resume_reading()
