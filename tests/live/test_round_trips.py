"""How often a far server is waited for, counted on the way there, not timed."""

import asyncio
import sys
from pathlib import Path

import pytest

from sshdash.errors import AuthenticationError
from tests.live.auth_kit import new_key, replace, running_agent, secrets, use
from tests.live.connecting import connecting
from tests.live.outage_kit import through
from tests.patience import PATIENCE
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

pytestmark = pytest.mark.alone  # what is sent later than it could be counts as an answer

FAR = 0.15
"""Seconds one way: much more than anything takes here."""
LOGIN = 4
"""Two for the key exchange, one for the methods that the server takes, one for the key."""
BEGUN = LOGIN - 1
"""Where the server is greeted while the command still starts."""


async def test_a_login_with_the_only_key(sshd: RealSshd, tmp_path: Path) -> None:
    async with (
        Proxy(sshd.port, delay=FAR) as proxy,
        connecting(through(sshd, proxy, tmp_path)) as client,
        await client.manager.lease("sshd", "test"),
    ):
        assert proxy.round_trips == LOGIN
    assert "Postponed publickey" not in sshd.log


async def test_several_keys_are_asked_about_first(sshd: RealSshd, tmp_path: Path) -> None:
    new_key(tmp_path / "other")
    use(sshd, IdentityFile=tmp_path / "other")
    async with (
        Proxy(sshd.port, delay=FAR) as proxy,
        connecting(through(sshd, proxy, tmp_path)) as client,
        await client.manager.lease("sshd", "test"),
    ):
        assert proxy.round_trips == LOGIN + 2
    assert "Postponed publickey" in sshd.log


async def test_nobody_types_a_passphrase_for_the_only_key_in_vain(
    sshd: RealSshd, tmp_path: Path
) -> None:
    key = new_key(tmp_path / "locked", "ed25519", "open sesame", "-a", "4")
    async with connecting(replace(sshd, IdentityFile=key), ("open sesame",)) as client:
        with pytest.raises(AuthenticationError):
            await client.manager.lease("sshd", "test")
        assert not secrets(client)


async def test_nobody_is_asked_about_the_agent_for_a_key_that_is_refused(
    sshd: RealSshd, tmp_path: Path
) -> None:
    key = new_key(tmp_path / "other")
    with running_agent() as agent:
        replace(sshd, IdentityFile=key, IdentityAgent=agent.path)
        async with connecting(use(sshd, AddKeysToAgent="ask")) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("sshd", "test")
            assert not client.prompter.asked


def furnish(folder: Path) -> Path:
    """Make a tree of two levels with a few files."""
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            (folder / name / f"file-{number}").write_bytes(b"%d" % number * 1000)
    return folder


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return what is below a folder: the files, and when everything changed last."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else b"",
            int(path.stat().st_mtime),
        )
        for path in (folder, *folder.rglob("*"))
    }


async def round_trips(sshd: RealSshd, here: Path, source: Path, copy: Path, up: bool) -> int:
    """Copy a tree to the folder `to`, and return how often the server was waited for."""
    copy.parent.mkdir()
    words = (source, "sshd:to") if up else (f"sshd:{source.name}", copy.parent)
    async with Proxy(sshd.port, delay=FAR) as proxy:
        config = through(sshd, proxy, here)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sshdash", "-F", config, "cp", "-q", "-r", "-p", *words)
        )
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        found = proxy.round_trips
    assert contents(copy) == contents(source)
    return found


@pytest.mark.parametrize(
    ("up", "most"),
    [
        # Channel, subsystem, greeting and looks; folders and files are opened, written, named; end.
        (True, BEGUN + 2 + 1 + 3 + 1),
        # Likewise; a list, what is in it opened and listed; files opened, read; end.
        (False, BEGUN + 2 + 1 + 3 + 2 + 1),
    ],
)
async def test_a_tree_is_copied(sshd: RealSshd, tmp_path: Path, up: bool, most: int) -> None:
    source = furnish(tmp_path / "tree" if up else sshd.home / "tree")
    copy = sshd.home / "to" / "tree" if up else tmp_path / "to" / "tree"
    assert await round_trips(sshd, tmp_path, source, copy, up) <= most


@pytest.mark.parametrize(
    ("up", "most"),
    [
        # Channels, programs, greeting and looks; the folder and all files; their names; end.
        (True, BEGUN + 2 + 1 + 1 + 1 + 1),
        # Likewise; a list; what is in it opened and listed, a program meanwhile; files; end.
        (False, BEGUN + 2 + 1 + 3 + 1 + 2),
    ],
)
async def test_very_many_small_files_are_copied(
    sshd: RealSshd, tmp_path: Path, up: bool, most: int
) -> None:
    source = tmp_path / "tree" if up else sshd.home / "tree"
    for number in range(600):
        path = source / f"folder-{number % 5}" / f"file-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    copy = sshd.home / "to" / "tree" if up else tmp_path / "to" / "tree"
    assert await round_trips(sshd, tmp_path, source, copy, up) <= most
