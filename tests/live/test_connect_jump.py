"""Jump hosts and proxy commands: every hop checked, every failure named by its hop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from sshdash.errors import (
    AuthenticationError,
    ConnectError,
    HostKeyError,
    UnreachableError,
)
from sshdash.events import ConnectionChanged
from sshdash.prompts import SecretQuestion
from sshdash.states import ConnectionState
from tests.live.connecting import connecting, until
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


class Chain:
    """Servers named ``a``, ``b``, ``c``, each reached through the one before."""

    def __init__(self, folder: Path, servers: list[LoopbackServer]) -> None:
        self.servers = servers
        self.config = folder / "chain"
        text = ""
        for at, server in enumerate(servers):
            jump = f"    ProxyJump {'abc'[at - 1]}\n" if at else ""
            text += server.config_file.read_text().replace(
                "Host loopback\n", f"Host {'abc'[at]}\n{jump}"
            )
        self.config.write_text(text)


@asynccontextmanager
async def chain(folder: Path, *faults: Faults) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(LoopbackServer(fault)) for fault in faults]
        yield Chain(folder, servers)


async def test_two_hops(tmp_path: Path) -> None:
    async with (
        chain(tmp_path, Faults(), Faults(), Faults()) as hops,
        connecting(hops.config) as client,
    ):
        assert await client.run("c", "echo ok") == "ok\n"
        assert client.manager.status("c").via == ("a", "b")
        assert client.manager.status("c").address == ""
        assert client.manager.status("b").leases == {"jump": 1}
        await client.run("a", "true")
        await client.run("b", "true")
        assert [server.accepted for server in hops.servers] == [1, 1, 1]
        assert hops.servers[1].forwards == [("127.0.0.1", hops.servers[2].port)]
        await client.manager.disconnect("c")
        assert client.manager.status("b").leases == {}


async def test_jump_list_on_one_line(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults(), Faults()) as hops:
        text = hops.config.read_text()
        text = text.replace("ProxyJump b", "ProxyJump a,b").replace("    ProxyJump a\n", "")
        hops.config.write_text(text)
        async with connecting(hops.config) as client:
            assert await client.run("c", "echo ok") == "ok\n"
            assert client.manager.status("c").via == ("a", "b")
            assert hops.servers[0].forwards == [("127.0.0.1", hops.servers[1].port)]
            assert await client.run("b", "echo direct") == "direct\n"
            assert hops.servers[1].accepted == 2


async def test_each_hop_asks_for_its_own_password(tmp_path: Path) -> None:
    faults = [Faults(public_key=False, password=word) for word in ("one", "two")]
    async with (
        chain(tmp_path, *faults) as hops,
        connecting(hops.config, ("one",), ("two",)) as client,
    ):
        assert await client.run("b", "echo ok") == "ok\n"
        hosts = [q.host for q in client.prompter.asked if isinstance(q, SecretQuestion)]
        assert hosts == ["a", "b"]


async def test_dead_hop_is_named(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults(), Faults()) as hops:
        await hops.servers[0].stop()
        async with connecting(hops.config) as client:
            with pytest.raises(UnreachableError) as caught:
                await client.manager.lease("c", "x")
            assert str(caught.value).startswith("c: via a: Connection refused")
            assert client.manager.status("c").state is ConnectionState.FAILED
            assert client.manager.status("a").state is ConnectionState.FAILED


async def test_hop_that_cannot_reach_the_next_is_named(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults(), Faults()) as hops:
        await hops.servers[2].stop()
        async with connecting(hops.config) as client:
            with pytest.raises(UnreachableError, match="b cannot reach it"):
                await client.manager.lease("c", "x")
            assert client.manager.status("b").state is ConnectionState.CONNECTED


async def test_hop_without_forwarding_is_explained(tmp_path: Path) -> None:
    async with (
        chain(tmp_path, Faults(forwarding=False), Faults()) as hops,
        connecting(hops.config) as client,
    ):
        with pytest.raises(UnreachableError) as caught:
            await client.manager.lease("b", "x")
        assert "AllowTcpForwarding" in caught.value.hint


async def test_hop_that_denies_the_login_is_named(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(public_key=False, password="x"), Faults()) as hops:
        hops.servers[0].faults.password = None
        async with connecting(hops.config) as client:
            with pytest.raises(AuthenticationError, match="via a: Permission denied"):
                await client.manager.lease("b", "x")


async def test_changed_key_of_a_hop_stops_everything(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults()) as hops:
        await hops.servers[0].change_host_key()
        async with connecting(hops.config) as client:
            with pytest.raises(HostKeyError, match="via a: HOST KEY CHANGED"):
                await client.manager.lease("b", "x")
        assert hops.servers[1].accepted == 0


async def test_lost_hop_takes_what_is_behind_with_it(tmp_path: Path) -> None:
    async with (
        chain(tmp_path, Faults(), Faults()) as hops,
        connecting(hops.config) as client,
    ):
        lease = await client.manager.lease("b", "shell")
        hops.servers[0].drop_connections()
        reason = await lease.connection.wait_lost()
        assert reason == "via a: the connection broke off"
        assert client.manager.status("a").state is ConnectionState.LOST
        assert client.manager.status("b").state is ConnectionState.LOST
        assert await client.run("b", "echo back") == "back\n"
        assert hops.servers[0].accepted == 2


async def test_disconnecting_a_hop_tells_those_behind_it(tmp_path: Path) -> None:
    async with (
        chain(tmp_path, Faults(), Faults()) as hops,
        connecting(hops.config) as client,
    ):
        lease = await client.manager.lease("b", "shell")
        await client.manager.disconnect("a")
        assert await lease.connection.wait_lost() == "via a: disconnected"
        assert client.manager.status("a").state is ConnectionState.IDLE
        assert client.manager.status("b").state is ConnectionState.LOST


async def test_a_circle_of_jumps_is_refused_with_its_path(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host a\n    ProxyJump b\nHost b\n    ProxyJump c\nHost c\n    ProxyJump a\n")
    async with connecting(config) as client:
        with pytest.raises(ConnectError) as caught:
            await client.manager.lease("a", "x")
        assert caught.value.detail == "a → b → c → a"
        results = await asyncio.gather(
            *(client.manager.lease(host, "x") for host in "abc"), return_exceptions=True
        )
        assert all(isinstance(result, ConnectError) for result in results)


async def test_command_line_options_are_for_the_target_alone(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults()) as hops:
        text = hops.config.read_text().replace("    ProxyJump a\n", "")
        hops.config.write_text(text)
        async with connecting(hops.config, overrides=(("ProxyJump", "a"),)) as client:
            assert await client.run("b", "echo ok") == "ok\n"
            assert client.manager.status("b").via == ("a",)


async def test_cancelling_the_target_while_a_hop_opens_leaves_nothing(tmp_path: Path) -> None:
    async with (
        chain(tmp_path, Faults(), Faults()) as hops,
        connecting(hops.config) as client,
    ):
        await client.run("a", "true")
        hops.servers[0].faults.open_delay = 0.3
        task = asyncio.create_task(client.manager.lease("b", "x"))
        await until(lambda: hops.servers[0].forwards)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert client.manager.status("b").state is ConnectionState.IDLE
        assert client.manager.status("a").leases == {}
        async with await client.manager.lease("a", "x") as lease:
            channels = lease.connection.ssh._channels
            await until(lambda: not channels)


# -- proxy commands ---------------------------------------------------------------------------


def with_proxy(server: RealSshd, command: str) -> Path:
    text = server.config_file.read_text()
    server.config_file.write_text(f"Host sshd\n    ProxyCommand {command}\n{text}")
    return server.config_file


def running(word: str) -> list[psutil.Process]:
    """Return our descendants whose command line has `word`."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if word in " ".join(child.cmdline()):
                found.append(child)
    return found


PIPE = (
    "python3 -c 'import socket,sys,os,threading;"
    "s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
    't=threading.Thread(target=lambda:[os.write(1,d) for d in iter(lambda:s.recv(65536),b"")],'
    'daemon=True);t.start();[s.sendall(d) for d in iter(lambda:os.read(0,65536),b"")]\''
)


async def test_proxy_command_runs_in_a_shell_and_is_collected(sshd: RealSshd) -> None:
    config = with_proxy(sshd, f"{PIPE} %h %p 2>/dev/null | cat")
    async with connecting(config) as client:
        assert await client.run("sshd", "head -c 3000000 /dev/zero | wc -c") == "3000000\n"
        assert client.manager.status("sshd").address == ""
    assert not running("create_connection")


async def test_proxy_command_that_fails_says_so(sshd: RealSshd) -> None:
    config = with_proxy(sshd, "sh -c 'printf \"no\\033[2J route\" >&2; exit 3'")
    async with connecting(config) as client:
        with pytest.raises(ConnectError) as caught:
            await client.manager.lease("sshd", "x")
        assert "exit status 3" in caught.value.detail
        assert "route" in caught.value.detail
        assert "\x1b" not in str(caught.value)


async def test_proxy_command_that_is_silent_times_out_and_is_killed(sshd: RealSshd) -> None:
    config = with_proxy(sshd, "sleep 98765")
    async with connecting(config, overrides=(("ConnectTimeout", "1"),)) as client:
        with pytest.raises(ConnectError):
            await client.manager.lease("sshd", "x")
    assert not running("98765")


async def test_proxy_command_that_dies_loses_the_connection(sshd: RealSshd) -> None:
    config = with_proxy(sshd, f"{PIPE} %h %p")
    async with connecting(config) as client:
        lease = await client.manager.lease("sshd", "x")
        (pipe,) = running("create_connection")
        pipe.kill()
        assert await lease.connection.wait_lost()
        assert client.manager.status("sshd").state is ConnectionState.LOST


async def test_events_of_a_chain_come_in_order(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        await client.run("inner", "true")
        told = [(event.host, event.new.value) for event in client.told(ConnectionChanged)]
        assert told == [
            ("inner", "connecting"),
            ("sshd", "connecting"),
            ("sshd", "connected"),
            ("inner", "connected"),
        ]


async def test_nothing_listens_behind_the_hop(sshd: RealSshd) -> None:
    port = free_port()
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f"Host inner\n    Port {port}\n{text}")
    async with connecting(sshd.config_file) as client:
        with pytest.raises(UnreachableError, match="sshd cannot reach it"):
            await client.manager.lease("inner", "x")


async def test_hops_end_with_the_last_who_went_through_them(tmp_path: Path) -> None:
    async with (
        chain(tmp_path, Faults(), Faults(), Faults()) as hops,
        connecting(hops.config) as client,
    ):
        manager = client.manager
        async with await manager.lease("c", "shell"):
            assert manager.status("a").leases == {"jump": 1}
        assert manager.status("c").state is ConnectionState.CONNECTED
        await manager.disconnect("c")
        await client.reaches("a", ConnectionState.IDLE)
        assert manager.status("b").state is ConnectionState.IDLE
        await until(lambda: not any(server.connections for server in hops.servers))


async def test_a_hop_that_was_asked_for_stays(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults()) as hops, connecting(hops.config) as client:
        manager = client.manager
        through = await manager.lease("b", "shell")
        async with await manager.lease("a", "files"):
            pass
        through.release()
        await manager.disconnect("b")
        assert manager.status("a").state is ConnectionState.CONNECTED
        assert manager.status("a").leases == {}
        assert await client.run("a", "echo still here") == "still here\n"


async def test_a_hop_serves_the_others_when_one_goes(tmp_path: Path) -> None:
    async with chain(tmp_path, Faults(), Faults(), Faults()) as hops:
        config = hops.config.read_text().replace("ProxyJump b", "ProxyJump a")
        hops.config.write_text(config)
        async with connecting(hops.config) as client:
            manager = client.manager
            first, second = await asyncio.gather(manager.lease("b", "x"), manager.lease("c", "x"))
            assert manager.status("a").leases == {"jump": 2}
            await manager.disconnect("b")
            assert manager.status("a").leases == {"jump": 1}
            assert second.connection.state is ConnectionState.CONNECTED
            assert hops.servers[0].accepted == 1
            first.release()
