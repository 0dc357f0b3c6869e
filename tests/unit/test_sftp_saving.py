"""Saving what was edited: whole or not at all."""

import asyncio
import os
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.sftp import local_calls
from sshdash.sftp.failures import ExistsError, MissingError
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.saving import OwnerNotKept, look_again, save, save_in_place, save_new, take
from tests.unit.memory_files import MemoryFilesystem

PATH = b"/etc/app.conf"


def files_with(data: bytes = b"old\n", **values: object) -> MemoryFilesystem:
    files = MemoryFilesystem("far")
    files.file(PATH, data, **values)
    return files


async def test_the_mode_and_the_owner_stay() -> None:
    files = files_with(mode=0o640, owners=(33, 44))
    taken, data = await take(files, PATH, 1000)
    assert data == b"old\n"
    await save(files, PATH, b"new content\n" * 9, taken.entry)
    node = files.nodes[PATH]
    assert (node.data, node.mode, node.owners) == (b"new content\n" * 9, 0o640, (33, 44))
    assert list(files.below(b"/etc")) == [b"app.conf"]


async def test_an_owner_that_cannot_be_kept_is_asked_about_first() -> None:
    files = files_with(mode=0o4755, owners=(33, 44))

    def at(operation: str, path: bytes) -> None:
        if operation == "chown":
            raise FileError("cannot change the owner", "", "operation not permitted")

    files.at = at
    taken, _ = await take(files, PATH, 1000)
    with pytest.raises(OwnerNotKept):
        await save(files, PATH, b"new", taken.entry)
    assert files.below(b"/etc") == {b"app.conf": b"old\n"}
    await save(files, PATH, b"new", taken.entry, anyone=True)
    assert files.nodes[PATH].data == b"new"
    assert files.nodes[PATH].mode == 0o755, "setuid was for the owner it had"


@pytest.mark.parametrize("operation", ["create", "write", "finish", "chmod", "replace"])
async def test_whatever_fails_the_old_file_stays_and_nothing_else(operation: str) -> None:
    files = files_with()
    taken, _ = await take(files, PATH, 1000)

    def at(done: str, path: bytes) -> None:
        if done == operation:
            raise FileError("disk full")

    files.at = at
    with pytest.raises(FileError, match="disk full"):
        await save(files, PATH, b"new", taken.entry)
    assert files.below(b"/etc") == {b"app.conf": b"old\n"}
    assert not files.open_files


async def test_what_did_not_arrive_whole_replaces_nothing() -> None:
    files = files_with()
    taken, _ = await take(files, PATH, 1000)

    def at(operation: str, path: bytes) -> None:
        if operation == "finish":
            files.nodes[path].data = b"ne"

    files.at = at
    with pytest.raises(FileError, match="2 of 3 bytes arrived"):
        await save(files, PATH, b"new", taken.entry)
    assert files.below(b"/etc") == {b"app.conf": b"old\n"}


async def test_what_is_saved_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = local_calls.sync, os.replace

    def noted_sync(descriptor: int) -> None:
        sync(descriptor)
        done.append("sync")

    def noted_replace(*names: bytes) -> None:
        replace(*names)
        done.append("replace")

    monkeypatch.setattr(local_calls, "sync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    file = tmp_path / "file"
    file.write_bytes(b"old")
    files = LocalFilesystem()
    taken, _ = await take(files, bytes(file), 1000)
    await save(files, bytes(file), b"new", taken.entry)
    assert file.read_bytes() == b"new"
    assert done == ["sync", "replace"]
    await files.close()


async def test_a_save_that_is_cancelled_leaves_nothing_behind() -> None:
    files = files_with()
    taken, _ = await take(files, PATH, 1000)
    saving = asyncio.ensure_future(save(files, PATH, b"new", taken.entry))

    def at(operation: str, path: bytes) -> None:
        if operation == "chmod":
            saving.cancel()

    files.at = at
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert files.below(b"/etc") in ({b"app.conf": b"old\n"}, {b"app.conf": b"new"})


async def test_a_change_meanwhile_shows_though_size_and_time_are_the_same() -> None:
    files = files_with(b"one")
    taken, _ = await take(files, PATH, 1000)
    files.nodes[PATH].data = b"two"
    now, there = await look_again(files, taken, 1000)
    assert (now.size, there) == (3, b"two")
    del files.nodes[PATH]
    with pytest.raises(MissingError):
        await look_again(files, taken, 1000)


async def test_more_than_can_be_edited_is_refused() -> None:
    files = files_with(b"x" * 100, claims=5)
    with pytest.raises(FileError, match="more than 50 bytes"):
        await take(files, PATH, 50)
    assert not files.open_files


@pytest.mark.parametrize("operation", ["create", "write", "finish", "rename"])
async def test_a_file_that_is_gone_is_made_anew_whole_or_not_at_all(operation: str) -> None:
    files = files_with(mode=0o640)
    taken, _ = await take(files, PATH, 1000)
    await files.unlink(PATH)

    def at(done: str, path: bytes) -> None:
        if done == operation:
            raise FileError("disk full")

    files.at = at
    with pytest.raises(FileError, match="disk full"):
        await save_new(files, PATH, b"new", taken.entry)
    assert files.below(b"/etc") == {}
    files.at = lambda operation, path: None
    await save_new(files, PATH, b"new", taken.entry)
    assert (files.nodes[PATH].data, files.nodes[PATH].mode) == (b"new", 0o640)
    with pytest.raises(ExistsError):
        await save_new(files, PATH, b"other", taken.entry)
    assert files.below(b"/etc") == {b"app.conf": b"new"}


async def test_a_cancelled_clean_up_still_tells_that_it_was_cancelled() -> None:
    files = files_with()
    taken, _ = await take(files, PATH, 1000)

    def at(operation: str, path: bytes) -> None:
        if operation == "chmod":
            raise FileError("disk full")
        if operation == "unlink":
            saving.cancel()

    files.at = at
    saving = asyncio.ensure_future(save(files, PATH, b"new", taken.entry))
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert files.below(b"/etc") == {b"app.conf": b"old\n"}


async def test_in_place_the_very_file_gets_the_content_and_no_copy_stays() -> None:
    for data in (b"short", b"", b"much longer than it was before\n" * 5):
        files = files_with(b"old content\n", mode=0o640, owners=(33, 44))
        node = files.nodes[PATH]
        await save_in_place(files, PATH, data, node.data)
        assert files.nodes[PATH] is node
        assert (node.data, node.mode, node.owners) == (data, 0o640, (33, 44))
        assert list(files.below(b"/etc")) == [b"app.conf"]
        assert not files.open_files


@pytest.mark.parametrize("operation", ["create", "write", "finish"])
@pytest.mark.parametrize("turn", [1, 2])
async def test_in_place_the_old_content_is_put_back_where_it_fails(
    operation: str, turn: int
) -> None:
    files = files_with(b"old content that is long")
    seen = 0

    def at(done: str, path: bytes) -> None:
        nonlocal seen
        if done == operation:
            seen += 1
            if seen == turn:
                raise FileError("disk full")

    files.at = at
    if operation == "create" and turn == 2:
        return  # only the copy is created
    with pytest.raises(FileError, match="disk full"):
        await save_in_place(files, PATH, b"new", b"old content that is long")
    assert files.below(b"/etc") == {b"app.conf": b"old content that is long"}
    assert not files.open_files


async def test_in_place_a_copy_stays_where_the_old_content_cannot_be_put_back() -> None:
    files = files_with(b"old content")

    def at(done: str, path: bytes) -> None:
        if done in ("write", "finish") and path == PATH:
            raise FileError("disk full")

    files.at = at
    with pytest.raises(FileError) as caught:
        await save_in_place(files, PATH, b"new", b"old content")
    [copy] = [name for name in files.below(b"/etc") if name != b"app.conf"]
    assert files.below(b"/etc")[copy] == b"old content"
    assert copy.decode() in caught.value.hint


async def test_in_place_what_was_begun_is_ended_whoever_cancels() -> None:
    files = files_with(b"old content")
    saving = asyncio.ensure_future(save_in_place(files, PATH, b"new", b"old content"))

    def at(operation: str, path: bytes) -> None:
        if operation == "write" and path == PATH:
            saving.cancel()

    files.at = at
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert files.below(b"/etc") == {b"app.conf": b"new"}


@pytest.mark.parametrize("how", ["save", "new", "in place"])
async def test_what_is_saved_is_on_the_disk_before_the_old_content_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    synced: dict[int, bytes] = {}
    real = local_calls.sync

    def sync(descriptor: int) -> None:
        there = path.read_bytes() if path.exists() else b""
        synced.setdefault(os.fstat(descriptor).st_ino, there)
        real(descriptor)

    monkeypatch.setattr(local_calls, "sync", sync)
    files = LocalFilesystem()
    try:
        entry = await files.lstat(bytes(path))
        if how == "save":
            await save(files, bytes(path), b"new", entry)
        elif how == "new":
            path.unlink()
            await save_new(files, bytes(path), b"new", entry)
        else:
            await save_in_place(files, bytes(path), b"new", b"old")
    finally:
        await files.close()
    assert path.read_bytes() == b"new"
    if how == "in place":
        assert b"old" in synced.values(), "the copy beside it, before anything is written"
    else:
        assert synced[path.stat().st_ino] == (b"old" if how == "save" else b"")
