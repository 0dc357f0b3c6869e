"""Bookmarks in their file: kept, taken away, edited by hand, and spoiled."""

from pathlib import Path

import pytest

from sshdash.errors import ConfigError
from sshdash.sftp.bookmarks import bookmarks_file, keep_bookmark, load_bookmarks


def _write(text: str) -> Path:
    file = bookmarks_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_there_are_none_at_first() -> None:
    assert load_bookmarks() == {}


def test_keeps_folders_by_host_in_order_for_this_user_alone() -> None:
    keep_bookmark("web", b"/var/log")
    keep_bookmark("", b"/home/me")
    keep_bookmark("web", b"/srv")
    keep_bookmark("web", b"/srv")
    expected = {"": (b"/home/me",), "web": (b"/var/log", b"/srv")}
    assert load_bookmarks() == expected
    assert bookmarks_file().stat().st_mode & 0o077 == 0
    assert keep_bookmark("web", b"/var/log", wanted=False) == expected | {"web": (b"/srv",)}


@pytest.mark.parametrize("folder", [b"/\xff\xfe", "/größe".encode(), b"/a: b # c", b"/x\ny", b"/'"])
def test_any_name_comes_back(folder: bytes) -> None:
    keep_bookmark("web", folder)
    assert load_bookmarks() == {"web": (folder,)}


def test_reads_what_was_written_by_hand() -> None:
    _write("hosts:\n  web:\n  - /srv/../etc/\n  - /etc\n")
    assert load_bookmarks() == {"web": (b"/etc",)}


@pytest.mark.parametrize(
    "text", ["hosts: 3", "- a", "hosts: {web: [relative]}", "others: []", "local: [a", "local: 1"]
)
def test_a_spoiled_file_is_told_and_left(text: str) -> None:
    file = _write(text)
    with pytest.raises(ConfigError):
        load_bookmarks()
    with pytest.raises(ConfigError):
        keep_bookmark("web", b"/srv")
    assert file.read_text() == text
