"""Which folder a shell is in, asked of a real sshd over the shell's own connection."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshdash.errors import SessionError
from sshdash.terminal.session import ShellSession
from sshdash.terminal.shell_folder import parse_folders, shell_folder
from tests.live.shells import Shell, shell
from tests.servers.sshd import RealSshd

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")


@asynccontextmanager
async def beside(one: Shell) -> AsyncIterator[Shell]:
    """Open another shell on the same connection."""
    lease = await one.client.manager.lease(one.host, "shell")
    session = await ShellSession.open(lease, one.client.bus, columns=80, rows=24)
    try:
        yield Shell(session, one.client, one.host)
    finally:
        await session.close()


def folder(tmp_path: Path, name: str) -> Path:
    place = tmp_path / name
    place.mkdir()
    return place


@linux
async def test_each_of_several_shells_is_in_its_own_folder(sshd: RealSshd, tmp_path: Path) -> None:
    first, second = folder(tmp_path, "first one"), folder(tmp_path, "zwei\u00e4")
    async with shell(sshd.config_file) as one, beside(one) as other:
        await one.type(f"cd '{first}' && echo is $((40+2))")
        await one.shows("^is 42$")
        await other.type(f"cd '{second}' && echo is $((40+2))")
        await other.shows("^is 42$")
        sessions = [other.session, one.session]
        assert await shell_folder(one.session, sessions) == bytes(first)
        assert await shell_folder(other.session, sessions) == bytes(second)


@linux
async def test_a_shell_in_the_shell_counts(sshd: RealSshd, tmp_path: Path) -> None:
    inner = folder(tmp_path, "inner")
    async with shell(sshd.config_file) as one:
        await one.type(f"sh -ic 'cd {inner}; echo is $((40+2)); cat'")
        await one.shows("^is 42$")
        assert await shell_folder(one.session, [one.session]) == bytes(inner)


@linux
async def test_what_the_shell_says_needs_no_asking(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type(r"printf '\033]7;file://h/said/so\a'; echo is $((40+2))")
        await one.shows("^is 42$")
        assert await shell_folder(one.session, [one.session]) == b"/said/so"


@linux
async def test_more_terminals_than_shells_are_not_guessed_at(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one, beside(one) as other:
        await other.shows(r"sshd\$")
        with pytest.raises(SessionError) as caught:
            await shell_folder(one.session, [one.session])
        assert "2 terminals for 1 shell" in caught.value.detail


def test_what_is_no_answer_is_none() -> None:
    assert parse_folders(b"This account is not available.\n") is None
    assert parse_folders(b"") is None


def test_answers_are_read_in_the_order_in_which_shells_began() -> None:
    answer = b"motd\nfolders of shells\n20 /b c\nd\x009 /a\x00"
    assert parse_folders(answer) == [b"/a", b"/b c\nd"]
    assert parse_folders(b"folders of shells\nx /a\0") is None
