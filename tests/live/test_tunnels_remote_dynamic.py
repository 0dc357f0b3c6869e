"""``-R port``: a SOCKS proxy on a real server, whose clients are connected from here."""

import asyncio
import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sshdash.errors import UsageError
from sshdash.states import TunnelState
from sshdash.tunnels.forwards import remote_dynamic
from sshdash.tunnels.forwards.reaching import reach_host
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.tunnel_kit import Handler, Tunnels, echo, reset, target, tunnels_on, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.programs import require
from tests.servers.sshd import RealSshd

HELLO = b"\5\1\0"
FAR_PORT = "127.0.0.1:0"
"""With no address sshd takes a free port of ::1, and goes on if 127.0.0.1 has it not."""
DATA = os.urandom(400_000)


def connect5(host: str, port: int) -> bytes:
    """Return a SOCKS 5 CONNECT request."""
    try:
        packed = b"\1" + ipaddress.IPv4Address(host).packed
    except ValueError:
        packed = b"\3" + bytes((len(host),)) + host.encode()
    return b"\5\1\0" + packed + port.to_bytes(2, "big")


async def say(port: int, data: bytes, *, end: bool = True) -> bytes:
    """Send bytes to the proxy and return everything that comes back until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            receiving = asyncio.ensure_future(reader.read(-1))
            writer.write(data)
            await writer.drain()
            if end:
                writer.write_eof()
            return await receiving
    except TimeoutError:
        raise
    except OSError:
        return b"(reset)"
    finally:
        writer.close()


async def reply(proxy: int, host: str, port: int) -> int:
    """Return the REP field for a target."""
    answer = await say(proxy, HELLO + connect5(host, port))
    assert answer[:3] == b"\5\0\5"
    return answer[3]


async def still_works(kit: Tunnels, proxy: int, port: int) -> None:
    """See that the shared connection has survived, and nothing is left on it."""
    await until(lambda: kit.channels == 0, "no channels")
    assert not kit.ssh.is_closed()
    assert (await say(proxy, HELLO + connect5("127.0.0.1", port) + b"alive")).endswith(b"alive")
    await until(lambda: kit.channels == 0, "no channels")


def page(text: bytes) -> Handler:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        await writer.drain()

    return serve


def known_here(monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    """Give a name an address in this process alone, which is no part of the server."""
    original = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        return original(address if host == name else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def test_curl_on_the_server_reaches_a_name_that_only_we_know(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_here(monkeypatch, "only-here.test", "127.0.0.1")
    curl = require("curl")
    async with target(page(b"from this side")) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.kind.value, snapshot.target, snapshot.exposed) == ("R", "SOCKS", False)
        for option in ("--socks5-hostname", "--socks4a", "--proxytunnel --proxy"):
            done = await kit.ssh.run(
                f"{curl} -sS --max-time {PATIENCE:.0f} {option} localhost:{proxy} http://only-here.test:{port}/"
            )
            assert (done.stdout, done.stderr) == ("from this side", "")
        assert kit.manager.snapshot(tunnel).clients_total == 3
        await until(lambda: kit.channels == 0, "no channels")


async def test_early_data_bulk_and_half_close(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        answer = await say(proxy, HELLO + connect5("localhost", port) + DATA)
        assert answer[:4] == b"\5\0\5\0"
        assert answer[12:] == DATA
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.bytes_up, snapshot.bytes_down) == (len(DATA), len(DATA))
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_target_that_speaks_first_and_leaves(sshd: RealSshd) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await writer.drain()

    async with target(greet) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("R", FAR_PORT)
        answer = await say(proxy, HELLO + connect5("127.0.0.1", port), end=False)
        assert answer[12:] == b"220 hello\r\n"
        await until(lambda: kit.channels == 0, "no channels")


async def test_socks_on_a_socket_of_the_server(sshd: RealSshd, tmp_path: Path) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        await kit.open("R", str(tmp_path / "there.sock"))
        reader, writer = await asyncio.open_unix_connection(tmp_path / "there.sock")
        writer.write(HELLO + connect5("127.0.0.1", port) + b"hello")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readexactly(17))[-5:] == b"hello"
        writer.close()
        await until(lambda: kit.channels == 0, "no channels")


# -- who may be reached -------------------------------------------------------------------------


async def test_permit_remote_open(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    known_here(monkeypatch, "named.test", "127.0.0.1")
    async with target(echo) as port, target(echo) as other:
        allowed = f"127.0.0.1:{port} named.test:*"
        async with tunnels_on(sshd, permitremoteopen=allowed) as kit:
            tunnel, proxy = await kit.open("R", FAR_PORT)
            assert await reply(proxy, "127.0.0.1", port) == 0
            assert await reply(proxy, "named.test", other) == 0
            assert await reply(proxy, "127.0.0.1", other) == 2
            assert await reply(proxy, "localhost", port) == 2, "an address is not its name"
            snapshot = kit.manager.snapshot(tunnel)
            assert snapshot.error == f"localhost:{port}: not permitted by PermitRemoteOpen"
            assert snapshot.state is TunnelState.OPEN, "the client's choice is not the tunnel's"
            assert snapshot.failures == 2
            await still_works(kit, proxy, port)


@pytest.mark.parametrize(("word", "code"), [("any", 0), ("none", 2), ("*:1", 2), ("*:*", 0)])
async def test_permit_remote_open_in_one_word(sshd: RealSshd, word: str, code: int) -> None:
    async with target(echo) as port, tunnels_on(sshd, permitremoteopen=word) as kit:
        _, proxy = await kit.open("R", FAR_PORT)
        assert await reply(proxy, "127.0.0.1", port) == code


async def test_a_target_that_refuses_and_a_name_that_is_none(sshd: RealSshd) -> None:
    closed = free_port()
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        assert await reply(proxy, "127.0.0.1", closed) == 5
        assert f"127.0.0.1:{closed}: connection refused" in kit.manager.snapshot(tunnel).error
        assert await reply(proxy, "no-such-name.invalid", 80) == 4
        assert "name not known here" in kit.manager.snapshot(tunnel).error
        assert kit.manager.snapshot(tunnel).state is TunnelState.OPEN
        await still_works(kit, proxy, port)


# -- http ------------------------------------------------------------------------------------------


async def test_http_and_the_pac_file_on_the_server(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        connect = f"CONNECT localhost:{port} HTTP/1.1\r\n\r\nearly".encode()
        assert await say(proxy, connect) == b"HTTP/1.1 200 Connection established\r\n\r\nearly"
        plain = f"GET http://localhost:{port}/a HTTP/1.0\r\n\r\n".encode()
        host = f"Host: localhost:{port}\r\nConnection: close\r\n\r\n".encode()
        assert await say(proxy, plain) == b"GET /a HTTP/1.0\r\n" + host, "as the target got it"
        pac = await say(proxy, b"GET /proxy.pac HTTP/1.1\r\nHost: far:1080\r\n\r\n", end=False)
        assert b'"SOCKS5 far:1080; PROXY far:1080"' in pac
        assert kit.manager.snapshot(tunnel).failures == 0
        assert await say(proxy, b"\x16\3\1\2\0\1", end=False) == b""
        assert kit.manager.snapshot(tunnel).error == "a client spoke TLS to the SOCKS port"
        await until(lambda: kit.channels == 0, "no channels")


# -- clients that misbehave -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"\x16\3\1\2\0\1\0\1\xfc\3\3" * 20, b"\xff" * 4096, b"\5\0", b"\5\1\0\5\2\0\1", b""],
)
async def test_what_is_no_request_is_closed(sshd: RealSshd, data: bytes) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("R", FAR_PORT)
        assert len(await say(proxy, data)) < 200
        await still_works(kit, proxy, port)


async def test_a_client_that_says_nothing_is_dropped(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_dynamic, "_DEADLINE", 0.3)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        silent = [say(proxy, data, end=False) for data in (b"", b"\5", HELLO, HELLO + b"\5\1")]
        assert await asyncio.gather(*silent) == [b"", b"", b"\5\0", b"\5\0"]
        assert kit.manager.snapshot(tunnel).failures == 4
        assert "took too long" in kit.manager.snapshot(tunnel).error
        monkeypatch.setattr(remote_dynamic, "_DEADLINE", PATIENCE)
        await still_works(kit, proxy, port)


async def test_too_many_clients_are_turned_away(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.clients.MAX_CLIENTS", 3)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        waiting = [await asyncio.open_connection("127.0.0.1", proxy) for _ in range(3)]
        await until(lambda: kit.channels == 3, "three clients")
        assert await say(proxy, HELLO) in (b"", b"(reset)")
        assert "more than 3 clients" in kit.manager.snapshot(tunnel).error
        for _, writer in waiting:
            writer.close()
        await still_works(kit, proxy, port)


async def never(*arguments: Any) -> None:
    """Reach nobody."""
    await asyncio.Event().wait()


async def test_a_client_whose_target_is_reached_counts_once(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.clients.MAX_CLIENTS", 2)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        with monkeypatch.context() as patch:
            patch.setattr(remote_dynamic, "begin_host", never)
            _, writer = await asyncio.open_connection("127.0.0.1", proxy)
            writer.write(HELLO + connect5("127.0.0.1", port))
            await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client")
        assert await reply(proxy, "127.0.0.1", port) == 0
        writer.close()


@pytest.mark.parametrize("how", ["end of file", "reset"])
async def test_a_client_that_leaves_while_its_target_is_reached(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ready = asyncio.Event()

    async def reach_late(end: Any, *arguments: Any) -> None:
        await ready.wait()
        await reach_host(lambda: end, *arguments)

    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        monkeypatch.setattr(remote_dynamic, "begin_host", reach_late)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        writer.write(HELLO + connect5("127.0.0.1", port))
        await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client")
        if how == "reset":
            reset(writer)
        else:
            writer.write(b"the last words")
            writer.write_eof()
        # sshd tells of both as an end of file, and some clients still want the answer then; of a
        # reset it may know more, and close the channel.
        await until(
            lambda: all(
                one._recv_state == "eof" or one._recv_buf for one in kit.ssh._channels.values()
            )
        )
        ready.set()
        if how == "end of file":
            async with asyncio.timeout(PATIENCE):
                assert (await reader.read(-1)).endswith(b"the last words")
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no client")
        writer.close()
        await still_works(kit, proxy, port)


async def test_a_mistake_of_ours_costs_one_client_and_not_the_connection(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, data: bytes) -> bytes:
        raise RuntimeError("a mistake")

    async with target(echo) as port, tunnels_on(sshd) as kit:
        _, proxy = await kit.open("R", FAR_PORT)
        with monkeypatch.context() as patch:
            patch.setattr("sshdash.tunnels.forwards.remote_dynamic.Handshake.feed", fail)
            assert await say(proxy, HELLO) in (b"", b"(reset)")
        await still_works(kit, proxy, port)


async def test_a_crowd_of_clients_of_every_kind_leaves_nothing(sshd: RealSshd) -> None:
    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        reset(writer)

    async def client(number: int, proxy: int, good: int, bad: int) -> bool:
        kind = number % 6
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        request = HELLO + connect5("127.0.0.1", bad if kind == 3 else good)
        writer.write(
            {0: b"", 1: request[: number % 9], 2: b"\xff" * 700}.get(kind, request + b"abc")
        )
        try:
            async with asyncio.timeout(PATIENCE):
                if kind in (0, 1, 4):
                    await asyncio.sleep(0)
                    reset(writer)
                    return True
                if kind == 5:
                    writer.write_eof()
                    return (await reader.read(-1)).endswith(b"abc")
                return len(await reader.read(-1)) < 20
        except ConnectionError:
            return kind != 5
        finally:
            writer.close()

    async with target(echo) as good, target(resets) as bad, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        for _ in range(3):
            served = await asyncio.gather(*(client(n, proxy, good, bad) for n in range(90)))
            assert all(served)
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
        await still_works(kit, proxy, good)


# -- its end ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["silent", "reaching", "open"])
@pytest.mark.parametrize("end", ["removed", "killed"])
async def test_its_end_drops_clients_at_every_stage(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, stage: str, end: str
) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        if stage == "reaching":
            monkeypatch.setattr(remote_dynamic, "begin_host", never)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        await until(lambda: kit.channels == 1, "the channel")
        if stage != "silent":
            writer.write(HELLO + connect5("127.0.0.1", port))
            await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client")
        if stage == "open":
            assert len(await reader.readexactly(12)) == 12
        if end == "removed":
            await kit.manager.remove(tunnel)
            assert not kit.ssh.is_closed()
        else:
            sshd.kill_connections()
            await kit.until(tunnel, TunnelState.FAILED)
            assert kit.manager.snapshot(tunnel).clients == 0
        await until(lambda: kit.channels == 0, "no channels")
        async with asyncio.timeout(PATIENCE):
            try:
                while await reader.read(100):
                    pass
            except ConnectionError:
                pass
        writer.close()


async def test_clients_of_a_paused_one_wait(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await kit.open("R", FAR_PORT)
        await kit.manager.pause(tunnel)
        early = asyncio.create_task(
            say(proxy, HELLO + connect5("127.0.0.1", port) + b"came while it was paused")
        )
        await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client")
        await kit.manager.resume(tunnel)
        assert (await early).endswith(b"came while it was paused")
        await still_works(kit, proxy, port)


async def test_it_cannot_become_a_forward_with_one_target(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("R", FAR_PORT)
        with pytest.raises(UsageError, match="Not the same kind of forward"):
            await kit.manager.repoint(tunnel, parse_forward(Kind.REMOTE, "0:db:1"))
        moved = await kit.manager.repoint(tunnel, parse_forward(Kind.REMOTE, "127.0.0.1:0"))
        await still_works(kit, int(moved.listen.rpartition(":")[2]), port)
