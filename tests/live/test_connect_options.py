"""Each option of a connection has ssh's effect, as the server or the system see it."""

import asyncio
import os
import socket
import subprocess
import time
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import ConfigError, ConnectError, UnreachableError
from sshdash.events import WarningRaised
from sshdash.states import ConnectionState
from tests.live.connecting import connecting, pass_time, until
from tests.live.option_kit import client_socket, said, talking, using
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

# -- the way there ---------------------------------------------------------------------------------


async def test_bindaddress_is_where_the_server_sees_us(sshd: RealSshd) -> None:
    async with using(sshd, BindAddress="127.0.0.7"):
        await said(sshd, r"Connection from 127\.0\.0\.7 ")


async def test_bindinterface_is_where_the_server_sees_us(sshd: RealSshd) -> None:
    async with using(sshd, BindInterface="lo") as (_, connection):
        assert client_socket(connection).getsockname()[0] == "127.0.0.1"


async def test_an_interface_that_is_not_there_is_told(sshd: RealSshd) -> None:
    with pytest.raises(UnreachableError) as caught:
        async with using(sshd, BindInterface="nosuch0"):
            pass
    assert "local address" in caught.value.title.lower() or "interface" in str(caught.value)


async def test_addressfamily_keeps_to_one(sshd: RealSshd) -> None:
    async with using(sshd, AddressFamily="inet", HostName="localhost") as (_, connection):
        assert client_socket(connection).family == socket.AF_INET
    with pytest.raises(UnreachableError):
        async with using(sshd, AddressFamily="inet6", HostName="127.0.0.1"):
            pass


@pytest.mark.parametrize(("value", "kept"), [("yes", 1), ("no", 0)])
async def test_tcpkeepalive_is_set_on_the_socket(sshd: RealSshd, value: str, kept: int) -> None:
    async with using(sshd, TCPKeepAlive=value) as (_, connection):
        found = client_socket(connection).getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert bool(found) is bool(kept)


@pytest.mark.parametrize(
    ("value", "typing", "bulk"),
    [("af21 cs1", 0x48, 0x20), ("ef", 0xB8, 0xB8), ("0x10 0x08", 0x10, 0x08), ("none", 0, 0)],
)
async def test_ipqos_marks_typing_and_bulk(
    sshd: RealSshd, value: str, typing: int, bulk: int
) -> None:
    async with using(sshd, IPQoS=value) as (_, connection):
        ssh = connection.ssh

        def marked() -> int:
            return client_socket(connection).getsockopt(socket.IPPROTO_IP, socket.IP_TOS)

        assert marked() == typing
        shell = await ssh.create_process(request_pty="force", term_type="xterm")
        assert marked() == typing
        command = await ssh.create_process("cat")
        assert marked() == bulk
        command.stdin.write_eof()
        await command.wait()
        await until(lambda: marked() == typing)
        shell.close()
        await shell.wait_closed()


async def test_over_ipv6_too() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    async with talking(listenaddress=["127.0.0.1", "::1"]) as server:
        options = {"AddressFamily": "inet6", "HostName": "::1", "HostKeyAlias": "six"}
        known = server.known_hosts.read_text()
        server.known_hosts.write_text(known.replace(known.split()[0], "six"))
        async with using(server, IPQoS="cs1", BindAddress="::1", **options) as (_, connection):
            sock = client_socket(connection)
            assert sock.family == socket.AF_INET6
            assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == 0x20
            await said(server, "Connection from ::1 ")


async def test_the_usual_classes_are_those_of_the_installed_ssh(sshd: RealSshd) -> None:
    command = ["ssh", "-F", str(sshd.config_file), "-G", "sshd"]
    told = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    usual = next(line for line in told.stdout.splitlines() if line.startswith("ipqos "))
    async with using(sshd) as (_, connection):
        marked = client_socket(connection).getsockopt(socket.IPPROTO_IP, socket.IP_TOS)
        names = {"lowdelay": 0x10, "af21": 0x48, "ef": 0xB8}
        assert marked == names[usual.split()[1]]


async def test_connecttimeout_is_for_each_address(sshd: RealSshd, silent: tuple[str, int]) -> None:
    began = time.monotonic()
    options = {"HostName": silent[0], "Port": str(silent[1]), "ConnectTimeout": "1"}
    with pytest.raises(UnreachableError, match="timed out"):
        async with using(sshd, **options):
            pass
    assert 0.9 < time.monotonic() - began < 30, "it would be 30 s without ConnectTimeout"


async def test_connecttimeout_bounds_a_server_that_says_nothing(sshd: RealSshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with pytest.raises(ConnectError, match="No SSH greeting"):
            async with using(sshd, Port=str(mute.getsockname()[1]), ConnectTimeout="1"):
                pass
        assert 0.9 < time.monotonic() - began < 30, "it would be 30 s without ConnectTimeout"


class _Slow(asyncssh.SSHServer):
    """Takes its time over a password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        await pass_time(1.5 * PATIENCE)
        return True


async def test_connecttimeout_does_not_hurry_a_login(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=_Slow, server_host_keys=[key], login_timeout=0
    )
    config = tmp_path / "config"
    config.write_text(
        f"HostName 127.0.0.1\nPort {server.get_port()}\nStrictHostKeyChecking accept-new\n"
        f"ConnectTimeout {PATIENCE:.0f}\nPreferredAuthentications password\n"
    )
    async with (
        server,
        connecting(config, ("secret",)) as client,
        await client.manager.lease("slow", "test"),
    ):
        assert client.manager.status("slow").state is ConnectionState.CONNECTED


async def test_connectionattempts_tries_again_after_a_second(sshd: RealSshd) -> None:
    port = free_port()
    options = {"Port": str(port), "ConnectionAttempts": "2", "StrictHostKeyChecking": "no"}
    began = time.monotonic()
    async with connecting(sshd.config_file, overrides=tuple(options.items())) as client:
        with pytest.raises(UnreachableError, match="refused"):
            await client.manager.lease("sshd", "test")
        assert time.monotonic() - began >= 1


@pytest.mark.parametrize(("count", "seconds"), [("0", 1), ("1", 2)])
async def test_serveralive_ends_a_connection_that_is_silent(
    sshd: RealSshd, count: str, seconds: float
) -> None:
    options = {"ServerAliveInterval": "1", "ServerAliveCountMax": count}
    began = time.monotonic()  # it counts from what came last, which may have been a while ago
    async with using(sshd, **options) as (_, connection):
        sshd.suspend()
        async with asyncio.timeout(PATIENCE):
            assert "stopped answering" in await connection.wait_lost()
        assert time.monotonic() - began > seconds - 0.5
        sshd.resume()


async def test_serveraliveinterval_0_sends_nothing() -> None:
    async with talking() as server, using(server, ServerAliveInterval="0") as (_, connection):
        assert connection.ssh._keepalive_timer is None


# -- what is said ----------------------------------------------------------------------------------


async def test_versionaddendum_is_what_the_server_reads() -> None:
    async with talking() as server, using(server, VersionAddendum="from %L, 100%%"):
        name = os.uname().nodename.partition(".")[0]
        await said(server, rf"remote software version sshdash_\S+ from {name}, 100%")


@pytest.mark.parametrize("value", ["x" * 300, "ä", "%q"])
async def test_a_version_that_cannot_be_said_is_refused(sshd: RealSshd, value: str) -> None:
    with pytest.raises(ConfigError, match="configuration"):
        async with using(sshd, VersionAddendum=value):
            pass


@pytest.mark.parametrize(("value", "warned"), [("yes", True), ("no", False), ("no-pq-kex", False)])
async def test_warnweakcrypto_tells_of_what_can_be_read_later(
    sshd: RealSshd, value: str, warned: bool
) -> None:
    options = {"WarnWeakCrypto": value, "KexAlgorithms": "curve25519-sha256"}
    async with using(sshd, **options) as (client, _):
        told = [event for event in client.told(WarningRaised) if "quantum" in event.detail]
        assert bool(told) is warned


# -- what is refused -------------------------------------------------------------------------------


async def test_refuseconnection_ends_it_before_anything_is_sent(sshd: RealSshd) -> None:
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f'RefuseConnection "use b instead"\n{text}')
    async with connecting(sshd.config_file) as client:
        with pytest.raises(ConnectError, match="refuses this connection") as caught:
            await client.manager.lease("sshd", "test")
    assert "use b instead" in caught.value.detail
    assert f"{sshd.config_file}:1" in caught.value.detail
    assert "Connection from" not in sshd.log


@pytest.mark.parametrize(
    "options",
    [{"ProxyCommand": "nc %h %p", "ProxyUseFdpass": "yes"}, {"ProxyCommand": "-"}],
)
async def test_ways_that_are_not_supported_are_refused_with_a_reason(
    sshd: RealSshd, options: dict[str, str]
) -> None:
    with pytest.raises(ConnectError, match="not supported") as caught:
        async with using(sshd, **options):
            pass
    assert caught.value.hint
