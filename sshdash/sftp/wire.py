"""The transport of SFTP: messages over one channel, many requests in flight.

What is asked within one turn of the loop leaves in one write, and the data of an answer is
handed on in the pieces it came in, so that small files cost few packets and large ones few
copies.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncssh

from sshdash.connections.transport.channels import DirectChannel
from sshdash.sftp.filesystem import Buffer, Pieces
from sshdash.sftp.messages import MAX_PACKET, VERSION, MalformedError, Message, Payload, uint32
from sshdash.untrusted import clean

Value = TypeVar("Value")

_HEAD = struct.Struct(">IBI")
"""How long a message is, of what type, and which request it is or answers."""
_SMALL = 8 * 1024
"""Bytes that are copied faster than looked at in their place."""
_PIECE = 32 * 1024
"""Data is given to the channel in pieces of one SSH packet, which spares it a copy."""
_TEXT = 200
"""Bytes that are shown of what comes where SFTP should start."""
_TURN = 32
"""Answers that are handed on in one turn of the loop: each lets its asker go on, and a thousand at
once would hold everything else up.
"""
WINDOW = 16 * 1024 * 1024
"""Bytes a server may send ahead: it tells of room once half is used, so that at a
round trip of 40 ms this allows 200 MB/s."""


class WireClosed(Exception):
    """The channel ended, with requests unanswered or before they were made."""


class Chatter(WireClosed):
    """Text came where SFTP should start; `text` is the beginning of it, cleaned."""

    def __init__(self, text: str) -> None:
        super().__init__(f'the server said "{text}" where SFTP should start')
        self.text = text


class Answer:
    """A complete message of the server."""

    __slots__ = ("kind", "pieces")

    def __init__(self, kind: int, pieces: Pieces) -> None:
        self.kind = kind
        self.pieces = pieces


class Wire(asyncssh.SSHClientSession[bytes]):
    """One SFTP session."""

    def __init__(self, first: Sequence[tuple[int, bytes]] = ()) -> None:
        """`first` are requests that leave with the greeting, where the server is known to read on.

        Their answers are in `first`, none where nothing was asked before the greeting's answer.
        """
        self._asking = first
        self.first: list[asyncio.Future[Answer]] = []
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._next_id = VERSION + 1  # the greeting's answer has that in its place
        self._outbox: list[Buffer] = []
        self._head = bytearray()
        self._kind = self._id = self._missing = 0
        self._pieces: Pieces = []
        self._answered: deque[tuple[asyncio.Future[Answer], Answer]] = deque()
        """Answers whose turn comes later."""
        self._handed = 0
        """How many were handed on in this turn of the loop."""
        self._greeting: asyncio.Future[Answer] | None = None
        self._greeted = False
        self._errors = b""
        """What came beside the data before SFTP started: why a server could not be run."""
        self._chatter: str | None = None
        self._closed: str | None = None
        self.connection_failed = False
        """Whether it ended because the whole connection did, with an error."""
        self._gone = asyncio.Event()
        self.heard = 0
        """Bytes that came so far."""

    def __repr__(self) -> str:
        state = "open" if self._closed is None else f"closed: {self._closed}"
        return f"<Wire {state} [{len(self._waiting)} requests]>"

    # -- life

    @classmethod
    async def open(
        cls, connection: asyncssh.SSHClientConnection, first: Sequence[tuple[int, bytes]] = ()
    ) -> "Wire":
        """Start the sftp subsystem on a new channel of `connection`, and ask what comes `first`.

        Raises asyncssh.ChannelOpenError where there is none.
        """
        wire = cls(first)
        await connection.create_session(
            lambda: wire, subsystem="sftp", encoding=None, window=WINDOW, env=(), send_env=()
        )
        return wire

    async def greet(self) -> dict[bytes, bytes]:
        """Agree on the version and return the server's extensions.

        Raises WireClosed where what answers does not speak SFTP.
        """
        greeting = self._greeting or self._greet()
        answer = await greeting
        if answer.kind != Message.VERSION:
            raise self.fail("it does not speak SFTP")
        self._greeted = True
        return self.read_as(answer, Payload.extensions)

    @property
    def server_version(self) -> str:
        """The server's identification string."""
        return str(self._channel.get_extra_info("server_version", "")) if self._channel else ""

    @property
    def greeted(self) -> bool:
        """Whether it is known to speak SFTP."""
        return self._greeted

    @property
    def closed(self) -> str | None:
        """Why nothing more can be asked, None while it can."""
        return self._closed

    def close(self) -> None:
        """End the session; requests that are unanswered fail."""
        self._end("it was closed here")
        if self._channel:
            self._channel.close()

    def give_up(self, reason: str) -> None:
        """End a session that is held up; requests that are unanswered fail for that `reason`."""
        self._end(reason)
        if self._channel:
            self._channel.abort()

    def narrow(self, most: int) -> None:
        """Let no more than about `most` bytes be with the server at once, where that helps it."""
        if isinstance(self._channel, DirectChannel):
            self._channel.narrow(most)

    async def wait_closed(self) -> None:
        """Wait until the channel is gone."""
        await self._gone.wait()

    # -- called by asyncssh

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel; the greeting follows the request for the subsystem at once."""
        self._channel = chan
        self._greeting = self._greet()
        if "OpenSSH" in self.server_version:
            self.first = [self.request(kind, body) for kind, body in self._asking]

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Take apart what came; an exception in here would end the whole SSH connection."""
        self.heard += len(data)
        if datatype is not None or self._closed is not None:
            self._errors = b"" if self._greeted else (self._errors + data)[:_TEXT]
            return
        try:
            self._take_apart(data)
        except _TextCame:
            self._chat(data)
        except MalformedError as error:
            self.fail(str(error))

    def eof_received(self) -> bool:
        """Fail whatever still waits: the server sends nothing more."""
        self._end_of_server()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whatever still waits."""
        self.connection_failed = exc is not None and self._closed is None
        if exc is None:
            self._end_of_server()
        self._end(clean(str(exc)))
        self._gone.set()

    # -- asking

    def request(self, kind: int, body: bytes, *pieces: Buffer) -> asyncio.Future[Answer]:
        """Ask now, and return what completes with the answer or fails with WireClosed.

        Requests reach the server in the order of these calls.
        """
        if self._closed is not None:
            return self._failed(self._loop.create_future())
        number = self._next_id
        self._next_id = (number + 1) & 0xFFFFFFFF
        size = 5 + len(body)
        if pieces:
            size += sum(map(len, pieces))
        self._send(_HEAD.pack(size, kind, number) + body, *pieces)
        return self._expect(number)

    def disregard(self, asked: asyncio.Future[Answer]) -> None:
        """Let go of what was asked and nobody wants to know: what it opened is closed."""
        if not asked.done():
            asked.cancel()
        elif not (asked.cancelled() or asked.exception()):
            answer = asked.result()
            if answer.kind == Message.HANDLE:
                self.request(Message.CLOSE, b"".join(answer.pieces))

    def read_as(self, answer: Answer, parse: Callable[[Payload], Value]) -> Value:
        """Return what `parse` reads from an answer.

        One that does not parse ends the session and raises WireClosed.
        """
        try:
            return parse(Payload(b"".join(answer.pieces)))
        except MalformedError as error:
            raise self.fail(str(error)) from None

    def fail(self, reason: str) -> WireClosed:
        """End a session that broke the protocol, and return what to raise."""
        self._end(f"the SFTP server broke the protocol: {reason}")
        if self._channel:
            self._channel.abort()
        return WireClosed(self._closed)

    # -- sending

    def _greet(self) -> asyncio.Future[Answer]:
        greeting = self._expect(VERSION)
        self._send(uint32(5) + bytes((Message.INIT,)) + uint32(VERSION))
        return greeting

    def _expect(self, number: int) -> asyncio.Future[Answer]:
        # Made by hand, as there are many: what the loop would make of it is the same.
        future: asyncio.Future[Answer] = asyncio.Future(loop=self._loop)
        self._waiting[number] = future
        return future

    def _send(self, *pieces: Buffer) -> None:
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox += pieces

    def _flush(self) -> None:
        """Give the channel what was asked within this turn, in pieces of a packet's size."""
        outbox, self._outbox = self._outbox, []
        if self._channel is None or self._closed is not None or self._channel.is_closing():
            return
        packet: list[Buffer] = []
        room = _PIECE
        for piece in outbox:
            start, size = 0, len(piece)
            while size - start >= room:
                packet.append(memoryview(piece)[start : start + room])
                self._channel.writelines(packet)
                start += room
                packet, room = [], _PIECE
            if start < size:
                packet.append(memoryview(piece)[start:] if start else piece)
                room -= size - start
        if packet:
            self._channel.writelines(packet)

    # -- receiving

    def _take_apart(self, data: bytes) -> None:
        position, end = 0, len(data)
        while position < end:
            if not self._missing:
                if not self._head and end - position >= _HEAD.size:
                    length, kind, number = _HEAD.unpack_from(data, position)
                    whole = position + 4 + length
                    position += _HEAD.size
                    if 5 < length <= _SMALL and whole <= end:
                        # As nearly all are: it takes half as long as what follows.
                        self._complete(number, Answer(kind, [data[position:whole]]))
                        position = whole
                        continue
                    self._begin(length, kind, number)
                else:
                    taken = min(_HEAD.size - len(self._head), end - position)
                    self._head += data[position : position + taken]
                    position += taken
                    if len(self._head) < _HEAD.size:
                        return
                    self._begin(*_HEAD.unpack(self._head))
                    self._head.clear()
            taken = min(self._missing, end - position)
            if taken == end:
                self._pieces.append(data)
            elif 0 < taken <= _SMALL:
                self._pieces.append(data[position : position + taken])
            elif taken:
                self._pieces.append(memoryview(data)[position : position + taken])
            position += taken
            self._missing -= taken
            if not self._missing:
                pieces, self._pieces = self._pieces, []
                self._complete(self._id, Answer(self._kind, pieces))

    def _begin(self, length: int, kind: int, number: int) -> None:
        if not 5 <= length <= MAX_PACKET:
            if not self._greeted:
                raise _TextCame
            raise MalformedError(f"a message of {length} bytes")
        self._kind, self._id, self._missing = kind, number, length - 5

    def _complete(self, number: int, answer: Answer) -> None:
        future = self._waiting.pop(number, None)
        if future is None:
            raise MalformedError("an answer to nothing that was asked")
        if self._handed < _TURN:
            self._hand_on(future, answer)
        else:
            self._answered.append((future, answer))

    def _hand_on(self, future: asyncio.Future[Answer], answer: Answer) -> None:
        if not self._handed:
            self._loop.call_soon(self._next_turn)
        self._handed += 1
        if not future.done():
            future.set_result(answer)
        elif answer.kind == Message.HANDLE:
            # Whoever opened it was cancelled, and nobody else knows the handle.
            self.request(Message.CLOSE, b"".join(answer.pieces))

    def _next_turn(self) -> None:
        """Hand on what had to wait, before anything that comes later."""
        self._handed = 0
        while self._answered and self._handed < _TURN:
            self._hand_on(*self._answered.popleft())

    # -- ending

    def _chat(self, data: bytes) -> None:
        """End a session that begins with text: a start-up file, or a command in SFTP's place."""
        head = bytes(self._head)
        # The first bytes are kept apart, and those of them that came with `data` are in both.
        shared = next(size for size in range(len(head), -1, -1) if head.endswith(data[:size]))
        said = (head + data[shared:]).strip()
        # The server's own first message may have come with it, which is no part of the text.
        self._chatter = clean(said.partition(b"\0")[0].strip() or said, _TEXT)
        self._end(f"it said {self._chatter} instead")
        if self._channel:
            self._channel.abort()

    def _end_of_server(self) -> None:
        if self._greeted or self._closed is not None:
            self._end("the SFTP server ended")
        elif self._head:
            self._chat(b"")
        else:
            said = clean(self._errors.strip(), _TEXT)
            self._end(f"it ended at once: {said}" if said else "it ended at once")

    def _end(self, reason: str) -> None:
        if self._closed is not None:
            return
        self._closed = reason
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                self._failed(future)
        self._outbox.clear()
        self._pieces = []

    def _failed(self, future: asyncio.Future[Answer]) -> asyncio.Future[Answer]:
        text = self._chatter
        future.set_exception(WireClosed(self._closed) if text is None else Chatter(text))
        future.exception()  # fetched once, so that nobody has to wait for it
        return future


class _TextCame(MalformedError):
    """What came cannot be the beginning of SFTP."""
