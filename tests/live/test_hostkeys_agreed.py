"""What a server shows and chooses must be what both sides agreed on, as with ssh."""

from pathlib import Path

import asyncssh
import pytest
from asyncssh import kex_dh

from sshdash.errors import HostKeyError, SSHDashError
from tests.live.connecting import connecting
from tests.servers.loopback import LoopbackServer


def _with(config: Path, *lines: str) -> Path:
    config.write_text("\n".join((*lines, config.read_text())))
    return config


def _line(server: LoopbackServer, key: asyncssh.SSHKey) -> str:
    words = key.export_public_key().decode().split()[:2]
    return f"[127.0.0.1]:{server.port} {' '.join(words)}\n"


async def test_a_known_key_of_a_type_that_was_not_agreed_on_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A weak key that is still in known_hosts cannot pass where HostKeyAlgorithms leaves it out."""
    weak = asyncssh.generate_private_key("ssh-rsa", key_size=2048)

    def choose(self: asyncssh.SSHServerConnection, names: object) -> bool:
        self._server_host_key = asyncssh.load_keypairs([weak])[0]
        return True

    monkeypatch.setattr(asyncssh.SSHServerConnection, "choose_server_host_key", choose)
    async with LoopbackServer() as server:
        server.known_hosts.write_text(_line(server, weak))
        config = _with(server.config_file, "HostKeyAlgorithms ssh-ed25519")
        async with connecting(config) as client:
            with pytest.raises(HostKeyError) as refused:
                await client.manager.lease("loopback", "x")
        assert "ssh-ed25519 was agreed on" in refused.value.detail
        assert server.attempts == []


async def test_a_signature_by_another_algorithm_than_agreed_on_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SHA-1 does not come in by the back door of an RSA key."""
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    pair = asyncssh.load_keypairs([key])[0]

    def choose(self: asyncssh.SSHServerConnection, names: object) -> bool:
        pair.set_sig_algorithm(b"ssh-rsa")
        self._server_host_key = pair
        return True

    beginning = LoopbackServer()
    beginning.host_key = key
    async with beginning as server:
        server.known_hosts.write_text(_line(server, key))
        async with connecting(server.config_file) as client:
            (await client.manager.lease("loopback", "x")).release()
        monkeypatch.setattr(asyncssh.SSHServerConnection, "choose_server_host_key", choose)
        tried = len(server.attempts)
        async with connecting(server.config_file) as client:
            with pytest.raises(SSHDashError):
                await client.manager.lease("loopback", "x")
        assert len(server.attempts) == tried


@pytest.mark.parametrize("bits", [512, 100_000])
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_a_group_of_no_fair_size_is_refused_at_once(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one would hold up every other host, and before the server's key is known."""
    prime = (1 << bits - 1) | 1

    def give(self: object, kind: int, number: int, packet: asyncssh.packet.SSHPacket) -> None:
        self.send_packet(  # type: ignore[attr-defined]
            self._group_type,  # type: ignore[attr-defined]
            asyncssh.packet.MPInt(prime),
            asyncssh.packet.MPInt(2),
        )

    handlers = {**kex_dh._KexDHGex._packet_handlers, kex_dh.MSG_KEX_DH_GEX_REQUEST: give}
    monkeypatch.setattr(kex_dh._KexDHGex, "_packet_handlers", handlers)
    async with LoopbackServer() as server:
        config = _with(server.config_file, "KexAlgorithms diffie-hellman-group-exchange-sha256")
        async with connecting(config) as client:
            with pytest.raises(SSHDashError) as refused:
                await client.manager.lease("loopback", "x")
        assert f"{bits} bits" in f"{refused.value.title} {refused.value.detail}"
        assert server.attempts == []
