"""Links that lead round, listings and copies that somebody leaves, and packets of a gigabyte."""

import asyncio
import contextlib
import os
import random
import sys
from pathlib import Path

import psutil
import pytest

from sshdash.errors import ConnectionLost, SessionError
from sshdash.sftp.copier import Copier
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.under_way import FileCopy
from sshdash.states import TransferState
from tests.live.file_kit import files_on, tree, unfinished
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return an empty source and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


def held(sshd: RealSshd, *folders: Path) -> list[str]:
    """Return what is open in the server's sessions of these folders."""
    found: list[str] = []
    for pid in sshd.connections():
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                    found.append(os.readlink(descriptor))
    return [path for path in found if path.startswith(tuple(map(str, folders)))]


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("way", ["down", "up", "local", "there"])
async def test_links_that_lead_round_stay_links_and_have_an_end(
    sshd: RealSshd, folders: tuple[Path, Path], way: str, follow: bool
) -> None:
    source, target = folders
    for name in ("a", "b"):
        (source / "tree" / name).mkdir(parents=True)
        (source / "tree" / name / "file").write_bytes(name.encode())
    (source / "tree" / "loop").symlink_to(".")
    (source / "tree" / "a" / "b").symlink_to("../b")
    (source / "tree" / "b" / "a").symlink_to("../a")
    named = source / "named"
    named.symlink_to("tree")
    ends = {"down": ("sshd", ""), "up": ("", "sshd"), "local": ("", ""), "there": ("sshd", "sshd")}
    source_end, target_end = ends[way]
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        done = await files.copy(source_end, [named], target_end, target, follow=follow)
    assert done.state is TransferState.DONE, done.errors
    assert not done.left_out
    if follow:
        assert tree(target / "named") == tree(source / "tree")
    else:
        assert tree(target) == {b"named": "→ tree"}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
async def test_a_listing_that_is_left_lets_its_folder_go(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, _ = folders
    for number in range(5000):
        (source / f"file-{number}").touch()
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        filesystem = await files.open("sshd")
        try:
            listing = filesystem.scandir(bytes(source))
            first = await anext(listing)
            assert 0 < len(first) < 1000, "they come before the last is known"
            assert held(sshd, source) == [str(source)]
            await listing.aclose()  # type: ignore[attr-defined]
            await filesystem.lstat(bytes(source))
            assert held(sshd, source) == []
            assert len(await filesystem.listdir(bytes(source))) == 5000
        finally:
            await filesystem.close()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds")
@pytest.mark.parametrize("way", ["down", "up"])
async def test_copies_cancelled_at_any_moment_leave_no_file_open_in_their_session(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    old, new = b"old" * 1000, os.urandom(5_000_000)
    (source / "small").write_bytes(new[:5000])
    (source / "large").write_bytes(new)
    moments = random.Random(69)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        remote, local = await files.open("sshd"), await files.open("")
        ends: tuple[Filesystem, Filesystem] = (remote, local) if way == "down" else (local, remote)
        copier = Copier(*ends)
        cancelled = 0
        try:
            for number in range(120):
                name = b"small" if number % 2 else b"large"
                path, place = bytes(source) + b"/" + name, bytes(target) + b"/" + name
                (target / name.decode()).write_bytes(old)
                entry, existing = await ends[0].lstat(path), await ends[1].lstat(place)
                begun = asyncio.Event()

                def arrived(size: int, begun: asyncio.Event = begun) -> None:
                    begun.set()

                copy = FileCopy(path, place, entry, existing)
                task = asyncio.ensure_future(copier.copy(copy, arrived))
                if number % 4 > 1:  # of half of them some has arrived
                    await asyncio.wait(
                        (task, waiting := asyncio.ensure_future(begun.wait())),
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    waiting.cancel()
                for _ in range(moments.randrange(60)):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait((task,))
                cancelled += task.cancelled()
                assert (target / name.decode()).read_bytes() in (old, new[: entry.size])
            await remote.lstat(bytes(source))
            await remote.lstat(bytes(source))  # what was being opened is open by the first
            assert held(sshd, source, target) == []
        finally:
            await local.close()
            await remote.close()
    assert cancelled > 30
    assert not unfinished(target)


async def test_a_look_at_the_umask_that_is_cancelled_leaves_no_file(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    _, target = folders
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        remote = await files.open("sshd")
        try:
            for turns in range(60):
                task = asyncio.ensure_future(remote.umask(bytes(target)))
                for _ in range(turns // 3):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait((task,))
                await remote.lstat(bytes(target))
                assert os.listdir(target) == []
        finally:
            await remote.close()


@pytest.mark.parametrize("meanwhile", [b"first", b"another"])
async def test_names_of_one_file_stay_that_where_the_copy_goes_on(
    sshd: RealSshd, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, meanwhile: bytes
) -> None:
    source, target = folders
    (source / "one").write_bytes(b"first")
    (source / "two").hardlink_to(source / "one")

    async def lost(*_: object) -> None:
        raise ConnectionLost("the connection was lost")

    names = [source / "one", source / "two"]
    async with files_on(sshd.config_file) as files:
        with monkeypatch.context() as patched:
            patched.setattr(RemoteFilesystem, "hardlink", lost)
            job = files.submit("", names, "sshd", target)
            assert (await files.queue.wait(job)).state is TransferState.FAILED
        (copied,) = target.iterdir()
        if meanwhile != b"first":
            copied.write_bytes(meanwhile)
        files.queue.retry(job)
        done = await files.queue.wait(job)
    assert done.state is TransferState.DONE, done.errors
    ours = (target / "one").samefile(target / "two")
    assert ours == (meanwhile == b"first"), "nothing is linked to what somebody else wrote"
    assert sorted(path.read_bytes() for path in target.iterdir()) == sorted((b"first", meanwhile))


async def test_a_packet_of_a_gigabyte_is_not_waited_for(sshd: RealSshd) -> None:
    program = sshd.folder / "flood"
    program.write_text("#!/bin/sh\nprintf '@\\000\\000\\000\\002\\000\\000\\000\\003'\nexec cat\n")
    program.chmod(0o755)
    sshd.subsystem = str(program)
    await asyncio.to_thread(sshd.restart)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        with pytest.raises(SessionError) as caught:
            await files.open("sshd")
    assert "where SFTP should start" in str(caught.value)
