"""The transport: whatever way bytes are cut, whatever a server says, nothing hangs or leaks."""

import asyncio
import contextlib
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.answers import StatusError, whole
from sshdash.sftp.looks import Look
from sshdash.sftp.messages import VERSION, Attributes, Code, Message, Payload, string, uint32
from sshdash.sftp.protocol import FIRST, Protocol
from sshdash.sftp.wire import Chatter, Wire, WireClosed


class Channel:
    """Takes what a wire writes."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.writes = 0
        self.aborted = False

    def writelines(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))

    def write(self, data: bytes) -> None:
        self.sent += data
        self.writes += 1

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.aborted = True

    close = abort

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return "SSH-2.0-OpenSSH_9.2"

    def requests(self) -> list[tuple[int, int, bytes]]:
        """Return type, id and body of what was sent since the last look."""
        found, rest = [], bytes(self.sent)
        while rest:
            length = int.from_bytes(rest[:4], "big")
            message, rest = rest[4 : 4 + length], rest[4 + length :]
            found.append((message[0], int.from_bytes(message[1:5], "big"), message[5:]))
        self.sent.clear()
        return found


def connected() -> tuple[Protocol, Wire, Channel]:
    """Return a protocol whose server is the test."""
    wire, channel = Wire(), Channel()
    wire.connection_made(channel)  # type: ignore[arg-type]
    wire._flush()  # the greeting, which is of no interest
    assert channel.requests()[0][0] == Message.INIT
    channel.writes = 0
    wire._waiting.clear()
    wire._greeted, wire._next_id = True, 0
    return Protocol(wire, {}), wire, channel


def message(kind: int, number: int, body: bytes = b"") -> bytes:
    """Return a server's message."""
    return uint32(5 + len(body)) + bytes((kind,)) + uint32(number) + body


def status(number: int, code: int = Code.OK) -> bytes:
    """Return a status."""
    return message(Message.STATUS, number, uint32(code) + string(b"text") + string(b""))


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=6), st.data())
def test_answers_are_the_same_however_they_are_cut(blocks: list[bytes], data: Any) -> None:
    async def run() -> None:
        protocol, wire, _ = connected()
        asked = [protocol.read(b"h", 0, 100) for _ in blocks]
        order = data.draw(st.permutations(range(len(blocks))))
        stream = b"".join(message(Message.DATA, at, string(blocks[at])) for at in order)
        while stream:
            size = data.draw(st.integers(1, len(stream)))
            wire.data_received(stream[:size], None)
            stream = stream[size:]
        answers = await whole(asked)
        assert [b"".join(answer) for answer in answers] == blocks

    asyncio.run(run())


@given(st.binary(max_size=300))
def test_no_bytes_of_a_server_raise_or_hang(noise: bytes) -> None:
    async def run() -> None:
        protocol, wire, _ = connected()
        stat, opened = protocol.stat(b"/"), protocol.open_file(b"/x", 1)
        wire.data_received(noise, None)
        wire.eof_received()
        with contextlib.suppress(WireClosed, StatusError):
            await stat
        with contextlib.suppress(WireClosed, StatusError):
            await opened

    asyncio.run(run())


def named(name: bytes) -> bytes:
    """Return the body of an answer with one name."""
    return uint32(1) + string(name) + string(name) + uint32(0)


@pytest.mark.parametrize("version", ["SSH-2.0-OpenSSH_9.2", "SSH-2.0-other"])
async def test_where_the_server_reads_on_what_comes_first_leaves_with_the_greeting(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Channel, "get_extra_info", lambda *_: version)
    wire, channel = Wire(FIRST), Channel()
    wire.connection_made(channel)  # type: ignore[arg-type]
    wire._flush()
    asked = [Message.INIT, Message.REALPATH, Message.EXTENDED]
    begun = [kind for kind, _, _ in channel.requests()]
    assert begun == (asked if "OpenSSH" in version else asked[:1])
    beginning = asyncio.ensure_future(Protocol.begin(wire))
    extension = string(b"limits@openssh.com") + string(b"1")
    wire.data_received(uint32(5 + len(extension)) + b"\x02" + uint32(3) + extension, None)
    for _ in range(4):
        await asyncio.sleep(0)
    limits = b"".join(size.to_bytes(8, "big") for size in (1, 2, 3, 4))
    wire.data_received(message(Message.NAME, VERSION + 1, named(b"/home/me")), None)
    wire.data_received(message(Message.EXTENDED_REPLY, VERSION + 2, limits), None)
    protocol, home = await beginning
    assert (home, protocol.limits.read) == (b"/home/me", 2)


async def looked_ahead(*looks: Look) -> tuple[Protocol, Wire, Channel]:
    """Return a protocol whose server has answered the greeting, and not the `looks`."""
    wire, channel = Wire((*FIRST, *((look.kind, look.body()) for look in looks))), Channel()
    wire.connection_made(channel)  # type: ignore[arg-type]
    wire.data_received(uint32(5) + b"\x02" + uint32(3), None)
    wire.data_received(message(Message.NAME, VERSION + 1, named(b"/home/me")), None)
    wire.data_received(status(VERSION + 2, Code.FAILURE), None)
    protocol, _ = await Protocol.begin(wire, looks)
    wire._flush()
    assert len(channel.requests()) == 3 + len(looks)
    return protocol, wire, channel


async def test_what_was_looked_at_with_the_greeting_is_not_asked_again() -> None:
    look = Look(Message.STAT, b"docs")
    protocol, wire, channel = await looked_ahead(look, look)
    for number in (VERSION + 3, VERSION + 4):
        asked = protocol.stat(b"/home/me/docs")
        wire.data_received(message(Message.ATTRS, number, Attributes(size=number).encode()), None)
        assert (await asked).size == number
    wire._flush()
    assert channel.requests() == []
    protocol.stat(b"/home/me/docs")
    wire._flush()
    assert [kind for kind, _, _ in channel.requests()] == [Message.STAT]


@pytest.mark.parametrize("late", [False, True])
async def test_what_was_looked_at_counts_no_more_once_something_else_was_asked(late: bool) -> None:
    looks = Look(Message.OPENDIR, b"docs"), Look(Message.LSTAT, b"docs")
    protocol, wire, channel = await looked_ahead(*looks)
    opened = message(Message.HANDLE, VERSION + 3, string(b"7"))
    if not late:
        wire.data_received(opened, None)
    protocol.rename(b"/home/me/docs", b"/home/me/old")
    if late:
        wire.data_received(opened, None)
    protocol.lstat(b"/home/me/docs")
    wire._flush()
    sent = {(kind, body) for kind, _, body in channel.requests()}
    assert (Message.CLOSE, string(b"7")) in sent  # what nobody lists does not stay open
    assert (Message.LSTAT, string(b"/home/me/docs")) in sent


async def test_what_came_first_fails_with_the_greeting_that_was_none() -> None:
    wire = Wire(FIRST)
    wire.connection_made(Channel())  # type: ignore[arg-type]
    wire.data_received(b"Welcome to this host\n", None)
    with pytest.raises(WireClosed):
        await Protocol.begin(wire)


@pytest.mark.parametrize("cuts", [(), (3,), (21,), (25,), (3, 21)])
async def test_the_text_that_came_is_told_without_the_message_behind_it(
    cuts: tuple[int, ...],
) -> None:
    wire = Wire(FIRST)
    wire.connection_made(Channel())  # type: ignore[arg-type]
    said = b"Welcome to this host\n"
    came = said + message(Message.VERSION, 3, string(b"limits@openssh.com") + string(b"1"))
    beginning = asyncio.ensure_future(Protocol.begin(wire))
    for start, end in itertools.pairwise((0, *cuts, len(came))):
        wire.data_received(came[start:end], None)
    with pytest.raises(Chatter) as failed:
        await beginning
    assert failed.value.text == "Welcome to this host"


async def test_requests_of_one_turn_leave_in_one_write() -> None:
    protocol, _, channel = connected()
    asked = [protocol.lstat(b"/%d" % number) for number in range(100)]
    await asyncio.sleep(0)
    assert channel.writes == 1
    sent = channel.requests()
    assert [Payload(body).string() for _, _, body in sent] == [b"/%d" % n for n in range(100)]
    assert len(asked) == 100


async def test_a_thousand_answers_at_once_leave_turns_for_others() -> None:
    protocol, wire, channel = connected()
    order: list[int] = []
    turns = 0

    async def ask(number: int) -> None:
        with contextlib.suppress(StatusError):
            await protocol.lstat(b"/%d" % number)
        order.append(number)

    def tick() -> None:
        nonlocal turns
        turns += 1
        if len(order) < 1000:
            loop.call_soon(tick)

    loop = asyncio.get_running_loop()
    asking = [asyncio.create_task(ask(number)) for number in range(1000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answers = b"".join(status(n, Code.NO_SUCH_FILE) for _, n, _ in channel.requests())
    loop.call_soon(tick)
    wire.data_received(answers, None)
    await asyncio.gather(*asking)
    assert order == list(range(1000))
    assert turns > 20


async def test_large_writes_leave_in_packets_and_whole() -> None:
    protocol, wire, channel = connected()
    data = bytes(range(256)) * 1000
    asked = protocol.write(b"handle", 5, [data[:100], memoryview(data)[100:]])
    await asyncio.sleep(0)
    ((kind, number, body),) = channel.requests()
    assert kind == Message.WRITE
    assert body == string(b"handle") + (5).to_bytes(8, "big") + string(data)
    wire.data_received(status(number), None)
    await asked


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_file_opened_for_somebody_who_was_cancelled_is_closed(at_once: bool) -> None:
    protocol, wire, channel = connected()

    async def opens() -> bytes:
        return await protocol.open_file(b"/x", 1)

    task = asyncio.ensure_future(opens())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ((_, number, _),) = channel.requests()
    if not at_once:
        task.cancel()
        await asyncio.wait((task,))
    wire.data_received(message(Message.HANDLE, number, string(b"late")), None)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    await asyncio.sleep(0)
    assert [(kind, body) for kind, _, body in channel.requests()] == [
        (Message.CLOSE, string(b"late"))
    ]


async def test_everything_that_waits_fails_when_the_channel_goes() -> None:
    protocol, wire, _ = connected()
    stat, path = protocol.stat(b"/"), protocol.realpath(b".")
    wire.connection_lost(OSError("broken"))
    with pytest.raises(WireClosed, match="broken"):
        await stat
    with pytest.raises(WireClosed, match="broken"):
        await path
    with pytest.raises(WireClosed, match="broken"):
        await protocol.stat(b"/")
    assert wire.connection_failed


@pytest.mark.parametrize(
    "answer",
    [
        message(Message.DATA, 0, string(b"x" * 11)),
        message(Message.DATA, 0, uint32(50) + b"short"),
        message(Message.DATA, 0),
        message(Message.HANDLE, 0, string(b"h")),
        message(Message.ATTRS, 0, Attributes().encode()),
        message(Message.STATUS, 77, uint32(0)),
        uint32(2**31) + b"x" * 20,
        uint32(1) + b"x" * 20,
    ],
)
async def test_a_wrong_answer_ends_the_session(answer: bytes) -> None:
    protocol, wire, channel = connected()
    asked = protocol.read(b"h", 0, 10)
    wire.data_received(answer, None)
    with pytest.raises(WireClosed):
        await asked
    assert channel.aborted
    assert wire.closed is not None
    assert "broke the protocol" in wire.closed


async def test_reading_ends_with_eof_and_fails_with_the_rest() -> None:
    protocol, wire, _ = connected()
    first, second = protocol.read(b"h", 0, 10), protocol.read(b"h", 0, 10)
    wire.data_received(status(0, Code.EOF) + status(1, Code.PERMISSION_DENIED), None)
    assert await first == []
    with pytest.raises(StatusError):
        await second
