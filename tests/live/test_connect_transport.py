"""What goes over a connection arrives as it was, whatever the cipher and however often keys change.

The first tests also fail where the SSH library no longer works inside as the transport assumes.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE, MSG_NEWKEYS

from sshdash.connections.connection import Connection
from sshdash.connections.transport.direct import DirectTransport
from sshdash.connections.transport.gcm import GCM
from sshdash.connections.transport.transport import Transport
from tests.live.connecting import connecting
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

BYTES = os.urandom(3 << 20)
CBC = "aes128-cbc"


class Library:
    """Counts the packets that pass through the library's own hands, by type."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: Counter[int] = Counter()
        self.received: Counter[int] = Counter()
        for name, counter in (("sent", self.sent), ("received", self.received)):
            for kind in (asyncssh.SSHClientConnection, asyncssh.SSHClientChannel):
                monkeypatch.setattr(kind, f"log_{name}_packet", self._counting(counter))

    def _counting(self, counter: "Counter[int]") -> Any:
        def log(handler: object, kind: int, *rest: object, **more: object) -> None:
            counter[kind] += 1

        return log


@asynccontextmanager
async def connected(
    server: RealSshd, host: str = "sshd", **options: str
) -> AsyncIterator[Connection]:
    """Hold a connection to `host`, with these options of ssh_config."""
    async with (
        connecting(server.config_file, overrides=tuple(options.items())) as client,
        await client.manager.lease(host, "test") as lease,
    ):
        yield lease.connection


async def echoed(ssh: Transport, data: bytes) -> bytes:
    """Return what comes back from ``cat``."""
    async with asyncio.timeout(PATIENCE):
        done = await ssh.run("cat", input=data, encoding=None)
    assert isinstance(done.stdout, bytes)
    return done.stdout


async def test_channel_data_passes_the_library_by(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(monkeypatch)
    async with connected(sshd) as connection:
        ssh = connection.ssh
        assert isinstance(ssh._send_encryption, GCM)
        assert isinstance(ssh._recv_encryption, GCM)
        assert await echoed(ssh, BYTES) == BYTES
    assert library.received[MSG_NEWKEYS] == library.sent[MSG_NEWKEYS] == 1
    assert not library.sent[MSG_CHANNEL_DATA]
    assert not library.received[MSG_CHANNEL_DATA]
    assert not library.sent[MSG_IGNORE]


@pytest.mark.parametrize("cipher", ["aes128-ctr", "chacha20-poly1305@openssh.com"])
async def test_other_ciphers_send_no_empty_packets_either(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, cipher: str
) -> None:
    library = Library(monkeypatch)
    async with connected(sshd, Ciphers=cipher) as connection:
        assert connection.cipher == cipher
        assert await echoed(connection.ssh, BYTES) == BYTES
    assert library.sent[MSG_CHANNEL_DATA]
    assert not library.sent[MSG_IGNORE]


async def test_the_mode_that_needs_the_empty_packets_keeps_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = Library(monkeypatch)
    server = RealSshd(ciphers=CBC)
    await asyncio.to_thread(server.start)
    try:
        async with connected(server, Ciphers=CBC) as connection:
            assert connection.cipher == CBC
            assert await echoed(connection.ssh, BYTES) == BYTES
    finally:
        await asyncio.to_thread(server.close)
    assert library.sent[MSG_IGNORE] >= library.sent[MSG_CHANNEL_DATA] > 0


@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "aes256-ctr"])
@pytest.mark.parametrize("compression", ["yes", "no"])
async def test_keys_change_under_way_from_both_sides(
    monkeypatch: pytest.MonkeyPatch, cipher: str, compression: str
) -> None:
    library = Library(monkeypatch)
    server = RealSshd(rekeylimit="700K")
    await asyncio.to_thread(server.start)
    options = {"Ciphers": cipher, "Compression": compression, "RekeyLimit": "500K"}
    try:
        async with connected(server, **options) as connection:
            ssh = connection.ssh
            one, other = await asyncio.gather(echoed(ssh, BYTES), echoed(ssh, BYTES[::-1]))
            assert (one, other) == (BYTES, BYTES[::-1])
            assert isinstance(ssh._recv_encryption, GCM) is ("gcm" in cipher)
    finally:
        await asyncio.to_thread(server.close)
    assert library.received[MSG_NEWKEYS] > 8


async def test_a_connection_through_a_jump_host_is_no_other(sshd: RealSshd) -> None:
    async with connected(sshd, "inner") as connection:
        assert await echoed(connection.ssh, BYTES) == BYTES
        assert len(sshd.connections()) == 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (bytes((0, 0, 0, 32)) + bytes(48), "MAC verification failed"),
        (bytes((0, 0, 0, 0)) + bytes(16), "no multiple of the block size"),
        (bytes((1, 0, 0, 0)), "Max packet size exceeded"),
    ],
)
async def test_a_forged_packet_ends_the_connection(
    sshd: RealSshd, wrong: bytes, reason: str
) -> None:
    async with connected(sshd) as connection:
        connection.ssh.data_received(wrong)
        async with asyncio.timeout(PATIENCE):
            assert reason in await connection.wait_lost()


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes128-ctr"])
@pytest.mark.parametrize("size", [1, 3, 17, 4099])
async def test_what_arrives_in_crumbs_arrives(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, size: int, cipher: str
) -> None:
    data = BYTES[: 3000 * size]
    async with connected(sshd, Ciphers=cipher) as connection:
        ssh = connection.ssh
        assert isinstance(ssh, DirectTransport)
        whole = ssh.get_buffer
        monkeypatch.setattr(ssh, "get_buffer", lambda hint: whole(hint)[:size])
        assert await echoed(ssh, data) == data


async def test_crumbs_do_not_keep_keys_from_changing(monkeypatch: pytest.MonkeyPatch) -> None:
    server = RealSshd(rekeylimit="300K")
    await asyncio.to_thread(server.start)
    try:
        async with connected(server, RekeyLimit="200K") as connection:
            ssh = connection.ssh
            assert isinstance(ssh, DirectTransport)
            whole = ssh.get_buffer
            monkeypatch.setattr(ssh, "get_buffer", lambda hint: whole(hint)[:5001])
            assert await echoed(ssh, BYTES) == BYTES
    finally:
        await asyncio.to_thread(server.close)


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"])
async def test_everything_works_where_the_library_is_another_inside(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, cipher: str
) -> None:
    monkeypatch.setattr("sshdash.connections.transport.library.is_as_expected", lambda: False)
    async with connected(sshd, "inner", Ciphers=cipher, RekeyLimit="1M") as connection:
        ssh = connection.ssh
        assert type(ssh) is Transport
        one, other = await asyncio.gather(echoed(ssh, BYTES), echoed(ssh, BYTES[::-1]))
        assert (one, other) == (BYTES, BYTES[::-1])
        ssh.change_keys()
        assert await echoed(ssh, b"after") == b"after"
