"""Accounts that are not as usual and have very many small files: shells, limits, other programs."""

import os
import shutil
from pathlib import Path

import pytest

from sshdash.sftp.bulk import stream, upload
from sshdash.states import TransferState
from tests.live.bulk_kit import answering, looks
from tests.live.bulk_kit import folders as folders
from tests.live.bulk_kit import told as told
from tests.live.file_kit import files_on, tree, unfinished
from tests.servers.sshd import RealSshd

ways = pytest.mark.parametrize("way", ["down", "up"])


def ends_of(way: str) -> tuple[str, str]:
    """Return source and target."""
    return ("sshd", "") if way == "down" else ("", "sshd")


@ways
@pytest.mark.parametrize(
    ("program", "commands"),
    [
        ("tcsh", 'exec tcsh -c "$asked"'),
        ("busybox", 'exec busybox sh -c "$asked"'),
        ("bash", 'exec bash -r -c "$asked"'),
        ("", 'umask 777; eval "$asked"'),
        ("", 'yes no >&2 & flood=$!; eval "$asked"; status=$?; kill $flood; exit $status'),
        ("", 'export TAR_OPTIONS=--strip-components=3 POSIXLY_CORRECT=1; eval "$asked"'),
    ],
)
async def test_shells_and_surroundings_change_nothing(
    folders: tuple[Path, Path],
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    way: str,
    program: str,
    commands: str,
) -> None:
    if program and shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    source, target = folders
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy(ends_of(way)[0], [source], ends_of(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert "in one stream" in told.text


@ways
@pytest.mark.parametrize(
    ("program", "commands"),
    [
        ("busybox", 'ln -s "$(command -v busybox)" tar; PATH=$PWD:$PATH; eval "$asked"'),
        ("bsdtar", 'ln -s "$(command -v bsdtar)" tar; PATH=$PWD:$PATH; eval "$asked"'),
        ("", 'exec >/dev/full; eval "$asked"'),
        ("", 'exec 2>&1; eval "$asked"; echo the end'),
        ("", 'eval "$asked"; exec tail -f /dev/null'),
    ],
)
async def test_programs_that_are_others_or_fail_are_done_without(
    folders: tuple[Path, Path],
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    program: str,
    commands: str,
) -> None:
    if program and shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    source, target = folders
    monkeypatch.setattr(stream, "PATIENCE", 1.0)
    monkeypatch.setattr(upload, "_UNPACKING", 1.0)
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy(ends_of(way)[0], [source], ends_of(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert "by SFTP" in told.text


@ways
@pytest.mark.parametrize(
    "options",
    [{"MaxSessions": "1"}, {"ChrootDirectory": "/", "ForceCommand": "internal-sftp"}],
    ids=["one session", "a chroot"],
)
async def test_accounts_without_commands_get_all_by_sftp(
    folders: tuple[Path, Path],
    told: pytest.LogCaptureFixture,
    way: str,
    options: dict[str, str],
) -> None:
    if "ChrootDirectory" in options and os.geteuid():
        pytest.skip("only root can have one")
    source, target = folders
    async with RealSshd(**options) as server, files_on(server.config_file) as files:
        done = await files.copy(ends_of(way)[0], [source], ends_of(way)[1], target)
        assert server.log.count("Accepted publickey") == 1
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert "by SFTP" in told.text
