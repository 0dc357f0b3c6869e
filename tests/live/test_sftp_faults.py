"""What goes wrong around a copy: servers that die, lie, fill up, and people who cancel."""

import asyncio
import contextlib
import errno
import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import psutil
import pytest
from asyncssh.misc import MaybeAwait

from sshdash.errors import ConnectionLost, FileError, SessionError
from sshdash.prompts import ConfirmQuestion, ConflictChoice
from sshdash.sftp.entries import Kind
from sshdash.states import TransferState
from tests.live.file_kit import Files, files_on, tree, unfinished
from tests.patience import PATIENCE
from tests.servers.hostile import file_attributes, folder_attributes, link_attributes, lying_sftp
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

LARGE = 24_000_000
SFTP_SERVERS = (
    Path("/usr/lib/openssh/sftp-server"),
    Path("/usr/libexec/openssh/sftp-server"),
    Path("/usr/libexec/sftp-server"),
    Path("/usr/lib/ssh/sftp-server"),
)
"""Where systems keep the program that serves files in a process of its own."""


def file_servers(sshd: RealSshd, program: Path) -> list[psutil.Process]:
    """Return the processes that serve files, the oldest first."""
    found = []
    for pid in sshd.connections():
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # others come and go
                if process.name() == program.name:
                    found.append(process)
    return sorted(found, key=psutil.Process.create_time)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return an empty source and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


@asynccontextmanager
async def slow_line(sshd: RealSshd, rate: int = 20_000_000) -> AsyncIterator[tuple[Proxy, Path]]:
    """Put a proxy before the server and return it with a configuration that goes through it."""
    async with Proxy(sshd.port, delay=0.002, rate=rate) as proxy:
        config = sshd.folder / "slow_config"
        text = sshd.config_file.read_text().replace(f"Port {sshd.port}", f"Port {proxy.port}")
        config.write_text(text + f"    HostKeyAlias [127.0.0.1]:{sshd.port}\n")
        config.chmod(0o600)
        yield proxy, config


async def until_some_arrived(files: Files, job: str, least: int = LARGE // 10) -> None:
    """Wait until a job is in the middle of its bytes."""
    async with asyncio.timeout(PATIENCE):
        while files.queue.snapshot(job).bytes_done < least:
            snapshot = files.queue.snapshot(job)
            assert not snapshot.is_finished, snapshot
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("two_names", [False, True])
async def test_a_copy_on_one_host_stays_there(
    sshd: RealSshd, folders: tuple[Path, Path], two_names: bool
) -> None:
    source, target = folders
    (source / "tree").mkdir()
    (source / "tree" / "large").write_bytes(os.urandom(LARGE))
    for number in range(50):
        (source / "tree" / f"{number}").write_bytes(os.urandom(100_000))
    async with slow_line(sshd) as (proxy, config), files_on(config) as files:
        other = "inner" if two_names else "sshd"
        done = await files.copy("sshd", [source / "tree"], other, target)
        assert done.state is TransferState.DONE, done.errors
        assert done.bytes_done == LARGE + 50 * 100_000
        assert (proxy.bytes_down > LARGE) is two_names, "by another name it may be another host"
    assert tree(target / "tree") == tree(source / "tree")


@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("fault", ["cancel", "kill", "cut"])
async def test_an_interrupted_copy_leaves_the_old_file_and_a_retry_finishes(
    sshd: RealSshd, folders: tuple[Path, Path], way: str, fault: str
) -> None:
    source, target = folders
    (source / "file").write_bytes(os.urandom(LARGE))
    (target / "file").write_bytes(b"the old content")
    before = tree(target)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd) as (proxy, config), files_on(config) as files:
        overwrite = ConflictChoice.OVERWRITE
        job = files.submit(ends[0], [source / "file"], ends[1], target, conflict=overwrite)
        await until_some_arrived(files, job)
        assert unfinished(target), "it goes to a temporary file"
        if fault == "cancel":
            files.queue.cancel(job)
        elif fault == "kill":
            sshd.kill_connections()
        else:
            proxy.cut()
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        if fault == "cancel":
            assert done.state is TransferState.CANCELLED
        else:
            assert done.state is TransferState.FAILED
            assert "sshd" in done.reason
            assert "lost" in done.reason.lower() or "ended" in done.reason
        left = unfinished(target)
        assert {k: v for k, v in tree(target).items() if k not in left} == before
        if fault == "cancel" or way == "down":
            assert not left, "nothing stays behind where it can be reached"
        else:
            assert "unfinished" in done.reason
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.DONE, done
        assert tree(target) == tree(source)


@pytest.mark.parametrize("way", ["down", "up"])
async def test_when_the_file_server_is_killed_the_copy_fails_and_a_retry_finishes(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    program = next((one for one in SFTP_SERVERS if one.exists()), None)
    if program is None:
        pytest.skip("this system has no sftp-server program")
    sshd.subsystem = str(program)
    await asyncio.to_thread(sshd.restart)
    source, target = folders
    (source / "file").write_bytes(os.urandom(LARGE))
    (target / "file").write_bytes(b"the old content")
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd) as (_, config), files_on(config) as files:
        overwrite = ConflictChoice.OVERWRITE
        job = files.submit(ends[0], [source / "file"], ends[1], target, conflict=overwrite)
        await until_some_arrived(files, job)
        for process in file_servers(sshd, program):
            process.kill()
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.FAILED
        assert "sshd: the file session ended" in done.reason
        assert (target / "file").read_bytes() == b"the old content"
        assert way == "up" or not unfinished(target)
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.DONE, done
        assert tree(target) == tree(source)


async def test_a_source_truncated_while_copied_is_reported(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    (source / "file").write_bytes(os.urandom(LARGE))
    (target / "file").write_bytes(b"old")
    async with slow_line(sshd) as (_, config), files_on(config) as files:
        job = files.submit("sshd", [source / "file"], "", target, conflict=ConflictChoice.OVERWRITE)
        await until_some_arrived(files, job)
        os.truncate(source / "file", LARGE // 10)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state in (TransferState.FAILED, TransferState.DONE)
        if done.state is TransferState.FAILED:
            assert "source changed while copied" in done.errors[0].reason
            assert (target / "file").read_bytes() == b"old"
        else:  # the second attempt copied what the file is now, all of it
            assert (target / "file").read_bytes() == (source / "file").read_bytes()
    assert not unfinished(target)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Mount a file system of four megabytes."""
    with tempfile.TemporaryDirectory(prefix="small-disk-") as folder:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        ) if os.getuid() == 0 else None  # fmt: skip
        if done is None or done.returncode:
            pytest.skip("a small file system can only be mounted by root")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_full_disk_is_called_that_and_the_rest_goes_on(
    sshd: RealSshd, small_disk: Path, tmp_path: Path, way: str
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(6_000_000))
    (tmp_path / "small").write_bytes(b"fits")
    (small_disk / "big").write_bytes(b"old")
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file, True) as files:
        done = await files.copy(
            ends[0], [tmp_path / "big", tmp_path / "small"], ends[1], small_disk
        )
        (asked,) = files.client.prompter.asked
    assert isinstance(asked, ConfirmQuestion)
    assert "6,000,004 bytes are needed" in asked.detail
    (error,) = done.errors
    disk = "remote disk" if way == "up" else "disk"
    assert re.search(rf"\b{disk} full \([\d,]+ bytes free\)", error.reason)
    assert "on sshd" in error.reason if way == "up" else "here" in error.reason
    assert (small_disk / "big").read_bytes() == b"old"
    assert (small_disk / "small").read_bytes() == b"fits"
    assert not unfinished(small_disk)


@pytest.mark.parametrize("way", ["down", "up"])
async def test_too_little_room_is_told_before_anything_is_copied(
    sshd: RealSshd, small_disk: Path, tmp_path: Path, way: str
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(6_000_000))
    (tmp_path / "small").write_bytes(b"fits")
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        paths = [tmp_path / "big", tmp_path / "small"]
        done = await files.copy(ends[0], paths, ends[1], small_disk)
        assert done.state is TransferState.FAILED
        assert "not enough room" in done.reason
        assert "6,000,004 bytes are needed, 4,194,304 are free" in done.reason
        assert not tree(small_disk)
        os.truncate(tmp_path / "big", 1_000_000)
        files.queue.retry(done.id)
        assert (await files.queue.wait(done.id)).state is TransferState.DONE
    assert len(tree(small_disk)) == 2


@asynccontextmanager
async def loopback(server_type: type[asyncssh.SFTPServer], **values: Any) -> AsyncIterator[Files]:
    """Run an asyncssh server with its own SFTP and a queue on it."""
    faults = Faults(sftp_server=server_type, **values)
    async with LoopbackServer(faults) as server, files_on(server.config_file, True) as files:
        files.home = server.home
        yield files


async def test_names_and_links_of_an_evil_server_stay_inside(folders: tuple[Path, Path]) -> None:
    _, target = folders
    evil = {
        b"good": file_attributes(1),
        b"../escaped": file_attributes(1),
        b"/tmp/escaped": file_attributes(1),
        b"..": file_attributes(1),
        b".": folder_attributes(),
        b"": file_attributes(1),
        b"nul\0byte": file_attributes(1),
        b"x/../../escaped": file_attributes(1),
        b"y" * 300: file_attributes(1),
        b"link": link_attributes(),
        b"setuid": file_attributes(1, permissions=0o104777),
        b"late": file_attributes(1, atime=2**32 - 1, mtime=2**32 - 1),
    }
    async with loopback(lying_sftp(evil)) as files:
        done = await files.copy("loopback", [Path("/tree")], "", target)
    assert done.state is TransferState.FAILED
    assert set(os.listdir(target)) == {"tree"}
    assert {"good", "setuid", "late"} <= set(os.listdir(target / "tree"))
    assert set(os.listdir(target / "tree")) <= {"good", "setuid", "late"}
    assert (target / "tree" / "setuid").stat().st_mode & 0o7000 == 0
    assert not list(target.parent.glob("**/*escaped*"))
    omissions = " ".join(one.reason for one in done.left_out)
    assert "unsafe name" in omissions
    assert "leads out" in omissions
    assert ["too long" in error.reason for error in done.errors] == [True]


async def test_a_link_and_a_file_of_one_name_do_not_meet(folders: tuple[Path, Path]) -> None:
    _, target = folders
    outside = target.parent / "outside"
    outside.mkdir()

    class Twice(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            if path.endswith(b"/tree"):
                yield asyncssh.SFTPName(b"name", attrs=link_attributes())
                yield asyncssh.SFTPName(b"name", attrs=folder_attributes())
            else:
                yield asyncssh.SFTPName(b"planted", attrs=file_attributes(1))

        def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
            return folder_attributes()

        def realpath(self, path: bytes) -> bytes:
            return path

        def readlink(self, path: bytes) -> bytes:
            return b"../../outside"

    async with loopback(Twice) as files:
        done = await files.copy("loopback", [Path("/tree")], "", target)
    (omitted,) = done.left_out
    assert "leads out" in omitted.reason
    assert not list(outside.iterdir())


@pytest.mark.parametrize("claimed", [0, 1, 5_000, 2**62])
async def test_a_wrong_size_never_counts_as_whole(folders: tuple[Path, Path], claimed: int) -> None:
    _, target = folders
    content = b"twelve bytes"
    server = lying_sftp({b"file": file_attributes(claimed)}, content=content)
    async with loopback(server) as files:
        done = await files.copy("loopback", [Path("/tree")], "", target)
    if done.state is TransferState.DONE:
        assert (target / "tree" / "file").read_bytes() == content
    else:
        assert "changed" in done.errors[0].reason
        assert not unfinished(target)
        assert not (target / "tree" / "file").exists()


async def test_a_quota_is_called_that_and_what_fits_is_whole(
    folders: tuple[Path, Path],
) -> None:
    left = 250_000

    class Quota(asyncssh.SFTPServer):
        def write(self, file_obj: object, offset: int, data: bytes) -> MaybeAwait[int]:
            nonlocal left
            left -= len(data)
            if left < 0:
                raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
            return super().write(file_obj, offset, data)

    source, _ = folders
    for number in range(5):
        (source / f"file {number}").write_bytes(os.urandom(90_000))
    async with loopback(Quota) as files:
        done = await files.copy("", list(source.iterdir()), "loopback", Path("/"))
        assert done.state is TransferState.FAILED
        assert not unfinished(files.home)
        whole = list(files.home.iterdir())
        assert whole, "there was room for some"
        for path in whole:
            assert path.read_bytes() == (source / path.name).read_bytes()
    assert len(done.errors) == 5 - len(whole)
    for failure in done.errors:
        assert "disk quota exceeded (your quota is used up" in failure.reason


async def test_without_posix_rename_the_old_file_is_replaced_in_steps(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asyncssh.sftp import SFTPServerHandler

    monkeypatch.setattr(SFTPServerHandler, "_extensions", [])
    source, _ = folders
    (source / "file").write_bytes(b"new")
    async with loopback(asyncssh.SFTPServer) as files:
        (files.home / "file").write_bytes(b"old")
        filesystem = await files.open("loopback")
        assert await filesystem.statvfs(b"/") is None
        await filesystem.close()
        done = await files.copy("", [source / "file"], "loopback", Path("/"))
        assert done.state is TransferState.DONE, done
        assert tree(files.home) == tree(source)


async def test_a_failing_rename_gives_the_old_file_its_name_back(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asyncssh.sftp import SFTPServerHandler

    class Stubborn(asyncssh.SFTPServer):
        def rename(self, oldpath: bytes, newpath: bytes) -> None:
            if oldpath.endswith(b".part"):
                raise asyncssh.SFTPFailure("no")
            super().rename(oldpath, newpath)

    monkeypatch.setattr(SFTPServerHandler, "_extensions", [])
    source, _ = folders
    (source / "file").write_bytes(b"new")
    async with loopback(Stubborn) as files:
        (files.home / "file").write_bytes(b"old")
        done = await files.copy("", [source / "file"], "loopback", Path("/"))
        assert done.state is TransferState.FAILED
        content = {path.name: path.read_bytes() for path in files.home.iterdir()}
    assert content == {"file": b"old"}


@pytest.mark.parametrize("step", [1, 2])
async def test_a_cancel_between_the_steps_of_a_replacement_waits_for_its_end(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    from asyncssh.sftp import SFTPServerHandler

    reached, go_on = asyncio.Event(), asyncio.Event()
    renames: list[bytes] = []

    class Slow(asyncssh.SFTPServer):
        async def rename(self, oldpath: bytes, newpath: bytes) -> None:
            renames.append(newpath)
            if len(renames) == step:
                reached.set()
                await go_on.wait()
            super().rename(oldpath, newpath)

    monkeypatch.setattr(SFTPServerHandler, "_extensions", [])
    source, _ = folders
    (source / "file").write_bytes(b"new")
    async with loopback(Slow) as files, asyncio.timeout(PATIENCE):
        (files.home / "file").write_bytes(b"old")
        overwrite = ConflictChoice.OVERWRITE
        job = files.submit("", [source / "file"], "loopback", Path("/"), conflict=overwrite)
        await reached.wait()
        files.queue.cancel(job)
        await asyncio.sleep(0)
        go_on.set()
        assert (await files.queue.wait(job)).state is TransferState.CANCELLED
        content = {path.name: path.read_bytes() for path in files.home.iterdir()}
    assert content in ({"file": b"old"}, {"file": b"new"})


@pytest.mark.parametrize("where", ["write", "fsync", "close"])
async def test_a_late_failure_counts(folders: tuple[Path, Path], where: str) -> None:
    class Failing(asyncssh.SFTPServer):
        def write(self, file_obj: object, offset: int, data: bytes) -> MaybeAwait[int]:
            if where == "write":
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(file_obj, offset, data)

        def fsync(self, file_obj: object) -> None:
            if where == "fsync":
                raise OSError(errno.EIO, "Input/output error")

        def close(self, file_obj: object) -> None:
            super().close(file_obj)
            if where == "close":
                raise OSError(errno.EDQUOT, "Disk quota exceeded")

    source, _ = folders
    (source / "file").write_bytes(os.urandom(2_000_000))
    async with loopback(Failing) as files:
        (files.home / "file").write_bytes(b"old")
        done = await files.copy("", [source / "file"], "loopback", Path("/"))
        assert done.state is TransferState.FAILED
        assert done.errors, done.reason
        content = {path.name: path.read_bytes() for path in files.home.iterdir()}
    assert content == {"file": b"old"}
    words = {"write": "disk full", "fsync": "nput/output error", "close": "quota"}
    assert words[where] in done.errors[0].reason


async def test_a_server_without_sftp_says_so() -> None:
    async with loopback(asyncssh.SFTPServer, sftp=False) as files:
        with pytest.raises(SessionError, match="no SFTP"):
            await files.open("loopback")
        done = await files.copy("loopback", [Path("/x")], "", Path("/tmp"))
        assert done.state is TransferState.FAILED
        assert "no SFTP" in done.reason


async def test_a_login_script_that_prints_is_named(sshd: RealSshd) -> None:
    sshd.subsystem = "/bin/echo Welcome to this machine, please behave"
    await asyncio.to_thread(sshd.restart)
    async with files_on(sshd.config_file) as files:
        with pytest.raises(SessionError) as caught:
            await files.open("sshd")
    assert "Welcome" in str(caught.value)
    assert ".bashrc" in caught.value.hint


async def test_when_the_sftp_server_alone_dies_the_connection_stays(sshd: RealSshd) -> None:
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")
        session = filesystem._session  # type: ignore[attr-defined]
        session.protocol.wire.eof_received()
        with pytest.raises(ConnectionLost, match="file session ended"):
            await filesystem.listdir(b"/")
        await filesystem.close()
        again = await files.open("sshd")
        assert (await again.lstat(b"/")).kind is Kind.DIRECTORY
        await again.close()


async def test_errors_of_single_operations_are_said_plainly(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, _ = folders
    (source / "file").write_bytes(b"x")
    (source / "folder" / "full").mkdir(parents=True)
    at = bytes(source)
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            for doing, words in (
                (filesystem.listdir(at + b"/none"), "no such file"),
                (filesystem.mkdir(at + b"/folder"), "exists already"),
                (filesystem.rename(at + b"/file", at + b"/folder"), "exists already"),
                (filesystem.rmdir(at + b"/folder"), "not empty"),
                (filesystem.open_write(at + b"/file"), "exists already"),
                (filesystem.unlink(at + b"/none"), "no such file"),
            ):
                with pytest.raises(FileError) as caught:
                    await doing
                assert words in str(caught.value)
                assert str(caught.value).startswith("sshd:")
        finally:
            await filesystem.close()
