"""The SSH library's view of a session: what arrives, what is typed, and how it ends."""

import asyncio
from collections.abc import Callable

import asyncssh
from asyncssh.constants import PTY_IUTF8, PTY_VERASE

from sshdash.connections.session_request import SessionRequest
from sshdash.connections.transport.low_water import LowWater
from sshdash.connections.transport.transport import Transport
from sshdash.terminal.cooked import Cooked, shown
from sshdash.terminal.echoes import ECHOES
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.endings import Beginning
from sshdash.terminal.escape_actions import BREAK, EscapeActions
from sshdash.terminal.escapes import Escape, Escapes
from sshdash.terminal.intake import Intake
from sshdash.terminal.serial import SerialLine
from sshdash.terminal.sight import Sight
from sshdash.untrusted import clean

WINDOW = 256 * 1024
"""Bytes the remote may send ahead. Small: what is in flight is in the way of Ctrl-C."""
_UNSENT_LIMIT = 64 * 1024
_TERM_MODES = {PTY_VERASE: 0x7F, PTY_IUTF8: 1}


class SessionChannel(asyncssh.SSHClientSession[bytes]):
    """One session. Where the server gives it no terminal, echo and line editing happen here."""

    def __init__(
        self,
        host: str,
        request: SessionRequest,
        escape: bytes,
        serial: SerialLine,
        emulator: Emulator,
        progressed: Callable[[], None],
    ) -> None:
        self.intake = Intake(
            emulator.feed,
            progressed,
            self._pause,
            self._resume,
            lambda: ECHOES.due_elsewhere(emulator),
        )
        self.closed = asyncio.get_running_loop().create_future()
        self._writable = asyncio.Event()
        self._writable.set()
        self.exit_text = ""
        self.exit_status: int | None = None
        """What the program returned, None where it did not come to that."""
        self.taps: list[Callable[[bytes], None]] = []
        """Take what the remote sends, and nothing else that is shown: no echo of this side."""
        self.beginning = Beginning(request.command is not None or request.subsystem is not None)
        self._request = request
        self._serial = serial
        self._cooked = None if request.terminal else Cooked()
        self._escapes = Escapes(escape if request.terminal else b"")
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._gathered: list[memoryview] = []
        self._sight = Sight()
        self._low_water: LowWater | None = None
        """That of the connection."""
        self.actions = EscapeActions(host, escape, self._show, self._end_now)

    def follow(self, sight: Sight) -> None:
        """Hurry only while somebody looks."""
        self.intake.follow(sight)
        self._sight = sight
        sight.on_change = self._looked

    def _looked(self) -> None:
        if self._sight.seen:
            self.intake.hurry()
        if self._channel is not None and self._low_water is not None:
            if self._sight.seen:
                self._low_water.hurry(self._channel)
            else:
                self._low_water.unhurried.add(self._channel)

    async def open(self, ssh: Transport, columns: int, rows: int) -> None:
        """Ask for the session, which closes again where the one who waits is cancelled."""
        opening = asyncio.get_running_loop().create_task(self._open(ssh, columns, rows))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The server may be about to open what nobody waits for any more.
            opening.add_done_callback(self._abandon)
            raise

    async def _open(self, ssh: Transport, columns: int, rows: int) -> None:
        self._low_water = ssh.low_water
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
        self._looked()

    def gather(self, data: memoryview) -> None:
        """Take note of output that is there until `flush`."""
        self._gathered.append(data)

    def flush(self) -> None:
        """Take all the output that one read of the connection has brought, as one piece."""
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._take(b"".join(gathered))

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take output."""
        self.flush()
        self._take(data)

    def _take(self, data: bytes) -> None:
        """Take output; that of a program without a terminal has bare line feeds."""
        data = data if self._cooked is None else shown(data)
        for tap in self.taps:
            tap(data)
        if self._channel is None or not self.actions.hold(data, self._channel):
            self.intake.add(data)

    def eof_received(self) -> bool:
        """Let the channel close with its output."""
        return False

    def exit_status_received(self, status: int) -> None:
        """Note how the program ended."""
        self.exit_text = f"exit {status}"
        self.exit_status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """Note what ended the program."""
        self.exit_text = f"signal {clean(signal, 24)}{' (core dumped)' if core_dumped else ''}"

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that it is over."""
        self.actions.release()
        self._channel = None
        self._writable.set()
        if not self.closed.done():
            self.closed.set_result(None)

    def timed_out(self, reason: str) -> None:
        """End it: nothing was sent or received for too long."""
        if self._channel is not None:
            self._end(self._channel, reason)

    # -- called by the session

    def type(self, data: bytes) -> None:
        """Send what was typed, but for what is meant for this side (EscapeChar)."""
        self.beginning.used = True
        if self._channel is not None:
            data = self.actions.type(data, self._channel)
        parts = self._escapes.feed(data) if data else iter(())
        for part in parts:
            if not isinstance(part, Escape):
                self._write_unless_typing(part)
            elif self._channel is not None:
                self.actions.obey(part, self._channel)

    def _write_unless_typing(self, data: bytes) -> None:
        """Send what was typed; behind ``~C`` it belongs to the command line."""
        if self.actions.is_typing:
            self.type(data)
        else:
            self._write(data)

    def paste(self, data: bytes) -> None:
        """Send what was pasted: there is nothing for this side in it."""
        self.beginning.used = True
        if self.actions.is_typing:
            self.actions.paste(data)
            return
        self._escapes.passed(data)
        self._write(data)

    async def room(self) -> None:
        """Wait until the remote has taken most of what was sent, or is gone."""
        await asyncio.sleep(0)  # a remote that reads fast leaves others their turn too
        await self._writable.wait()

    def pause_writing(self) -> None:
        """Note that much waits to be sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that most of it was."""
        self._writable.set()

    def _write(self, data: bytes) -> None:
        if self._channel is None or self._channel.is_closing():
            return
        if self._cooked is None:
            if echo := self._serial.echoed(data):
                self.intake.add(echo)
            self._channel.write(self._serial.sent(data))
            return
        echo, line = self._cooked.feed(data)
        if echo:
            self.intake.add(echo)
        if line:
            self._channel.write(line)
        if self._cooked.interrupted:
            self._channel.send_signal("INT")
            self._end(self._channel, "interrupted")
        elif self._cooked.ended:
            self._channel.write_eof()

    def _show(self, data: bytes) -> None:
        """Show what this side says, on the session's own screen."""
        if self._channel is not None:
            self.intake.add(data)

    def _end_now(self) -> None:
        if self._channel is not None:
            self._end(self._channel, "closed")

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

    @property
    def has_terminal(self) -> bool:
        """Return whether the server gave it a terminal."""
        return self._cooked is None

    def send_break(self) -> None:
        """Send a break, which only means something to serial lines."""
        if self._channel is not None:
            self._channel.send_break(BREAK)

    def close(self) -> None:
        """Close the channel, if it is open."""
        if self._channel is not None:
            self._channel.close()

    def _end(self, channel: "asyncssh.SSHClientChannel[bytes]", text: str) -> None:
        """End it without waiting for the other side, which may never answer."""
        self.exit_text = self.exit_text or text
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
