"""A command on a host whose output is taken no faster than it can be used."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import asyncssh

from sshdash.connections.idle import standing
from sshdash.connections.transport.channels import DirectChannel
from sshdash.sftp.wire import WINDOW
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

FIRST, PATIENCE = 5.0, 20.0
"""Seconds without a first byte, and without another, after which a command is given up."""
_AHEAD = 2 * 1024 * 1024
"""Bytes of output that may wait to be used; what comes then stays in the channel's window."""
_SAID = 500


class Hangs(Exception):
    """Nothing came for too long."""


class Stream(asyncssh.SSHClientSession[bytes]):
    """One command, from its start to its end."""

    def __init__(self, input_: Sequence[bytes], more: bool) -> None:
        self._input = input_
        self._more = more
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._waiting: list[bytes] = []
        self._ahead = 0
        self._paused = False
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._said = b""
        self._begun = False
        self._ended = False
        self.problem: Exception | None = None
        """What ended the connection, too."""

    def __repr__(self) -> str:
        return f"<Stream {'ended' if self._ended else 'open'} [{self._ahead} bytes wait]>"

    @classmethod
    async def start(
        cls, lease: "Lease", command: bytes, input_: Sequence[bytes], more: bool = False
    ) -> Self:
        """Run a command line with its input, which `send` goes on with where there is more.

        Raises TimeoutError, OSError, asyncssh.Error and SSHDashError.
        """
        stream = cls(input_, more)
        try:
            async with asyncio.timeout(PATIENCE):
                # Where there is no room for one more, no other connection is made for it.
                await lease.connection.ssh.create_session(
                    lambda: stream,
                    command=command,
                    encoding=None,
                    window=WINDOW,
                    env=(),
                    send_env=(),
                    lends_agent=False,
                )
        except BaseException:
            stream.abort()
            raise
        return stream

    async def __aenter__(self) -> Self:
        """Return the stream itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the command, whatever it does."""
        self.abort()

    def narrow(self, most: int) -> None:
        """Let no more than about `most` bytes of the input be with the server at once."""
        if isinstance(self._channel, DirectChannel):
            self._channel.narrow(most)

    async def send(self, data: bytes, last: bool = False) -> None:
        """Send more input, as fast as it is taken. Raises Hangs, BrokenPipeError."""
        await self._wait(self._writable, PATIENCE, "nothing was taken for too long")
        if self._channel is None or self._ended:
            raise BrokenPipeError(self.said or "it has ended")
        self._channel.write(data)
        if last:
            self._channel.write_eof()

    def ensure_success(self) -> None:
        """Raise BrokenPipeError unless it has ended well."""
        if self.problem is not None or self.status != 0:
            raise BrokenPipeError(f"status {self.status}: {self.problem or self.said}")

    async def expect(self, word: bytes) -> None:
        """Wait for the first that is said. Raises BrokenPipeError where it is something else."""
        said = b""
        while len(said) < len(word) and word.startswith(said):
            if not (pieces := await self.take()):
                break
            said += b"".join(pieces)
        if said != word:
            raise BrokenPipeError(self.said or clean(said[:_SAID], _SAID) or "it has ended")

    async def take(self, patience: float | None = None) -> list[bytes]:
        """Return what has come, nothing at the end.

        Raises Hangs after `patience` seconds in which nothing of the input was taken either.
        """
        patience = (patience or PATIENCE) if self._begun else FIRST
        while not self._waiting and not self._ended:
            self._news.clear()
            await self._wait(self._news, patience, "nothing came for too long")
        self._begun = True
        taken, self._waiting, self._ahead = self._waiting, [], 0
        if self._paused and self._channel is not None:
            self._paused = False
            self._channel.resume_reading()
        return taken

    async def _wait(self, event: asyncio.Event, patience: float, why: str) -> None:
        """Wait for an event; raise Hangs where nothing at all happens for `patience` seconds.

        On a slow line, what was sent takes its time to arrive.
        """
        while not event.is_set():
            before = None if self._channel is None else standing(self._channel)
            try:
                async with asyncio.timeout(patience):
                    await event.wait()
            except TimeoutError:
                if self._channel is None or standing(self._channel) == before:
                    raise Hangs(why) from None

    @property
    def status(self) -> int | None:
        """The status the command ended with, None where a signal ended it or nobody told."""
        return None if self._channel is None else self._channel.get_exit_status()

    @property
    def said(self) -> str:
        """The beginning of what it said on its stderr, cleaned."""
        return clean(self._said.strip(), _SAID)

    def abort(self) -> None:
        """End it; harmless when it has ended."""
        if self._channel is not None and not self._ended:
            self._channel.abort()

    # -- what asyncssh calls

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def session_started(self) -> None:
        """Send the input, and its end unless there is more."""
        if self._channel is not None:
            with suppress(BrokenPipeError):  # it has ended already; its status says so
                self._channel.writelines(self._input)
                if not self._more:
                    self._channel.write_eof()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep output, and the beginning of what comes beside it."""
        if datatype is not None:
            self._said = (self._said + data)[:_SAID]
            return
        self._waiting.append(data)
        self._ahead += len(data)
        if self._ahead > _AHEAD and not self._paused and self._channel is not None:
            self._paused = True
            self._channel.pause_reading()
        self._news.set()

    def pause_writing(self) -> None:
        """Send no more for now."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is over."""
        self.problem = exc
        self._ended = True
        self._news.set()
        self._writable.set()
