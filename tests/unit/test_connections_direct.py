"""The direct path does what the library does, with every packet, cut anywhere, and refuses more.

Both get the same packets, the same cuts and the same calls; what their sessions see and what
they send must be equal.
"""

import asyncio
import contextlib
import random
import socket
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from asyncssh.constants import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_DEBUG,
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
    MSG_UNIMPLEMENTED,
)
from asyncssh.misc import MACError, ProtocolError
from asyncssh.packet import Boolean, Byte, String, UInt32

from sshdash.connections.transport import library
from sshdash.connections.transport.direct import DirectTransport
from sshdash.connections.transport.gcm import GCM
from sshdash.connections.transport.low_water import MARK
from sshdash.connections.transport.transport import Transport, adopt
from tests.patience import PATIENCE
from tests.unit.wire_kit import OURS, THEIRS, WINDOW, Peer, Wired

Make = Callable[..., Wired]
Step = tuple[str, Any]


@pytest.fixture
async def wired() -> AsyncIterator[Make]:
    """Return what makes connections; they end with the test."""
    made: list[Wired] = []

    def make(direct: bool = True, **options: Any) -> Wired:
        made.append(Wired(direct, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
    await asyncio.sleep(0)


def test_the_library_is_inside_as_expected() -> None:
    """Where this fails, compare with the release before, adapt, and set the new digest."""
    assert library.digest() == library.DIGEST


def test_a_library_that_is_another_inside_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncssh.connection.SSHConnection._recv_packet", lambda self: False)
    assert library.digest() != library.DIGEST


# -- the same packets, the same outcome -------------------------------------------------------


def packets(chance: random.Random, peer: Peer, window: list[int]) -> bytes:
    """Return a run of packets that a server may send, within the channel's window."""
    stream = b""
    for _ in range(chance.randrange(1, 12)):
        kind = chance.choice("ddddddwwwigcuxr")
        size = min(chance.choice((0, 1, 7, 16, 255, 4_000, 32_768)), window[0])
        content = chance.randbytes(size)
        if kind == "d":
            window[0] -= size
            stream += peer.data(content)
        elif kind == "w":
            grown = UInt32(chance.choice((0, 1, 5_000, 100_000)))
            stream += peer.packet(Byte(MSG_CHANNEL_WINDOW_ADJUST) + UInt32(OURS) + grown)
        elif kind == "i":
            stream += peer.packet(Byte(MSG_IGNORE) + String(content[:300]))
        elif kind == "g":
            request = String("keepalive@openssh.com") + Boolean(True)
            stream += peer.packet(Byte(MSG_GLOBAL_REQUEST) + request)
        elif kind == "c":
            request = UInt32(OURS) + String("odd@example.com") + Boolean(True)
            stream += peer.packet(Byte(MSG_CHANNEL_REQUEST) + request)
        elif kind == "u":
            stream += peer.packet(Byte(192) + content[:30])
        elif kind == "x":
            stream += peer.packet(Byte(MSG_DEBUG) + Boolean(False) + String("x") + String(""))
        else:
            stream += peer.packet(Byte(MSG_UNIMPLEMENTED) + UInt32(1))
    return stream


def script(chance: random.Random) -> list[Step]:
    """Return what happens to a connection: packets that arrive, and calls on its channel."""
    peer, window = Peer(), [WINDOW]
    steps: list[Step] = []
    for _ in range(chance.randrange(3, 25)):
        kind = chance.choice(("feed", "feed", "feed", "write", "lines", "pause", "resume", "turn"))
        size = chance.choice((0, 1, 50, 8_000, 9_000, 33_000, 70_000, 250_000))
        if kind == "feed":
            steps.append((kind, packets(chance, peer, window)))
        elif kind == "write":
            steps.append((kind, chance.randbytes(size)))
        elif kind == "lines":
            steps.append((kind, [chance.randbytes(size // 3), b"", chance.randbytes(9)]))
        else:
            steps.append((kind, None))
    ending = chance.choice(("", "eof", "write_eof", "close", "abort", "forged", "window"))
    if ending == "eof":
        steps.append(("feed", peer.packet(Byte(MSG_CHANNEL_EOF) + UInt32(OURS))))
        steps.append(("feed", peer.packet(Byte(MSG_CHANNEL_CLOSE) + UInt32(OURS))))
    elif ending == "forged":
        steps.append(("feed", peer.data(b"good") + bytes((0, 0, 0, 32)) + bytes(48)))
    elif ending == "window":
        steps.append(("feed", peer.data(bytes(window[0] + 1)) if window[0] < 30_000 else b""))
    elif ending:
        steps.append((ending, None))
    return [*steps, ("turn", None)]


async def outcome(one: Wired, steps: list[Step], cuts: int) -> tuple[Any, ...]:
    """Return what sessions and the other side see of `steps`."""
    chance = random.Random(cuts)
    sent: list[bytes] = []
    calls: dict[str, Callable[[Any], Any]] = {
        "feed": lambda value: one.feed(value, chance),
        "write": lambda value: one.channel.write(value),
        "lines": lambda value: one.channel.writelines(value),
        "pause": lambda _: one.channel.pause_reading(),
        "resume": lambda _: one.channel.resume_reading(),
        "write_eof": lambda _: one.channel.write_eof(),
        "close": lambda _: one.channel.close(),
        "abort": lambda _: one.channel.abort(),
    }
    refused: list[str] = []
    for kind, value in steps:
        if kind == "turn":
            sent += await one.sent()
            continue
        try:
            calls[kind](value)
        except OSError as error:
            refused.append(str(error))
    sent += await one.sent()
    channel, failure = one.channel, one.failure
    # Room for several packets is given at once, so when a writer was held up differs a little.
    log = [entry for entry in one.session.log if entry not in ("pause", "resume")]
    states = (channel._recv_window, channel._send_window, channel._send_buf_len)
    ended = (channel._send_state, channel._recv_state, type(failure), str(failure))
    return log, sent, states, ended, refused, channel._send_paused, one.ssh._recv_seq


@pytest.mark.parametrize("seed", range(150))
async def test_both_do_the_same(wired: Make, seed: int) -> None:
    chance = random.Random(seed)
    steps = script(chance)
    size = {"window": chance.choice((0, 1_000, 90_000, 1 << 21)), "packet": 32_768}
    if chance.random() < 0.2:
        size["packet"] = chance.choice((100, 5_000, 65_536))
    theirs = await outcome(wired(False, **size), steps, seed)
    ours = await outcome(wired(True, **size), steps, seed + 1)
    assert ours[0] == theirs[0]
    assert join(ours[1]) == join(theirs[1])
    assert ours[2:] == theirs[2:]


@pytest.mark.parametrize("seed", range(100))
async def test_gathering_loses_nothing_and_keeps_the_order(wired: Make, seed: int) -> None:
    steps = [step for step in script(random.Random(seed)) if step[0] not in ("close", "abort")]
    theirs = await outcome(wired(False), steps, seed)
    ours = await outcome(wired(True, gathers=True), steps, seed + 1)
    assert text(ours[0]) == text(theirs[0])
    assert join(ours[1]) == join(theirs[1])
    assert ours[2:] == theirs[2:]


def text(log: list[Any]) -> tuple[bytes, list[Any]]:
    """Return all data of a session, and what else happened to it."""
    data = b"".join(entry[0] for entry in log if isinstance(entry, tuple))
    return data, [entry for entry in log if not isinstance(entry, tuple)]


def join(payloads: list[bytes]) -> list[bytes]:
    """Return what was sent by kind: data in its order, and the rest in its own.

    Answers and data of the same moment may pass each other.
    """
    data = b"".join(one[9:] for one in payloads if one[0] == MSG_CHANNEL_DATA)
    return [data, *(one for one in payloads if one[0] != MSG_CHANNEL_DATA)]


# -- what nobody looks at ---------------------------------------------------------------------


async def test_the_low_water_mark_stays_up_while_only_room_is_given(wired: Make) -> None:
    one = wired()
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def mark() -> int:
            return ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)

        one.ssh.receive_mark.attach(ours)
        one.ssh.low_water.unhurried.add(one.channel)
        one.feed(b"".join(one.peer.data(bytes(4_000)) for _ in range(40)))
        assert mark() == MARK
        before = len(one.wire.written)
        one.feed(b"".join(one.peer.data(bytes(4_000)) for _ in range(40)))
        assert len(one.wire.written) > before  # room, which nobody answers
        assert mark() == MARK
        one.channel.write(b"a key")
        assert mark() == 1


@pytest.mark.parametrize(("tcp", "kept"), [(True, MARK), (False, 1)])
async def test_only_a_socket_of_tcp_waits_for_more(wired: Make, tcp: bool, kept: int) -> None:
    with connected(tcp) as ours:
        one = wired()
        wire: Any = one.wire
        wire._extra["socket"] = TransportSocket(ours)
        one.ssh.start()
        one.ssh.low_water.unhurried.add(one.channel)
        one.feed(b"".join(one.peer.data(bytes(4_000)) for _ in range(40)))
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == kept
        one.ssh.low_water.lower()


@contextlib.contextmanager
def connected(tcp: bool) -> Iterator[socket.socket]:
    """Return a socket as that of a host, or that of a ProxyCommand."""
    if tcp:
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
    else:
        ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


# -- what was touched on the way --------------------------------------------------------------


@pytest.mark.parametrize("cut", [None, 1])
async def test_a_bit_that_flips_anywhere_is_noticed(wired: Make, cut: int | None) -> None:
    peer = Peer()
    contents = [b"one", b"", b"two" * 9, b"three" * 20]
    parts = [peer.data(content) for content in contents]
    stream = b"".join(parts)
    for offset in range(len(stream)):
        one = wired()
        changed = bytearray(stream)
        changed[offset] ^= 1 << offset % 8
        one.feed(bytes(changed), random.Random(offset) if cut else None)
        whole, end = 0, len(parts[0])
        while end <= offset:
            whole += 1
            end += len(parts[whole])
        assert one.session.received == b"".join(contents[:whole])
        is_length = offset - (end - len(parts[whole])) < 4
        assert isinstance(one.failure, MACError | ProtocolError) or is_length


async def test_packets_that_come_twice_or_in_another_order_are_noticed(wired: Make) -> None:
    peer = Peer()
    first, second = peer.data(b"first"), peer.data(b"second")
    for stream, received in ((first + first, b"first"), (second + first, b"")):
        one = wired()
        one.feed(stream)
        assert one.session.received == received
        assert isinstance(one.failure, MACError)


@pytest.mark.parametrize("padding", [0, 1, 3, 15, 16, 200, 255])
async def test_padding_that_openssh_refuses_is_refused(wired: Make, padding: int) -> None:
    one = wired()
    peer = Peer()
    data = Byte(MSG_CHANNEL_DATA) + UInt32(OURS) + String(bytes(6))
    one.feed(peer.body(Byte(padding) + data) + peer.data(b"after"))
    assert isinstance(one.failure, ProtocolError)
    assert not one.session.received


@pytest.mark.parametrize("size", [0, 1, 15, 17, 262_145, 0xFFFFFFFF])
async def test_sizes_out_of_bounds_are_refused_before_anything_is_kept(
    wired: Make, size: int
) -> None:
    one = wired()
    one.feed(UInt32(size))
    assert isinstance(one.failure, ProtocolError)


@pytest.mark.parametrize(("size", "taken"), [(1, False), (63, False), (64, True)])
async def test_a_channel_of_tiny_packets_is_refused(wired: Make, size: int, taken: bool) -> None:
    """A server could hold up the whole program with a packet for each byte."""
    one = wired()
    one.channel._open_waiter = waiter = asyncio.get_running_loop().create_future()
    confirmation = UInt32(OURS) + UInt32(THEIRS) + UInt32(WINDOW) + UInt32(size)
    one.feed(Peer().packet(Byte(MSG_CHANNEL_OPEN_CONFIRMATION) + confirmation))
    assert waiter.done() is taken
    assert (one.failure is None) is taken
    waiter.cancel()


async def test_a_packet_of_the_largest_size_arrives_in_crumbs(wired: Make) -> None:
    one = wired()
    peer = Peer()
    largest = one.ssh._max_recv_pktlen // 16 * 16
    body = Byte(MSG_IGNORE) + String(bytes(largest - 10))
    stream = peer.packet(body, 4) + peer.data(b"behind it")
    one.feed(stream, random.Random(1))
    assert one.failure is None
    assert one.session.received == b"behind it"


async def test_nothing_is_delivered_after_the_end(wired: Make) -> None:
    one = wired()
    peer = Peer()
    forged = bytearray(peer.data(b"forged"))
    forged[-1] ^= 1
    one.feed(bytes(forged) + peer.data(b"after"))
    one.ssh.data_received(peer.data(b"later"))
    assert isinstance(one.failure, MACError)
    assert not one.session.received


async def test_data_for_a_channel_that_is_not_there_ends_the_connection(wired: Make) -> None:
    one = wired()
    one.feed(Peer().data(b"x", 99))
    assert "Invalid channel number" in str(one.failure)


async def test_no_data_before_the_login(wired: Make) -> None:
    one = wired()
    one.ssh._auth_complete = False
    one.feed(Peer().data(b"early"))
    assert isinstance(one.failure, ProtocolError)
    assert not one.session.received


async def test_numbers_of_packets_wrap(wired: Make) -> None:
    one = wired()
    one.ssh._recv_seq = one.ssh._send_seq = 0xFFFFFFFE
    peer = Peer()
    one.feed(b"".join(peer.data(b"x") for _ in range(4)))
    for _ in range(3):
        one.channel.write(b"y")
    assert (one.ssh._recv_seq, one.ssh._send_seq) == (2, 1)
    assert await one.sent() == [Byte(MSG_CHANNEL_DATA) + UInt32(THEIRS) + String(b"yyy")]


async def test_a_flood_of_small_packets_is_not_copied_over_and_over(wired: Make) -> None:
    one = wired()
    peer = Peer()
    stream = b"".join(peer.packet(Byte(MSG_IGNORE) + String(b"")) for _ in range(6_000))
    copied = 0
    library_packet = type(one.ssh)._recv_packet

    def counting(ssh: Any) -> bool:
        nonlocal copied
        copied += len(ssh._inpbuf)
        return bool(library_packet(ssh))

    one.ssh._recv_packet = lambda: counting(one.ssh)
    one.feed(stream + peer.data(b"end"))
    turns = 0
    while not one.session.received:
        await asyncio.sleep(0)
        turns += 1
    assert one.session.received == b"end"
    assert copied < 2 * len(stream)
    assert turns > 50, "it does not hold the loop either"


async def test_a_flood_waits_outside_while_a_packet_takes_its_time(wired: Make) -> None:
    one = wired()
    peer = Peer()
    going_on = one.ssh._recv_handler
    one.ssh._recv_handler = lambda: False
    content = random.Random(1).randbytes(32_000)
    packets = [peer.data(content) for _ in range(6)]
    junk = [peer.packet(Byte(MSG_IGNORE) + String(bytes(200_000))) for _ in range(30)]
    given = 0
    for packet in (*packets, *junk):
        if one.wire.reading:
            given += 1
            one.feed(packet)
    assert not one.wire.reading
    assert len(one.ssh._inpbuf) < 2 << 20
    one.ssh._recv_handler = going_on
    one.ssh._recv_data()
    assert one.wire.reading
    one.feed(b"".join((*packets, *junk)[given:]) + peer.data(b"end"))
    assert one.session.received == content * 6 + b"end"


async def test_stderr_takes_the_same_way_in_order(wired: Make) -> None:
    one = wired()
    peer = Peer()
    one.channel._read_datatypes = {1}
    late = peer.packet(Byte(MSG_CHANNEL_EXTENDED_DATA) + UInt32(OURS) + UInt32(1) + String(b"e"))
    one.feed(late + peer.data(b"o"))
    assert one.session.log == [(b"e", 1), (b"o", None)]


# -- new keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "reads", "asked"), [(5_000, 2, 0), (5_000, 6, 1)])
async def test_what_is_received_counts_for_new_keys(
    wired: Make, limit: int, reads: int, asked: int
) -> None:
    one = wired()
    peer = Peer()
    begun = 0

    def begin() -> None:
        nonlocal begun
        begun += 1
        one.ssh._kex_complete = False

    one.ssh.limit_received(limit)
    one.ssh._send_kexinit = begin
    for _ in range(reads):
        one.feed(peer.data(bytes(1_000)))
    assert begun == asked


async def test_time_changes_keys_though_nothing_is_sent(wired: Make) -> None:
    one = wired()
    asked = asyncio.Event()
    one.ssh._rekey_seconds = 0.01
    one.ssh._server_host_key_algs = [b"ssh-ed25519"]
    one.ssh._send_kexinit()
    one.ssh._kex_complete = True
    one.ssh._send_kexinit = asked.set
    async with asyncio.timeout(PATIENCE):
        await asked.wait()


# -- another library --------------------------------------------------------------------------


async def test_the_plain_way_where_the_library_is_another(
    wired: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "is_as_expected", lambda: False)
    one = wired(False)
    ssh = adopt(one.ssh)
    assert type(ssh) is Transport
    assert not isinstance(ssh._recv_encryption, GCM)
    one.feed(Peer().data(b"as ever"))
    one.channel.write(b"too")
    assert one.session.received == b"as ever"
    assert await one.sent() == [Byte(MSG_CHANNEL_DATA) + UInt32(THEIRS) + String(b"too")]
    assert not isinstance(ssh, DirectTransport)
