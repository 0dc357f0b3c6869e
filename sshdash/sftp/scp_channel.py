"""A program on a host that speaks rcp, or a shell that answers line by line, on one channel."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import asyncssh

from sshdash.connections.faults import explain
from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.filesystem import Buffer, Pieces
from sshdash.sftp.messages import MalformedError
from sshdash.sftp.rcp import LINE_MAX, Complaint, Record, parse
from sshdash.sftp.tasks import end
from sshdash.sftp.turns import Turns
from sshdash.sftp.wire import WINDOW
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

_READ = 256 * 1024
_SAID = 500
PATIENCE = 20.0
"""Seconds for a program to start, or for a shell to answer."""


class Refused(FileError):
    """The program did not do what it was asked for; it goes on."""


class ScpChannel:
    """One program. What ends it early is told as ConnectionLost or FileError."""

    def __init__(
        self, lease: "Lease", streams: tuple[asyncssh.SSHWriter[bytes], asyncssh.SSHReader[bytes]]
    ) -> None:
        self._lease = lease
        self._stdin, self._stdout = streams
        self._buffer = bytearray()
        self._turns = Turns()
        self._said = b""
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, lease: "Lease", command: bytes) -> Self:
        """Run a command line. Raises SSHDashError."""
        try:
            async with asyncio.timeout(PATIENCE):
                stdin, stdout, stderr = await lease.session(
                    lambda ssh: ssh.open_session(
                        command=command,
                        encoding=None,
                        window=WINDOW,
                        env=(),
                        send_env=(),
                        lends_agent=False,
                    )
                )
        except (OSError, asyncssh.Error) as error:
            raise explain(error, lease.host, "run a command") from error
        channel = cls(lease, (stdin, stdout))
        channel._listener = asyncio.create_task(channel._listen(stderr))
        return channel

    async def __aenter__(self) -> Self:
        """Return the channel itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """End the program, whatever it does."""
        self._stdin.channel.close()
        if self._listener is not None:
            await end((self._listener,))

    # -- sending

    async def send(self, *pieces: Buffer) -> None:
        """Send bytes, as fast as they are taken."""
        try:
            for piece in pieces:
                self._stdin.write(bytes(piece))
            await self._stdin.drain()
        except (OSError, asyncssh.Error) as error:
            raise await self._ended() from error

    async def acknowledge(self) -> None:
        """Tell that all is well."""
        await self.send(b"\0")

    async def refuse(self, why: str) -> None:
        """Tell that something is not taken; the other side goes on with the next."""
        await self.send(b"\1" + why.encode("ascii", "replace") + b"\n")

    # -- receiving

    async def answer(self) -> None:
        """Wait for the word that all is well. Raises Refused where it is not."""
        first = await self._take(1)
        if first == b"\0":
            return
        record = self._parse(first + await self._line())
        if not isinstance(record, Complaint):
            raise self._broken("an answer was expected")
        if record.fatal:
            raise FileError("scp gave up", "", record.text, host=self._lease.host)
        raise Refused("refused", "", _reason(record.text), host=self._lease.host)

    async def record(self) -> Record | None:
        """Return what comes next, None at the end. Bytes that say all is well are left out."""
        while True:
            if not self._buffer and not await self._fill():
                return None
            if self._buffer[0]:
                return self._parse(await self._line())
            await self._turns.take()  # there may be no end of them
            del self._buffer[0]

    async def line(self) -> bytes:
        """Return a line without its end."""
        return await self._line()

    async def data(self, size: int) -> Pieces:
        """Return exactly so many bytes of a file; nothing is taken where that is cancelled."""
        while len(self._buffer) < size:
            if not await self._fill():
                raise await self._ended()
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return [data] if data else []

    @property
    def said(self) -> str:
        """What the program said beside the protocol, cleaned."""
        return clean(self._said.strip(), _SAID)

    async def _take(self, size: int) -> bytes:
        return b"".join(await self.data(size))

    async def _line(self) -> bytes:
        await self._turns.take()
        searched = 0
        while (found := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > LINE_MAX:
                raise self._broken("a line without an end")
            if not await self._fill():
                raise await self._ended()
        line = bytes(self._buffer[:found])
        del self._buffer[: found + 1]
        return line

    async def _fill(self) -> bool:
        try:
            data = await self._stdout.read(_READ)
        except (OSError, asyncssh.Error) as error:
            raise await self._ended() from error
        self._buffer += data
        return bool(data)

    def _parse(self, line: bytes) -> Record:
        try:
            return parse(line)
        except MalformedError as error:
            raise self._broken(str(error)) from error

    def _broken(self, what: str) -> FileError:
        """Return what to raise for a program that breaks the protocol; it is ended."""
        self._stdin.channel.close()
        return FileError("scp broke the protocol", "", what, host=self._lease.host)

    async def _ended(self) -> FileError | ConnectionLost:
        """Return why nothing more comes."""
        try:
            _ = self._lease.connection.ssh
        except ConnectionLost as lost:
            return lost
        if self._listener is not None:
            await asyncio.wait((self._listener,), timeout=1)
        detail = self.said or "it ended without a word"
        return FileError("scp ended early", "", detail, host=self._lease.host)

    async def _listen(self, stderr: asyncssh.SSHReader[bytes]) -> None:
        """Keep the last of what is said beside the protocol, so that it never fills up."""
        with suppress(OSError, asyncssh.Error):
            while data := await stderr.read(4096):
                self._said = (self._said + data)[-_SAID:]


def _reason(text: str) -> str:
    """Return a complaint without the program's name and the path, which are told beside it."""
    return text.removeprefix("scp: ").rpartition(": ")[2] or text
