"""New folders of small files that go to a host in one stream of tar."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sshdash.sftp.bulk import staging, stream
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import TransferSnapshot
from sshdash.sftp.partial import remove_parts
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.states import TransferState
from tests.live.bulk_kit import (
    MORE,
    UP_BY_SFTP,
    WENT_IN_BULK,
    answering,
    files_below,
    furnish,
    looks,
)
from tests.live.bulk_kit import folders as folders
from tests.live.bulk_kit import told as told
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_cli_cp import cp
from tests.live.test_sftp_bulk_crashes import around
from tests.live.test_sftp_faults import slow_line, until_some_arrived
from tests.live.test_sftp_faults import small_disk as small_disk
from tests.patience import PATIENCE
from tests.servers.loopback import LoopbackServer
from tests.servers.sshd import RealSshd


async def test_a_tree_goes_up_whole_and_mostly_in_bulk(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    (source / "large").write_bytes(os.urandom(300_000))
    (source / "link").symlink_to("large")
    (source / "empty" / "deeper").mkdir(parents=True)
    (source / "empty").chmod(0o3750)
    (source / "read-only").mkdir()
    (source / "read-only" / "file").write_bytes(b"x")
    (source / "read-only").chmod(0o555)
    os.utime(source / "empty", (1_100_000_000, 1_100_000_000))
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    (source / "empty").chmod(0o1750)  # never setgid
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]
    assert WENT_IN_BULK in told.text
    assert UP_BY_SFTP not in told.text
    assert done.files_done == done.files_total
    assert done.bytes_done == sum(
        path.stat().st_size
        for path in source.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


@pytest.mark.parametrize(
    "commands",
    [
        "echo Welcome to this host",
        "exit 0",
        "printf 'ready to unpack'; cat >/dev/null",
        "cat",
        'echo a word first; eval "$asked"',
        'eval "$asked" | head -c 2000',
        'head -c 200000 | eval "$asked"',
        'eval "$asked"; kill -9 $$',
        'eval "$asked"; echo and more',
        'mkdir bin; printf "#!/bin/sh\\necho bsdtar 3.6\\n" >bin/tar; chmod +x bin/tar\n'
        'PATH=$PWD/bin:$PATH; eval "$asked"',
        'mkdir bin; printf "#!/bin/sh\\nexit 1\\n" >bin/find; chmod +x bin/find\n'
        'PATH=$PWD/bin:$PATH; eval "$asked"',
    ],
)
async def test_a_host_that_does_something_else_gets_all_by_sftp(
    folders: tuple[Path, Path],
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    commands: str,
) -> None:
    source, target = folders
    monkeypatch.setattr(stream, "FIRST", 1.0)
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]
    assert UP_BY_SFTP in told.text


async def test_what_changes_before_it_is_read_is_sent_as_it_is_then(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = folders
    below = source / "folder 0" / "below"

    def change() -> None:
        (below / "0").write_text("changed")
        (below / "7").unlink(missing_ok=True)
        (below / "14").chmod(0)
        (below / "21").touch()

    around(monkeypatch, RemoteFilesystem, "mkdir", "before", change)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    (error,) = done.errors
    assert error.path.endswith("folder 0/below/7")
    assert tree(target / "source") == tree(source)
    touched = "folder 0/below/21"
    assert looks(target / "source")[touched] == looks(source)[touched]
    assert WENT_IN_BULK in told.text


@pytest.mark.parametrize("whole", [True, False])
async def test_a_folder_that_appears_at_the_target_is_left_alone(
    folders: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture, whole: bool
) -> None:
    source, target = folders
    if whole:
        shutil.rmtree(source / "odd")
    os.utime(source, (1_100_000_000, 1_100_000_000))
    mine = target / "source"
    commands = 'mkdir -m 700 target/source; echo mine >target/source/mine; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.errors
    assert tree(mine).keys() == {b"mine"}
    assert mine.stat().st_mode & 0o777 == 0o700
    assert mine.stat().st_mtime != source.stat().st_mtime
    assert os.listdir(target) == ["source"]
    assert UP_BY_SFTP in told.text


@pytest.mark.parametrize(("mode", "early"), [(0o755, True), (0o555, False), (0o333, False)])
async def test_what_could_not_be_removed_gets_its_modes_only_with_its_name(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    early: bool,
) -> None:
    source, target = folders
    shutil.rmtree(source / "odd")
    (source / "folder 3" / "below").chmod(mode)
    wanted = looks(source)
    finished: list[bytes] = []
    real = RemoteFilesystem.set_attributes

    async def set_attributes(self: RemoteFilesystem, path: bytes, *rest: Any) -> None:
        finished.append(path)
        await real(self, path, *rest)

    monkeypatch.setattr(RemoteFilesystem, "set_attributes", set_attributes)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert any(b".sshdash-" in path for path in finished) == early
    assert looks(target / "source") == wanted
    assert WENT_IN_BULK in told.text


@pytest.mark.parametrize("files", ["many", "few"])
@pytest.mark.parametrize("sessions", [10, 1])
async def test_what_a_cp_starts_with_its_login_takes_no_session_from_its_files(
    folders: tuple[Path, Path], files: str, sessions: int
) -> None:
    source, target = folders
    if files == "few":
        for path in files_below(source)[10:]:
            path.unlink()
    async with RealSshd(MaxSessions=str(sessions)) as server:
        done = await cp(server.config_file, "-r", "-p", source, f"sshd:{target}")
        assert server.log.count("Accepted publickey") == 1
    assert done.status == 0, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]


async def test_a_cp_that_ends_with_its_login_leaves_no_command_behind(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, _ = folders
    (tmp_path / "file").touch()
    commands = 'eval "$asked"; echo "$?" >ended'
    async with answering(commands, tmp_path) as server:
        done = await cp(server.config_file, "-r", source, f"sshd:{tmp_path}/file/")
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "ended").exists():  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
    assert done.status == 2
    assert "must be a directory" in done.errors


@pytest.mark.parametrize("fault", ["cancel", "kill", "cut"])
async def test_an_upload_that_is_interrupted_leaves_nothing_a_retry_does_not_remove(
    sshd: RealSshd, folders: tuple[Path, Path], fault: str
) -> None:
    source, target = folders
    async with slow_line(sshd, rate=2_000_000) as (proxy, config), files_on(config) as files:
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, 300_000)
        async with asyncio.timeout(PATIENCE):
            while not os.listdir(target):  # noqa: ASYNC110 (another program makes it)
                await asyncio.sleep(0.01)
        {"cancel": lambda: files.queue.cancel(job), "kill": sshd.kill_connections}.get(
            fault, proxy.cut
        )()
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is not TransferState.DONE
        assert not (target / "source").exists()
        left = os.listdir(target)
        assert len(left) == (fault != "cancel")
        assert all(name.startswith(".source.sshdash-") for name in left)
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.DONE, done
        assert os.listdir(target) == ["source"]
        assert tree(target / "source") == tree(source)
        assert looks(target / "source") == looks(source)


async def test_what_is_still_unpacked_after_a_cancel_is_removed_too(
    sshd: RealSshd, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    unpacking = [True] * 3

    async def remove(filesystem: Filesystem, parts: set[bytes]) -> None:
        if unpacking:
            unpacking.pop()  # a folder that something appeared in meanwhile stays
        else:
            await remove_parts(filesystem, parts)

    monkeypatch.setattr(staging, "remove_parts", remove)
    async with slow_line(sshd, rate=2_000_000) as (_, config), files_on(config) as files:
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, 100_000)
        files.queue.cancel(job)
        await files.queue.wait(job)
    assert os.listdir(target) == []


@pytest.mark.parametrize("above", ["there", "not there"])
async def test_a_host_whose_commands_see_other_files_gets_all_by_sftp(
    folders: tuple[Path, Path], told: pytest.LogCaptureFixture, tmp_path: Path, above: str
) -> None:
    source, _ = folders
    async with LoopbackServer() as server, files_on(server.config_file) as files:
        place = tmp_path / "place" if above == "there" else Path("/no such folder/here")
        if above == "there":
            place.mkdir()
        (server.home / place.relative_to("/")).mkdir(parents=True)
        done = await files.copy("", [source], "loopback", place)
        assert done.state is TransferState.DONE, done.errors
        assert tree(server.home / place.relative_to("/") / "source") == tree(source)
        assert not unfinished(server.home)
    assert UP_BY_SFTP in told.text
    assert not place.exists() or not list(place.iterdir())


async def test_a_full_remote_disk_is_called_that_and_what_fits_is_whole(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, _ = folders
    seen: list[TransferSnapshot] = []

    async def remove(filesystem: Filesystem, parts: set[bytes]) -> None:
        seen.extend(files.queue.snapshots())
        await remove_parts(filesystem, parts)

    monkeypatch.setattr(staging, "remove_parts", remove)
    (source / "more").mkdir()
    furnish(source / "more", MORE)
    async with files_on(sshd.config_file, True) as files:
        done = await files.copy("", [source], "sshd", small_disk)
    assert done.errors
    assert all("disk full" in error.reason for error in done.errors)
    assert {one.bytes_done for one in seen} == {0}, "nothing is there that could be counted"
    assert {name.name.partition(" 1")[0] for one in seen for name in one.current} == {"taking away"}
    assert not done.current
    assert not unfinished(small_disk)
    assert tree(small_disk / "source").items() <= tree(source).items()
