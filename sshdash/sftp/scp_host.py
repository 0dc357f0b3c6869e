"""A host without SFTP: what can be copied there, and what a shell tells of its files."""

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sshdash.errors import FileError
from sshdash.events import WarningRaised
from sshdash.quoting import command_line
from sshdash.sftp.entries import Entry, Kind, join, name_of, normalize
from sshdash.sftp.failures import ExistsError, MissingError, UnsupportedError, failure, shown
from sshdash.sftp.scp_channel import PATIENCE, ScpChannel
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

_SCRIPT = (
    b'look() { if [ -h "$1" ] && [ "$2" != follow ]; then echo l; '
    b'elif [ -d "$1" ]; then echo d; elif [ -f "$1" ]; then echo "f $(wc -c < "$1")"; '
    b'elif [ -e "$1" ]; then echo o; else echo n; fi; }; '
    b'place() { if [ -d "$2" ]; then echo directory; '
    b'elif [ "$4" = new ] && { [ -e "$2" ] || [ -h "$2" ]; }; then echo exists; '
    b'elif [ "$(wc -c < "$1")" -ne "$3" ]; then echo short; '
    b'elif mv -f "$1" "$2"; then echo placed; else echo failed; fi; }; '
    b'gone() { rm -f "$1"; if [ -e "$1" ]; then echo failed; else echo gone; fi; }; '
)
"""Functions of a POSIX shell that answer with one line each."""
_KINDS = {b"l": Kind.SYMLINK, b"d": Kind.DIRECTORY, b"f": Kind.FILE, b"o": Kind.OTHER}


class Placing(NamedTuple):
    """A file that has arrived whole, and the name that it is to get."""

    part: bytes
    path: bytes
    size: int
    is_new: bool
    """Whether the name must be free."""


class ScpHost:
    """One host. Its files cannot be listed, but copied to and from by the scp protocol.

    Where the host runs no shell, only that: then nobody can tell what exists.
    """

    is_local = False

    def __init__(self, lease: "Lease") -> None:
        self._lease = lease
        self._shell: ScpChannel | None = None
        self._home = b"."
        self._asked = 0
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<ScpHost {self.label} [{'with' if self._shell else 'without'} a shell]>"

    @classmethod
    async def open(cls, lease: "Lease") -> "ScpHost":
        """Look at what a leased connection offers; `close` releases the lease."""
        host = cls(lease)
        try:
            await host._start_shell()
        except BaseException:
            await host._end_shell()
            raise
        return host

    @property
    def label(self) -> str:
        """The host as the user names it."""
        return self._lease.host

    @property
    def warning(self) -> WarningRaised:
        """What a person should know of copies that go this way."""
        how = "links on the host are followed, and none can be made there"
        if not self.has_shell:
            how += "; files are written in their place, for it runs no commands"
        title = "The server has no SFTP, so files are copied by scp"
        return WarningRaised(title, how, host=clean(self.label))

    @property
    def has_shell(self) -> bool:
        """Whether commands can be run there, so that targets can be looked at and renamed."""
        return self._shell is not None

    async def start(self, *words: bytes) -> ScpChannel:
        """Run scp with these options and paths."""
        return await ScpChannel.start(self._lease, command_line((b"scp", *words)))

    async def expand(self, path: bytes) -> bytes:
        """Return a path as a person writes it, absolute where the home is known."""
        if path == b"~" or path.startswith(b"~/"):
            path = path[2:]
        joined = join(self._home, path) if path[:1] != b"/" else path
        return normalize(joined) if joined[:1] == b"/" else joined

    async def stat(self, path: bytes) -> Entry:
        """Return what `path` leads to. Raises MissingError and UnsupportedError."""
        return await self._look(path, b"follow")

    async def lstat(self, path: bytes) -> Entry:
        """Return what `path` itself is. Raises MissingError and UnsupportedError."""
        return await self._look(path, b"")

    async def exists(self, path: bytes) -> Entry | None:
        """Return what `path` itself is, None where there is nothing or nobody can tell."""
        with suppress(MissingError, UnsupportedError):
            return await self.lstat(path)
        return None

    async def look_all(self, paths: Sequence[bytes]) -> dict[bytes, Entry | None]:
        """Return what each path itself is, None where there is nothing or nobody can tell."""
        if self._shell is None:
            return dict.fromkeys(paths)
        answers = await self._ask_all([(b"look", path, b"") for path in paths])
        return {path: _told(path, answer) for path, answer in zip(paths, answers, strict=True)}

    async def realpath(self, path: bytes) -> bytes:
        """Return `path`: whatever it leads through is the server's to follow."""
        return path

    async def place_all(self, parts: Sequence[Placing]) -> list[FileError | None]:
        """Give files their names; return what went wrong with each, None where nothing did.

        What went wrong keeps its first name. Raises FileError where nobody answers.
        """
        answers = await self._ask_all(
            [
                (b"place", one.part, one.path, b"%d" % one.size, b"new" if one.is_new else b"old")
                for one in parts
            ]
        )
        return [self._unplaced(one, said) for one, said in zip(parts, answers, strict=True)]

    def _unplaced(self, one: Placing, answer: bytes) -> FileError | None:
        title, where = "cannot put in place", shown(one.path)
        if answer == b"placed":
            return None
        if answer == b"exists":
            return ExistsError(title, where, "it exists already", host=self.label)
        words = {b"directory": "the target is a directory", b"short": "not all of it arrived"}
        return FileError(title, where, words.get(answer, "mv failed"), host=self.label)

    async def unlink(self, path: bytes) -> None:
        """Remove a file. Raises FileError and UnsupportedError."""
        await self.unlink_all((path,))

    async def unlink_all(self, paths: Sequence[bytes]) -> None:
        """Remove files, those that are there. Raises FileError and UnsupportedError."""
        answers = await self._ask_all([(b"gone", path) for path in paths])
        for path, answer in zip(paths, answers, strict=True):
            if answer != b"gone":
                raise FileError("cannot remove", shown(path), "rm failed", host=self.label)

    async def close(self) -> None:
        """Give back the channel and the connection; harmless when closed already."""
        await self._end_shell()
        self._lease.release()

    async def _look(self, path: bytes, how: bytes) -> Entry:
        if (found := _told(path, await self._ask(b"look", path, how))) is None:
            raise failure("find", path, 2, self.label)
        return found

    async def _ask(self, *words: bytes) -> bytes:
        """Return the line with which the shell answers."""
        return (await self._ask_all([words]))[0]

    async def _ask_all(self, asked: Sequence[Sequence[bytes]]) -> list[bytes]:
        """Return the line with which the shell answers each question, after one round trip."""
        if self._shell is None:
            detail = "the server has no SFTP and runs no commands"
            raise UnsupportedError("cannot look", "", detail, host=self.label)
        # Who asked before may have been cancelled, and its answer still come: each ends with a
        # number of its own.
        async with self._turn:
            self._asked += 1
            end = b"#%d" % self._asked
            script = b"".join(command_line(words) + b" 2>/dev/null\n" for words in asked)
            answers: deque[bytes] = deque(maxlen=len(asked))  # it may answer without an end
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._shell.send(script + b"echo '%b'\n" % end)
                    while (line := await self._shell.line()) != end:
                        answers.append(line)
            except TimeoutError:
                detail = f"the shell there did not answer within {PATIENCE:.0f} seconds"
                raise FileError("cannot look", "", detail, host=self.label) from None
            if len(answers) < len(asked):
                detail = "the shell there left answers out"
                raise FileError("cannot look", "", detail, host=self.label)
            return [*answers]

    async def _start_shell(self) -> None:
        """Start a shell that answers, if there is one."""
        mark = b"sshdash-%b" % secrets.token_hex(8).encode()
        channel = await ScpChannel.start(self._lease, b"exec sh")
        try:
            async with asyncio.timeout(PATIENCE):
                await channel.send(_SCRIPT + b"echo; echo " + mark + b"; pwd; echo\n")
                while await channel.line() != mark:
                    pass  # what a start-up file prints
                self._home = await channel.line()
                await channel.line()
        except (FileError, TimeoutError):
            await channel.close()  # a program in the shell's place that runs only scp
        except BaseException:
            await channel.close()
            raise
        else:
            self._shell = channel

    async def _end_shell(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.close()


def _told(path: bytes, answer: bytes) -> Entry | None:
    """Return what an answer says of a path, None where there is nothing."""
    kind = _KINDS.get(answer[:1])
    if kind is None:
        return None
    size = answer[1:].strip()
    number = int(size) if size.isdigit() and len(size) < 20 else 0
    return Entry(name_of(path), kind, number, 0o644)
