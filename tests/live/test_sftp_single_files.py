"""Looking into, editing and changing single files of a real OpenSSH server."""

import os
import struct
from pathlib import Path
from typing import NoReturn

import pytest

from sshdash.errors import FileError, UsageError
from sshdash.sftp.entries import Kind
from sshdash.sftp.making import make_file
from sshdash.sftp.owners import number_of
from sshdash.sftp.peek import Peek
from sshdash.sftp.renames import Rename, rename_all
from sshdash.sftp.saving import look_again, save, save_in_place, take
from sshdash.sftp.tree_changes import ModeChange, TreeChange
from sshdash.ui.controllers.file_previews import make_preview
from tests.live.file_kit import files_on
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd


def through(server: RealSshd, proxy: Proxy) -> Path:
    """Return a configuration that goes through a proxy, which counts bytes."""
    config = server.folder / "counted_config"
    text = server.config_file.read_text().replace(f"Port {server.port}", f"Port {proxy.port}")
    config.write_text(text + f"    HostKeyAlias [127.0.0.1]:{server.port}\n")
    config.chmod(0o600)
    return config


async def test_a_look_into_large_files_does_not_download_them(tmp_path: Path) -> None:
    text, binary = tmp_path / "long.log", tmp_path / "disk.img"
    text.write_bytes(b"a line of a log\n" * 2_000_000)
    with binary.open("wb") as file:
        file.write(os.urandom(1000))
        file.truncate(500_000_000)
    async with (
        RealSshd() as server,
        Proxy(server.port) as proxy,
        files_on(through(server, proxy)) as files,
    ):
        for path in (text, binary):
            filesystem = await files.open("sshd")
            entry = await filesystem.stat(bytes(path))
            peek = await Peek.open(filesystem, bytes(path))
            try:
                preview = await make_preview(peek, entry)
                assert preview.size == path.stat().st_size
                end = await preview.read(preview.size - 100, 1000)
                assert end == path.read_bytes()[-100:] if path is text else not any(end)
            finally:
                await peek.close()
        assert proxy.bytes_down < 2_000_000


async def test_what_was_edited_replaces_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "app.conf"
    path.write_text("old\n")
    path.chmod(0o640)
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            taken, data = await take(filesystem, bytes(path), 1000)
            assert data == b"old\n"
            now, there = await look_again(filesystem, taken, 1000)
            assert there == data
            inode = path.stat().st_ino
            await save(filesystem, taken.path, b"new\n" * 50_000, now)
        finally:
            await filesystem.close()
    assert path.read_text() == "new\n" * 50_000
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.stat().st_ino != inode
    assert os.listdir(tmp_path) == ["app.conf"]


async def test_a_folder_that_went_away_meanwhile_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    path = folder / "app.conf"
    path.write_text("old\n")
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            taken, _ = await take(filesystem, bytes(path), 1000)
            path.unlink()
            folder.rmdir()
            with pytest.raises(FileError, match="no such file"):
                await save(filesystem, taken.path, b"new", taken.entry)
        finally:
            await filesystem.close()


async def test_owners_links_and_times_are_told_and_set(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("x")
    os.link(path, tmp_path / "other")
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            listed = {entry.name: entry for entry in await filesystem.listdir(bytes(tmp_path))}
            assert listed[b"one"].links == 2
            described = await filesystem.describe(bytes(path))
            assert (described.uid, described.kind) == (os.getuid(), Kind.FILE)
            assert not described.owner.isdigit(), "the server tells names"
            await filesystem.set_time(bytes(path), 1_600_000_000 * 10**9)
            await make_file(filesystem, bytes(tmp_path / "fresh"), 1_500_000_000 * 10**9)
            await filesystem.symlink(b"nothing/there", bytes(tmp_path / "link"))
            assert await number_of(filesystem, "root") == 0
            with pytest.raises(UsageError, match="no group “no-such-group”"):
                await number_of(filesystem, "no-such-group", group=True)
        finally:
            await filesystem.close()
    assert path.stat().st_mtime == 1_600_000_000
    assert (tmp_path / "fresh").stat().st_mtime == 1_500_000_000
    assert os.readlink(tmp_path / "link") == "nothing/there"


async def test_only_root_gives_files_away(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("x")
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            if os.getuid() == 0:
                await filesystem.chown(bytes(path), 12345, 54321)
                assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)
                taken, _ = await take(filesystem, bytes(path), 100)
                await save(filesystem, taken.path, b"edited", taken.entry)
                assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)
            else:
                with pytest.raises(FileError, match=r"permission|permitted"):
                    await filesystem.chown(bytes(path), 0, 0)
        finally:
            await filesystem.close()


async def test_names_are_swapped_on_a_host_or_left_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        swap = [
            Rename(bytes(tmp_path / "a"), bytes(tmp_path / "b")),
            Rename(bytes(tmp_path / "b"), bytes(tmp_path / "a")),
        ]
        try:
            await rename_all(filesystem, swap)
            assert (tmp_path / "a").read_text() == "b"
            beyond = Rename(bytes(tmp_path / "c"), bytes(tmp_path / "nowhere" / "c"))
            (tmp_path / "c").write_text("c")
            with pytest.raises(FileError):
                await rename_all(filesystem, [*swap, beyond])
        finally:
            await filesystem.close()
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]
    assert [(tmp_path / name).read_text() for name in "abc"] == ["b", "a", "c"]


def give_access_list(path: Path) -> None:
    """Let user 12345 read a file too. Raises OSError where the file system has no such lists."""
    entries = [(1, 6, -1), (2, 4, 12345), (4, 4, -1), (16, 4, -1), (32, 0, -1)]
    packed = b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + packed)


async def test_what_was_edited_in_place_keeps_other_names_and_the_access_list(
    tmp_path: Path,
) -> None:
    path, other, plain = tmp_path / "it's.conf", tmp_path / "other", tmp_path / "plain"
    path.write_text("old content, and longer than the new one\n")
    plain.touch()
    os.link(path, other)
    try:
        give_access_list(path)
    except OSError:
        has_lists = False
    else:
        has_lists = True
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        nothing = await filesystem.describe(bytes(plain))
        assert (nothing.links, nothing.has_acl) == (1, False)
        known = await filesystem.describe(bytes(path))
        assert (known.links, known.has_acl) == (2, has_lists)
        old = path.read_bytes()
        await save_in_place(filesystem, bytes(path), b"new\n", old)
        after = await filesystem.describe(bytes(path))
        assert (after.links, after.has_acl) == (2, has_lists)
        await filesystem.close()
    assert path.read_text() == other.read_text() == "new\n"
    assert sorted(os.listdir(tmp_path)) == ["it's.conf", "other", "plain"]


async def test_modes_of_a_tree_are_changed_and_links_out_of_it_are_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch(mode=0o600)
    deep = tmp_path / "top" / "a" / "b"
    deep.mkdir(parents=True)
    for number in range(200):
        (deep / f"{number}").touch(mode=0o600)
    (deep / "out").symlink_to(outside)
    (deep / "up").symlink_to(tmp_path / "top")
    async with RealSshd() as server, files_on(server.config_file) as files:
        filesystem = await files.open("sshd")
        top = await filesystem.lstat(bytes(tmp_path / "top"))
        changed = await TreeChange(filesystem, ModeChange(0o644)).run(bytes(tmp_path), [top])
        await filesystem.close()
    assert (changed.done, changed.links, changed.failed) == (203, 2, 0)
    assert {(deep / f"{number}").stat().st_mode & 0o777 for number in range(200)} == {0o644}
    assert deep.stat().st_mode & 0o777 == 0o755
    assert outside.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["FIFO", "directory", "device"])
async def test_only_regular_files_are_looked_into(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The server would read a device, and wait at a FIFO: neither is opened at all."""
    path = sshd.home / "thing"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")

        async def open_read(path: bytes) -> NoReturn:
            pytest.fail("it was opened")

        monkeypatch.setattr(filesystem, "open_read", open_read)
        with pytest.raises(FileError, match="not a regular file") as told:
            await Peek.open(filesystem, bytes(path))
    assert kind in told.value.detail
