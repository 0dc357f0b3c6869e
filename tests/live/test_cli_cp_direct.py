"""``sshdash cp --direct``: one real server's scp copies to another, with a lent real agent."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.live.auth_kit import replace, running_agent
from tests.live.connecting import until
from tests.live.file_kit import tree
from tests.live.test_cli_cp import cp, start
from tests.servers.agents import RealAgent
from tests.servers.programs import require
from tests.servers.sshd import RealSshd

NAME = b'it\'s $(touch gone) `x` "y"\n\\ \xff*:z'


@dataclass
class Two:
    """Two servers, the agent, and the folder on the first one that is to be copied."""

    first: RealSshd
    second: RealSshd
    agent: RealAgent
    trusts: Path
    """The first one's own known_hosts."""
    config: Path

    @property
    def source(self) -> Path:
        """What is copied."""
        return self.first.home / "tree"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """Run two servers; the first one's scp has a configuration of its own."""
    scp = require("scp")
    first, second = RealSshd(), RealSshd()
    tools, trusts = tmp_path / "tools", tmp_path / "known_hosts"
    tools.mkdir()
    own = tmp_path / "own_config"
    own.write_text(f"UserKnownHostsFile {trusts}\nGlobalKnownHostsFile /dev/null\n")
    (tools / "scp").write_text(f'#!/bin/sh\nexec {shutil.which(scp)} -F {own} "$@"\n')
    (tools / "scp").chmod(0o755)
    first.options["setenv"] = f"HOME={first.home} PATH={tools}:{os.environ['PATH']}"
    first.start()
    second.start()
    shutil.copy(second.known_hosts, trusts)
    with running_agent() as agent:
        agent.add(first.identity, second.identity)
        config = replace(first, IdentityAgent=agent.path)
        config.write_text(
            f"{config.read_text()}\n"
            f"Host second\n    HostName 127.0.0.1\n    Port {second.port}\n"
            f"    User {second.user}\n    UserKnownHostsFile {second.known_hosts}\n"
            f"Host behind\n    HostName 127.0.0.1\n    Port {second.port}\n"
            f"    User {second.user}\n    ProxyJump sshd\n"
        )
        made = first.home / "tree" / "deep"
        made.mkdir(parents=True)
        Path(os.fsdecode(bytes(made) + b"/" + NAME)).write_bytes(os.urandom(300_000))
        (made / "script").write_text("x")
        (made / "script").chmod(0o750)
        os.utime(made / "script", (10**9, 10**9))
        yield Two(first, second, agent, trusts, config)
    first.close()
    second.close()


async def test_a_tree_goes_from_one_host_to_another_by_its_own_scp(two: Two) -> None:
    target = b"to " + NAME
    done = await cp(
        two.config, "--direct", "-r", "-p", "sshd:tree", f"second:{os.fsdecode(target)}"
    )
    assert done.status == 0, done.errors
    copied = Path(os.fsdecode(bytes(two.second.home) + b"/" + target))
    assert tree(copied) == tree(two.source)
    script = (copied / "deep" / "script").stat()
    assert (script.st_mode & 0o777, script.st_mtime) == (0o750, 10**9)
    assert "without telling how far it is" in done.errors
    assert not (two.first.home / "gone").exists()
    assert not (two.second.home / "gone").exists()


async def test_a_pattern_names_several_and_a_missing_file_is_told(two: Two) -> None:
    (two.second.home / "into").mkdir()
    done = await cp(two.config, "--direct", "-q", "sshd:tree/deep/s*", "second:into")
    assert done.status == 0, done.errors
    assert "sshd copies to" not in done.errors
    assert os.listdir(two.second.home / "into") == ["script"]
    done = await cp(two.config, "--direct", "sshd:missing", "second:into")
    assert done.status == 1
    assert "sshdash: sshd: " in done.errors
    assert "No such file" in done.errors


async def test_when_it_is_ended_the_copy_there_ends_too(two: Two) -> None:
    (two.source / "large").write_bytes(bytes(1_000_000))
    copied = two.second.home / "large"
    words = ("--direct", "-l", "80kbit/s", "sshd:tree/large", "second:large")
    process = await start(two.config, *words)
    await until(copied.exists)
    running = [one for one in psutil.process_iter() if str(two.trusts.parent) in _command(one)]
    assert running
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 143
    await until(lambda: not any(one.is_running() and _command(one) for one in running))
    assert copied.stat().st_size < 1_000_000


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


async def test_the_first_host_decides_whether_it_trusts_the_second(two: Two) -> None:
    two.trusts.write_text("")
    done = await cp(two.config, "--direct", "-r", "sshd:tree", "second:")
    assert done.status == 1
    assert "Host key verification failed" in done.errors
    assert "sshd does not know the key of second" in done.errors
    assert not (two.second.home / "tree").exists()


async def test_without_an_agent_nothing_is_tried(two: Two) -> None:
    two.agent.close()
    replace(two.first, IdentityAgent="none")
    done = await cp(two.config, "--direct", "-r", "sshd:tree", "second:")
    assert done.status == 1
    assert "There is no agent to lend" in done.errors


async def test_a_server_that_forwards_no_agent_says_so(two: Two) -> None:
    two.first.options["allowagentforwarding"] = "no"
    two.first.restart()
    replace(two.first, IdentityAgent=two.agent.path)
    done = await cp(two.config, "--direct", "-r", "sshd:tree", "second:")
    assert done.status == 1
    assert "AllowAgentForwarding" in done.errors


async def test_a_host_behind_a_jump_host_is_not_gone_to_unasked(two: Two) -> None:
    done = await cp(two.config, "--direct", "-r", "sshd:tree", "behind:")
    assert done.status == 1
    assert "From here behind is reached through a jump host" in done.errors
    assert not (two.second.home / "tree").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--checksum", "sshd:a", "second:"),
        ("--resume", "sshd:a", "second:"),
        ("--on-conflict", "skip", "sshd:a", "second:"),
        ("--json", "sshd:a", "second:"),
        ("sshd:a", "here"),
        ("sshd:a", "sshd:b"),
        ("sshd:a", "other:b", "second:"),
    ],
)
async def test_what_it_cannot_keep_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    config = tmp_path / "config"
    config.write_text("")
    done = await cp(config, "--direct", *words)
    assert done.status == 2
    assert "--direct" in done.errors
