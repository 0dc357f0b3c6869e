"""Clients of a proxy that are slow, many, gone, or too early."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from sshdash.tunnels.legs import LegState
from tests.live.slow_target import SlowTarget, connected, push
from tests.live.test_tunnels_socks import HELLO, connect4, connect5, say
from tests.live.tunnel_kit import (
    Tunnels,
    echo,
    free_to_use,
    reset,
    target,
    tunnels_on,
    until,
)
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

PASSWORD = b"\x05\x01\x02" + b"\x01\x02me\x06secret"
DIALECTS = ["socks5", "password", "socks4a", "connect"]
LIMIT = "sshdash.tunnels.forwards.dynamic._DEADLINE"
TOO_LONG = "a client took too long to say where it wants to go"


def request(dialect: str, port: int) -> bytes:
    """Return all that a client of one dialect says before its data."""
    return {
        "socks5": HELLO + connect5("127.0.0.1", port),
        "password": PASSWORD + connect5("127.0.0.1", port),
        "socks4a": connect4("", port, b"localhost"),
        "connect": f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    }[dialect]


@pytest.fixture
async def slow() -> AsyncIterator[SlowTarget]:
    """Give a target that does not answer yet."""
    target = SlowTarget()
    yield target
    target.close()


async def begun(port: int, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and say the beginning of something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    return reader, writer


async def ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Return what the proxy still says until it closes, which it has to."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read(-1)
    except ConnectionError:
        return b"(reset)"
    finally:
        writer.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_end_of_file_passes_each_way_alone(sshd: RealSshd, dialect: str) -> None:
    async def first_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"said first")
        writer.write_eof()
        heard = await reader.read(-1)
        done.set_result(heard)

    done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    async with target(echo) as port, target(first_the_end) as other, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        answer = await say(proxy, request(dialect, port) + b"early" * 2000)
        assert answer.endswith(b"early" * 2000), "the answer comes after the client's end"
        reader, writer = await begun(proxy, request(dialect, other))
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read(-1)).endswith(b"said first")
            writer.write(b"and then the client")
            writer.write_eof()
            assert await done == b"and then the client"
        writer.close()
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_byte_at_a_time(sshd: RealSshd, dialect: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(dialect, port) + b"slowly":
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        assert (await ended(reader, writer)).endswith(b"slowly")


@pytest.mark.parametrize("way", ["fin", "reset"])
@pytest.mark.parametrize("dialect", ["socks5", "connect"])
async def test_200_clients_leaving_while_their_channels_open_leave_none(
    sshd: RealSshd, slow: SlowTarget, dialect: str, way: str
) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        clients = [await begun(proxy, request(dialect, slow.port) + b"x") for _ in range(200)]
        await until(lambda: kit.channels == 200, "200 channels being opened")
        for _, writer in clients:
            if way == "reset":
                reset(writer)
            else:
                writer.close()
        slow.open_up()
        await until(lambda: kit.channels == 0, "no channels")
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
        assert not kit.ssh.is_closed()


@pytest.mark.parametrize("dialect", ["socks5", "connect"])
async def test_a_client_that_pushes_before_its_channel_is_open_is_held(
    sshd: RealSshd, slow: SlowTarget, dialect: str
) -> None:
    async with tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        with await connected(proxy) as client:
            client.send(request(dialect, slow.port))
            assert await push(client, 200 << 20) <= 8 << 20
        slow.open_up()
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_answer_arrives_though_the_client_still_talks(
    sshd: RealSshd, dialect: str
) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        said = request(dialect, free_port()) + bytes(500_000)
        answers = await asyncio.gather(*(say(proxy, said, end=False) for _ in range(10)))
        refused = {
            "socks5": b"\x05\x00\x05\x05",
            "password": b"\x05\x02\x01\x00\x05\x05",
            "socks4a": b"\x00\x5b",
            "connect": b"HTTP/1.1 502 ",
        }
        assert all(answer.startswith(refused[dialect]) for answer in answers)
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
        assert kit.manager.snapshot(tunnel).failures == 10


async def still_serves(kit: Tunnels, proxy: int, port: int) -> None:
    """See that an honest client gets through."""
    answer = await say(proxy, request("socks5", port) + b"honest")
    assert answer.endswith(b"honest")
    assert not kit.ssh.is_closed()


async def test_300_half_handshakes_keep_nobody_out_and_end(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LIMIT, 3.0)
    beginnings = [b"\x05", HELLO, PASSWORD[:6], b"\x04\x01\x00", b"CONNECT db:1 HTTP/1.1\r\n"]
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        half = [await begun(proxy, beginnings[n % len(beginnings)]) for n in range(300)]
        await still_serves(kit, proxy, port)
        await asyncio.gather(*(ended(*each) for each in half))
        monkeypatch.setattr(LIMIT, PATIENCE)
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.failures, snapshot.error) == (300, TOO_LONG)
        assert snapshot.clients_total == 1, "half a handshake is no client"
        await still_serves(kit, proxy, port)
        await until(lambda: kit.channels == 0, "no channels")


async def test_the_slowest_makes_room_where_very_many_wait(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.dynamic._HANDSHAKES", 3)
    monkeypatch.setattr("sshdash.tunnels.forwards.dynamic._GRACE", 0.0)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        half = []
        for _ in range(3):
            reader, writer = await begun(proxy, HELLO)
            assert await reader.readexactly(2) == b"\x05\x00"
            half.append((reader, writer))
        await still_serves(kit, proxy, port)
        assert await ended(*half[0]) in (b"", b"(reset)")
        assert kit.manager.snapshot(tunnel).error == TOO_LONG
        for reader, writer in half[1:]:
            writer.write(connect5("127.0.0.1", port) + b"late")
            writer.write_eof()
            assert (await ended(reader, writer)).endswith(b"late")


@pytest.mark.parametrize(
    ("start", "drop"),
    [(b"\x04\x01\x00\x50\x7f\x00\x00\x01", b"u"), (b"CONNECT a:1 HTTP/1.1\r\nX: ", b"x")],
)
async def test_a_client_that_trickles_does_not_last(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, start: bytes, drop: bytes
) -> None:
    monkeypatch.setattr(LIMIT, 0.4)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        reader, writer = await begun(proxy, start)
        closing = asyncio.ensure_future(ended(reader, writer))
        while not (await asyncio.wait({closing}, timeout=0.05))[0]:
            writer.write(drop)
        assert await closing in (b"", b"(reset)")
        await until(lambda: kit.manager.snapshot(tunnel).error == TOO_LONG, "the reason")
        monkeypatch.setattr(LIMIT, PATIENCE)
        await still_serves(kit, proxy, port)


async def test_a_client_that_makes_no_sense_says_nothing_of_the_target(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        await still_serves(kit, proxy, port)
        assert kit.manager.snapshot(tunnel).legs[-1].state is LegState.UP
        assert await say(proxy, b"\x16\x03\x01") == b""
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.mishaps[-1].text == "a client spoke TLS to the SOCKS port"
        assert snapshot.legs[-1].state is LegState.UP


async def test_who_only_looks_is_no_mishap_and_who_stops_halfway_is(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        for _ in range(20):
            assert await say(proxy, b"") == b""
        await still_serves(kit, proxy, port)
        assert kit.manager.snapshot(tunnel).failures == 0
        assert await say(proxy, HELLO + b"\x05\x01") == b"\x05\x00"
        await until(lambda: kit.manager.snapshot(tunnel).failures == 1, "a failure")
        assert kit.manager.snapshot(tunnel).error == "a client left in the middle of its request"


async def test_a_thousand_clients_of_all_kinds_leave_nothing(sshd: RealSshd) -> None:
    said = [
        b"\x16\x03\x01\x02\x00\x01",
        b"\x00" * 5000,
        b"PUT / HTTP/1.1\r\n\r\n",
        b"\x05\x01\x00\x05\x02\x00\x01",
        b"SSH-2.0-x\r\n",
    ]
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        for _ in range(10):
            await asyncio.gather(*(say(proxy, said[n % 5], end=n % 2 == 0) for n in range(100)))
        assert kit.manager.snapshot(tunnel).failures == 1000
        assert kit.manager.snapshot(tunnel).clients_total == 0
        await still_serves(kit, proxy, port)


async def test_stopping_drops_the_handshakes_under_way(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        half = [await begun(proxy, HELLO) for _ in range(20)]
        for reader, _ in half:
            assert await reader.readexactly(2) == b"\x05\x00"
        await kit.manager.stop(tunnel)
        assert free_to_use(proxy)
        for each in half:
            assert await ended(*each) in (b"", b"(reset)")
