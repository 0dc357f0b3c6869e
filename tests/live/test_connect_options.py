"""Each option of a connection has ssh's effect, as the server or the system see it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import psutil
import pytest

from sshdash.connections.connection import Connection
from sshdash.connections.timeline import Phase
from sshdash.errors import AuthenticationError, ConfigError, ConnectError, UnreachableError
from sshdash.events import BannerReceived, WarningRaised
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting, until
from tests.servers.sshd import RealSshd, free_port


@asynccontextmanager
async def talking(**options: str | list[str]) -> AsyncIterator[RealSshd]:
    """Run a server that tells what it does."""
    server = RealSshd(loglevel="DEBUG1", **options)  # type: ignore[arg-type]
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.close)


@asynccontextmanager
async def using(
    server: RealSshd, host: str = "sshd", **options: str
) -> AsyncIterator[tuple[Client, Connection]]:
    """Hold a connection with these options of ssh_config."""
    async with (
        connecting(server.config_file, overrides=tuple(options.items())) as client,
        await client.manager.lease(host, "test") as lease,
    ):
        yield client, lease.connection


async def said(server: RealSshd, pattern: str) -> None:
    """Return once the server's log has a line like `pattern`."""
    await asyncio.to_thread(server.wait_for, pattern)


def client_socket(connection: Connection) -> socket.socket:
    """Return the connection's socket, for its options."""
    found: socket.socket = connection.ssh.get_extra_info("socket")
    return found


# -- the way there ----------------------------------------------------------------------------


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
    assert 0.9 < time.monotonic() - began < 3


async def test_connecttimeout_bounds_a_server_that_says_nothing(sshd: RealSshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with pytest.raises(ConnectError, match="No SSH greeting"):
            async with using(sshd, Port=str(mute.getsockname()[1]), ConnectTimeout="1"):
                pass
        assert 0.9 < time.monotonic() - began < 3


class _Slow(asyncssh.SSHServer):
    """Takes its time over a password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        await asyncio.sleep(1.5)
        return True


async def test_connecttimeout_does_not_hurry_a_login(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=_Slow, server_host_keys=[key])
    config = tmp_path / "config"
    config.write_text(
        f"HostName 127.0.0.1\nPort {server.get_port()}\nStrictHostKeyChecking accept-new\n"
        "ConnectTimeout 1\nPreferredAuthentications password\n"
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
        assert 1 <= time.monotonic() - began < 3


@pytest.mark.parametrize(("count", "seconds"), [("0", 1), ("1", 2)])
async def test_serveralive_ends_a_connection_that_is_silent(
    sshd: RealSshd, count: str, seconds: float
) -> None:
    options = {"ServerAliveInterval": "1", "ServerAliveCountMax": count}
    async with using(sshd, **options) as (_, connection):
        sshd.suspend()
        began = time.monotonic()
        async with asyncio.timeout(10):
            assert "stopped answering" in await connection.wait_lost()
        assert seconds - 0.5 < time.monotonic() - began < seconds + 1.5
        sshd.resume()


async def test_serveraliveinterval_0_sends_nothing() -> None:
    async with talking() as server, using(server, ServerAliveInterval="0") as (_, connection):
        assert connection.ssh._keepalive_timer is None


# -- what is agreed on ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("Ciphers", "aes192-ctr", "cipher: aes192-ctr"),
        ("Ciphers", "^aes256-gcm@openssh.com", "cipher: aes256-gcm@openssh.com"),
        ("Ciphers", "-*gcm*,chacha*", "cipher: aes128-ctr"),
        ("KexAlgorithms", "ecdh-sha2-nistp384", "algorithm: ecdh-sha2-nistp384"),
        ("KexAlgorithms", "-mlkem*,curve*", "algorithm: ecdh-sha2-nistp256"),
        ("HostKeyAlgorithms", "rsa-sha2-256", "host key algorithm: rsa-sha2-256"),
        ("HostKeyAlgorithms", "ecdsa-*", "host key algorithm: ecdsa-sha2-nistp256"),
        ("Compression", "yes", "compression: zlib@openssh.com"),
        ("Compression", "no", "compression: none"),
    ],
)
async def test_the_server_agrees_to_what_was_chosen(option: str, value: str, line: str) -> None:
    async with talking() as server, using(server, **{option: value}) as (_, connection):
        await said(server, line)
        done = await connection.ssh.run("echo works")
        assert done.stdout == "works\n"


async def test_macs_are_those_that_were_chosen() -> None:
    options = {"Ciphers": "aes128-ctr", "MACs": "-*-etm*,umac*"}
    async with talking() as server, using(server, **options):
        await said(server, "MAC: hmac-sha2-256 ")


async def test_every_cipher_and_mac_of_the_server_carries_bulk() -> None:
    data = os.urandom(400_000)
    config = await asyncio.to_thread(
        subprocess.run, ["ssh", "-Q", "cipher"], capture_output=True, text=True
    )
    ciphers = [name for name in config.stdout.split() if "rijndael" not in name]
    macs = "hmac-sha2-512-etm@openssh.com", "umac-128@openssh.com", "hmac-sha1"
    async with talking(ciphers=",".join(ciphers), macs=",".join(macs)) as server:
        for cipher in ciphers:
            for mac in macs if "ctr" in cipher or "cbc" in cipher else macs[:1]:
                async with using(server, Ciphers=cipher, MACs=mac) as (_, connection):
                    assert connection.cipher == cipher
                    done = await connection.ssh.run("cat", input=data, encoding=None)
                    assert done.stdout == data, (cipher, mac)


@pytest.mark.parametrize(
    ("option", "name"), [("rsa-sha2-256", "rsa-sha2-256"), ("+ssh-rsa", "rsa-sha2-512")]
)
async def test_pubkeyacceptedalgorithms_choose_the_signature(option: str, name: str) -> None:
    async with talking() as server:
        key = server.folder / "id_rsa"
        await asyncio.to_thread(_generate, key, "-t", "rsa", "-b", "2048")
        server.authorized_keys.write_text(key.with_suffix(".pub").read_text())
        options = {"PubkeyAcceptedAlgorithms": option, "IdentityFile": str(key)}
        async with using(server, **options):
            await said(server, f"publickey test pkalg {name} ")


async def test_a_key_of_a_type_that_is_not_accepted_is_not_offered() -> None:
    async with talking() as server:
        with pytest.raises(AuthenticationError):
            async with using(server, PubkeyAcceptedAlgorithms="ecdsa-*"):
                pass
        assert "pkalg" not in server.log


async def test_a_short_rsa_key_is_neither_offered_nor_believed() -> None:
    async with talking() as server:
        key = server.folder / "id_rsa"
        await asyncio.to_thread(_generate, key, "-t", "rsa", "-b", "2048")
        server.authorized_keys.write_text(key.with_suffix(".pub").read_text())
        options = {"RequiredRSASize": "3000", "IdentityFile": str(key)}
        with pytest.raises(AuthenticationError):
            async with using(server, **options):
                pass
        assert "pkalg rsa" not in server.log
        with pytest.raises(ConnectError, match="short"):
            async with using(server, RequiredRSASize="3000", HostKeyAlgorithms="rsa-sha2-512"):
                pass


def _generate(path: Path, *options: str) -> None:
    command = ["ssh-keygen", "-q", "-N", "", "-f", str(path), *options]
    subprocess.run(command, check=True)


async def test_an_old_exchange_works_and_says_nothing_on_the_terminal() -> None:
    """The library of ciphers warns of it on stderr, where the screen is."""
    async with talking() as server:
        options = [
            "-F",
            str(server.config_file),
            "-o",
            "KexAlgorithms=diffie-hellman-group14-sha256",
        ]
        command = [sys.executable, "-m", "sshdash", *options, "exec", "sshd", "echo", "works"]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60
        )
        assert done.stdout == "works\n"
        assert "deprecated" not in done.stderr
        await said(server, "algorithm: diffie-hellman-group14-sha256")


# -- new keys ---------------------------------------------------------------------------------


async def test_rekeylimit_counts_what_is_received_too() -> None:
    async with talking() as server, using(server, RekeyLimit="1M") as (_, connection):
        done = await connection.ssh.run("head -c 20000000 /dev/zero", encoding=None)
        assert done.stdout == bytes(20_000_000)
        # The server's own limit is far away: we asked. What is under way goes on meanwhile.
        assert 4 <= server.log.count("SSH2_MSG_NEWKEYS received") <= 21


async def test_rekeylimit_counts_time() -> None:
    async with talking() as server, using(server, RekeyLimit="default 1s"):
        await until(lambda: server.log.count("SSH2_MSG_NEWKEYS received") >= 3)


async def test_four_flows_go_on_while_keys_change_from_both_sides() -> None:
    data = os.urandom(6 << 20)
    async with (
        talking(rekeylimit="1M") as server,
        using(server, RekeyLimit="1M") as (_, connection),
    ):
        stalls: list[float] = []
        over = asyncio.Event()

        async def watch() -> None:
            while not over.is_set():
                began = time.monotonic()
                await connection.ssh.run("true")
                stalls.append(time.monotonic() - began)

        async def flow() -> bytes:
            done = await connection.ssh.run("cat", input=data, encoding=None)
            assert isinstance(done.stdout, bytes)
            return done.stdout

        watching = asyncio.create_task(watch())
        async with asyncio.timeout(60):
            flows = await asyncio.gather(*(flow() for _ in range(4)))
        over.set()
        await watching
        assert all(one == data for one in flows)
        assert server.log.count("SSH2_MSG_NEWKEYS received") > 20
        assert max(stalls) < 1


# -- what is said -----------------------------------------------------------------------------


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


# -- what is refused --------------------------------------------------------------------------


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


# -- commands on this machine -----------------------------------------------------------------

RELAY = """
import os, socket, sys, threading
sys.stderr.write(os.environ.get("SAID", ""))
sys.stderr.flush()
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        far.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := far.recv(65536):
    os.write(1, data)
"""


def relay(server: RealSshd) -> str:
    """Return the command of a program that passes its input on to a host and a port."""
    path = server.folder / "relay.py"
    path.write_text(RELAY)
    return f"{sys.executable} {path}"


async def test_proxycommand_is_a_line_for_the_users_shell(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = sshd.folder / "seen"
    monkeypatch.setenv("SAID", "one\n\033[31mtwo\n")
    monkeypatch.setenv("WHERE", str(seen))
    command = f'sh -c \'echo "%n %r %% %k" > "$WHERE"; exec {relay(sshd)} %h %p\''
    async with using(sshd, ProxyCommand=command) as (client, connection):
        done = await connection.ssh.run("echo through")
        assert done.stdout == "through\n"
        timeline = client.manager.status("sshd").timeline
        assert timeline
        notes = [entry.text for entry in timeline.entries if entry.phase is Phase.PROXY]
        assert "one" in notes
        assert not any("\x1b" in note for note in notes)
    assert seen.read_text() == f"sshd {sshd.user} % sshd\n"


async def test_a_proxy_command_that_fails_says_why_and_leaves_nothing(sshd: RealSshd) -> None:
    command = "sh -c 'printf \"no \\033]0;way\\007\\n\" >&2; exit 3'"
    with pytest.raises(ConnectError, match="ProxyCommand failed") as caught:
        async with using(sshd, ProxyCommand=command):
            pass
    assert "exit status 3" in caught.value.detail
    assert "no " in caught.value.detail
    assert "\x1b" not in caught.value.detail
    assert not zombies()


async def test_a_proxy_command_that_leaves_somebody_behind_holds_up_nothing(
    sshd: RealSshd,
) -> None:
    marker = sshd.folder / "left"
    command = f"sh -c 'setsid sleep 30 & echo $! > {marker}; exec {relay(sshd)} %h %p'"
    began = time.monotonic()
    async with using(sshd, ProxyCommand=command):
        pass
    assert time.monotonic() - began < 5
    assert not zombies()
    os.kill(int(marker.read_text()), signal.SIGKILL)


def zombies() -> list[int]:
    """Return the dead children that nobody collected."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if child.status() == psutil.STATUS_ZOMBIE]


async def test_localcommand_runs_after_the_login_with_its_tokens(sshd: RealSshd) -> None:
    seen = sshd.folder / "seen"
    command = f"echo '%h %n %p %r %L %% %T %C' > {seen}; printf 'done \\033[2J'; cat"
    options = {"LocalCommand": command, "PermitLocalCommand": "yes"}
    async with using(sshd, **options) as (client, _):
        written = seen.read_text().split()
        assert written[:3] == ["127.0.0.1", "sshd", str(sshd.port)]
        assert written[5:7] == ["%", "NONE"]
        assert len(written[7]) == 40
        (told,) = [event for event in client.told(WarningRaised) if "LocalCommand" in event.title]
        assert told.detail.startswith("done ")
        assert "\x1b" not in told.detail


async def test_localcommand_needs_permission(sshd: RealSshd) -> None:
    seen = sshd.folder / "seen"
    async with using(sshd, LocalCommand=f"touch {seen}"):
        pass
    assert not seen.exists()


async def test_a_local_command_that_fails_is_told_and_the_connection_stays(sshd: RealSshd) -> None:
    options = {"LocalCommand": "exit 4", "PermitLocalCommand": "yes"}
    async with using(sshd, **options) as (client, connection):
        titles = [event.title for event in client.told(WarningRaised)]
        assert "The LocalCommand failed: exit status 4" in titles
        assert (await connection.ssh.run("echo up")).stdout == "up\n"


async def test_a_local_command_that_never_ends_ends_with_the_attempt(sshd: RealSshd) -> None:
    marker = sshd.folder / "running"
    command = f"echo $$ > {marker}; sleep 60"
    options = (("LocalCommand", command), ("PermitLocalCommand", "yes"))
    async with connecting(sshd.config_file, overrides=options) as client:
        attempt = asyncio.create_task(client.manager.lease("sshd", "test"))
        await until(lambda: marker.exists() and marker.read_text())
        attempt.cancel()
        await asyncio.wait([attempt])
        pid = int(marker.read_text())
        assert not psutil.pid_exists(pid)
        await until(lambda: not sshd.connections())


@pytest.mark.parametrize("option", ["LocalCommand", "ProxyCommand"])
async def test_a_token_that_does_not_exist_is_told(sshd: RealSshd, option: str) -> None:
    options = {option: "echo %q", "PermitLocalCommand": "yes"}
    with pytest.raises(ConfigError):
        async with using(sshd, **options):
            pass


# -- hostile words ----------------------------------------------------------------------------


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


# -- cancelling -------------------------------------------------------------------------------


@pytest.mark.parametrize("speaks", ["nothing", "slowly", "for ever"])
async def test_cancelling_a_server_that_holds_us_up_is_quick(sshd: RealSshd, speaks: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                if speaks == "slowly":
                    writer.write(b"x")
                elif speaks == "for ever":
                    writer.write(b"no greeting at all, but a line\r\n" * 3000)
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
            began = time.monotonic()
            attempt.cancel()
            await asyncio.wait([attempt])
            assert time.monotonic() - began < 0.2
            await ended.wait()


async def test_cancelling_a_silent_address_is_quick(
    sshd: RealSshd, silent: tuple[str, int]
) -> None:
    options = (("HostName", silent[0]), ("Port", str(silent[1])))
    async with connecting(sshd.config_file, overrides=options) as client:
        attempt = asyncio.create_task(client.manager.lease("sshd", "test"))
        await asyncio.wait([attempt], timeout=0.3)
        began = time.monotonic()
        attempt.cancel()
        await asyncio.wait([attempt])
        assert time.monotonic() - began < 0.2
