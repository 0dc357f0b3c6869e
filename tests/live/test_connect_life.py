"""The life of a connection: shared, joined, cancelled, lost, closed."""

import asyncio
import contextlib
from pathlib import Path

import asyncssh
import pytest

from sshdash.connections.faults import explain
from sshdash.demo.services import listening
from sshdash.errors import (
    Cancelled,
    ConnectError,
    ConnectionLost,
    UnreachableError,
)
from sshdash.events import WarningRaised
from sshdash.prompts import HostKeyAnswer
from sshdash.settings import Settings
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting
from tests.patience import PATIENCE
from tests.servers.hostile import says_http, says_nothing
from tests.servers.loopback import Faults, LoopbackServer, Phase
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd


async def lost(client: Client, host: str) -> str:
    """Wait until the connection of `host` is gone and return the reason."""
    lease = await client.manager.lease(host, "watch")
    async with asyncio.timeout(PATIENCE):
        return await lease.connection.wait_lost()


def write_config(folder: Path, port: int, **options: object) -> Path:
    lines = "".join(f"    {key} {value}\n" for key, value in options.items())
    config = folder / "config"
    config.write_text(f"Host there\n    HostName 127.0.0.1\n    Port {port}\n{lines}")
    return config


async def test_leases_share_one_connection_and_are_counted(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        shell = await client.manager.lease("sshd", "shell")
        files = await client.manager.lease("sshd", "sftp")
        assert shell.connection is files.connection
        assert client.manager.status("sshd").leases == {"shell": 1, "sftp": 1}
        shell.release()
        shell.release()
        assert client.manager.status("sshd").leases == {"sftp": 1}
        assert "1 sftp" in repr(files.connection)
        files.release()
        assert client.manager.status("sshd").state is ConnectionState.CONNECTED
        assert len(sshd.connections()) == 1


async def test_killed_server_process_is_a_loss_with_a_reason(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        lease = await client.manager.lease("sshd", "shell")
        sshd.kill_connections()
        reason = await lease.connection.wait_lost()
        assert reason == "the connection broke off"
        assert client.manager.status("sshd").state is ConnectionState.LOST
        assert client.manager.status("sshd").reason == reason
        with pytest.raises(ConnectionLost):
            assert lease.connection.ssh
        assert await client.run("sshd", "echo back") == "back\n"
        assert client.states("sshd") == [
            ConnectionState.CONNECTING,
            ConnectionState.CONNECTED,
            ConnectionState.LOST,
            ConnectionState.CONNECTING,
            ConnectionState.CONNECTED,
        ]


async def test_silent_server_is_lost_by_keepalive(sshd: RealSshd) -> None:
    settings = Settings(keepalive_interval=1, keepalive_count=1)
    async with connecting(sshd.config_file, settings=settings) as client:
        lease = await client.manager.lease("sshd", "shell")
        sshd.suspend()
        try:
            async with asyncio.timeout(PATIENCE):
                reason = await lease.connection.wait_lost()
        finally:
            sshd.resume()
        assert "keepalive" in reason
        assert client.manager.status("sshd").state is ConnectionState.LOST


async def test_what_the_server_says_at_the_end_is_cleaned() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("loopback", "shell")
        server.connections[0].disconnect(2, "going \x1b[2Jdown")
        reason = await lease.connection.wait_lost()
        assert reason == 'the server said "going \\x1b[2Jdown"'
        assert client.manager.status("loopback").state is ConnectionState.LOST


async def test_polite_goodbye_of_the_server_is_a_loss_too() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("loopback", "shell")
        server.connections[0].close()
        assert await lease.connection.wait_lost() == 'the server said "Disconnected by application"'
        assert client.manager.status("loopback").state is ConnectionState.LOST


async def test_disconnecting_is_idle_not_lost(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        lease = await client.manager.lease("sshd", "shell")
        await client.manager.disconnect("sshd")
        assert client.manager.status("sshd").state is ConnectionState.IDLE
        assert await lease.connection.wait_lost() == "disconnected"
        assert ConnectionState.LOST not in client.states("sshd")


async def test_one_waiter_leaves_and_the_others_get_their_lease(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    answer: asyncio.Future[HostKeyAnswer] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()

    class Waiting:
        async def ask(self, question: object) -> object:
            asked.set()
            return await answer

    async with connecting(sshd.config_file, prompter=Waiting()) as client:  # type: ignore[arg-type]
        first = asyncio.create_task(client.manager.lease("sshd", "one"))
        second = asyncio.create_task(client.manager.lease("sshd", "two"))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert client.manager.status("sshd").state is ConnectionState.CONNECTING
        answer.set_result(HostKeyAnswer.ONCE)
        lease = await second
        assert client.manager.status("sshd").leases == {"two": 1}
        lease.release()


async def test_the_last_waiter_who_leaves_ends_the_attempt(tmp_path: Path) -> None:
    async with (
        listening(says_nothing) as port,
        connecting(write_config(tmp_path, port)) as client,
    ):
        tasks = [asyncio.create_task(client.manager.lease("there", "x")) for _ in range(3)]
        await client.reaches("there", ConnectionState.CONNECTING)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert client.states("there") == [ConnectionState.CONNECTING, ConnectionState.IDLE]


async def test_disconnect_ends_an_attempt_for_all_who_wait(tmp_path: Path) -> None:
    async with (
        listening(says_nothing) as port,
        connecting(write_config(tmp_path, port)) as client,
    ):
        task = asyncio.create_task(client.manager.lease("there", "x"))
        await client.reaches("there", ConnectionState.CONNECTING)
        await client.manager.disconnect("there")
        with pytest.raises(Cancelled):
            await task
        assert client.manager.status("there").state is ConnectionState.IDLE


async def test_refused(tmp_path: Path) -> None:
    port = free_port()
    async with connecting(write_config(tmp_path, port)) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.manager.lease("there", "x")
        assert str(caught.value).startswith("there: Connection refused: 127.0.0.1 port")
        assert client.manager.status("there").state is ConnectionState.FAILED
        await client.manager.disconnect("there")
        assert client.manager.status("there").state is ConnectionState.IDLE


async def test_name_that_does_not_resolve(tmp_path: Path) -> None:
    async with connecting(write_config(tmp_path, 22, HostName="no.such.host.invalid")) as client:
        with pytest.raises(UnreachableError, match="Name does not resolve"):
            await client.manager.lease("no.such.host.invalid", "x")


async def test_silence_ends_at_connect_timeout(tmp_path: Path) -> None:
    async with (
        listening(says_nothing) as port,
        connecting(write_config(tmp_path, port, ConnectTimeout=1)) as client,
    ):
        with pytest.raises(UnreachableError, match="No SSH greeting"):
            await client.manager.lease("there", "x")


async def test_not_an_ssh_server(tmp_path: Path) -> None:
    async with (
        listening(says_http) as port,
        connecting(write_config(tmp_path, port)) as client,
    ):
        with pytest.raises(UnreachableError) as caught:
            await client.manager.lease("there", "x")
        assert caught.value.title == "Not an SSH server"


async def test_broken_off_during_the_login() -> None:
    faults = Faults(disconnect_at=Phase.AUTHENTICATING)
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        with pytest.raises(ConnectError, match="cut the connection during the login"):
            await client.manager.lease("loopback", "x")


async def test_disconnect_message_during_the_login_is_told() -> None:
    faults = Faults(disconnect_at=Phase.AUTHENTICATING, disconnect_reason="Go away \x1b[1m")
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        with pytest.raises(ConnectError, match=r"Go away \\x1b\[1m"):
            await client.manager.lease("loopback", "x")


async def test_no_common_cipher_names_the_keyword() -> None:
    async with LoopbackServer(encryption_algs=["aes128-cbc"]) as server:
        async with connecting(server.config_file) as client:
            with pytest.raises(ConnectError) as caught:
                await client.manager.lease("loopback", "x")
        assert "aes128-cbc" in caught.value.detail
        assert "Ciphers +aes128-cbc" in caught.value.hint
        overrides = (("Ciphers", "+aes128-cbc"),)
        async with connecting(server.config_file, overrides=overrides) as client:
            await client.manager.lease("loopback", "x")
            assert client.manager.status("loopback").cipher == "aes128-cbc"


async def test_chosen_ciphers_are_kept_in_order(sshd: RealSshd) -> None:
    overrides = (("Ciphers", "chacha20-poly1305@openssh.com,aes128-ctr"), ("Compression", "yes"))
    async with connecting(sshd.config_file, overrides=overrides) as client:
        await client.run("sshd", "true")
        assert client.manager.status("sshd").cipher == "chacha20-poly1305@openssh.com"


async def test_environment_is_sent(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_SSHDASH", "from here")
    overrides = (("SendEnv", "LC_*"), ("SetEnv", "LANG=xx_YY"))
    async with connecting(sshd.config_file, overrides=overrides) as client:
        assert await client.run("sshd", "echo $LC_SSHDASH $LANG") == "from here xx_YY\n"


@pytest.mark.alone
async def test_keepalives_do_not_end_a_slow_but_living_line() -> None:
    settings = Settings(keepalive_interval=1, keepalive_count=2)
    async with (
        LoopbackServer() as server,
        Proxy(server.port, delay=0.3) as line,
        connecting(server.config_file, settings=settings) as client,
    ):
        known = server.known_hosts.read_text()
        server.known_hosts.write_text(known.replace(str(server.port), str(line.port)))
        text = server.config_file.read_text()
        server.config_file.write_text(text.replace(f"Port {server.port}", f"Port {line.port}"))
        lease = await client.manager.lease("loopback", "x")
        waiting = asyncio.create_task(lease.connection.wait_lost())
        done, _ = await asyncio.wait([waiting], timeout=4)
        assert not done
        line.stall()
        async with asyncio.timeout(PATIENCE):
            assert "keepalive" in await waiting


async def test_closing_the_manager_leaves_nothing_behind(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        await client.run("inner", "true")
        assert len(sshd.connections()) == 2
        await client.manager.close()
        assert {status.state for status in client.manager.statuses()} == {ConnectionState.IDLE}
        assert set(client.manager.all_states()) == {ConnectionState.IDLE}
        with pytest.raises(Cancelled):
            await client.manager.lease("sshd", "x")


async def test_keys_are_renewed_under_way(sshd: RealSshd) -> None:
    overrides = (("RekeyLimit", "1M"),)
    async with connecting(sshd.config_file, overrides=overrides) as client:
        assert await client.run("sshd", "head -c 9000000 /dev/zero | wc -c") == "9000000\n"
        command = "head -c 9000000 /dev/zero | tr '\\0' x"
        assert len(await client.run("sshd", command)) == 9_000_000
        assert client.manager.status("sshd").state is ConnectionState.CONNECTED


async def test_a_key_that_changes_under_way_ends_the_connection() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("loopback", "x")
        (peer,) = server.connections
        other = asyncssh.generate_private_key("ssh-ed25519")
        pair = asyncssh.load_keypairs([other])[0]
        peer._server_host_keys[b"ssh-ed25519"] = pair
        peer._server_host_key = pair
        peer._send_kexinit()
        peer._kexinit_sent = True
        assert await lease.connection.wait_lost() == "the server showed another host key"


async def test_no_more_sessions_names_the_limit() -> None:
    server = RealSshd(maxsessions="1")
    async with server, connecting(server.config_file) as client:
        lease = await client.manager.lease("sshd", "x")
        process = await lease.connection.ssh.create_process("cat")
        with pytest.raises(asyncssh.ChannelOpenError) as caught:
            await lease.connection.ssh.create_process("cat")
        told = explain(caught.value, "sshd", "open a shell")
        assert "MaxSessions" in told.hint
        process.close()


@pytest.mark.parametrize("strict", [True, False])
async def test_weak_encryption_is_told(strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = asyncssh.connection.SSHConnection._get_extra_kex_algs

    def offered(connection: asyncssh.connection.SSHConnection) -> list[bytes]:
        offered = extra(connection)
        return offered if strict else [name for name in offered if b"strict" not in name]

    monkeypatch.setattr(asyncssh.connection.SSHConnection, "_get_extra_kex_algs", offered)
    chacha = "chacha20-poly1305@openssh.com"
    async with (
        LoopbackServer(encryption_algs=[chacha]) as server,
        connecting(server.config_file) as client,
    ):
        await client.manager.lease("loopback", "x")
        warnings = client.told(WarningRaised)
        assert bool(warnings) is not strict
        assert all(chacha in warning.detail for warning in warnings)


async def test_strict_key_exchange_is_offered() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        await client.manager.lease("loopback", "x")
        assert b"kex-strict-c-v00@openssh.com" in server.connections[0]._client_kexinit


async def test_a_flood_before_the_greeting_is_cut_short(tmp_path: Path) -> None:
    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for _ in range(10_000):
                writer.write(b"\x1b[2Jnoise " * 100 + b"\r\n")
                await writer.drain()

    async with (
        listening(floods) as port,
        connecting(write_config(tmp_path, port)) as client,
    ):
        with pytest.raises(UnreachableError, match="Not an SSH server") as caught:
            await client.manager.lease("there", "x")
        assert "\x1b" not in str(caught.value)


async def test_a_greeting_that_dribbles_ends_at_connect_timeout(tmp_path: Path) -> None:
    async def dribbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for byte in b"SSH-2.0-slow":
                writer.write(bytes([byte]))
                await asyncio.sleep(0.2)

    async with (
        listening(dribbles) as port,
        connecting(write_config(tmp_path, port, ConnectTimeout=1)) as client,
    ):
        with pytest.raises(UnreachableError, match="No SSH greeting"):
            await client.manager.lease("there", "x")
