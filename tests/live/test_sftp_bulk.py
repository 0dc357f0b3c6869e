"""Very many small files as one stream of tar, both ways."""

import asyncio
import hashlib
import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from sshdash.prompts import ConflictChoice
from sshdash.sftp.beneath import unconfined
from sshdash.sftp.bulk import download, nursery, stream, upload
from sshdash.sftp.bulk import tree as trees
from sshdash.sftp.directories import Directories
from sshdash.states import TransferState
from tests.live.bulk_kit import (
    CUTS,
    IN_BULK,
    MORE,
    WENT_IN_BULK,
    answering,
    files_below,
    furnish,
    looks,
)
from tests.live.bulk_kit import folders as folders
from tests.live.bulk_kit import told as told
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_cli_cp import cp, start
from tests.live.test_sftp_cuts import check_names
from tests.live.test_sftp_faults import slow_line
from tests.live.test_sftp_faults import small_disk as small_disk
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd


@pytest.mark.parametrize("resume", [(), ("--resume",)], ids=["anew", "resumed"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_cp_that_was_killed_leaves_nothing_behind_once_it_is_run_again(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    way: str,
    number: signal.Signals,
    resume: tuple[str, ...],
) -> None:
    source, target = folders
    ends = (f"sshd:{source}", target) if way == "down" else (source, f"sshd:{target}")
    async with slow_line(sshd, rate=1_000_000) as (proxy, config):
        process = await start(config, "-r", "-p", *ends)
        async with asyncio.timeout(PATIENCE):
            while len(unfinished(target)) < 200:  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode
        proxy.rate = 0
        done = await cp(config, "-r", "-p", *resume, *ends)
    assert done.status == 0, done.errors
    assert os.listdir(target) == ["source"]
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)


@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("kind", ["mixed", "small files alone", "read-only"])
async def test_copies_are_as_those_by_sftp(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    preserve: bool,
    kind: str,
) -> None:
    source, target = folders
    if kind != "mixed":
        shutil.rmtree(source / "odd")
        (source / "empty").mkdir()
        (source / "folder 2").chmod(0o2777 if kind != "read-only" else 0o555)
        for second, old in enumerate((source, source / "folder 2", source / "folder 3" / "below")):
            os.utime(old, (1_100_000_000, 1_100_000_000 + second))
    other = target.with_name("other")
    other.mkdir()
    for folder in (target, other):
        folder.chmod(0o2775)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends[0], [source], ends[1], target, preserve=preserve)
        assert done.state is TransferState.DONE, done.errors
        for module in (download, trees, upload):
            monkeypatch.setattr(module, "LEAST", 1_000_000)
        done = await files.copy(ends[0], [source], ends[1], other, preserve=preserve)
        assert done.state is TransferState.DONE, done.errors
    bulk, single = looks(target), looks(other)
    assert bulk.keys() == single.keys()
    for path, (mode, seconds) in bulk.items():
        assert mode == single[path][0], path
        assert seconds == single[path][1] or (not preserve and single[path][1] - seconds < 60), path


@pytest.mark.parametrize("reset", [False, True], ids=["cut", "reset"])
@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_tree_arrives_whole_over_a_connection_that_is_cut_at_random(
    sshd: RealSshd, folders: tuple[Path, Path], tmp_path: Path, way: str, reset: bool
) -> None:
    source, above = folders
    dice, cuts = random.Random(f"{way}, {reset}"), 0
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with (
        slow_line(sshd) as (proxy, config),
        files_on(config, kept=tmp_path / "kept") as files,
    ):
        while cuts < CUTS:
            target = above / f"after {cuts}"
            target.mkdir()
            choice = ConflictChoice.OVERWRITE
            proxy.cut_after(dice.randrange(5_000, 1_500_000), reset)
            job = files.submit(ends[0], [source], ends[1], target, conflict=choice)
            while (end := await files.queue.wait(job)).state is not TransferState.DONE:
                assert end.cut_off, end
                check_names(source, target / "source", set())
                cuts += 1
                assert cuts < 4 * CUTS, "it gets nowhere"
                proxy.cut_after(dice.randrange(5_000, 1_500_000), reset)
                files.queue.retry(job)
            assert os.listdir(target) == ["source"]
            assert tree(target / "source") == tree(source)
            assert looks(target / "source") == looks(source)
            shutil.rmtree(target)


@pytest.mark.parametrize(
    "values", [{"verify": True}, {"move": True}, {"owner": True}], ids=lambda one: next(iter(one))
)
@pytest.mark.parametrize("way", ["down", "up"])
async def test_what_tar_cannot_do_goes_by_sftp(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    told: pytest.LogCaptureFixture,
    way: str,
    values: dict[str, bool],
) -> None:
    source, target = folders
    there = tree(source)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends[0], [source], ends[1], target, **values)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == there
    assert "in one stream" not in told.text


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_copy_with_a_limit_goes_by_sftp(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture, way: str
) -> None:
    source, target = folders
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        files.queue.limit(20_000_000)
        done = await files.copy(ends[0], [source], ends[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert "in one stream" not in told.text


async def test_only_what_replaces_nothing_comes_in_bulk(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    old = target / "source" / "folder 1" / "below"
    old.mkdir(parents=True)
    for number in (1, 8):
        (old / f"{number}").write_bytes(b"old")
    furnish(source / "odd", MORE)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "", target, conflict=ConflictChoice.SKIP)
    assert done.state is TransferState.DONE, done.errors
    assert done.skipped == 2
    expected = tree(source)
    for number in (1, 8):
        expected[b"folder 1/below/%d" % number] = hashlib.sha256(b"old").hexdigest()
    assert tree(target / "source") == expected
    assert IN_BULK in told.text


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_host_that_allows_sftp_alone_is_not_waited_for(
    folders: tuple[Path, Path], told: pytest.LogCaptureFixture, way: str
) -> None:
    source, target = folders
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with (
        RealSshd(ForceCommand="internal-sftp") as server,
        files_on(server.config_file) as files,
    ):
        done = await files.copy(ends[0], [source], ends[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert "by SFTP" in told.text
    assert "too long" not in told.text


async def test_a_group_that_a_folder_hands_on_is_that_of_what_goes_into_it(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    groups = [4321] if not os.geteuid() else [one for one in os.getgroups() if one != os.getegid()]
    if not groups:
        pytest.skip("whoever runs this is in no second group")
    os.chown(target, -1, groups[0])
    target.chmod(0o2775)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert WENT_IN_BULK in told.text
    others = [path for path in target.rglob("*") if path.lstat().st_gid != groups[0]]
    assert not others
    assert looks(target / "source") == looks(source)


async def test_a_stream_for_few_files_takes_no_session_from_the_rest_of_the_copy(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    for path in files_below(source)[10:]:
        path.unlink()
    make = Directories.make

    async def make_then(*arguments: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "ended").exists():  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        await make(*arguments)

    monkeypatch.setattr(Directories, "make", make_then)
    commands = 'eval "$asked"; echo "$?" >ended'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.reason
    assert tree(target / "source") == tree(source)


async def test_a_stream_that_is_ready_as_the_copy_is_cancelled_is_let_go(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    wanted = asyncio.Event()
    start, shield = stream.Stream.start, asyncio.shield

    async def start_then(*arguments: Any, **values: Any) -> Any:
        started = await start(*arguments, **values)
        await wanted.wait()
        asyncio.get_running_loop().call_soon(files.queue.cancel, job)
        return started

    def want(work: Any) -> Any:
        wanted.set()
        return shield(work)

    commands = 'eval "$asked"; echo "$?" >ended'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        others = await files.open("sshd")  # the connection stays
        with monkeypatch.context() as patch:
            patch.setattr(stream.Stream, "start", start_then)
            patch.setattr(asyncio, "shield", want)
            job = files.submit("sshd", [source], "", target)
            done = await files.queue.wait(job)
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "ended").exists():  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        await others.close()
    assert done.state is TransferState.CANCELLED
    assert not os.listdir(target)


async def test_a_folder_that_is_put_in_the_place_of_ours_gets_nothing(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folders[1]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    made = nursery.Nursery(bytes(target / "ours"))
    with pytest.raises(PermissionError):
        made.make([b"below"], 0o700, unconfined)
    made.close()
    assert os.listdir(target) == ["ours"]
    assert not os.listdir(target / "ours")
