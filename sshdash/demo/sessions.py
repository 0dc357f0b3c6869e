"""Shells and commands for an asyncssh server: real processes, in a PTY where one was asked for."""

import asyncio
import contextlib
import fcntl
import io
import os
import pty
import shutil
import signal
import struct
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import psutil

from sshdash import processes

_CHUNK = 64 * 1024
_LAST_WORDS = 0.5
"""Seconds to read on after a shell ended, should something in its background hold the PTY."""
_CANNOT_START = 126
_ACCEPTED = ("LANG", "LC_", "COLORTERM", "NO_COLOR")
_TAKE_TERMINAL = 'exec <>"$0" >&0 2>&0; exec "$@"'
"""A session leader that opens a terminal gets it as its controlling terminal (POSIX.1, 11.1.3);
so no Python runs between fork and exec."""

Process = asyncssh.SSHServerProcess[bytes]


@dataclass(frozen=True)
class Account:
    """Whose shell it is: where it starts and what it finds in its environment."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)


async def serve_session(process: Process, account: Account) -> None:
    """Run what the client asked for and end the channel with its exit status or signal.

    A client that goes takes every process of the session with it.
    """
    if process.subsystem:
        process.stderr.write(b"no such subsystem\n")
        process.exit(1)
        return
    environment = _environment(process, account)
    start = _start_in_pty if process.term_type else _start_with_pipes
    try:
        child, feed, pumps, master = await start(process, account, environment)
    except OSError as error:
        process.stderr.write(f"cannot start: {error.strerror}\n".encode())
        process.exit(_CANNOT_START)
        return
    reader = asyncio.create_task(_read_client(process, child.pid, feed, master))
    gone = asyncio.create_task(process.channel.wait_closed())
    ended = asyncio.create_task(child.wait())
    try:
        await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
        if ended.done() and not gone.done():
            await _drain(pumps, gone, master is not None)
            _tell_exit(process, ended.result())
    finally:
        for task in (reader, gone, *pumps):
            task.cancel()
        feed.close()
        if master is not None:
            os.close(master)
        kill_session(child.pid)
        await asyncio.gather(reader, gone, ended, *pumps, return_exceptions=True)
        await processes.end(child)


def kill_session(leader: int) -> None:
    """Kill every process of the session that `leader` leads, background jobs included."""
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)


def find_shell() -> str:
    """Return the shell that sessions run: bash where there is one."""
    return shutil.which("bash") or "/bin/sh"


def _environment(process: Process, account: Account) -> dict[str, str]:
    """Return an environment without anything of the person who runs the server."""
    environment = {
        "HOME": str(account.home),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8",
        "SHELL": find_shell(),
    }
    environment.update(account.environment)
    sent = process.env.items()
    environment |= {name: value for name, value in sent if name.startswith(_ACCEPTED)}
    if process.term_type:
        environment["TERM"] = process.term_type
    return environment


def _command_line(process: Process) -> list[str]:
    if process.command is not None:
        return [find_shell(), "-c", process.command]
    return [find_shell(), "-i"] if process.term_type else [find_shell()]


class _Feed:
    """What takes the client's bytes: the child's stdin or the PTY's master."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, data: bytes) -> None:
        # The child may have closed its stdin: what it did not want is dropped, as a pipe would.
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


_Started = tuple[asyncio.subprocess.Process, _Feed, list["asyncio.Task[None]"], int | None]


async def _start_with_pipes(
    process: Process, account: Account, environment: dict[str, str]
) -> _Started:
    child = await asyncio.create_subprocess_exec(
        *_command_line(process),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd=account.home,
        start_new_session=True,
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    pumps = [
        asyncio.create_task(_pump(child.stdout, process.stdout)),
        asyncio.create_task(_pump(child.stderr, process.stderr)),
    ]
    return child, _Feed(child.stdin), pumps, None


async def _start_in_pty(
    process: Process, account: Account, environment: dict[str, str]
) -> _Started:
    master, slave = pty.openpty()
    set_size(master, *process.term_size)
    try:
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _TAKE_TERMINAL,
            os.ttyname(slave),
            *_command_line(process),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=account.home,
            start_new_session=True,
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    reader, source, writer = await _open_master(master)
    pump = asyncio.create_task(_pump(reader, process.stdout))
    pump.add_done_callback(lambda _: source.close())
    return child, _Feed(writer), [pump], master


async def _open_master(
    master: int,
) -> tuple[asyncio.StreamReader, asyncio.ReadTransport, asyncio.StreamWriter]:
    """Return streams on a PTY's master, each with a descriptor of its own."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_CHUNK)
    protocol = asyncio.StreamReaderProtocol(reader)
    source, _ = await loop.connect_read_pipe(lambda: protocol, io.FileIO(os.dup(master), "r"))
    target, flow = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
        io.FileIO(os.dup(master), "w"),
    )
    return reader, source, asyncio.StreamWriter(target, flow, None, loop)


def set_size(master: int, columns: int, rows: int, width: int = 0, height: int = 0) -> None:
    """Set a PTY's size in cells and pixels; its foreground group gets SIGWINCH."""
    limit = 0xFFFF
    size = (min(value, limit) for value in (rows, columns, width, height))
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size))


async def _pump(source: asyncio.StreamReader, target: "asyncssh.SSHWriter[bytes]") -> None:
    """Copy until the end of `source`; a PTY whose last user left says so with EIO."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()


async def _read_client(process: Process, pid: int, feed: _Feed, master: int | None) -> None:
    """Hand what the client sends to the child: bytes, sizes, signals and the end."""
    while True:
        try:
            data = await process.stdin.read(_CHUNK)
        except asyncssh.TerminalSizeChanged as change:
            if master is not None:
                set_size(master, change.width, change.height, change.pixwidth, change.pixheight)
            continue
        except asyncssh.SignalReceived as received:
            _pass_signal(received.signal, pid, master)
            continue
        except asyncssh.BreakReceived:
            continue
        except (asyncssh.Error, OSError):
            return
        if data:
            await feed.write(data)
        else:
            await _end_input(feed, master)
            return


async def _end_input(feed: _Feed, master: int | None) -> None:
    """Tell the child that no more comes: in a terminal that is Ctrl-D."""
    if master is None:
        feed.close()
    else:
        await feed.write(b"\x04")


def _pass_signal(name: str, pid: int, master: int | None) -> None:
    number = getattr(signal, f"SIG{name}", None)
    if number is None:
        return
    with contextlib.suppress(OSError):
        # Nobody has the terminal before the shell takes it, and group 0 would be our own.
        os.killpg((os.tcgetpgrp(master) if master is not None else 0) or pid, number)


async def _drain(
    pumps: list["asyncio.Task[None]"], gone: "asyncio.Task[None]", in_pty: bool
) -> None:
    """Let the last output through: all of it from pipes, what is there from a PTY."""
    waiting = set(pumps)
    while waiting and not gone.done():
        done, _ = await asyncio.wait(
            {*waiting, gone},
            timeout=_LAST_WORDS if in_pty else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not done:
            return
        waiting -= done


def _tell_exit(process: Process, code: int) -> None:
    if code >= 0:
        process.exit(code)
        return
    name = signal.Signals(-code).name.removeprefix("SIG")
    process.exit_with_signal(name)
