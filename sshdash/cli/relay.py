"""What ``sshdash exec`` does with its three standard streams and with the terminal."""

import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from typing import cast

import asyncssh

from sshdash.cli.stdio import Writer
from sshdash.connections.session_request import SessionRequest
from sshdash.connections.transport.transport import Transport
from sshdash.terminal.escapes import RELAYED, Escape, Escapes, escape_character, help_text
from sshdash.untrusted import clean

_READ = 64 * 1024
_READ_FILE = 512 * 1024
_HIGH = 1 << 20
"""Bytes that may wait for a slow reader of our output until the remote one is held up."""
_LOW = 1 << 18
_BREAK = 1000
"""Milliseconds, as ssh asks for."""


class Relay(asyncssh.SSHClientSession[bytes]):
    """Our three standard streams on one side, the channel on the other."""

    def __init__(self, request: SessionRequest, escape: str | None) -> None:
        self.status: int | None = None
        self.signal = ""
        self._request = request
        self._escapes = Escapes(escape_character(escape) if request.terminal else b"", RELAYED)
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._stdin = _Input(self)
        self._outputs = {None: _Output(self, 1), asyncssh.EXTENDED_DATA_STDERR: _Output(self, 2)}
        self._closed = asyncio.Event()

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        """Keep the channel."""
        self._channel = chan

    def session_started(self) -> None:
        """Begin to read, where there is anything to read."""
        if self._request.has_input:
            self._stdin.start()
        else:
            self.send(b"")

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Pass output on."""
        self._outputs[datatype].feed(data)

    def eof_received(self) -> bool:
        """Keep the channel open: its output is over, our input may still be wanted."""
        return True

    def exit_status_received(self, status: int) -> None:
        """Note how the command ended."""
        self.status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """Note what ended the command."""
        self.signal = clean(signal, 40)

    def pause_writing(self) -> None:
        """Read no more for a while."""
        self._stdin.pause()

    def resume_writing(self) -> None:
        """Read on."""
        self._stdin.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is over."""
        self._closed.set()

    def timed_out(self, reason: str) -> None:
        """End it: nothing was sent or received for too long."""
        print(f"sshdash: {reason}", file=sys.stderr)
        self._closed.set()

    async def finish(self) -> None:
        """Return when the channel is closed and all output is written.

        Raises OSError where our own output cannot be written, such as BrokenPipeError.
        """
        try:
            await self._closed.wait()
            for output in self._outputs.values():
                await output.finish()
        finally:
            await self._stdin.stop()

    def send(self, data: bytes) -> None:
        """Send what was read from stdin, its end where there is nothing."""
        if self._channel is None or self._channel.is_closing():
            return
        if not data:
            self._channel.write_eof()
        for part in self._escapes.feed(data):
            if isinstance(part, Escape):
                self._obey(part, self._channel)
            elif part:
                self._channel.write(part)

    def _obey(self, escape: Escape, channel: "asyncssh.SSHClientChannel[bytes]") -> None:
        """Do what an escape sequence asks for."""
        if escape is Escape.END:
            channel.abort()
            self._closed.set()
        elif escape is Escape.HELP:
            self._outputs[asyncssh.EXTENDED_DATA_STDERR].feed(
                help_text(self._escapes.character, RELAYED).encode()
            )
        elif escape is Escape.BREAK:
            channel.send_break(_BREAK)
        else:
            cast(Transport, channel.get_connection()).change_keys()

    def balance(self) -> None:
        """Hold the remote end up while either output is behind."""
        if self._channel is None:
            return
        if any(output.failure for output in self._outputs.values()):
            self._channel.abort()
        elif any(output.is_behind for output in self._outputs.values()):
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def resize(self) -> None:
        """Tell the remote terminal the size of ours."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.change_terminal_size(*terminal_size())


class _Output:
    """Writes to a descriptor, all that waits at once."""

    def __init__(self, relay: Relay, descriptor: int) -> None:
        self.failure: OSError | None = None
        self.is_behind = False
        self._relay = relay
        self._writer = Writer(descriptor)
        self._waiting: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None

    def feed(self, data: bytes) -> None:
        """Take data to write."""
        self._waiting.append(data)
        self._size += len(data)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        if self._size > _HIGH and not self.is_behind:
            self.is_behind = True
            self._relay.balance()

    async def finish(self) -> None:
        """Return when all is written; raises OSError where it could not be."""
        if self._task:
            await self._task
        if self.failure:
            raise self.failure

    async def _drain(self) -> None:
        while self._waiting and not self.failure:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            try:
                await self._writer.write(data)
            except OSError as error:
                self.failure = error
                self._relay.balance()
            if self.is_behind and self._size <= _LOW:
                self.is_behind = False
                self._relay.balance()
        self._task = None


class _Input:
    """Reads stdin whenever it has something and the channel has room."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._room = asyncio.Event()
        self._room.set()
        self._watching = False
        self._over = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        try:
            self._watch()
        except PermissionError:  # a regular file: always ready, and the loop cannot watch it
            self._task = asyncio.create_task(self._read_file())
        except OSError:  # closed: an end of input, too
            self._relay.send(b"")

    def pause(self) -> None:
        """Read no more until `resume`."""
        self._room.clear()
        self._unwatch()

    def resume(self) -> None:
        """Read on."""
        self._room.set()
        if self._task is None and not self._over:
            self._watch()

    async def stop(self) -> None:
        """Read no more at all."""
        self._over = True
        self._unwatch()
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _watch(self) -> None:
        if not self._watching:
            asyncio.get_running_loop().add_reader(0, self._readable)
            self._watching = True

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            asyncio.get_running_loop().remove_reader(0)

    def _readable(self) -> None:
        try:
            data = os.read(0, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a terminal that is gone: the end of the input
        if not data:
            self._over = True
            self._unwatch()
        self._relay.send(data)

    async def _read_file(self) -> None:
        with contextlib.suppress(OSError):  # not open for reading: an end of input, too
            while data := await asyncio.to_thread(os.read, 0, _READ_FILE):
                self._relay.send(data)
                await self._room.wait()
        self._relay.send(b"")


def terminal_size() -> tuple[int, int]:
    """Return the columns and rows of our terminal."""
    try:
        columns, rows = os.get_terminal_size(0)
    except OSError:
        return 80, 24
    return columns, rows


@contextlib.contextmanager
def raw_terminal(relay: Relay, wanted: bool) -> Iterator[None]:
    """Hand every key to the remote terminal, and give the local one back afterwards."""
    if not wanted or not os.isatty(0):
        yield
        return
    loop = asyncio.get_running_loop()
    saved = termios.tcgetattr(0)
    loop.add_signal_handler(signal.SIGWINCH, relay.resize)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
        loop.remove_signal_handler(signal.SIGWINCH)
