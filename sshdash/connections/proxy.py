"""ProxyCommand: a program whose standard input and output are the way to the server."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import Process

from sshdash.untrusted import clean_lines

_STDERR_LIMIT = 8192
_PATIENCE = 2.0
"""Seconds a proxy command has to end by itself when its connection is gone."""


class ProxyCommand:
    """A running proxy command; `socket` is our end."""

    def __init__(self, process: Process, ours: socket.socket) -> None:
        self.socket = ours
        self._process = process
        self._stderr = b""
        self._reader = asyncio.create_task(self._read_stderr(), name="proxy command stderr")

    @classmethod
    async def start(cls, command: str) -> "ProxyCommand":
        """Run `command` in the user's shell, as ssh does; raises OSError.

        It gets a session of its own, so that a ctrl+c meant for us never reaches it.
        """
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                os.environ.get("SHELL") or "/bin/sh",
                "-c",
                f"exec {command}",
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    async def close(self) -> None:
        """End the command, politely first, and collect it."""
        self.socket.close()
        try:
            self._signal(signal.SIGHUP)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._process.wait()
            except TimeoutError:
                self._signal(signal.SIGKILL)
                await self._process.wait()
        finally:
            self._reader.cancel()

    async def failure(self) -> str:
        """Return what it said on its way out, and how it ended; cleaned, "" for nothing."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._reader
                code = await self._process.wait()
        except TimeoutError:
            return clean_lines(self._stderr)
        said = self.said
        ended = f"exit status {code}" if code >= 0 else f"signal {-code}"
        return f"{said} ({ended})" if said else ended

    @property
    def said(self) -> str:
        """Return what it wrote to stderr so far, cleaned."""
        return clean_lines(self._stderr.strip())

    def _signal(self, number: int) -> None:
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return

    async def _read_stderr(self) -> None:
        assert self._process.stderr
        while data := await self._process.stderr.read(4096):
            self._stderr = (self._stderr + data)[-_STDERR_LIMIT:]
