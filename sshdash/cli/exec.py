"""``sshdash exec``: run a command on a host, as ``ssh DEST CMD`` does.

Bytes pass through as they are, both ways, and whoever is slow holds up only the other end of
the same stream: nothing is ever collected in memory.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator

import asyncssh

from sshdash.cli.context import report, source, tell_ignored
from sshdash.cli.narration import Narrator
from sshdash.cli.prompter import choose_prompter
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.cli.stdio import Writer
from sshdash.config.resolver import Resolver
from sshdash.connections.faults import explain
from sshdash.connections.manager import ConnectionManager, Lease
from sshdash.errors import ConnectionLost, SessionError, SSHDashError, UsageError
from sshdash.events import EventBus
from sshdash.settings import load_settings
from sshdash.untrusted import clean

CONNECTION_FAILED = 255
"""The exit status where there is none of the remote command, as ssh has it."""
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end it with that status, as they end ssh. SIGINT is Python's KeyboardInterrupt."""
_READ = 64 * 1024
_READ_FILE = 512 * 1024
_HIGH = 1 << 20
"""Bytes that may wait for a slow reader of our output until the remote one is held up."""
_LOW = 1 << 18


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "exec",
        help="run a command on a host",
        description="Run a command on a host; exits with its status, 255 where ssh would.",
    )
    parser.add_argument(
        "-t", dest="tty", action="count", default=0, help="allocate a terminal; -tt always"
    )
    add_ssh_options(parser)
    parser.add_argument("destination", metavar="DEST", help="[user@]host[:port]")
    parser.add_argument("words", metavar="CMD", nargs=argparse.REMAINDER, help="the command")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise UsageError(
            "No command",
            "exec needs a command to run",
            f"for a shell: sshdash {arguments.destination}",
        )
    try:
        # Bytes, as they were typed: the server's encoding is its own affair.
        return asyncio.run(_main(arguments, os.fsencode(" ".join(words))))
    except UsageError:
        raise
    except SSHDashError as error:
        report(error)
        return CONNECTION_FAILED


async def _main(arguments: argparse.Namespace, command: bytes) -> int:
    """Run until the end or until a signal, which leaves the terminal as it was."""
    task = asyncio.current_task()
    assert task
    caught: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        caught.append(number)
        task.cancel()

    for number in _ENDING:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        return await _connect(arguments, command)
    except asyncio.CancelledError:
        if not caught:
            raise
        print(f"sshdash: ended by {caught[0].name}", file=sys.stderr)
        return CONNECTION_FAILED


async def _connect(arguments: argparse.Namespace, command: bytes) -> int:
    """Connect, without the parts of a backend that a command has no use for, and run."""
    terminal = _wants_terminal(arguments.tty)
    events = EventBus()
    resolver = Resolver(source(arguments))
    manager = ConnectionManager(resolver, choose_prompter(), events, load_settings())
    Narrator(manager, events, arguments.verbose)
    try:
        async with await manager.lease(arguments.destination, "exec") as lease:
            tell_ignored(lease.connection.resolved)
            return await _run(lease, command, terminal)
    finally:
        await manager.close()


def _wants_terminal(asked: int) -> bool:
    if asked == 1 and not os.isatty(0):
        print("sshdash: no terminal is allocated: stdin is not one", file=sys.stderr)
    return asked > 1 or (asked == 1 and os.isatty(0))


async def _run(lease: Lease, command: bytes, terminal: bool) -> int:
    connection = lease.connection
    relay = _Relay()
    try:
        await connection.ssh.create_session(
            lambda: relay,
            command,  # type: ignore[arg-type]  # the library sends bytes as they are
            encoding=None,
            request_pty="force" if terminal else False,
            term_type=os.environ.get("TERM", "dumb") if terminal else None,
            term_size=_terminal_size() if terminal else (0, 0),
        )
    except (asyncssh.Error, OSError) as error:
        raise explain(error, connection.host, "run a command") from error
    with _raw_terminal(relay, terminal):
        await _finish(relay, connection.host)
    if relay.status is not None:
        return relay.status
    if connection.is_gone:
        reason = await connection.wait_lost()
        raise ConnectionLost("Connection lost", reason, host=connection.host)
    if relay.signal:
        print(f"sshdash: {connection.host}: ended by signal {relay.signal}", file=sys.stderr)
    return CONNECTION_FAILED


async def _finish(relay: "_Relay", host: str) -> None:
    """Return when all is over; raises SessionError where our own output cannot be written."""
    try:
        await relay.finish()
    except BrokenPipeError:
        raise  # whoever read it has gone: the end of a pipe, and nothing to tell
    except OSError as error:
        detail = error.strerror or str(error)
        raise SessionError("Cannot write the output", detail, host=host) from error


class _Relay(asyncssh.SSHClientSession[bytes]):
    """Our three standard streams on one side, the channel on the other."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.signal = ""
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._stdin = _Input(self)
        self._outputs = {None: _Output(self, 1), asyncssh.EXTENDED_DATA_STDERR: _Output(self, 2)}
        self._closed = asyncio.Event()

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._channel = chan

    def session_started(self) -> None:
        self._stdin.start()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._outputs[datatype].feed(data)

    def eof_received(self) -> bool:
        return True  # its output is over, our input may still be wanted

    def exit_status_received(self, status: int) -> None:
        self.status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.signal = clean(signal, 40)

    def pause_writing(self) -> None:
        self._stdin.pause()

    def resume_writing(self) -> None:
        self._stdin.resume()

    def connection_lost(self, exc: Exception | None) -> None:
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
        if data:
            self._channel.write(data)
        else:
            self._channel.write_eof()

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
            self._channel.change_terminal_size(*_terminal_size())


class _Output:
    """Writes to a descriptor, all that waits at once."""

    def __init__(self, relay: _Relay, descriptor: int) -> None:
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

    def __init__(self, relay: _Relay) -> None:
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


def _terminal_size() -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(0)
    except OSError:
        return 80, 24
    return columns, rows


@contextlib.contextmanager
def _raw_terminal(relay: _Relay, wanted: bool) -> Iterator[None]:
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
