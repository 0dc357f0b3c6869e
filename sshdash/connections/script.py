"""Runs a short script on a host, over the connection that is there, and keeps what it prints.

What is sent is a fixed command, ``sh``, and the script on its input: whatever shell the account
has, only a POSIX one reads it.
"""

import asyncio
from contextlib import suppress

import asyncssh

from sshdash.connections.lease import Lease


async def run_script(lease: Lease, script: bytes, longest: int) -> bytes:
    """Return what a script prints on its stdout; one that prints more than `longest` is ended.

    Raises OSError, asyncssh.Error and SSHDashError. Whoever cancels this leaves nothing running.
    """
    run = _Run(script, longest)
    options = {"command": "sh", "encoding": None, "env": (), "send_env": ()}
    try:
        await lease.session(lambda ssh: ssh.create_session(lambda: run, **options))
        await run.closed.wait()
    finally:
        run.abort()
    if run.problem is not None:
        raise run.problem
    return bytes(run.output)


class _Run(asyncssh.SSHClientSession[bytes]):
    """One command: its input is known, and of its output no more is kept than is of use."""

    def __init__(self, script: bytes, longest: int) -> None:
        self._script = script
        self._longest = longest
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.output = bytearray()
        self.problem: Exception | None = None
        self.closed = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def session_started(self) -> None:
        """Send the script and its end."""
        if self._channel is not None:
            with suppress(BrokenPipeError):  # it has ended already; what it said counts
                self._channel.write(self._script)
                self._channel.write_eof()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep output; who sends too much is heard no more."""
        if datatype is None and len(self.output) <= self._longest:
            self.output += data
            if len(self.output) > self._longest:
                self.abort()
                self.closed.set()  # its end is not waited for

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is over."""
        self.problem = exc
        self.closed.set()

    def abort(self) -> None:
        """End it; harmless when it has ended."""
        if self._channel is not None and not self.closed.is_set():
            self._channel.abort()
