"""Copies between here and a real sshd, and between hosts."""

import asyncio
import os
import stat
import struct
import subprocess
from pathlib import Path

import asyncssh
import pytest

from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion
from sshdash.states import TransferState
from tests.live.file_kit import files_on, fill_with_odd_names, tree, unfinished
from tests.live.test_sftp_faults import loopback
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

PSEUDO_FILES = [
    path
    for path in map(
        Path,
        (
            "/proc/cpuinfo",
            "/proc/version",
            "/sys/kernel/mm/ksm/run",
            "/proc/sys/net/core/flow_limit_cpu_bitmap",  # gives nothing to who asks for a byte
        ),
    )
    if path.exists()
]
WAYS = ["down", "up", "across", "local", "within"]


def ends(way: str) -> tuple[str, str]:
    """Return the endpoints of a copy."""
    return {
        "down": ("sshd", ""),
        "up": ("", "sshd"),
        "across": ("sshd", "inner"),
        "local": ("", ""),
        "within": ("sshd", "sshd"),
    }[way]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return an empty source and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


@pytest.mark.parametrize("way", WAYS)
async def test_odd_names_sizes_links_and_empty_folders_arrive(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    tree_root = source / "tree"
    tree_root.mkdir()
    fill_with_odd_names(tree_root)
    for size in (0, 1, 1024, 261_120, 261_121, 1 << 20, (1 << 20) + 1, 5_000_000):
        (tree_root / f"size-{size}").write_bytes(os.urandom(size))
    (tree_root / "empty" / "deeper").mkdir(parents=True)
    (tree_root / "link").symlink_to("size-1")
    (tree_root / "dangling").symlink_to("nowhere")
    (tree_root / "loop").symlink_to("loop")
    (tree_root / "here").symlink_to(".")
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends(way)[0], [tree_root], ends(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "tree") == tree(tree_root)


@pytest.mark.parametrize("way", WAYS)
async def test_times_and_modes_are_kept_but_never_setuid(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    file, folder = source / "folder" / "file", source / "folder"
    folder.mkdir()
    file.write_bytes(b"x")
    file.chmod(0o4751)
    os.utime(file, (1_000_000_000, 1_000_000_000))
    folder.chmod(0o555)
    os.utime(folder, (1_100_000_000, 1_100_000_000))
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends(way)[0], [folder], ends(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    copied = (target / "folder" / "file").stat()
    assert (stat.S_IMODE(copied.st_mode), copied.st_mtime) == (0o751, 1_000_000_000)
    copied = (target / "folder").stat()
    assert (stat.S_IMODE(copied.st_mode), copied.st_mtime) == (0o555, 1_100_000_000)
    (target / "folder").chmod(0o755)
    folder.chmod(0o755)


@pytest.mark.parametrize("mask", ["077", "027", "002"])
async def test_the_umask_of_a_host_takes_every_bit_that_it_says(
    folders: tuple[Path, Path], mask: str
) -> None:
    source, target = folders
    (source / "deep").mkdir()
    for path, mode in ((source / "deep", 0o777), (source / "run", 0o755), (source / "read", 0o644)):
        path.touch()
        path.chmod(mode)
    async with (
        RealSshd(subsystem=f"internal-sftp -u {mask}") as server,
        files_on(server.config_file) as files,
    ):
        done = await files.copy("", list(source.iterdir()), "sshd", target, preserve=False)
    assert done.state is TransferState.DONE, done.errors
    for path in source.iterdir():
        wanted = stat.S_IMODE(path.stat().st_mode) & ~int(mask, 8)
        assert stat.S_IMODE((target / path.name).stat().st_mode) == wanted, path


async def test_who_is_cancelled_while_a_umask_is_asked_for_leaves_no_file(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    _, target = folders
    async with files_on(sshd.config_file) as files:
        remote = await files.open("sshd")
        try:
            asking = asyncio.create_task(remote.umask(bytes(target)))
            await asyncio.sleep(0)  # the file is asked for, and nobody has heard of it yet
            asking.cancel()
            await asyncio.wait({asking})
            await remote.stat(bytes(target))  # which the server answers behind all of it
            assert list(target.iterdir()) == []
        finally:
            await remote.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_default_access_list_rules_where_there_is_one(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    # user::rwx user:1000:rwx group::r-x mask::rwx other::---
    entries = ((1, 7, -1), (2, 7, 1000), (4, 5, -1), (16, 7, -1), (32, 0, -1))
    packed = b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(target, "system.posix_acl_default", struct.pack("<I", 2) + packed)
    except OSError:
        pytest.skip("a file system without access lists")
    (source / "deep").mkdir()
    for path, mode in ((source / "deep", 0o755), (source / "run", 0o755), (source / "read", 0o644)):
        path.touch()
        path.chmod(mode)
    sources = list(source.iterdir())
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends(way)[0], sources, ends(way)[1], target, preserve=False)
    assert done.state is TransferState.DONE, done.errors
    for path in sources:
        wanted = stat.S_IMODE(path.stat().st_mode) & 0o770
        assert stat.S_IMODE((target / path.name).stat().st_mode) == wanted, path


@pytest.mark.parametrize("way", ["down", "up"])
async def test_without_preserve_the_umask_rules(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    (source / "new").write_bytes(b"x")
    (source / "new").chmod(0o666)
    (source / "old").write_bytes(b"x")
    (target / "old").write_bytes(b"y")
    (target / "old").chmod(0o600)
    async with files_on(sshd.config_file) as files:
        done = await files.copy(
            ends(way)[0], list(source.iterdir()), ends(way)[1], target, preserve=False
        )
    assert done.state is TransferState.DONE, done.errors
    umask = os.umask(0)
    os.umask(umask)
    if way == "down":
        assert stat.S_IMODE((target / "new").stat().st_mode) == 0o666 & ~umask
    else:
        assert stat.S_IMODE((target / "new").stat().st_mode) & 0o111 == 0
    assert stat.S_IMODE((target / "old").stat().st_mode) == 0o600
    assert not unfinished(target)


@pytest.mark.parametrize("way", WAYS)
async def test_holes_stay_holes_and_the_content_is_the_same(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    layouts: dict[str, list[tuple[int, bytes]]] = {
        "trailing": [(0, b"start"), (3_000_000, b"")],
        "leading": [(5_000_000, b"end")],
        "middle": [(0, b"start" * 100_000), (20_000_000, b"end" * 100_000)],
        "all": [(1_000_000, b"")],
        "all and large": [(50_000_000, b"")],
    }
    for name, parts in layouts.items():
        with (source / name).open("wb") as file:
            for offset, data in parts:
                file.truncate(offset)
                file.seek(offset)
                file.write(data)
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends(way)[0], list(source.iterdir()), ends(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert done.bytes_done == sum(path.stat().st_size for path in source.iterdir())
    assert tree(target) == tree(source)
    # A host does not tell its holes, and takes zeros as they come.
    if way not in ("across", "within"):
        large = target / "all and large"
        assert large.stat().st_blocks * 512 < 1_000_000


@pytest.mark.parametrize("way", ["up", "local", "down"])
async def test_names_of_one_file_stay_names_of_one_file(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    (source / "tree" / "deep").mkdir(parents=True)
    first = source / "tree" / "a"
    first.write_bytes(os.urandom(100_000))
    first.chmod(0o640)
    for name in ("b", "deep/c", "existing"):
        os.link(first, source / "tree" / name)
    (target / "tree").mkdir()
    (target / "tree" / "existing").write_bytes(b"old")
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends(way)[0], [source / "tree"], ends(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert (done.files_done, done.files_total) == (4, 4)
    assert done.bytes_done == done.bytes_total
    assert tree(target) == tree(source)
    assert not unfinished(target)
    if way != "down":  # SFTP does not tell which names are one file's
        numbers = {(target / "tree" / name).stat().st_ino for name in ("a", "b", "deep/c")}
        assert len(numbers) == 1
    assert (target / "tree" / "existing").stat().st_nlink == 1


@pytest.mark.parametrize("way", ["up", "local"])
async def test_names_of_one_file_are_moved_together(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    (source / "a").write_bytes(b"content")
    os.link(source / "a", source / "b")
    async with files_on(sshd.config_file) as files:
        paths = [source / "a", source / "b"]
        done = await files.copy(ends(way)[0], paths, ends(way)[1], target, move=True)
    assert done.state is TransferState.DONE, done.errors
    assert not tree(source)
    assert (target / "a").read_bytes() == b"content"
    assert (target / "a").stat().st_ino == (target / "b").stat().st_ino


async def test_names_of_one_file_are_copied_where_there_are_no_hard_links(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asyncssh.sftp import SFTPServerHandler

    source, _ = folders
    (source / "a").write_bytes(b"content")
    os.link(source / "a", source / "b")
    monkeypatch.setattr(SFTPServerHandler, "_extensions", [])
    async with loopback(asyncssh.SFTPServer) as files:
        done = await files.copy("", list(source.iterdir()), "loopback", Path("/"))
        assert done.state is TransferState.DONE, done.errors
        assert tree(files.home) == tree(source)


@pytest.mark.parametrize("way", ["up", "local", "down"])
async def test_owners_are_kept_where_that_is_asked(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root gives files away")
    source, target = folders
    (source / "tree").mkdir()
    (source / "tree" / "file").write_bytes(b"x")
    (source / "tree" / "file").chmod(0o640)
    for path in (source / "tree", source / "tree" / "file"):
        os.chown(path, 1234, 2345)
    async with files_on(sshd.config_file) as files:
        for owner, expected in ((True, (1234, 2345)), (False, (0, 0))):
            place = target / str(owner)
            place.mkdir()
            done = await files.copy(
                ends(way)[0], [source / "tree"], ends(way)[1], place, owner=owner
            )
            assert done.state is TransferState.DONE, done.errors
            for path in (place / "tree", place / "tree" / "file"):
                found = path.stat()
                assert (found.st_uid, found.st_gid) == expected
            assert stat.S_IMODE((place / "tree" / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("way", WAYS)
async def test_pseudo_files_are_read_to_their_end(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    wanted = PSEUDO_FILES
    if not wanted:
        pytest.skip("this system has neither /proc nor /sys")
    _, target = folders
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends(way)[0], wanted, ends(way)[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert all((target / path.name).stat().st_size > 0 for path in wanted)
    version = target / "version"
    assert version.read_bytes() == PSEUDO_FILES[1].read_bytes()


@pytest.mark.parametrize("way", WAYS)
async def test_a_fifo_is_reported_and_nothing_waits_for_it(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    os.mkfifo(source / "fifo")
    (source / "file").write_bytes(b"x")
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        done = await files.copy(ends(way)[0], list(source.iterdir()), ends(way)[1], target)
        assert done.state is TransferState.DONE
        (omitted,) = done.left_out
        assert "FIFO" in omitted.reason
        assert (target / "file").exists()
        assert not (target / "fifo").exists()
        filesystem = await files.open(ends(way)[0])
        try:
            with pytest.raises(Exception, match="FIFO"):
                await filesystem.read_head(bytes(source / "fifo"), 100)
            assert len(await filesystem.listdir(bytes(source))) == 2
        finally:
            await filesystem.close()


async def test_a_failed_file_is_named_the_others_arrive_and_retry_does_it(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    for number in range(200):
        (source / f"{number}").write_bytes(b"%d" % number)
    # A directory where a file should go cannot be overwritten, not even by root.
    (target / "source" / "7").mkdir(parents=True)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
        assert done.state is TransferState.FAILED
        (error,) = done.errors
        assert error.path == str(source / "7")
        assert "is a directory" in error.reason
        assert len(tree(target / "source")) == 200
        (target / "source" / "7").rmdir()
        files.queue.retry(done.id)
        done = await files.queue.wait(done.id)
        assert done.state is TransferState.DONE, done.errors
        assert tree(target / "source") == tree(source)


async def test_permission_denied_is_named(sshd: RealSshd, folders: tuple[Path, Path]) -> None:
    if os.getuid() == 0:
        pytest.skip("root may read everything")
    source, target = folders
    (source / "secret").write_bytes(b"x")
    (source / "secret").chmod(0)
    (source / "plain").write_bytes(b"x")
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", list(source.iterdir()), "", target)
    (error,) = done.errors
    assert "permission denied" in error.reason
    assert (target / "plain").exists()


async def test_conflicts_are_asked_with_sizes_and_times(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    for name in ("a", "b", "c", "d"):
        (source / name).write_bytes(b"new " + name.encode())
        (target / name).write_bytes(b"old")
    answers = (
        ConflictAnswer(ConflictChoice.OVERWRITE),
        ConflictAnswer(ConflictChoice.SKIP),
        ConflictAnswer(ConflictChoice.RENAME, for_all=True),
    )
    async with files_on(sshd.config_file, *answers) as files:
        paths = [source / name for name in ("a", "b", "c", "d")]
        done = await files.copy("sshd", paths, "", target, conflict=None)
        assert done.state is TransferState.DONE, done.errors
        assert done.skipped == 1
        asked = files.client.prompter.asked
        assert len(asked) == 3
        assert isinstance(asked[0], ConflictQuestion)
        assert (asked[0].source_size, asked[0].target_size) == (5, 3)
    content = {path.name: path.read_bytes() for path in target.iterdir()}
    assert content == {
        "a": b"new a",
        "b": b"old",
        "c": b"old",
        "c (2)": b"new c",
        "d": b"old",
        "d (2)": b"new d",
    }


async def test_a_directory_is_not_copied_into_itself_nor_a_file_onto_itself(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, _ = folders
    (source / "below").mkdir()
    (source / "file").write_bytes(b"x")
    (source.parent / "alias").symlink_to(source)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "sshd", source.parent / "alias" / "below")
        assert "into itself" in done.errors[0].reason
        done = await files.copy("sshd", [source / "file"], "sshd", source.parent / "alias")
        assert "the same" in done.errors[0].reason
    assert (source / "file").read_bytes() == b"x"
    assert not list((source / "below").iterdir())


async def test_writing_never_goes_through_a_link_at_the_target(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    (source / "tree" / "sub").mkdir(parents=True)
    (source / "tree" / "sub" / "file").write_bytes(b"new")
    (source / "tree" / "file").write_bytes(b"new")
    outside = target.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    (target / "tree").mkdir()
    (target / "tree" / "sub").symlink_to(outside)
    (target / "tree" / "file").symlink_to(outside / "kept")
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source / "tree"], "", target)
    assert [error.path for error in done.errors] == [str(source / "tree" / "sub")]
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("kept", b"kept")]
    assert (target / "tree" / "file").read_bytes() == b"new"
    assert not (target / "tree" / "file").is_symlink()


async def test_a_large_tree_is_looked_through_quickly_and_deleted(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    from sshdash.sftp.trees import remove_trees

    source, _ = folders
    for number in range(300):
        folder = source / f"{number % 30}" / f"{number}"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
    outside = source.parent / "outside"
    outside.write_bytes(b"kept")
    (source / "link").symlink_to(outside)
    (source / "root").symlink_to("/")
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            count = await remove_trees(filesystem, [bytes(source)])
        finally:
            await filesystem.close()
    assert count == 300 + 300 + 30 + 2 + 1
    assert not source.exists()
    assert outside.read_bytes() == b"kept"


async def test_a_listing_of_many_entries_comes_in_batches(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, _ = folders
    for number in range(5000):
        (source / f"file-{number}").touch()
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            sizes = [len(batch) async for batch in filesystem.scandir(bytes(source))]
        finally:
            await filesystem.close()
    assert sum(sizes) == 5000
    assert max(sizes) < 1000


async def test_local_entries_are_what_ls_says(folders: tuple[Path, Path]) -> None:
    from sshdash.sftp.local import LocalFilesystem

    source, _ = folders
    (source / "file").write_bytes(b"12345")
    (source / "link").symlink_to("file")
    (source / "dead").symlink_to("gone")
    local = LocalFilesystem()
    try:
        found = await local.resolve_links(bytes(source), await local.listdir(bytes(source)))
    finally:
        await local.close()
    ls = await asyncio.create_subprocess_exec("ls", "-l", source, stdout=subprocess.PIPE)
    listing = (await ls.communicate())[0].decode()
    for entry in found:
        line = next(row for row in listing.splitlines() if f" {entry.label}" in row)
        assert line.startswith(entry.permissions)
        assert entry.owner in line
    targets = {entry.label: (entry.target, entry.target_kind) for entry in found}
    assert targets["dead"] == (b"gone", None)
    assert targets["link"][1] is not None
