"""KnownHostsCommand: run when ssh runs it, with the same arguments and the same consequences."""

import asyncio
from pathlib import Path

import psutil
import pytest

from sshdash.errors import UnreachableError
from sshdash.events import WarningRaised
from sshdash.prompts import HostKeyAnswer, HostKeyQuestion
from tests.live.connecting import connecting
from tests.live.hostkey_kit import Both, stranger
from tests.live.test_connect_trust import use
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

TOKENS = "%H|%I|%t|%f|%K|%u|%h|%n|%p|%r|%i|%L|%l|%k|%C|%%"


class Program:
    """A script that notes how it was called and says what is in `says`."""

    def __init__(self, folder: Path, body: str = "") -> None:
        self.path = folder / "program"
        self.calls = folder / "calls"
        self.says = folder / "says"
        self.says.write_text("")
        self.path.write_text(
            f'#!/bin/sh\nprintf "<%s>" "$@" >> {self.calls}\necho >> {self.calls}\n'
            f"cat {self.says}\n{body}\n"
        )
        self.path.chmod(0o700)

    def take_calls(self) -> list[str]:
        """Return how it was called since it was asked last."""
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return calls


@pytest.fixture
def both(sshd: RealSshd, tmp_path: Path) -> Both:
    return Both(sshd, tmp_path)


async def test_it_is_run_as_ssh_runs_it(both: Both, tmp_path: Path) -> None:
    program = Program(tmp_path)
    # OpenSSH before 9.3 asks for the order under the name without a port.
    names = f"127.0.0.1,{both.name}"
    program.says.write_text(f"# said\nx y\n{names} {both.keys()['ecdsa']}\n")
    command = f"{program.path} {TOKENS} 'two words' \"${{HOME}}\" # %I"
    theirs = await both.ssh(KnownHostsCommand=command, StrictHostKeyChecking="yes")
    called_by_ssh = program.take_calls()
    ours = await both.sshdash(KnownHostsCommand=command, StrictHostKeyChecking="yes")
    assert theirs.connected, theirs.said
    assert ours.connected, ours.said
    called_by_us = program.take_calls()
    assert called_by_us[0].startswith(f"<{both.name}|ORDER|NONE|NONE|NONE|")
    assert called_by_us[0].split("|")[1:] == called_by_ssh[0].split("|")[1:]
    assert called_by_us[1:] == called_by_ssh[1:]
    assert len(called_by_us) == 2
    assert "|HOSTNAME|ecdsa-sha2-nistp256|SHA256:" in called_by_ssh[1]
    assert "<two words>" in called_by_ssh[1]
    assert ours.known == theirs.known == []


@pytest.mark.parametrize(
    ("says", "more"),
    [
        ("", ""),
        ("{name} {ed25519}", ""),
        ("{name} {other}", ""),
        ("{name} {other}", "{name} {ed25519}"),
        ("{name} {ed25519}", "{name} {other}"),
        ("@revoked * {ed25519}", "{name} {ed25519}"),
        ("127.0.0.1 {ed25519}", ""),
        ("elsewhere {ed25519}", ""),
    ],
)
@pytest.mark.parametrize("strictness", ["yes", "accept-new", "no"])
async def test_what_it_says_counts_as_it_does_for_ssh(
    both: Both, tmp_path: Path, says: str, more: str, strictness: str
) -> None:
    program = Program(tmp_path)
    words = {"name": both.name, "other": stranger(), **both.keys()}
    program.says.write_text(says.format(**words) + "\n")
    both.text = f"{more.format(**words)}\n" if more else ""
    theirs, ours = await both.compare(
        KnownHostsCommand=f"{program.path} %I", StrictHostKeyChecking=strictness
    )
    assert ours.connected is theirs.connected, (theirs.said, ours.said)
    assert ours.known == theirs.known


@pytest.mark.parametrize("command", ["program %I", "/no/such/program", "{folder}", "{program} %X"])
async def test_a_command_that_cannot_be_run_says_nothing(
    both: Both, tmp_path: Path, command: str
) -> None:
    program = Program(tmp_path)
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    line = command.format(program=program.path, folder=tmp_path)
    theirs, ours = await both.compare(KnownHostsCommand=line)
    assert ours.connected is theirs.connected, (theirs.said, ours.said)
    if ours.connected:
        assert ours.client
        told = ours.client.told(WarningRaised)
        assert any("KnownHostsCommand cannot be run" in event.title for event in told)


@pytest.mark.parametrize("body", ["exit 1", "echo because >&2; exit 3", "kill -9 $$"])
async def test_a_command_that_fails_refuses_the_server(
    both: Both, tmp_path: Path, body: str
) -> None:
    program = Program(tmp_path, body)
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    theirs, ours = await both.compare(KnownHostsCommand=str(program.path))
    assert ours.connected is theirs.connected is False
    assert "KnownHostsCommand failed" in ours.said
    assert ("because" in ours.said) is ("because" in body)


async def test_what_it_says_on_stderr_is_told(both: Both, tmp_path: Path) -> None:
    program = Program(tmp_path, "echo 'the \x1b[31mlist is old' >&2")
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    ours = await both.sshdash(KnownHostsCommand=f"{program.path} %I")
    assert ours.connected
    assert ours.client
    said = [e.detail for e in ours.client.told(WarningRaised) if "says" in e.title]
    assert said
    assert set(said) == {"the \\x1b[31mlist is old"}


async def test_a_key_that_no_file_and_no_command_knows_is_asked_about(
    both: Both, tmp_path: Path
) -> None:
    program = Program(tmp_path)
    ours = await both.sshdash(HostKeyAnswer.ACCEPT, KnownHostsCommand=str(program.path))
    assert ours.connected
    assert ours.client
    (question,) = ours.client.prompter.asked
    assert isinstance(question, HostKeyQuestion)
    assert len(ours.known) == 1


async def test_a_command_that_hangs_ends_with_the_attempt(sshd: RealSshd, tmp_path: Path) -> None:
    program = Program(tmp_path)
    pid = tmp_path / "pid"
    program.path.write_text(f'#!/bin/sh\n[ "$1" = ORDER ] && exit\necho $$ > {pid}\nsleep 100\n')
    config = use(sshd, KnownHostsCommand=f"{program.path} %I")
    async with connecting(config) as client:
        lease = asyncio.create_task(client.manager.lease("sshd", "x"))
        async with asyncio.timeout(PATIENCE):
            while not (pid.exists() and pid.read_text().strip()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        lease.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lease
    number = int(pid.read_text())
    async with asyncio.timeout(PATIENCE):
        while _runs(number):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_connecttimeout_is_the_limit_for_a_command_too(
    sshd: RealSshd, tmp_path: Path
) -> None:
    program = Program(tmp_path)
    program.path.write_text('#!/bin/sh\n[ "$1" = ORDER ] && exit\nexec sleep 100\n')
    config = use(sshd, KnownHostsCommand=f"{program.path} %I", ConnectTimeout="1")
    async with connecting(config) as client:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(UnreachableError):
                await client.manager.lease("sshd", "x")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
