"""The SOCKS proxy, spoken to byte by byte, against a real sshd."""

import asyncio
import ipaddress
from typing import Any

import pytest

from sshdash.connections.transport.opening import open_direct
from sshdash.states import TunnelState
from tests.live.tunnel_kit import Tunnels, echo, target, tunnels_on, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

HELLO = b"\x05\x01\x00"


def connect5(host: str, port: int) -> bytes:
    """Return a SOCKS 5 CONNECT request."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("latin-1")
        packed = b"\x03" + bytes((len(name),)) + name
    else:
        packed = (b"\x01" if address.version == 4 else b"\x04") + address.packed
    return b"\x05\x01\x00" + packed + port.to_bytes(2, "big")


def connect4(host: str, port: int, name: bytes = b"") -> bytes:
    """Return a SOCKS 4 request, or 4a with a name."""
    address = b"\x00\x00\x00\x01" if name else ipaddress.ip_address(host).packed
    return (
        b"\x04\x01" + port.to_bytes(2, "big") + address + b"me\0" + (name + b"\0" if name else b"")
    )


async def say(port: int, data: bytes, *, end: bool = True) -> bytes:
    """Send bytes to the proxy and return everything that comes back until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            return await reader.read(-1)
    except ConnectionError:
        return b"(reset)"
    finally:
        writer.close()


async def still_works(kit: Tunnels, proxy: int, port: int) -> None:
    """See that the shared connection has survived."""
    assert not kit.ssh.is_closed()
    answer = await say(proxy, HELLO + connect5("127.0.0.1", port) + b"alive")
    assert answer[3] == 0
    assert answer.endswith(b"alive")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_socks5_with_pipelined_early_data(sshd: RealSshd, host: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        answer = await say(proxy, HELLO + connect5(host, port) + b"early data")
        assert answer == b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6) + b"early data"
        await until(lambda: kit.channels == 0, "no channels")


async def test_socks5_to_ipv6(sshd: RealSshd) -> None:
    async with target(echo, "::1") as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        assert (await say(proxy, HELLO + connect5("::1", port) + b"six")).endswith(b"six")


async def test_a_loop_that_takes_its_time_over_clients_hears_them_out(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.dynamic.can_take_over", lambda: False)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        identifier, proxy = await kit.open("D", "0")
        answer = await say(proxy, HELLO + connect5("127.0.0.1", port) + b"early")
        assert answer.endswith(b"early")
        await until(lambda: kit.manager.snapshot(identifier).clients == 0, "the client left")


@pytest.mark.parametrize("name", [b"", b"localhost"])
async def test_socks4_and_4a(sshd: RealSshd, name: bytes) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        answer = await say(proxy, connect4("127.0.0.1", port, name) + b"four")
        assert answer == b"\x00\x5a" + bytes(6) + b"four"


async def test_the_answer_to_a_refused_target_is_refused(sshd: RealSshd) -> None:
    closed = free_port()
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("D", "0")
        answer = await say(proxy, HELLO + connect5("127.0.0.1", closed))
        assert answer[2:4] == b"\x05\x05"
        assert (await say(proxy, connect4("127.0.0.1", closed)))[:2] == b"\x00\x5b"
        answer = await say(proxy, HELLO + connect5("no-such-name.invalid", 80))
        assert answer[2:4] == b"\x05\x04"
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.state is TunnelState.OPEN, "one client's target is not the tunnel's"
        assert snapshot.failures == 3
        assert snapshot.error
        await until(lambda: kit.channels == 0, "no channels")


async def test_the_answer_to_a_forbidden_target_is_not_allowed() -> None:
    async with RealSshd(PermitOpen="127.0.0.1:1") as server, tunnels_on(server) as kit:
        _, proxy = await kit.open("D", "0")
        answer = await say(proxy, HELLO + connect5("127.0.0.1", 22))
        assert answer[2:4] == b"\x05\x02"


@pytest.mark.parametrize(
    "name", ["a\0b", "a\nb", "", "a b", "\xff\xfe", "b\xfccher.example", "\x1b[31m"]
)
async def test_a_bad_name_never_reaches_the_server(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[Any] = []

    def noting(ssh: Any, session: Any, aim: Any, *arguments: Any) -> None:
        asked.append(aim)
        open_direct(ssh, session, aim, *arguments)

    monkeypatch.setattr("sshdash.tunnels.forwards.carrying.open_direct", noting)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        packed = name.encode("latin-1")
        request = b"\x05\x01\x00\x03" + bytes((len(packed),)) + packed + b"\0\x50"
        assert await say(proxy, HELLO + request) == b"\x05\x00" + b"\x05\x04\x00\x01" + bytes(6)
        await still_works(kit, proxy, port)
        assert asked == [("127.0.0.1", port)]
        assert "invalid" not in sshd.log.lower()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (HELLO + b"\x05\x02\x00\x01\x7f\0\0\x01\0\x50", b"\x05\x00\x05\x07"),
        (HELLO + b"\x05\x03\x00\x01\x7f\0\0\x01\0\x50", b"\x05\x00\x05\x07"),
        (HELLO + b"\x05\x01\x00\x07\x7f\0\0\x01\0\x50", b"\x05\x00\x05\x08"),
        (HELLO + b"\x05\x01\x00\x01\x7f\0\0\x01\0\0", b"\x05\x00\x05\x01"),
        (b"\x05\x01\x03", b"\x05\xff"),
        (b"\x05\x00", b""),
        (b"\x06\x01\x00", b""),
        (b"PUT /x HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 405 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b""),
        (b"\x04\x02\x00\x50\x7f\x00\x00\x01me\0", b"\x00\x5b"),
    ],
    ids=["bind", "udp", "atyp", "port0", "login", "none", "v6", "http", "tls", "bind4"],
)
async def test_what_cannot_be_served_is_answered_and_closed(
    sshd: RealSshd, said: bytes, answer: bytes
) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        got = await say(proxy, said, end=False)
        assert got.startswith(answer)
        assert bool(got) == bool(answer)
        await still_works(kit, proxy, port)


async def test_a_client_that_says_nothing_is_dropped(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.dynamic._DEADLINE", 0.3)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("D", "0")
        slow = await asyncio.gather(*(say(proxy, HELLO[:1], end=False) for _ in range(50)))
        assert set(slow) <= {b"", b"(reset)"}
        monkeypatch.setattr("sshdash.tunnels.forwards.dynamic._DEADLINE", PATIENCE)
        await still_works(kit, proxy, port)
