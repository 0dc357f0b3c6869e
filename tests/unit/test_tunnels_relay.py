"""A relay's two ends, with transports that only remember."""

import asyncio
import errno
import random
import socket
from typing import Any

import asyncssh
import pytest

from sshdash.connections.transport.trunk import Trunk
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.forwards.relay import Relay


class Remembering(asyncio.Transport):
    """A transport that keeps what it is told to do."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []
        self.extra: dict[str, Any] = {}

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.extra.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: Any) -> None:
        self.done.append(data)

    def write_eof(self) -> None:
        self.done.append("eof")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")


class Setting:
    """A relay with both transports and its counters."""

    def __init__(self, *, client_is_remote: bool = False) -> None:
        self.traffic = Traffic(0.0)
        self.finished: list[Relay] = []
        self.trunk = Trunk()
        self.relay = Relay(self.traffic, self.finished.append, client_is_remote=client_is_remote)
        self.relay.socket.trunk = self.trunk
        self.socket, self.channel = Remembering(), Remembering()

    def open_socket(self) -> None:
        self.relay.socket.connection_made(self.socket)

    def open_channel(self) -> None:
        self.relay.channel.connection_made(self.channel)  # type: ignore[arg-type]


def test_what_was_said_early_comes_after_the_greeting() -> None:
    it = Setting()
    it.relay.greeting = b"welcome"
    it.open_socket()
    it.relay.socket.data_received(b"ear")
    it.relay.socket.data_received(b"ly")
    assert it.relay.socket.eof_received()
    it.open_channel()
    assert it.channel.done == [b"early", "eof"]
    assert it.socket.done == [b"welcome"]
    assert (it.traffic.up, it.traffic.down) == (5, 0)


def test_no_more_than_64_kib_are_read_before_there_is_a_channel() -> None:
    it = Setting()
    it.open_socket()
    kept = 0
    while it.socket.done != ["pause"]:
        size = min(1500, len(it.relay.socket.get_buffer(-1)))
        it.relay.socket.buffer_updated(size)
        kept += size
    assert kept == 64 * 1024
    it.open_channel()
    assert [len(said) for said in it.channel.done] == [kept]
    assert it.socket.done == ["pause", "resume"]


def test_a_client_that_left_gives_its_channel_back() -> None:
    it = Setting()
    it.open_socket()
    it.relay.socket.connection_lost(ConnectionResetError())
    assert it.traffic.clients == 0
    assert it.finished == []
    it.open_channel()
    assert it.channel.done == ["abort"]
    it.relay.channel.connection_lost(None)
    assert it.finished == [it.relay]


class Optionless:
    """A socket that its client has reset, as macOS has it: no option can be set."""

    family = socket.AF_INET

    def fileno(self) -> int:
        return 3

    def setsockopt(self, *_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")


def test_one_that_was_reset_before_it_was_taken_over_is_carried_to_its_end() -> None:
    it = Setting()
    it.socket.extra["socket"] = Optionless()
    it.open_socket()
    it.relay.socket.data_received(b"early")
    it.open_channel()
    assert it.channel.done == [b"early"]
    it.relay.abort()
    assert it.socket.done == ["abort"]
    assert it.channel.done == [b"early", "abort"]


def test_two_reasons_to_hold_are_two_to_release() -> None:
    it = Setting()
    it.open_socket()
    it.open_channel()
    it.trunk.pause()
    it.relay.channel.pause_writing()
    it.relay.socket.data_received(b"x")
    it.relay.channel.resume_writing()
    assert it.socket.done == ["pause"]
    it.trunk.resume()
    assert it.socket.done == ["pause", "resume"]


@pytest.mark.parametrize("socket_first", [True, False])
def test_both_ends_of_file_close_the_socket_once(socket_first: bool) -> None:
    it = Setting()
    it.open_socket()
    it.open_channel()
    if socket_first:
        assert it.relay.socket.eof_received(), "the other direction stays open"
        assert it.relay.channel.eof_received()
        assert it.socket.done == ["eof", "close"]
    else:
        assert it.relay.channel.eof_received()
        assert not it.relay.socket.eof_received(), "the loop closes it"
    it.relay.socket.connection_lost(None)
    assert it.channel.done == ["eof", "close"]
    it.relay.channel.connection_lost(None)
    assert it.finished == [it.relay]


async def test_bulk_is_gathered_keystrokes_are_not() -> None:
    it = Setting()
    it.open_socket()
    it.open_channel()
    it.relay.channel.data_received(b"k")
    assert it.socket.done == [b"k"]
    it.relay.channel.data_received(b"b" * 10_000)
    it.relay.channel.data_received(b"k")
    assert it.socket.done == [b"k"]
    await asyncio.sleep(0)
    assert it.socket.done == [b"k", b"b" * 10_000 + b"k"]
    it.relay.channel.data_received(b"c" * 10_000)
    it.relay.channel.eof_received()
    assert it.socket.done[2:] == [b"c" * 10_000, "eof"]
    assert it.traffic.down == 20_002
    await asyncio.sleep(0)


def test_what_one_read_brings_is_passed_on_in_one_go() -> None:
    it = Setting()
    it.open_socket()
    it.open_channel()
    place = bytearray(b"firstsecond")
    view = memoryview(place)
    it.relay.channel.gather(view[:5])
    it.relay.channel.gather(view[5:])
    assert it.socket.done == []
    it.relay.channel.flush()
    place[:] = bytes(len(place))
    assert it.socket.done == [b"firstsecond"]
    assert it.traffic.down == 11


async def test_a_full_socket_takes_the_rest_later_and_unchanged() -> None:
    """What has to wait is not there any more when it can be written."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    relay = Relay(Traffic(0.0), lambda relay: None)
    loop = asyncio.get_running_loop()
    await loop.create_unix_connection(lambda: relay.socket, sock=ours)
    relay.channel.connection_made(Remembering())  # type: ignore[arg-type]
    place = bytearray(random.Random(1).randbytes(1 << 20))
    wanted = bytes(place) * 3
    for _ in range(3):
        for start in range(0, len(place), 100_000):
            relay.channel.gather(memoryview(place)[start : start + 100_000])
        relay.channel.flush()
    place[:] = bytes(len(place))
    assert isinstance(relay.channel.transport, Remembering)
    assert "pause" in relay.channel.transport.done
    received = bytearray()
    while len(received) < len(wanted):
        received += await loop.sock_recv(theirs, 1 << 16)
    assert received == wanted
    assert relay.channel.transport.done[-1] == "resume"
    theirs.close()
    relay.abort()
    while not relay.socket.lost:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)


async def test_a_socket_sends_at_once_and_is_looked_after() -> None:
    relay = Relay(Traffic(0.0), lambda relay: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: relay.socket, *server.getsockname())
        assert isinstance(relay.socket.transport, asyncio.Transport)
        sock = relay.socket.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        relay.abort()
        while not relay.socket.lost:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


def test_a_lost_connection_resets_the_client() -> None:
    it = Setting()
    it.open_socket()
    it.open_channel()
    it.relay.channel.connection_lost(asyncssh.ConnectionLost("gone"))
    assert it.socket.done == ["abort"]


@pytest.mark.parametrize("connected", [True, False])
def test_a_remote_client_whose_request_was_forgotten_counts_as_gone(connected: bool) -> None:
    it = Setting(client_is_remote=True)
    if connected:
        it.open_socket()
    it.relay.abort()
    assert it.traffic.clients == 0
    if not connected:
        it.open_socket()
    assert it.socket.done == ["abort"]
    it.relay.socket.connection_lost(None)
    assert it.finished == [it.relay]
    assert it.traffic.total == 1


def test_writing_to_a_socket_that_just_closed_harms_nobody() -> None:
    class Closed(Remembering):
        def write(self, data: Any) -> None:
            raise RuntimeError("Cannot call write() after write_eof()")

        def write_eof(self) -> None:
            raise OSError(107, "Transport endpoint is not connected")

    it = Setting()
    it.socket = Closed()
    it.open_socket()
    it.open_channel()
    it.relay.channel.data_received(b"x")
    assert it.relay.channel.eof_received()
    assert it.socket.done == ["abort"]
