"""Servers that say too much, too little, or nothing."""

import asyncio
from pathlib import Path

import asyncssh
import pytest
from asyncssh.constants import MSG_IGNORE
from asyncssh.packet import String

from sshdash.errors import (
    ConnectError,
    SSHDashError,
)
from sshdash.events import BannerReceived, WarningRaised
from sshdash.states import ConnectionState
from tests.live.connecting import PROMPT, connecting
from tests.live.option_kit import talking, using
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.loopback import Phase as LoopbackPhase
from tests.servers.sshd import RealSshd

# -- hostile words ---------------------------------------------------------------------------------


async def test_a_banner_of_100_kb_is_shown_short_and_clean() -> None:
    async with talking() as server:
        banner = server.folder / "banner"
        banner.write_bytes(b"\xff\xfe \x1b]52;c;eA==\x07 hello\n" * 4000)
        text = server.server_config.read_text()
        await asyncio.to_thread(server.stop)
        server.options["banner"] = str(banner)
        await asyncio.to_thread(server.start)
        assert text
        async with using(server) as (client, connection):
            (told,) = client.told(BannerReceived)
            assert "hello" in told.text
            assert "\x1b" not in told.text
            assert len(told.text) < 20_000
            assert (await connection.ssh.run("echo up")).stdout == "up\n"


# -- cancelling ------------------------------------------------------------------------------------


@pytest.mark.parametrize("speaks", ["nothing", "slowly"])
async def test_cancelling_a_server_that_holds_us_up_is_quick(sshd: RealSshd, speaks: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                if speaks == "slowly":
                    writer.write(b"x")
                elif not await reader.read(1000):
                    break
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        finally:
            writer.close()
            ended.set()

    ended = asyncio.Event()
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        options = (("Port", str(port)),)
        async with connecting(sshd.config_file, overrides=options) as client:
            attempt = asyncio.create_task(client.manager.lease("sshd", "test"))
            await client.reaches("sshd", ConnectionState.CONNECTING)
            await asyncio.wait([attempt], timeout=0.3)
            attempt.cancel()
            await asyncio.wait([attempt], timeout=PROMPT)
            assert attempt.cancelled()
            await ended.wait()


async def test_cancelling_a_silent_address_is_quick(
    sshd: RealSshd, silent: tuple[str, int]
) -> None:
    options = (("HostName", silent[0]), ("Port", str(silent[1])))
    async with connecting(sshd.config_file, overrides=options) as client:
        attempt = asyncio.create_task(client.manager.lease("sshd", "test"))
        await asyncio.wait([attempt], timeout=0.3)
        attempt.cancel()
        await asyncio.wait([attempt], timeout=PROMPT)
        assert attempt.cancelled()


# -- a stream that somebody could cut ---------------------------------------------------------


async def test_strict_key_exchange_is_offered(sshd: RealSshd) -> None:
    """CVE-2023-48795: our KEXINIT, as any server reads it."""
    offered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-reader\r\n")
        assert (await reader.readline()).startswith(b"SSH-2.0-sshdash_")
        length = int.from_bytes(await reader.readexactly(4), "big")
        offered.set_result(await reader.readexactly(length))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        with pytest.raises(ConnectError):
            async with using(sshd, Port=str(port)):
                pass
    packet = offered.result()
    names = packet[22 : 22 + int.from_bytes(packet[18:22], "big")].decode().split(",")
    assert "kex-strict-c-v00@openssh.com" in names
    assert "ext-info-c" in names
    assert names[0] == "mlkem768x25519-sha256"


@pytest.mark.parametrize(
    ("strict", "ciphers", "warned"),
    [
        (False, "chacha20-poly1305@openssh.com", True),
        (True, "chacha20-poly1305@openssh.com", False),
        (False, "aes128-gcm@openssh.com", False),
    ],
)
async def test_a_pairing_that_lets_packets_be_dropped_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool, ciphers: str, warned: bool
) -> None:
    if not strict:
        server_side = asyncssh.SSHServerConnection
        never = property(lambda self: False, lambda self, value: None)
        monkeypatch.setattr(server_side, "_strict_kex", never, raising=False)
        monkeypatch.setattr(server_side, "_get_extra_kex_algs", lambda self: [b"ext-info-s"])
    async with (
        LoopbackServer(encryption_algs=[ciphers]) as server,
        connecting(server.config_file) as client,
        await client.manager.lease("loopback", "test"),
    ):
        told = [event.detail for event in client.told(WarningRaised)]
        assert any("could drop packets" in text for text in told) is warned


async def test_what_a_server_says_on_leaving_is_shown_clean(sshd: RealSshd) -> None:
    faults = Faults(
        disconnect_at=LoopbackPhase.AUTHENTICATING,
        disconnect_reason="go \x1b]0;away\x07\u202e" + "x" * 5000,
    )
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        with pytest.raises(SSHDashError) as caught:
            await client.manager.lease("loopback", "test")
    text = str(caught.value)
    assert "go " in text
    assert not any(char in text for char in "\x1b\x07\u202e")
    assert len(text) < 2000


# -- compression ------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["the login", "new keys"])
@pytest.mark.parametrize("asked", ["yes", "no"])
async def test_a_packet_that_unpacks_to_far_more_than_a_packet_ends_the_connection(
    asked: str, after: str
) -> None:
    options = (("Compression", asked),)
    async with (
        LoopbackServer(compression_algs=["zlib@openssh.com"]) as server,
        connecting(server.config_file, overrides=options) as client,
        await client.manager.lease("loopback", "test") as lease,
    ):
        assert (await lease.connection.ssh.run("echo up")).stdout
        if after == "new keys":
            lease.connection.ssh.change_keys()
            assert (await lease.connection.ssh.run("echo up")).stdout
        (served,) = server.connections
        served.send_packet(MSG_IGNORE, String(bytes(64 << 20)))
        reason = await asyncio.wait_for(lease.connection.wait_lost(), PATIENCE)
        assert "a compressed packet holds more than" in reason
