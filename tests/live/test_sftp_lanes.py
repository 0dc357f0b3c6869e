"""A large upload over a long line goes through several sessions of one connection."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshdash.connections.transport.channels import DirectChannel
from sshdash.sftp import further
from sshdash.sftp.answers import Asked
from sshdash.sftp.further import Further
from sshdash.sftp.messages import Open
from sshdash.sftp.opening import open_session
from sshdash.sftp.protocol import HandleProtocol
from sshdash.states import TransferState
from tests.live.connecting import connecting, until
from tests.live.file_kit import files_on, unfinished
from tests.live.test_sftp_faults import SFTP_SERVERS, file_servers, until_some_arrived
from tests.patience import PATIENCE
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

LARGE = 24_000_000
LONG = 0.030
"""Seconds one way: a round trip that is worth four lanes."""
SFTP = "Starting session: subsystem 'sftp'"


@asynccontextmanager
async def long_line(server: RealSshd, delay: float = LONG) -> AsyncIterator[tuple[Proxy, Path]]:
    """Put a delay before a server and return it with a configuration that goes through it."""
    async with Proxy(server.port, delay=delay) as proxy:
        config = server.folder / "long_config"
        text = server.config_file.read_text().replace(f"Port {server.port}", f"Port {proxy.port}")
        config.write_text(text + f"    HostKeyAlias [127.0.0.1]:{server.port}\n")
        config.chmod(0o600)
        yield proxy, config


@pytest.fixture
def large(tmp_path: Path) -> tuple[Path, Path]:
    """Return a large file and an empty target folder."""
    source, target = tmp_path / "large", tmp_path / "target"
    source.write_bytes(os.urandom(LARGE))
    source.chmod(0o640)
    os.utime(source, (1_100_000_000, 1_100_000_000))
    target.mkdir()
    return source, target


async def test_it_arrives_whole_by_more_sessions_of_one_connection(
    sshd: RealSshd, large: tuple[Path, Path]
) -> None:
    source, target = large
    async with long_line(sshd) as (_, config), files_on(config) as files:
        done = await files.copy("", [source], "sshd", target, verify=True)
    assert done.state is TransferState.DONE, done.errors
    copied = target / "large"
    assert copied.read_bytes() == source.read_bytes()
    assert (copied.stat().st_mode, copied.stat().st_mtime) == (0o100640, 1_100_000_000)
    assert not unfinished(target)
    assert sshd.log.count("Accepted publickey") == 1
    assert sshd.log.count(SFTP) >= 4


async def test_several_large_files_share_them_and_a_limit_that_comes_later(
    sshd: RealSshd, large: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = large
    others = [tmp_path / "second", tmp_path / "third"]
    for other in others:
        other.write_bytes(os.urandom(LARGE))
    async with long_line(sshd) as (_, config), files_on(config) as files:
        job = files.submit("", [source, *others], "sshd", target)
        await until_some_arrived(files, job, least=LARGE)
        files.queue.limit(30_000_000, job)
        files.queue.limit(20_000_000)
        done = await files.queue.wait(job)
    assert done.state is TransferState.DONE, done.errors
    for path in (source, *others):
        assert (target / path.name).read_bytes() == path.read_bytes()
    assert not unfinished(target)
    assert sshd.log.count("Accepted publickey") == 1
    # Four lanes, and one for what is written to the disk, which each file that ends while it is
    # being opened takes along.
    assert 4 <= sshd.log.count(SFTP) <= 4 + len([source, *others])


async def test_a_short_line_needs_no_more(
    sshd: RealSshd, large: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = large
    # A busy machine takes its time to answer itself, too.
    monkeypatch.setattr(further, "_LONG", 0.5)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert sshd.log.count(SFTP) == 1


@pytest.mark.parametrize("near", [True, False])
async def test_a_near_server_is_given_no_more_at_once_than_helps_it(
    sshd: RealSshd, large: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, near: bool
) -> None:
    source, target = large
    monkeypatch.setattr(further, "_SHORT", 10.0 if near else 0.0)
    narrow, asked = DirectChannel.narrow, []

    def narrowed(channel: DirectChannel, most: int) -> None:
        asked.append(most)
        narrow(channel, most)
        assert channel._send_window <= most

    monkeypatch.setattr(DirectChannel, "narrow", narrowed)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert (target / "large").read_bytes() == source.read_bytes()
    assert asked == [1024 * 1024] * near


@pytest.mark.parametrize("sessions", ["1", "2", "3"])
async def test_a_server_that_takes_few_sessions_gets_it_by_those(
    large: tuple[Path, Path], sessions: str
) -> None:
    source, target = large
    async with (
        RealSshd(MaxSessions=sessions) as server,
        long_line(server) as (_, config),
        files_on(config) as files,
    ):
        done = await files.copy("", [source], "sshd", target)
        assert server.log.count("Accepted publickey") == 1
    assert done.state is TransferState.DONE, done.errors
    assert (target / "large").read_bytes() == source.read_bytes()
    assert not unfinished(target)


@pytest.mark.parametrize("fault", ["cut", "kill"])
async def test_what_was_spread_is_gone_on_with(
    sshd: RealSshd, large: tuple[Path, Path], tmp_path: Path, fault: str
) -> None:
    source, target = large
    async with (
        long_line(sshd) as (proxy, config),
        files_on(config, kept=tmp_path / "kept") as files,
    ):
        proxy.rate = 20_000_000
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, LARGE // 2)
        (proxy.cut if fault == "cut" else sshd.kill_connections)()
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.cut_off, done
        (part,) = unfinished(target)
        assert (target / os.fsdecode(part)).stat().st_size
        proxy.rate = 0
        sent = proxy.bytes_up
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.DONE, done.errors
        assert (target / "large").read_bytes() == source.read_bytes()
        assert proxy.bytes_up - sent < LARGE * 9 // 10, done
        assert not unfinished(target)


async def test_a_slow_copy_loses_little_when_it_is_paused(
    sshd: RealSshd, large: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = large
    async with (
        long_line(sshd) as (_, config),
        files_on(config, kept=tmp_path / "kept") as files,
    ):
        files.queue.limit(4_000_000)
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, LARGE // 4)
        files.queue.pause(job)
        async with asyncio.timeout(PATIENCE):
            while (now := files.queue.snapshot(job)).current:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert now.state is TransferState.PAUSED
        assert now.bytes_done > LARGE // 5, "what had arrived has no large gaps"
        files.queue.limit(0)
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
    assert done.state is TransferState.DONE, done.errors
    assert (target / "large").read_bytes() == source.read_bytes()


async def test_it_arrives_whole_over_a_line_that_is_cut_at_random(
    sshd: RealSshd, large: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = large
    dice = random.Random(7)
    async with (
        long_line(sshd, 0.012) as (proxy, config),
        files_on(config, kept=tmp_path / "kept") as files,
    ):
        proxy.cut_after(dice.randrange(1_000_000, 9_000_000))
        job = files.submit("", [source], "sshd", target)
        for _ in range(8):
            async with asyncio.timeout(PATIENCE):
                done = await files.queue.wait(job)
            if done.state is TransferState.DONE:
                break
            assert done.cut_off, done
            proxy.cut_after(dice.randrange(9_000_000, 15_000_000))
            files.queue.retry(job)
    assert done.state is TransferState.DONE, done.errors
    assert (target / "large").read_bytes() == source.read_bytes()
    assert not unfinished(target)


async def test_a_session_that_ended_by_itself_is_opened_anew(sshd: RealSshd) -> None:
    async with (
        long_line(sshd) as (_, config),
        connecting(config) as client,
        await client.manager.lease("sshd", "files") as lease,
    ):
        first, _ = await open_session(lease)
        further = Further(first)
        try:
            lanes = await further.lanes(LARGE)
            lanes[0].protocol.wire.close()
            (await further.helper()).protocol.wire.close()
            again, helper = await further.lanes(LARGE), await further.helper()
            assert len(again) == len(lanes)
            assert not any(one.protocol.wire.closed for one in (helper, *again))
        finally:
            first.protocol.wire.close()
            further.close()


async def test_sessions_that_die_while_they_write_are_done_without(
    large: tuple[Path, Path],
) -> None:
    source, target = large
    source.write_bytes(os.urandom(2 * LARGE))
    program = next((one for one in SFTP_SERVERS if one.exists()), None)
    if program is None:
        pytest.skip("this system has no sftp-server program")
    async with (
        RealSshd(subsystem=str(program)) as server,
        long_line(server) as (_, config),
        files_on(config) as files,
    ):
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, least=LARGE // 2)
        await until(lambda: len(file_servers(server, program)) >= 4)
        servers = file_servers(server, program)
        for further_one in servers[1:]:
            further_one.kill()
        done = await files.queue.wait(job)
    assert done.state is TransferState.DONE, (done.reason, done.errors)
    assert (target / "large").read_bytes() == source.read_bytes()
    assert not unfinished(target)


async def test_a_server_that_opens_a_file_once_only_gets_it_by_one(
    sshd: RealSshd, large: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = large
    opened = HandleProtocol.open_file

    def once_only(
        protocol: HandleProtocol, path: bytes, flags: int, mode: int | None = None
    ) -> Asked[bytes]:
        return opened(protocol, path + b" in use" if flags == Open.WRITE else path, flags, mode)

    monkeypatch.setattr(HandleProtocol, "open_file", once_only)
    async with long_line(sshd) as (_, config), files_on(config) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert (target / "large").read_bytes() == source.read_bytes()
    assert sshd.log.count(SFTP) >= 4
