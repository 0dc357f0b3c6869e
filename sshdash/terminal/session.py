"""One shell or command on a host: an SSH channel on one side, an emulator on the other."""

import asyncio
import fnmatch
import itertools
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.constants import PTY_IUTF8, PTY_VERASE

from sshdash.connections.faults import explain
from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import EventBus, SessionChanged
from sshdash.states import SessionState, Step, advance, allows
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.intake import Intake
from sshdash.terminal.keyboard import Keyboard, encode_paste
from sshdash.terminal.pointer import Pointer
from sshdash.terminal.reopening import reopening_rule
from sshdash.terminal.selection import Selection
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.config.resolver import ResolvedHost
    from sshdash.connections.connection import Connection, Lease

log = logging.getLogger(__name__)

WINDOW = 256 * 1024
"""Bytes the remote may send ahead. Small: what is in flight is in the way of Ctrl-C."""
RESIZE_INTERVAL = 0.05
CLOSE_SECONDS = 2.0
_REASON_SECONDS = 1.0
"""How long the reason of a loss may take to be known after the loss itself."""
_UNSENT_LIMIT = 64 * 1024
_TERM_MODES = {PTY_VERASE: 0x7F, PTY_IUTF8: 1}
_numbers = itertools.count(1)


class _Channel(asyncssh.SSHClientSession[bytes]):
    """The library's view of the shell: what arrives, and how it ends."""

    def __init__(self, emulator: Emulator, progressed: Callable[[], None]) -> None:
        self.intake = Intake(emulator.feed, progressed, self._pause, self._resume)
        self.closed = asyncio.get_running_loop().create_future()
        self.exit_text = ""
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.intake.add(data)

    def eof_received(self) -> bool:
        return False

    def exit_status_received(self, status: int) -> None:
        self.exit_text = f"exit {status}"

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.exit_text = f"signal {clean(signal, 24)}{' (core dumped)' if core_dumped else ''}"

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        if not self.closed.done():
            self.closed.set_result(None)

    def write(self, data: bytes) -> None:
        """Send `data` if the channel is still open."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def reply(self, data: bytes) -> None:
        """Send the emulator's answers, unless the remote does not read what it asks for."""
        if self._channel is not None and self._channel.get_write_buffer_size() < _UNSENT_LIMIT:
            self.write(data)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the remote its new size."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.change_terminal_size(columns, rows)

    def close(self) -> None:
        """Close the channel, if it is open."""
        if self._channel is not None:
            self._channel.close()

    def abandon(self, opening: "asyncio.Task[None]") -> None:
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


class ShellSession:
    """A shell that can end, be lost, and be opened again in the same terminal.

    `on_output` is called at most once per turn of the event loop after the emulator was fed;
    `on_change` when the state or title changed. Both must be cheap.
    """

    def __init__(
        self,
        host: str,
        events: EventBus,
        *,
        columns: int,
        rows: int,
        term: str = "xterm-256color",
        scrollback: int = 10_000,
        command: str | None = None,
    ) -> None:
        self.id = f"{host}#{next(_numbers)}"
        self.host = host
        self.title = host
        self.state = SessionState.OPENING
        self.exit_text = ""
        self.ended_at = 0.0
        """When it ended last, by the monotonic clock."""
        self.emulator = Emulator(columns, rows, scrollback)
        self.on_output: Callable[[], None] | None = None
        self.on_change: Callable[[], None] | None = None
        self.keyboard = Keyboard(self.emulator)
        self.pointer = Pointer(self.emulator)
        self.selection = Selection(self.emulator)
        self._events = events
        self._told = (columns, rows)
        self._term = term
        self._command = command
        self._channel: _Channel | None = None
        self._lease: Lease | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._resizing: asyncio.TimerHandle | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def __repr__(self) -> str:
        state = ": ".join(filter(None, (self.state.value, self.exit_text)))
        return f"<ShellSession {self.id} [{state}]>"

    @classmethod
    async def open(
        cls,
        lease: "Lease",
        events: EventBus,
        *,
        columns: int,
        rows: int,
        term: str = "xterm-256color",
        scrollback: int = 10_000,
        command: str | None = None,
    ) -> "ShellSession":
        """Start a shell, or `command`, on a leased connection, which is released when it ends.

        Raises SessionError or ConnectionLost; the lease is released then too.
        """
        session = cls(
            lease.host,
            events,
            columns=columns,
            rows=rows,
            term=term,
            scrollback=scrollback,
            command=command,
        )
        await session._start(lease)
        return session

    async def reopen(self, lease: "Lease", reattach: str = "") -> None:
        """Start again in the same terminal, below what the ended session has shown.

        `reattach` is what to run in the place of the shell, such as what attaches to a tmux that
        has outlived the connection. Nothing happens where the session runs already or was closed.
        Raises what `open` raises.
        """
        if self._closed or not allows(self.state, Step.START):
            lease.release()
            return
        rule = reopening_rule(self, time.monotonic() - self.ended_at, reattach)
        self._step(Step.START)
        self.exit_text = ""
        self.emulator.forget_program()
        start = "\r\n" if self.emulator.column else ""
        self.emulator.feed(f"{start}\x1b[2m{rule}\x1b[m\r\n".encode())
        await self._start(lease, reattach)

    def write(self, data: bytes) -> None:
        """Send what was typed or pasted; nothing happens once the session has ended."""
        if data and self._channel is not None and self.state is SessionState.RUNNING:
            self._channel.write(data)

    def paste(self, text: str) -> None:
        """Send `text` as pasted: neutralised, and bracketed where the program asked for it."""
        self.write(encode_paste(text, bracketed=self.emulator.modes.bracketed_paste))

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal a new size. The remote is told the last one of a quick series."""
        self.emulator.resize(columns, rows)
        if self._resizing is None:
            self._tell_size()
            self._resizing = self._loop.call_later(RESIZE_INTERVAL, self._resized)

    async def close(self) -> None:
        """End the session and release its connection; safe to call twice."""
        self._closed = True
        if self._resizing is not None:
            self._resizing.cancel()
            self._resizing = None
        if self._watcher is not None:
            if self._channel is not None:
                self._channel.intake.stop()
                self._channel.close()
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await asyncio.shield(self._watcher)
            except TimeoutError:
                log.info("%s: the channel did not close in time", self.id)
                self._watcher.cancel()
                await asyncio.gather(self._watcher, return_exceptions=True)
                if self.state is SessionState.RUNNING:
                    self._end(Step.EXIT, "closed")
            self._watcher = None
        self._release()

    # -- internals

    async def _start(self, lease: "Lease", reattach: str = "") -> None:
        self._lease = lease
        self._told = (self.emulator.columns, self.emulator.rows)
        channel: _Channel | None = None
        reason = "cancelled"
        try:
            channel = await self._open_channel(lease, reattach)
        except (asyncssh.Error, OSError, SSHDashError) as error:
            problem = explain(error, self.host, "open a shell")
            reason = problem.title
            raise problem from error
        finally:
            if channel is None:
                # What was lost while it was opened again is still to be opened again.
                lost = self.ended_at and lease.connection.is_gone
                self._end(Step.LOSE if lost else Step.FAIL, reason)
        if self._closed:
            channel.close()
            self._end(Step.FAIL, "closed")
            raise Cancelled("The shell was closed", host=self.host)
        self._channel = channel
        self._step(Step.READY)
        if self._told != (self.emulator.columns, self.emulator.rows):
            self._tell_size()
        self._watcher = self._loop.create_task(self._watch(channel, lease))

    async def _open_channel(self, lease: "Lease", reattach: str) -> _Channel:
        resolved = lease.resolved
        command = reattach or self._command or resolved.get("remotecommand")
        if command == "none":
            command = None
        channel = _Channel(self.emulator, self._progressed)

        async def request(ssh: asyncssh.SSHClientConnection) -> None:
            opening = self._loop.create_task(self._request(ssh, lease, channel, command))
            try:
                await asyncio.shield(opening)
            except asyncio.CancelledError:
                # The server may be about to open what nobody waits for any more.
                opening.add_done_callback(channel.abandon)
                raise

        await lease.session(request)
        return channel

    async def _request(
        self,
        ssh: asyncssh.SSHClientConnection,
        lease: "Lease",
        channel: _Channel,
        command: str | None,
    ) -> None:
        await ssh.create_session(
            lambda: channel,
            command,
            env=_environment(lease.resolved),
            send_env=(),
            request_pty="force",
            term_type=self._term,
            term_size=(self.emulator.columns, self.emulator.rows),
            term_modes=_TERM_MODES,
            encoding=None,
            window=WINDOW,
        )

    async def _watch(self, channel: _Channel, lease: "Lease") -> None:
        """Wait for the end of the channel and say what it was."""
        await channel.closed
        await channel.intake.drained()
        self._channel = None
        known = "closed" if self._closed else channel.exit_text
        if known:
            self._end(Step.EXIT, known)
            return
        reason = await _loss(lease.connection)
        if reason is None:
            self._end(Step.EXIT, "closed by the host")
        else:
            self._end(Step.LOSE, f"connection lost: {reason}" if reason else "connection lost")

    def _end(self, step: Step, text: str) -> None:
        self.exit_text = text
        self.ended_at = time.monotonic()
        self._release()
        self._step(step, text)
        if self.on_output is not None:
            self.on_output()

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _step(self, step: Step, reason: str = "") -> None:
        old, self.state = self.state, advance(self.state, step)
        self._events.emit(SessionChanged(self.id, self.host, old, self.state, reason))
        if self.on_change is not None:
            self.on_change()

    def _progressed(self) -> None:
        """Do what follows a turn of feeding: answer, note the title, have it drawn."""
        replies = self.emulator.take_replies()
        if replies and self._channel is not None:
            self._channel.reply(replies)
        title = self.emulator.take_title()
        if title is not None:
            self.title = title or self.host
            if self.on_change is not None:
                self.on_change()
        if self.on_output is not None:
            self.on_output()

    def _tell_size(self) -> None:
        self._told = (self.emulator.columns, self.emulator.rows)
        if self._channel is not None:
            self._channel.resize(*self._told)

    def _resized(self) -> None:
        self._resizing = None
        if self._told != (self.emulator.columns, self.emulator.rows):
            self.resize(self.emulator.columns, self.emulator.rows)


async def _loss(connection: "Connection") -> str | None:
    """Return why `connection` is gone, None while it is there."""
    if not connection.is_gone:
        return None
    try:
        async with asyncio.timeout(_REASON_SECONDS):
            return await connection.wait_lost()
    except TimeoutError:
        return ""


def _environment(resolved: "ResolvedHost") -> dict[bytes | str, bytes | str]:
    """Return the variables that SendEnv and SetEnv name; SetEnv wins."""
    patterns = [word for value in resolved.get_all("sendenv") for word in value.split()]
    wanted = [pattern for pattern in patterns if not pattern.startswith("-")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("-")]
    chosen: dict[bytes | str, bytes | str] = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in unwanted)
    }
    for setting in resolved.get_all("setenv"):
        name, equals, value = setting.partition("=")
        if equals:
            chosen[name] = value
    return chosen
