"""ChannelTimeout closes what is idle, and nothing else."""

import asyncio
import subprocess
import sys
import time

import pytest

from sshdash.connections.idle import IdleLimits
from tests.live.connecting import until
from tests.live.option_kit import using
from tests.live.shells import shell
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd


def test_the_first_pattern_that_matches_counts() -> None:
    limits = IdleLimits(["direct-*=5", "session=1m", "*=2h", "global=3"])
    assert [limits.of(kind) for kind in ("direct-tcpip", "session", "forwarded-tcpip")] == [
        5,
        60,
        7200,
    ]
    assert limits.of_all == 3
    assert IdleLimits(["*=9"]).of_all == 0
    assert not IdleLimits(["none"])
    assert not IdleLimits(["session=0"])


async def test_an_idle_shell_is_closed_and_says_why(sshd: RealSshd) -> None:
    async with shell(sshd.config_file, overrides=(("ChannelTimeout", "session=1"),)) as one:
        await one.shows(r"sshd\$\s*$")
        began = time.monotonic()
        one.session.write(b" ")  # it is idle from here on, not from what came before
        await one.ends()
        assert time.monotonic() - began > 0.8
        assert "ChannelTimeout" in one.session.exit_text


@pytest.mark.parametrize("timeout", ["session=1", "global=1"])
async def test_what_is_used_stays(sshd: RealSshd, timeout: str) -> None:
    async with using(sshd, ChannelTimeout=timeout) as (_, connection):
        ssh = connection.ssh
        one_way = await ssh.create_process("for i in 1 2 3 4 5 6; do echo $i; sleep 0.4; done")
        assert (await one_way.stdout.read()).split() == list("123456")
        idle = await ssh.create_process("cat")
        await asyncio.wait_for(idle.wait_closed(), PATIENCE)
        assert (await ssh.run("echo up")).stdout == "up\n"


def test_exec_ends_though_its_command_does_not(sshd: RealSshd) -> None:
    words = [sys.executable, "-m", "sshdash", "-F", str(sshd.config_file)]
    words += ["-o", "ChannelTimeout=session=1", "exec", "-n", "sshd", "sleep 60"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 255
    assert "ChannelTimeout" in done.stderr


async def test_each_type_has_its_own_time(sshd: RealSshd) -> None:
    async with using(sshd, ChannelTimeout="direct-tcpip=1") as (_, connection):
        ssh = connection.ssh
        shell_like = await ssh.create_process("sleep 60")
        began = time.monotonic()
        reader, _ = await ssh.open_connection("127.0.0.1", sshd.port)
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        assert await reader.read() == b""
        assert time.monotonic() - began > 0.8
        assert not shell_like.is_closing()
        await until(lambda: len(ssh._bulk) == 1)
