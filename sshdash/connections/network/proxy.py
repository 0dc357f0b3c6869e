"""ProxyCommand: a program whose standard input and output are the way to the server."""

import asyncio
import contextlib
import os
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import BinaryIO

from sshdash import processes
from sshdash.untrusted import clean, clean_lines

_STDERR_LIMIT = 8192
_PATIENCE = 2.0
"""Seconds a proxy command has to end by itself when its connection is gone."""

Tell = Callable[[str], None]
"""Takes a line that the command wrote to its standard error, cleaned."""


class ProxyCommand:
    """A running proxy command; `socket` is our end."""

    def __init__(self, process: Process, ours: socket.socket, stderr: "_Stderr") -> None:
        self.socket = ours
        self._process = process
        self._stderr = stderr

    @classmethod
    async def start(cls, command: str, tell: Tell) -> "ProxyCommand":
        """Run `command` in the user's shell, as ssh does; raises OSError.

        It gets a session of its own, so that a ctrl+c meant for us never reaches it.
        """
        ours, theirs = socket.socketpair()
        # Not a pipe of the loop's subprocess: that one is only done with a process when all who
        # hold the pipe are gone, such as an ssh that was left behind to share its connection.
        reading, writing = os.pipe()
        try:
            stderr = await _Stderr.listen(os.fdopen(reading, "rb", buffering=0), tell)
            try:
                process = await asyncio.create_subprocess_exec(
                    os.environ.get("SHELL") or "/bin/sh",
                    "-c",
                    f"exec {command}",
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=writing,
                    start_new_session=True,
                )
            except BaseException:
                stderr.close()
                raise
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(writing)
        return cls(process, ours, stderr)

    async def close(self) -> None:
        """End the command, politely first, and collect it; whoever cancels that has it killed."""
        self.socket.close()
        try:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGHUP)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._process.wait()
        finally:
            self._stderr.close()
            await processes.end(self._process, with_group=True)

    async def failure(self) -> str:
        """Return what it said on its way out, and how it ended; cleaned, "" for nothing."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._process.wait()
                await self._stderr.over.wait()
        except TimeoutError:
            pass  # it runs on, or what it left behind may still say something
        code, said = self._process.returncode, self.said
        if code is None:
            return said
        ended = f"exit status {code}" if code >= 0 else f"signal {-code}"
        return f"{said} ({ended})" if said else ended

    @property
    def said(self) -> str:
        """Return what it wrote to stderr so far, cleaned."""
        return clean_lines(self._stderr.said.strip())


class _Stderr(asyncio.Protocol):
    """Keeps the end of what a command writes to its standard error."""

    def __init__(self, tell: Tell) -> None:
        self.said = b""
        self.over = asyncio.Event()
        self._tell = tell
        self._line = b""
        self._transport: asyncio.BaseTransport | None = None

    @classmethod
    async def listen(cls, pipe: BinaryIO, tell: Tell) -> "_Stderr":
        """Begin to read `pipe`, which is closed in the end."""
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.connect_read_pipe(lambda: cls(tell), pipe)
        except BaseException:
            pipe.close()
            raise
        protocol._transport = transport
        return protocol

    def data_received(self, data: bytes) -> None:
        """Keep what was said, and tell each line of it."""
        self.said = (self.said + data)[-_STDERR_LIMIT:]
        *lines, rest = (self._line + data).split(b"\n")
        self._line = rest[-_STDERR_LIMIT:]
        for line in lines:
            if text := clean(line.strip(), 400):
                self._tell(text)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing more comes."""
        self.over.set()

    def close(self) -> None:
        """Read no more."""
        if self._transport is not None:
            self._transport.close()
