"""Sources that change, targets that go, servers that refuse or never end, cancels at any moment."""

import asyncio
import errno
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from msgspec.structs import replace

from sshdash.errors import ConnectionLost, FileError
from sshdash.prompts import ConflictChoice
from sshdash.sftp import held_up, remote
from sshdash.sftp.copier import Copier
from sshdash.sftp.under_way import FileCopy, Progress
from sshdash.states import TransferState
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_faults import loopback, slow_line, until_some_arrived
from tests.patience import PATIENCE
from tests.servers.hostile import file_attributes, folder_attributes, lying_sftp
from tests.servers.sshd import RealSshd

LARGE = 12_000_000


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return an empty source and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


def append(path: Path) -> None:
    """Let a file grow."""
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    """Change a file and leave its size."""
    with path.open("r+b") as file:
        file.write(os.urandom(1000))


@pytest.mark.parametrize("change", [append, rewrite])
@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_source_that_grows_while_copied_is_told_and_one_that_changes_is_copied_anew(
    sshd: RealSshd, folders: tuple[Path, Path], way: str, change: Any
) -> None:
    source, target = folders
    file = source / "file"
    file.write_bytes(os.urandom(LARGE))
    os.utime(file, (1_000_000_000, 1_000_000_000))
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd) as (_, config), files_on(config) as files:
        job = files.submit(ends[0], [file], ends[1], target, conflict=ConflictChoice.OVERWRITE)
        await until_some_arrived(files, job, LARGE // 10)
        change(file)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
    if change is append:
        assert done.state is TransferState.FAILED
        assert "it grew meanwhile: these are its first 12,000,000 bytes" in done.errors[0].reason
        assert (target / "file").read_bytes() == file.read_bytes()[:LARGE]
    else:
        assert done.state is TransferState.DONE, done.errors
        assert tree(target) == tree(source)
    assert not unfinished(target)


@pytest.mark.parametrize("way", ["down", "up"])
async def test_what_is_there_is_gone_on_with_and_not_sent_again(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    content = os.urandom(LARGE)
    (source / "file").write_bytes(content)
    (target / "file").write_bytes(content[: LARGE - 1_000_000])
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd) as (proxy, config), files_on(config) as files:
        done = await files.copy(
            ends[0], [source / "file"], ends[1], target, conflict=ConflictChoice.RESUME, verify=True
        )
        assert done.state is TransferState.DONE, done.errors
        assert (done.resumed, done.verified) == (1, 1)
        # The rest, and on both sides the megabyte that is compared before.
        assert proxy.bytes_down + proxy.bytes_up < LARGE // 2
    assert tree(target) == tree(source)
    assert not unfinished(target)


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_target_folder_that_goes_is_told_and_the_source_stays(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    (source / "file").write_bytes(os.urandom(LARGE))
    before = tree(source)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd) as (_, config), files_on(config) as files:
        job = files.submit(ends[0], [source / "file"], ends[1], target)
        await until_some_arrived(files, job, LARGE // 10)
        await asyncio.to_thread(shutil.rmtree, target)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.FAILED
        (error,) = done.errors
        assert "no such file" in error.reason
        assert ("sshd" in error.reason) is (way == "up")
        target.mkdir()
        files.queue.retry(job)
        assert (await files.queue.wait(job)).state is TransferState.DONE
    assert tree(source) == before == tree(target)


async def test_permission_denied_in_the_middle_leaves_the_rest_alone(
    folders: tuple[Path, Path],
) -> None:
    _, target = folders
    denied = {b"f7", b"closed"}

    class Guarded(asyncssh.SFTPServer):
        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
            if path.rpartition(b"/")[2] in denied:
                raise asyncssh.SFTPPermissionDenied("no")
            return super().open(path, pflags, attrs)

        def scandir(self, path: bytes) -> Any:
            if path.rpartition(b"/")[2] in denied:
                raise asyncssh.SFTPPermissionDenied("no")
            return super().scandir(path)

    async with loopback(Guarded) as files:
        for number in range(300):
            (files.home / "tree" / f"{number % 3}").mkdir(parents=True, exist_ok=True)
            (files.home / "tree" / f"{number % 3}" / f"f{number}").write_bytes(b"%d" % number)
        (files.home / "tree" / "closed").mkdir()
        (files.home / "tree" / "closed" / "x").write_bytes(b"x")
        done = await files.copy("loopback", [Path("/tree")], "", target)
        assert done.state is TransferState.FAILED
        assert done.files_done == 299
        assert {Path(error.path).name for error in done.errors} == {"f7", "closed"}
        assert all("permission denied" in error.reason for error in done.errors)
        denied.clear()
        files.queue.retry(done.id)
        done = await files.queue.wait(done.id)
        assert done.state is TransferState.DONE, done.errors
        assert tree(target / "tree") == tree(files.home / "tree")


@pytest.mark.parametrize(
    ("names", "length"),
    [(10**9, 1), (1, 1), (10**9, 8_000)],
    ids=["all different", "always the same", "enormous"],
)
async def test_a_listing_that_never_ends_is_ended(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, names: int, length: int
) -> None:
    _, target = folders
    if length == 1:
        monkeypatch.setattr(remote, "_MAX_ENTRIES", 3000)
    else:  # of as many there would be gigabytes
        monkeypatch.setattr(remote, "_MAX_NAMES", 20_000_000)

    class Endless(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            number = 0
            while True:
                number += 1
                name = b"%0*d" % (length, number % names)
                yield asyncssh.SFTPName(name, attrs=file_attributes(1))

        def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
            return folder_attributes()

        def realpath(self, path: bytes) -> bytes:
            return path

    async with loopback(Endless) as files, asyncio.timeout(PATIENCE):
        done = await files.copy("loopback", [Path("/tree")], "", target)
        (error,) = done.errors
        assert "more entries than anybody has" in error.reason
        assert len(tree(target)) <= 1  # nothing of what was listed
        filesystem = await files.open("loopback")
        try:
            assert (await filesystem.lstat(b"/")).name == b""
        finally:
            await filesystem.close()


async def test_folders_that_never_end_are_ended(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target = folders
    monkeypatch.setattr("sshdash.sftp.walk._MAX_DEPTH", 20)
    server = lying_sftp({b"deeper": folder_attributes(), b"file": file_attributes(1)})
    async with loopback(server) as files, asyncio.timeout(PATIENCE):
        done = await files.copy("loopback", [Path("/tree")], "", target)
    (error,) = done.errors
    assert "20 directories deep" in error.reason


@pytest.mark.parametrize("most", [1, 1000])
async def test_short_reads_are_read_on(folders: tuple[Path, Path], most: int) -> None:
    _, target = folders

    class Short(asyncssh.SFTPServer):
        def read(self, file_obj: Any, offset: int, size: int) -> bytes:
            return bytes(super().read(file_obj, offset, min(size, most)))  # type: ignore[arg-type]

    async with loopback(Short) as files, asyncio.timeout(PATIENCE):
        (files.home / "file").write_bytes(os.urandom(700 * most))
        done = await files.copy("loopback", [Path("/file")], "", target)
        assert done.state is TransferState.DONE, done.errors
        assert tree(target) == {b"file": tree(files.home)[b"file"]}


async def test_a_directory_that_claims_to_be_a_file_is_not_copied(
    folders: tuple[Path, Path],
) -> None:
    _, target = folders

    class Lying(lying_sftp({b"file": file_attributes(1)})):  # type: ignore[misc]
        def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
            return folder_attributes()

    async with loopback(Lying) as files:
        done = await files.copy("loopback", [Path("/tree")], "", target)
    (error,) = done.errors
    assert "source changed" in error.reason
    assert not list((target / "tree").iterdir())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EFBIG, "too large for the file system"),
        (errno.EDQUOT, "quota"),
        (errno.ENOSPC, "disk full ("),
        (errno.EROFS, "read-only"),
    ],
)
async def test_what_the_disk_says_reaches_the_person(
    folders: tuple[Path, Path], number: int, words: str
) -> None:
    source, _ = folders
    (source / "big").write_bytes(os.urandom(100_000))
    (source / "small").write_bytes(b"fits")

    class Refusing(asyncssh.SFTPServer):
        def write(self, file_obj: Any, offset: int, data: bytes) -> int:
            if len(data) > 1000:
                raise OSError(number, os.strerror(number))
            return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]

    async with loopback(Refusing) as files:
        (files.home / "big").write_bytes(b"old")
        done = await files.copy("", list(source.iterdir()), "loopback", Path("/"))
        (error,) = done.errors
        assert words in error.reason
        assert "on loopback" in error.reason
        content = {path.name: path.read_bytes() for path in files.home.iterdir()}
    assert content == {"big": b"old", "small": b"fits"}


def test_a_limit_of_the_shell_is_told(sshd: RealSshd, folders: tuple[Path, Path]) -> None:
    _, target = folders
    for name, size in (("big", 3_000_000), ("small", 10)):
        (sshd.home / name).write_bytes(os.urandom(size))
    (target / "big").write_bytes(b"old")
    command = f"{sys.executable} -m sshdash -F {sshd.config_file} cp sshd:big sshd:small {target}"
    done = subprocess.run(
        ["/bin/bash", "-c", f"ulimit -f 1000; {command}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "too large" in done.stderr
    assert (target / "big").read_bytes() == b"old"
    assert {path.name for path in target.iterdir()} == {"big", "small"}


@pytest.mark.parametrize("way", ["down", "up", "local"])
async def test_what_is_no_file_is_left_out_and_told(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    os.mkfifo(source / "fifo")
    (source / "dangling").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "socket"))
        special = {"fifo": "FIFO", "socket": "socket"}
        try:
            os.mknod(source / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
            special["device"] = "device"
        except OSError:
            pass  # only root makes devices, and not everywhere
        ends = {"down": ("sshd", ""), "up": ("", "sshd"), "local": ("", "")}[way]
        async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
            done = await files.copy(ends[0], [source], ends[1], target)
    assert done.state is TransferState.DONE, done.errors
    told = {Path(one.path).name: one.reason for one in done.left_out}
    assert set(told) == set(special)
    assert all(kind in told[name] for name, kind in special.items())
    assert tree(target / "source") == {b"dangling": "→ nowhere"}


@pytest.mark.parametrize("writer", ["none", "silent"])
@pytest.mark.parametrize("size", [5, 5_000_000])
async def test_a_fifo_in_the_place_of_a_file_of_a_host_holds_nothing_up(
    sshd: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, writer: str
) -> None:
    folder, swapped = sshd.home / "folder", sshd.home / "folder" / "file"
    folder.mkdir()
    swapped.write_bytes(bytes(size))
    for number in range(20):
        (folder / f"other {number}").write_bytes(b"x" * number)
    real = Copier.copy
    held: list[int] = []

    async def copy(copier: Copier, file: FileCopy, progress: Progress) -> str:
        if file.source == bytes(swapped) and not held:
            swapped.unlink()
            os.mkfifo(swapped)
            opened = os.O_RDWR if writer == "silent" else os.O_RDONLY
            held.append(os.open(swapped, opened | os.O_NONBLOCK))
            if writer == "none":
                os.close(held[0])
        return await real(copier, file, progress)

    monkeypatch.setattr(Copier, "copy", copy)
    monkeypatch.setattr(held_up, "_SLOW", 0.2)
    monkeypatch.setattr(held_up, "_AGAIN", 0.05)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        done = await files.copy("sshd", [folder], "", tmp_path)
        assert not done.cut_off
        assert [one.path for one in done.errors] == [str(swapped)]
    assert len(list((tmp_path / "folder").iterdir())) == 20
    assert not unfinished(tmp_path)


async def test_a_session_that_stays_held_up_is_given_up_and_says_why(
    sshd: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo = sshd.home / "file"
    os.mkfifo(fifo)
    monkeypatch.setattr(held_up, "_SLOW", 0.1)
    monkeypatch.setattr(held_up, "_AGAIN", 0.05)
    monkeypatch.setattr(held_up, "_LOOKS", 1)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        filesystem = await files.open("sshd")
        try:
            with pytest.raises(ConnectionLost, match="file became a FIFO, and held it up"):
                await filesystem.open_read(bytes(fifo))
        finally:
            await filesystem.close()
        os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))  # lets the server there go


async def test_who_looks_after_slow_files_is_not_held_up_for_others(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo = sshd.home / "nobody reads it"
    os.mkfifo(fifo)
    monkeypatch.setattr(held_up, "_SLOW", 0.0)
    monkeypatch.setattr(held_up, "_PATIENCE", 0.5)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        filesystem = await files.open("sshd")
        assert isinstance(filesystem, remote.RemoteFilesystem)
        try:
            with filesystem._held_up.watching(bytes(fifo)):
                while filesystem._held_up._task is None:  # noqa: ASYNC110 (a timer starts it)
                    await asyncio.sleep(0)
                await asyncio.wait((filesystem._held_up._task,))
            helper = await filesystem._further.helper()
            await helper.protocol.lstat(bytes(sshd.home))
        finally:
            await filesystem.close()
        os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))  # lets the server there go


async def test_a_slow_line_is_not_taken_for_a_server_that_is_held_up(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sshd.home / "file").write_bytes(os.urandom(400_000))
    monkeypatch.setattr(held_up, "_SLOW", 0.5)
    async with slow_line(sshd, rate=200_000) as (_, config), files_on(config) as files:
        filesystem = await files.open("sshd")
        assert isinstance(filesystem, remote.RemoteFilesystem)
        looks: list[bytes] = []
        monkeypatch.setattr(filesystem._held_up, "_suspect", looks.append)
        try:
            await filesystem.fetch(bytes(sshd.home / "file"), 400_001)
        finally:
            await filesystem.close()
    assert not looks, "a further session would be opened, and may need another connection"


async def test_nanoseconds_are_kept_where_there_are_any(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    (source / "file").write_bytes(b"x")
    when = 1_234_567_890_123_456_789
    os.utime(source / "file", ns=(when, when))
    async with files_on(sshd.config_file) as files:
        for end, expected in (("", when), ("sshd", when // 10**9 * 10**9)):
            done = await files.copy(
                "", [source / "file"], end, target, conflict=ConflictChoice.OVERWRITE
            )
            assert done.state is TransferState.DONE, done.errors
            assert (target / "file").stat().st_mtime_ns == expected


async def test_a_file_that_may_not_be_changed_is_told(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    (source / "file").write_bytes(b"new")
    (target / "file").write_bytes(b"old")
    made = await asyncio.create_subprocess_exec(
        "chattr", "+i", target / "file", stderr=subprocess.DEVNULL
    )
    if await made.wait():
        pytest.skip("this file system has no immutable files, or only for root")
    try:
        async with files_on(sshd.config_file) as files:
            for end in ("", "sshd"):
                done = await files.copy("", [source / "file"], end, target)
                assert done.state is TransferState.FAILED
                assert (target / "file").read_bytes() == b"old"
                assert not unfinished(target)
    finally:
        await (await asyncio.create_subprocess_exec("chattr", "-i", target / "file")).wait()


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_cancel_at_any_moment_leaves_nothing_and_the_session_goes_on(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    for number in range(8):
        (source / f"{number}").write_bytes(os.urandom(number * number * 60_000))
        (target / f"{number}").write_bytes(b"old")
    old = tree(target)
    new = tree(source)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    moments = random.Random(69)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        for _ in range(40):
            job = files.submit(
                ends[0], list(source.iterdir()), ends[1], target, conflict=ConflictChoice.OVERWRITE
            )
            for _ in range(moments.randrange(250)):
                await asyncio.sleep(0)
            files.queue.cancel(job)
            await files.queue.wait(job)
            found = tree(target)
            assert not unfinished(target)
            assert all(found[name] in (old[name], new[name]) for name in old)
        done = await files.copy(ends[0], list(source.iterdir()), ends[1], target)
        assert done.state is TransferState.DONE, done.errors
    assert tree(target) == new


async def test_what_a_server_sends_too_much_of_ends_only_its_session(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target = folders

    class Flooding(asyncssh.SFTPServer):
        def read(self, file_obj: Any, offset: int, size: int) -> bytes:
            return bytes(size + 5_000_000)

    async with loopback(Flooding) as files, asyncio.timeout(PATIENCE):
        (files.home / "file").write_bytes(bytes(100_000))
        done = await files.copy("loopback", [Path("/file")], "", target)
        assert done.state is TransferState.FAILED
        assert "broke the protocol" in done.reason
        assert not tree(target)
        filesystem = await files.open("loopback")
        try:
            with pytest.raises(FileError, match="no such file"):
                await filesystem.lstat(b"/none")
        finally:
            await filesystem.close()


@pytest.mark.parametrize("size", [100, LARGE])
async def test_a_server_that_does_not_write_all_is_found_out(
    folders: tuple[Path, Path], size: int
) -> None:
    source, _ = folders
    (source / "file").write_bytes(os.urandom(size))

    class Lossy(asyncssh.SFTPServer):
        def write(self, file_obj: Any, offset: int, data: bytes) -> int:
            end = offset + len(data) == size
            super().write(file_obj, offset, data[:-1] if end else data)
            return len(data)

    async with loopback(Lossy) as files, asyncio.timeout(PATIENCE):
        (files.home / "file").write_bytes(b"old")
        done = await files.copy("", [source / "file"], "loopback", Path("/"))
        (error,) = done.errors
        assert "not whole" in error.reason
        assert f"{size - 1:,} of {size:,} bytes arrived" in error.reason
        assert {path.name for path in files.home.iterdir()} == {"file"}
        assert (files.home / "file").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("way", "count", "asked", "kept"),
    [
        ("up", 800, {}, False),
        ("up", 800, {}, True),
        ("up", 800, {"conflict": ConflictChoice.OVERWRITE}, False),
        ("down", 300, {}, True),
        ("down", 2000, {}, False),
        ("there", 800, {"move": True}, False),
    ],
    ids=["new", "new, for a retry", "over old ones", "down", "down in bulk", "renamed"],
)
async def test_a_cancelled_copy_counts_all_that_arrived(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    tmp_path: Path,
    way: str,
    count: int,
    asked: dict[str, Any],
    kept: bool,
) -> None:
    source, target = folders
    for number in range(count):
        (source / f"{number:04}").write_bytes(b"%d," % number * 50)
        if "conflict" in asked:
            (target / f"{number:04}").write_bytes(b"")
    ends = {"up": ("", "sshd"), "down": ("sshd", ""), "there": ("sshd", "sshd")}[way]
    journal = tmp_path / "kept" if kept else None
    async with slow_line(sshd) as (_, config), files_on(config, kept=journal) as files:
        await files.queue.restore()
        async with asyncio.timeout(PATIENCE):
            job = files.submit(ends[0], sorted(source.iterdir()), ends[1], target, **asked)
            while not files.queue.snapshot(job).files_done:  # noqa: ASYNC110
                await asyncio.sleep(0)
            files.queue.cancel(job)
            done = await files.queue.wait(job)
            arrived = [path for path in target.glob("[0-9]*") if path.stat().st_size]
            assert done.state is TransferState.CANCELLED
            assert done.files_done == len(arrived)
            assert done.bytes_done == sum(path.stat().st_size for path in arrived)
            files.queue.retry(job)
            done = await files.queue.wait(job)
        assert (done.state, done.files_done) == (TransferState.DONE, count), done.errors
    assert all((target / f"{number:04}").stat().st_size for number in range(count))
    assert not unfinished(target)


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_cancelled_move_counts_all_that_has_gone(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    for number in range(300):
        (source / f"{number:04}").write_bytes(b"%d," % number * 50)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd) as (_, config), files_on(config) as files:
        async with asyncio.timeout(PATIENCE):
            job = files.submit(ends[0], sorted(source.iterdir()), ends[1], target, move=True)
            while not files.queue.snapshot(job).files_done:  # noqa: ASYNC110
                await asyncio.sleep(0)
            files.queue.cancel(job)
            done = await files.queue.wait(job)
            assert done.state is TransferState.CANCELLED
            assert done.files_done == 300 - len(list(source.iterdir()))
            again = replace(done.request, conflict=ConflictChoice.OVERWRITE)  # copied, not gone
            files.queue.retry(job, again)
            done = await files.queue.wait(job)
    assert (done.state, done.files_done) == (TransferState.DONE, 300), done.errors
    assert not list(source.iterdir())
    assert len(list(target.iterdir())) == 300


@pytest.mark.parametrize("move", [False, True])
async def test_a_cancelled_copy_counts_the_further_names_of_a_file(
    sshd: RealSshd, folders: tuple[Path, Path], move: bool
) -> None:
    source, target = folders
    (source / "0000").write_bytes(b"content")
    for number in range(1, 300):
        os.link(source / "0000", source / f"{number:04}")
    async with slow_line(sshd) as (_, config), files_on(config) as files:
        async with asyncio.timeout(PATIENCE):
            names = sorted(source.iterdir())
            job = files.submit("", names, "sshd", target, move=move)
            while files.queue.snapshot(job).files_done < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            files.queue.cancel(job)
            done = await files.queue.wait(job)
            assert done.state is TransferState.CANCELLED
            left = len(list(source.iterdir()))
            assert done.files_done == (300 - left if move else len(list(target.iterdir())))
            files.queue.retry(job, replace(done.request, conflict=ConflictChoice.OVERWRITE))
            done = await files.queue.wait(job)
    assert (done.state, done.files_done) == (TransferState.DONE, 300), done.errors
    assert len(list(target.iterdir())) == 300
    assert len(list(source.iterdir())) == (0 if move else 300)
