"""A process that is killed while very many small files go as a stream, and the one after it."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sshdash.errors import ConnectionLost
from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion
from sshdash.sftp import local_calls
from sshdash.sftp.bulk import tree as trees
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.partial import remove_parts
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.turns import Turns
from sshdash.sftp.walk import Walker
from sshdash.states import TransferState
from tests.live.bulk_kit import files_below, looks
from tests.live.bulk_kit import folders as folders
from tests.live.file_kit import files_on, tree, unfinished
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

_STOPPED = """\
kill -STOP "$0"
cp -a "$1" "$2" && cp -a "$3" "$4"
status=$?
kill -CONT "$0"
exit $status
"""
"""Copies while a process stands still."""


class Crash:
    """Keeps what a process that is killed at this very moment leaves: its journal, and files."""

    def __init__(self, kept: Path, target: Path) -> None:
        self._kept = kept, kept.with_name("kept by the dead")
        self._target = target, target.with_name("target of the dead")
        self.happened = asyncio.Event()

    def happen(self) -> None:
        """Be killed, the first time."""
        if not self.happened.is_set():
            self.happened.set()
            # Nobody else in this process goes on between one copy and the other.
            places = *self._kept, *self._target
            subprocess.run(["sh", "-c", _STOPPED, str(os.getpid()), *places], check=True)

    def restore(self) -> Path:
        """Put the files back, and return where the journal is."""
        now, then = self._target
        shutil.rmtree(now)
        then.rename(now)
        return self._kept[1]


def around(
    monkeypatch: pytest.MonkeyPatch, where: type, name: str, moment: str, happen: Callable[[], None]
) -> None:
    """Have something happen before or after every call of a method."""
    real: Callable[..., Awaitable[Any]] = getattr(where, name)

    async def call(*arguments: Any) -> Any:
        if moment == "before":
            happen()
        result = await real(*arguments)
        if moment == "after":
            happen()
        return result

    monkeypatch.setattr(where, name, call)


@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("moment", ["before", "after", "noting"])
async def test_a_new_folder_whose_name_nobody_noted_is_not_asked_about(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    moment: str,
    preserve: bool,
) -> None:
    source, target = folders
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    filesystem = LocalFilesystem if way == "down" else RemoteFilesystem
    crash = Crash(tmp_path / "kept", target)
    count = 0

    def note() -> None:
        nonlocal count
        count += (target / "source").exists()
        if count == 5:
            crash.happen()

    with monkeypatch.context() as patch:
        if moment == "noting":
            around(patch, Turns, "take", "after", note)
        else:
            around(patch, filesystem, "rename", moment, crash.happen)
        async with files_on(sshd.config_file, kept=tmp_path / "kept") as files:
            done = await files.copy(
                ends[0], [source], ends[1], target, preserve=preserve, conflict=None
            )
    assert done.state is TransferState.DONE, done.errors
    assert crash.happened.is_set()
    async with files_on(sshd.config_file, kept=crash.restore()) as files:
        (job,) = await files.queue.restore()
        before = {path: path.stat().st_ino for path in (target / "source").rglob("*")}
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert not files.client.prompter.asked
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert os.listdir(target) == ["source"]
    assert not done.skipped
    assert done.files_done == done.files_total == len(files_below(source))
    if preserve:
        assert looks(target / "source") == looks(source)
    after = {path: path.stat().st_ino for path in before}
    assert (moment == "before") is (not before)
    assert after == before, "nothing is sent again"


async def test_a_run_that_is_cut_off_again_leaves_that_to_the_next(
    sshd: RealSshd, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    crash = Crash(tmp_path / "kept", target)
    with monkeypatch.context() as patch:
        around(patch, RemoteFilesystem, "rename", "after", crash.happen)
        async with files_on(sshd.config_file, kept=tmp_path / "kept") as files:
            await files.copy("", [source], "sshd", target, conflict=None)

    def lose() -> None:
        raise ConnectionLost("Connection lost", host="sshd")

    async with files_on(sshd.config_file, kept=crash.restore()) as files:
        (job,) = await files.queue.restore()
        with monkeypatch.context() as patch:
            around(patch, Walker, "walk", "before", lose)
            files.queue.retry(job)
            assert (await files.queue.wait(job)).cut_off
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert not files.client.prompter.asked
    assert done.state is TransferState.DONE, done.errors
    assert not done.reason
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [1, 4])
async def test_a_process_killed_while_files_come_is_followed_by_one_that_finishes(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    call: int,
) -> None:
    source, target = folders
    crash, count = Crash(tmp_path / "kept", target), 0

    def happen() -> None:
        nonlocal count
        count += 1
        if count == call:
            crash.happen()

    with monkeypatch.context() as patch:
        around(patch, LocalFilesystem, "at_once", moment, happen)
        async with files_on(sshd.config_file, kept=tmp_path / "kept") as files:
            done = await files.copy("sshd", [source], "", target, conflict=None)
    assert done.state is TransferState.DONE, done.errors
    async with files_on(sshd.config_file, kept=crash.restore()) as files:
        (job,) = await files.queue.restore()
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert not files.client.prompter.asked
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]
    assert not done.skipped


@pytest.mark.parametrize("names", [1, 100, 300])
async def test_a_file_that_had_both_its_names_is_not_asked_about(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: int,
) -> None:
    source, target = folders
    crash, count, others_wait = Crash(tmp_path / "kept", target), 0, threading.Lock()

    def rename(old: bytes, new: bytes) -> None:
        nonlocal count
        with others_wait:
            count += 1
            os.link(old, new)
            if count == names:
                crash.happen()
            os.unlink(old)

    with monkeypatch.context() as patch:
        patch.setattr(trees, "LEAST", 1_000_000)  # a new folder gets one name alone
        patch.setattr(local_calls, "rename", rename)
        async with files_on(sshd.config_file, kept=tmp_path / "kept") as files:
            done = await files.copy("sshd", [source], "", target, conflict=None)
    assert done.state is TransferState.DONE, done.errors
    async with files_on(sshd.config_file, kept=crash.restore()) as files:
        (job,) = await files.queue.restore()
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert not files.client.prompter.asked
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]


async def test_what_comes_is_noted_before_there_is_anything_of_it(
    sshd: RealSshd, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    shutil.rmtree(source)
    source.mkdir()
    (target / "source").mkdir()  # nothing else is to be done, and noted
    for number in range(600):
        (source / f"{number}").write_bytes(b"small")
    crash = Crash(tmp_path / "kept", target)
    with monkeypatch.context() as patch:
        around(patch, LocalFilesystem, "at_once", "after", crash.happen)
        async with files_on(sshd.config_file, kept=tmp_path / "kept") as files:
            done = await files.copy("sshd", [source], "", target, conflict=None)
    assert done.state is TransferState.DONE, done.errors
    async with files_on(sshd.config_file, kept=crash.restore()) as files:
        assert unfinished(target)
        (job,) = await files.queue.restore()
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)


@pytest.mark.parametrize("change", ["longer", "touched", "theirs"])
async def test_what_is_not_as_it_was_sent_is_asked_about_after_a_crash(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    source, target = folders
    crash = Crash(tmp_path / "kept", target)
    with monkeypatch.context() as patch:
        moment = "before" if change == "theirs" else "after"
        around(patch, RemoteFilesystem, "rename", moment, crash.happen)
        async with files_on(sshd.config_file, kept=tmp_path / "kept") as files:
            await files.copy("", [source], "sshd", target, conflict=None)
    kept = crash.restore()
    file, own = target / "source" / "folder 0" / "below" / "7", b"my own"
    if change == "theirs":  # the folder never got its name: another one has it
        file.parent.mkdir(parents=True)
        own = bytes((source / "folder 0" / "below" / "7").stat().st_size)
    file.write_bytes(own if change != "touched" else file.read_bytes())
    if change != "touched":
        shutil.copystat(source / "folder 0" / "below" / "7", file)
    before = file.read_bytes()
    answer = ConflictAnswer(ConflictChoice.SKIP)
    async with files_on(sshd.config_file, answer, kept=kept) as files:
        (job,) = await files.queue.restore()
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        (asked,) = files.client.prompter.asked
    assert isinstance(asked, ConflictQuestion)
    assert asked.target.endswith("folder 0/below/7")
    assert done.state is TransferState.DONE, done.errors
    assert done.skipped == 1
    assert file.read_bytes() == before
    expected = tree(source)
    expected[b"folder 0/below/7"] = hashlib.sha256(before).hexdigest()
    assert tree(target / "source") == expected


async def test_only_unfinished_folders_are_ever_removed(sshd: RealSshd, tmp_path: Path) -> None:
    ours, theirs = tmp_path / ".folder.sshdash-1234abcd.part", tmp_path / "folder"
    for folder in (ours, theirs):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").write_bytes(b"x")
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            parts = {bytes(ours), bytes(theirs)}
            await remove_parts(filesystem, parts)
        finally:
            await filesystem.close()
    assert parts == {bytes(theirs)}
    assert not ours.exists()
    assert (theirs / "deep" / "file").exists()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_folders_get_their_modes_though_nobody_heard_of_their_name(
    sshd: RealSshd, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    source, target = folders
    (source / "folder 0").chmod(0o1577)

    def lose() -> None:
        raise ConnectionLost("Connection lost", host="sshd")

    async with files_on(sshd.config_file, kept=target.parent / "kept") as files:
        with monkeypatch.context() as patch:
            around(patch, RemoteFilesystem, "rename", moment, lose)
            job = files.submit("", [source], "sshd", target, conflict=None)
            assert (await files.queue.wait(job)).cut_off
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert not files.client.prompter.asked
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]
