"""What SFTP servers answer, read with distrust."""

import asyncio
from collections.abc import Callable, Generator, Iterable
from typing import Any, Generic, TypeVar

from sshdash.sftp.filesystem import Pieces
from sshdash.sftp.messages import (
    Attributes,
    Code,
    Message,
    Name,
    Payload,
    ServerLimits,
    Status,
    Volume,
    uint32,
)
from sshdash.sftp.wire import Answer, Wire, WireClosed
from sshdash.untrusted import clean

Value = TypeVar("Value")

_HANDLE_MAX = 256
_OK = uint32(Code.OK)


class StatusError(Exception):
    """The server answered a request with a status other than OK."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.code = status.code
        self.text = clean(status.text, 200)


class Asked(Generic[Value]):
    """A request that was sent. Awaiting it raises StatusError and WireClosed."""

    __slots__ = ("_answer", "_let_go", "_read")

    def __init__(
        self,
        answer: "asyncio.Future[Answer]",
        read: Callable[[Answer], Value],
        let_go: "Callable[[asyncio.Future[Answer]], None] | None" = None,
    ) -> None:
        """`let_go` is told what somebody asked who is cancelled: it may be answered already."""
        self._answer = answer
        self._read = read
        self._let_go = let_go

    def __await__(self) -> Generator[Any, None, Value]:
        """Return what the answer says."""
        try:
            answer = yield from self._answer
        except asyncio.CancelledError:
            if self._let_go is not None:
                self._let_go(self._answer)
            raise
        return self._read(answer)


async def whole(asked: Iterable[Asked[Value]]) -> list[Value]:
    """Return all answers, or raise the first failure once every answer is there.

    A failure that left others under way would let them change what is being cleaned up.
    """
    values: list[Value] = []
    failure: Exception | None = None
    for one in asked:
        try:
            values.append(await one)
        except (StatusError, WireClosed) as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return values


async def at_end(asked: Asked[None]) -> bool:
    """Return whether all of what was asked for was done: not so where a file ends before."""
    try:
        await asked
    except StatusError as error:
        if error.code != Code.EOF:
            raise
        return False
    return True


class Answers:
    """Reads the answers on one `Wire`. One that breaks the protocol ends the session."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def ok(self, answer: Answer) -> None:
        """Raise StatusError for any other status than OK."""
        if answer.kind != Message.STATUS:
            raise self._wire.fail(f"a status was expected, message {answer.kind} came")
        if len(answer.pieces) == 1 and answer.pieces[0][:4] == _OK:
            return  # its text is of no interest
        status = self._wire.read_as(answer, Payload.status)
        if status.code != Code.OK:
            raise StatusError(status)

    def handle(self, answer: Answer) -> bytes:
        """Return the handle of what was opened."""
        if answer.kind != Message.HANDLE:
            raise self._unexpected(answer, "a handle")
        handle = self._wire.read_as(answer, Payload.string)
        if len(handle) > _HANDLE_MAX:
            raise self._wire.fail("a handle is too long")
        return handle

    def attributes(self, answer: Answer) -> Attributes:
        """Return a file's attributes."""
        if answer.kind != Message.ATTRS:
            raise self._unexpected(answer, "attributes")
        return self._wire.read_as(answer, Payload.attributes)

    def names(self, answer: Answer) -> list[Name] | None:
        """Return the entries of a listing, None at its end."""
        if answer.kind == Message.NAME:
            return self._wire.read_as(answer, Payload.names)
        self._expect_end(answer)
        return None

    def one_name(self, answer: Answer) -> bytes:
        """Return the single name of an answer."""
        if answer.kind != Message.NAME:
            raise self._unexpected(answer, "a name")
        names = self._wire.read_as(answer, Payload.names)
        if len(names) != 1:
            raise self._wire.fail("one name was expected")
        return names[0].filename

    def data(self, answer: Answer, size: int) -> Pieces:
        """Return the pieces of at most `size` bytes, none at the end of a file."""
        if answer.kind != Message.DATA:
            self._expect_end(answer)
            return []
        pieces = answer.pieces
        if not pieces or len(pieces[0]) < 4:
            pieces = [b"".join(pieces)]
        if len(pieces[0]) < 4:
            raise self._wire.fail("data without a length")
        length = int.from_bytes(pieces[0][:4], "big")
        pieces[0] = memoryview(pieces[0])[4:]
        if length != sum(map(len, pieces)) or length > size:
            raise self._wire.fail("more or less data than was asked for")
        return [piece for piece in pieces if len(piece)]

    def volume(self, answer: Answer) -> Volume:
        """Return the room on a file system."""
        if answer.kind != Message.EXTENDED_REPLY:
            raise self._unexpected(answer, "the room on a disk")
        return self._wire.read_as(answer, Payload.volume)

    def file_check(self, answer: Answer) -> tuple[bytes, bytes]:
        """Return the name of a hash and a file's value by it."""
        if answer.kind != Message.EXTENDED_REPLY:
            raise self._unexpected(answer, "a checksum")
        return self._wire.read_as(answer, Payload.file_check)

    def owners(self, answer: Answer, users: int, groups: int) -> tuple[list[str], list[str]]:
        """Return the names of as many users and groups as were asked for, cleaned."""
        if answer.kind != Message.EXTENDED_REPLY:
            raise self._unexpected(answer, "names of users and groups")
        named = self._wire.read_as(answer, Payload.owners)
        if (len(named[0]), len(named[1])) != (users, groups):
            raise self._wire.fail("more or fewer names than were asked for")
        return [clean(name, 32) for name in named[0]], [clean(name, 32) for name in named[1]]

    def limits(self, answer: Answer) -> ServerLimits:
        """Return what the server takes in one request."""
        if answer.kind != Message.EXTENDED_REPLY:
            raise self._unexpected(answer, "limits")
        return self._wire.read_as(answer, Payload.limits)

    def _unexpected(self, answer: Answer, wanted: str) -> Exception:
        """Return what to raise for a status, or for something that is no answer at all."""
        try:
            self.ok(answer)
        except StatusError as error:
            return error
        return self._wire.fail(f"{wanted} was expected")

    def _expect_end(self, answer: Answer) -> None:
        error = self._unexpected(answer, "data or the end")
        if not isinstance(error, StatusError) or error.code != Code.EOF:
            raise error
