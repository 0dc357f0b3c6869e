"""The last calls before something is replaced, followed or deleted, each by itself."""

import errno
import os
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.sftp import local_calls
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.messages import Attributes, Name
from sshdash.sftp.remote_entries import kept_entries
from sshdash.sftp.trees import remove_trees


def test_a_new_name_never_replaces_anything(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    with pytest.raises(FileExistsError):
        local_calls.rename(bytes(old), bytes(new))
    assert (old.read_bytes(), new.read_bytes()) == (b"old", b"new")


def test_a_new_name_never_replaces_anything_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    with pytest.raises(FileExistsError):
        local_calls.rename(bytes(old), bytes(new))
    assert (old.read_bytes(), new.read_bytes()) == (b"old", b"new")
    new.unlink()
    local_calls.rename(bytes(old), bytes(new))
    assert new.read_bytes() == b"old"


def test_a_link_in_the_place_of_a_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises((OSError, FileError)):
        local_calls.fetch(bytes(tmp_path / "link"), 100)


async def test_of_a_link_that_is_deleted_only_the_link_goes(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"stays")
    (tmp_path / "link").symlink_to("folder")
    files = LocalFilesystem()
    try:
        await remove_trees(files, (bytes(tmp_path / "link"),))
    finally:
        await files.close()
    assert (tmp_path / "folder" / "file").read_bytes() == b"stays"
    assert os.listdir(tmp_path) == ["folder"]


def test_the_second_of_one_name_in_a_listing_is_refused() -> None:
    names = [Name(name, b"", Attributes()) for name in (b"a", b"b", b"a", b"../c")]
    refused: list[bytes] = []
    kept = kept_entries(names, {b"b": None}, refused)
    assert [entry.name for entry in kept] == [b"a"]
    assert refused == [b"b", b"a", b"../c"]
