"""One shell or command on a host: an SSH channel on one side, an emulator on the other."""

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import asyncssh

from sshdash.connections.faults import explain
from sshdash.connections.session_request import has_command_line, plan_command, plan_session
from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import EventBus, ProgramReported, SessionChanged
from sshdash.states import SessionState, Step, advance, allows
from sshdash.terminal.activity import Activity
from sshdash.terminal.channel import SessionChannel
from sshdash.terminal.echoes import ECHOES
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.escapes import escape_character
from sshdash.terminal.keyboard import Keyboard, encode_paste
from sshdash.terminal.pasting import AT_ONCE, Pasting
from sshdash.terminal.pointer import Pointer
from sshdash.terminal.reopening import reopening_rule
from sshdash.terminal.reports import Reports
from sshdash.terminal.resting import RestingTerminal
from sshdash.terminal.screen_writing import written_screen
from sshdash.terminal.selection import Selection
from sshdash.terminal.serial import SerialLine
from sshdash.terminal.starting import starting_command

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease
    from sshdash.terminal.escape_actions import EscapeCommands
    from sshdash.terminal.recording import Recorder, Recording

log = logging.getLogger(__name__)

RESIZE_INTERVAL = 0.05
CLOSE_SECONDS = 2.0
_numbers = itertools.count(1)


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
        recorder: "Recorder | None" = None,
        commands: "EscapeCommands | None" = None,
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
        self.activity = Activity()
        self.serial = SerialLine()
        self.recording: Recording | None = None
        """Where what the remote sends is recorded, while it is."""
        self.pasting: Pasting | None = None
        """The long paste that is on its way, if one is."""
        self._paste_task: asyncio.Task[None] | None = None
        self._typed_behind = b""
        self._commands = commands
        self._recorder = recorder
        self._recorded = recorder is not None and recorder.wants(host)
        """Whether it is recorded whenever it runs."""
        self._events = events
        self._told = (columns, rows)
        self._term = term
        self._command = command
        self._channel: SessionChannel | None = None
        self.lease: Lease | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._resizing: asyncio.TimerHandle | None = None
        self.reports = Reports(self.emulator.effects, self._reported)
        self._resting = RestingTerminal(self.emulator)
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
        directory: str = "",
        recorder: "Recorder | None" = None,
        commands: "EscapeCommands | None" = None,
    ) -> "ShellSession":
        """Start a shell, or `command`, on a leased connection, which is released when it ends.

        The shell starts in `directory` where one is named. Raises SessionError or ConnectionLost;
        the lease is released then too.
        """
        session = cls(
            lease.host,
            events,
            columns=columns,
            rows=rows,
            term=term,
            scrollback=scrollback,
            command=command,
            recorder=recorder,
            commands=commands,
        )
        await session._start(lease, starting_command(lease.resolved, directory))
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
        reattach = "" if self._command else reattach
        rule = reopening_rule(self, time.monotonic() - self.ended_at, reattach)
        self._step(Step.START)
        self.exit_text = ""
        self.emulator.forget_program()
        self.reports.forget()
        start = "\r\n" if self.emulator.column else ""
        self.emulator.feed(f"{start}\x1b[2m{rule}\x1b[m\r\n".encode())
        await self._start(lease, reattach)

    @property
    def directory(self) -> str:
        """The folder the shell is in, by its own word; empty where it is not known."""
        return self.reports.directory

    def write(self, data: bytes) -> None:
        """Send what was typed, behind what is being pasted; not once the session has ended."""
        if not data or self._channel is None or self.state is not SessionState.RUNNING:
            return
        self.activity.typed(data)
        ECHOES.expect(self.emulator)
        if self.pasting is not None:
            self._typed_behind += data
        else:
            self._channel.type(data)

    def paste(self, text: str) -> None:
        """Send `text` as pasted: neutralised, and bracketed where the program asked for it.

        What is long goes as fast as the remote reads it: see `pasting`. One paste at a time.
        """
        channel = self._channel
        if channel is None or self.state is not SessionState.RUNNING or self.pasting is not None:
            return
        bracketed = self.emulator.modes.bracketed_paste
        if len(text) <= AT_ONCE:
            channel.paste(encode_paste(text, bracketed=bracketed))
            return
        self.pasting = Pasting(text, bracketed=bracketed, send=channel.paste, room=channel.room)
        self._paste_task = self._loop.create_task(self._paste(self.pasting, channel))

    def send_break(self) -> None:
        """Send a break to what the session leads to."""
        if self._channel is not None:
            self._channel.send_break()

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal a new size. The remote is told the last one of a quick series."""
        self.emulator.resize(columns, rows)
        if self._resizing is None:
            self._tell_size()
            self._resizing = self._loop.call_later(RESIZE_INTERVAL, self._resized)

    @property
    def has_terminal(self) -> bool:
        """Return whether the server gave the session a terminal."""
        return self._channel is not None and self._channel.has_terminal

    @property
    def is_recording(self) -> bool:
        """Return whether what the remote sends is being recorded."""
        return self.recording is not None and not self.recording.is_over

    def record(self, wanted: bool) -> None:
        """Record what the remote sends from now on, also when it is opened again; or stop."""
        self._recorded = wanted
        if wanted and self.state is SessionState.RUNNING:
            self._start_recording(amid=True)
        elif not wanted:
            self._end_recording()

    async def hang_up(self) -> None:
        """End the session as `close` does; it may be opened again."""
        await self.close()
        self._closed = False

    async def close(self) -> None:
        """End the session and release its connection; safe to call twice."""
        self._closed = True
        self._end_pasting()
        self._resting.stop()
        self.reports.stop()
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

    async def _paste(self, pasting: Pasting, channel: SessionChannel) -> None:
        """Send a long paste, then what was typed meanwhile."""
        await pasting.run()
        self.pasting = self._paste_task = None
        typed, self._typed_behind = self._typed_behind, b""
        if typed:
            channel.type(typed)

    def _end_pasting(self) -> None:
        if self._paste_task is not None:
            self._paste_task.cancel()
        self.pasting = self._paste_task = None
        self._typed_behind = b""

    async def _start(self, lease: "Lease", reattach: str = "") -> None:
        self.lease = lease
        self._told = (self.emulator.columns, self.emulator.rows)
        channel: SessionChannel | None = None
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
        channel.taps.append(self.activity.output)
        self._step(Step.READY)
        if self._recorded:
            self._start_recording()
        if self._told != (self.emulator.columns, self.emulator.rows):
            self._tell_size()
        self._watcher = self._loop.create_task(self._watch(channel, lease))

    async def _open_channel(self, lease: "Lease", reattach: str) -> SessionChannel:
        command = self._command or reattach
        if command:
            request = plan_command(lease.resolved, self._term, os.fsencode(command))
        else:
            request = plan_session(lease.resolved, self._term)
        request = request.with_true_colour()
        escape = escape_character(lease.resolved.get("escapechar"))
        channel = SessionChannel(
            self.host, request, escape, self.serial, self.emulator, self._progressed
        )
        channel.follow(self.activity.sight)
        channel.actions.commands = self._commands
        channel.actions.has_command_line = has_command_line(lease.resolved)
        await lease.session(
            lambda ssh: channel.open(ssh, self.emulator.columns, self.emulator.rows)
        )
        return channel

    async def _watch(self, channel: SessionChannel, lease: "Lease") -> None:
        """Wait for the end of the channel and say what it was."""
        await channel.closed
        await channel.intake.drained()
        self._channel = None
        self._end_recording(channel.exit_status)
        known = channel.beginning.describe(channel.exit_text, self.emulator.screen_text())
        known = "closed" if self._closed else known
        if known:
            self._end(Step.EXIT, known)
            return
        reason = await lease.connection.why_gone()
        if reason is None:
            self._end(Step.EXIT, "closed by the host")
        else:
            self._end(Step.LOSE, f"connection lost: {reason}" if reason else "connection lost")

    def _start_recording(self, amid: bool = False) -> None:
        recorder, channel = self._recorder, self._channel
        if recorder is None or channel is None or self.is_recording:
            return
        size = (self.emulator.columns, self.emulator.rows)
        self.recording = recorder.start(self.id, self.host, *size, self._term)
        if amid and self.emulator.modes.alternate_screen:  # what a shell showed stays out of it
            self.recording.screen(written_screen(self.emulator) + channel.intake.waiting)
        channel.taps.append(self.recording.output)

    def _end_recording(self, status: int | None = None) -> None:
        if self.recording is None:
            return
        if self._channel is not None:
            self._channel.taps.remove(self.recording.output)
        self.recording.end(status)
        self.recording = None

    def _end(self, step: Step, text: str) -> None:
        self._end_pasting()
        self._end_recording()
        self.exit_text = text
        self.ended_at = time.monotonic()
        self._release()
        self.reports.end()
        self._step(step, text)
        if self.on_output is not None:
            self.on_output()

    def _release(self) -> None:
        if self.lease is not None:
            self.lease.release()
            self.lease = None

    def _step(self, step: Step, reason: str = "") -> None:
        old, self.state = self.state, advance(self.state, step)
        self._events.emit(SessionChanged(self.id, self.host, old, self.state, reason))
        if self.on_change is not None:
            self.on_change()

    def _progressed(self) -> None:
        """Do what follows a turn of feeding: answer, note the title, have it drawn."""
        self._resting.disturb()
        replies = self.emulator.take_replies()
        if replies and self._channel is not None:
            self._channel.reply(replies)
        self.reports.collect()
        title = self.emulator.take_title()
        if title is not None:
            self.title = title or self.host
            if self.on_change is not None:
                self.on_change()
        if self.on_output is not None:
            self.on_output()

    def _reported(self) -> None:
        self._events.emit(ProgramReported(self.id, self.host))

    def _tell_size(self) -> None:
        self._told = (self.emulator.columns, self.emulator.rows)
        if self._channel is not None:
            self._channel.resize(*self._told)
        if self.recording is not None:
            self.recording.resize(*self._told)

    def _resized(self) -> None:
        self._resizing = None
        if self._told != (self.emulator.columns, self.emulator.rows):
            self.resize(self.emulator.columns, self.emulator.rows)
