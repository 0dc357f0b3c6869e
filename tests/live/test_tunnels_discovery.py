"""What listens on a host, asked over its connection: a real sshd, and servers that lie."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import ConnectionLost, SessionError, UnreachableError
from sshdash.tunnels.discover import discovery
from sshdash.tunnels.discover.discovery import discover
from sshdash.tunnels.discover.listening import Discovered
from sshdash.tunnels.discover.socket_tables import HEAD
from tests.live.connecting import connecting, until
from tests.live.tunnel_kit import echo, target
from tests.patience import PATIENCE
from tests.servers import loopback
from tests.servers.loopback import LoopbackServer
from tests.servers.sshd import RealSshd

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks ss and /proc")

Serve = Callable[["asyncssh.SSHServerProcess[bytes]"], Awaitable[None]]


async def asked(config: Path | str, host: str) -> Discovered:
    async with connecting(config) as client, await client.manager.lease(host, "discovery") as lease:
        return await discover(lease)


@linux
async def test_what_listens_is_found_and_the_sshd_is_marked(sshd: RealSshd) -> None:
    async with target(echo) as port:
        found = await asked(sshd.config_file, "sshd")
    assert found.complete
    assert found.via
    (ours,) = [one for one in found.listening if one.port == port]
    assert (ours.where, ours.target, ours.is_loopback) == ("localhost", "127.0.0.1", True)
    if found.via == ("ss",):
        assert ours.pid == os.getpid()
        assert ours.process.startswith("py")
    assert [one.port for one in found.listening if one.carries_us] == [sshd.port]


@linux
async def test_twins_of_ipv4_and_ipv6_are_one(sshd: RealSshd) -> None:
    with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
        four.bind(("127.0.0.1", 0))
        try:
            six.bind(("::1", four.getsockname()[1]))
        except OSError:
            pytest.skip("there is no IPv6 here, or that port of it is taken")
        four.listen()
        six.listen()
        found = await asked(sshd.config_file, "sshd")
        (both,) = [one for one in found.listening if one.port == four.getsockname()[1]]
    assert both.addresses == ("127.0.0.1", "::1")
    assert both.target == "localhost"


@linux
async def test_without_ss_and_netstat_the_kernel_tells(
    sshd: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("grep", "sh"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    script = discovery._SCRIPT.replace(
        b"PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin;", b"PATH=%b;" % bytes(tmp_path)
    )
    monkeypatch.setattr(discovery, "_SCRIPT", script)
    async with target(echo) as port:
        found = await asked(sshd.config_file, "sshd")
    assert found.via == ("/proc/net/tcp",)
    (ours,) = [one for one in found.listening if one.port == port]
    assert (ours.addresses, ours.process, ours.pid) == (("127.0.0.1",), "", None)
    assert found.hides_processes


async def test_a_host_that_has_nothing_to_ask_says_what_to_do(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_SCRIPT", b"echo 'listening sockets'; echo @end\n")
    with pytest.raises(SessionError) as caught:
        await asked(sshd.config_file, "sshd")
    assert "neither ss" in caught.value.detail
    assert "iproute2" in caught.value.hint


@pytest.fixture
async def serving(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Serve], str]]:
    """Return what makes sessions of a loopback server run a handler; gives its configuration."""
    async with LoopbackServer() as server:

        def serve(handler: Serve) -> str:
            async def session(process: "asyncssh.SSHServerProcess[bytes]", account: object) -> None:
                try:
                    await handler(process)
                except (BrokenPipeError, asyncssh.Error, ConnectionError):
                    return

            monkeypatch.setattr(loopback, "serve_session", session)
            return str(server.config_file)

        yield serve


def _line(number: int) -> bytes:
    address = b"10.%d.%d.%d" % (number >> 16 & 255, number >> 8 & 255, number & 255)
    return b'LISTEN 0 1 %b:80 0.0.0.0:* users:(("\x1b[2J",pid=%d,fd=1))\n' % (address, number)


async def test_an_endless_answer_is_read_up_to_a_limit(
    serving: Callable[[Serve], str],
) -> None:
    stopped = asyncio.Event()

    async def endless(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.stdout.write(HEAD + b"@ss\n")
        number = 0
        try:
            while True:
                process.stdout.write(b"".join(_line(number + more) for more in range(20)))
                number += 20
                await process.stdout.drain()
        finally:
            stopped.set()

    found = await asked(serving(endless), "loopback")
    assert not found.complete
    assert len(found.listening) == 1000
    assert found.listening[0].process == r"\x1b[2J"
    await asyncio.wait_for(stopped.wait(), PATIENCE)


async def test_a_million_lines_of_nothing_leave_the_connection_well(
    serving: Callable[[Serve], str],
) -> None:
    async def many(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        if process.command != "sh":
            process.stdout.write(b"well")
            process.exit(0)
            return
        process.stdout.write(HEAD)
        for _ in range(1000):
            process.stdout.write(b"\x1b]0;x\x07\n" * 1000)
            await process.stdout.drain()
        process.exit(0)

    async with connecting(serving(many)) as client:
        async with await client.manager.lease("loopback", "discovery") as lease:
            with pytest.raises(SessionError):
                await discover(lease)
            channels = lease.connection.ssh._channels
            await until(lambda: not channels)
        assert await client.run("loopback", "are you") == "well"


async def test_an_account_without_a_shell_is_quoted(serving: Callable[[Serve], str]) -> None:
    async def refuse(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.stdout.write(b"This account is \x1b[31mnot\x1b[m available.\n")
        process.exit(1)

    with pytest.raises(SessionError) as caught:
        await asked(serving(refuse), "loopback")
    assert r"This account is \x1b[31mnot\x1b[m available." in caught.value.detail
    assert "by its port" in caught.value.hint


async def test_a_host_that_never_answers_is_given_up(
    serving: Callable[[Serve], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_SECONDS", 0.3)

    async def silent(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        await process.channel.wait_closed()

    with pytest.raises(SessionError, match="cannot be told") as caught:
        await asked(serving(silent), "loopback")
    assert "no answer within" in caught.value.detail


async def test_a_connection_lost_meanwhile_is_told_as_that(
    serving: Callable[[Serve], str],
) -> None:
    async def vanish(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.stdout.write(HEAD)
        await process.stdout.drain()
        process.channel.get_connection().abort()

    with pytest.raises((ConnectionLost, UnreachableError)):
        await asked(serving(vanish), "loopback")


async def test_who_gives_up_leaves_no_channel(serving: Callable[[Serve], str]) -> None:
    begun = asyncio.Event()

    async def silent(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        begun.set()
        await process.channel.wait_closed()

    async with (
        connecting(serving(silent)) as client,
        await client.manager.lease("loopback", "discovery") as lease,
    ):
        asking = asyncio.ensure_future(discover(lease))
        await begun.wait()
        asking.cancel()
        await asyncio.wait((asking,))
        assert asking.cancelled()
        channels = lease.connection.ssh._channels
        await until(lambda: not channels)
