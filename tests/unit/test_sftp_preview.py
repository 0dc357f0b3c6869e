"""What the beginning of a file shows of it."""

import io
import os
import tarfile
import unicodedata
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.archives import NotListed, list_tar, list_zip
from sshdash.sftp.preview import (
    ROWS,
    PreviewKind,
    dump_cells,
    dump_row,
    dump_width,
    is_binary,
    is_zip,
    kind_of,
    text_of,
)


def harmless(shown: str) -> bool:
    """Return whether nothing in `shown` could act on a terminal or reorder what is read."""
    acting = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return all(unicodedata.category(char) not in acting or char in "\u200c\u200d" for char in shown)


@given(st.binary(max_size=2000))
def test_whatever_is_viewed_is_printable(head: bytes) -> None:
    for line in (*text_of(head).lines, dump_row(0, head[:16])):
        assert harmless(line)


def test_text_and_other_files_are_told_apart() -> None:
    assert not is_binary(b"plain\ttext\r\n")
    assert not is_binary("日本語".encode())
    assert is_binary(b"\x7fELF\x00\x01")
    assert is_binary(os.urandom(4000))
    assert dump_row(16, b"XY").startswith("00000010  58 59")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", PreviewKind.EMPTY),
        (b"#!/bin/sh\n", PreviewKind.TEXT),
        (b"BM is how a letter may begin\n", PreviewKind.TEXT),
        (b"\xff\xfeh\x00i\x00", PreviewKind.TEXT),
        (b"\x89PNG\r\n\x1a\n\x00\x00", PreviewKind.IMAGE),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", PreviewKind.IMAGE),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", PreviewKind.IMAGE),
        (b"PK\x03\x04\x14\x00", PreviewKind.ARCHIVE),
        (b"\x1f\x8b\x08\x00", PreviewKind.ARCHIVE),
        (b"\x7fELF\x02\x01\x01\x00", PreviewKind.BINARY),
    ],
)
def test_the_content_says_what_it_is_whatever_the_name(head: bytes, kind: PreviewKind) -> None:
    assert kind_of(head) is kind


@pytest.mark.parametrize(
    ("head", "lines", "encoding"),
    [
        (b"a\r\nb\n", ("a", "b"), "UTF-8"),
        ("café".encode()[:-1], ("cafÃ",), "Latin-1?"),
        (b"ends in \xff\n", ("ends in ÿ",), "Latin-1?"),
        (b"caf\xe9 is a word\n", ("café is a word",), "Latin-1?"),
        ("\ufeffx".encode(), ("x",), "UTF-8"),
        ("hi\n".encode("utf-16"), ("hi",), "UTF-16"),
    ],
)
def test_the_encoding_is_guessed_and_said(head: bytes, lines: tuple[str], encoding: str) -> None:
    text = text_of(head)
    assert (text.lines, text.encoding) == (lines, encoding)


def test_a_character_that_is_cut_off_does_not_change_the_encoding() -> None:
    text = text_of("café".encode()[:-1], whole=False)
    assert (text.lines, text.encoding) == (("caf",), "UTF-8")


def zipped(names: list[str]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 5000)
    return into.getvalue()


def test_a_zip_file_is_listed_from_its_end_alone() -> None:
    data = zipped(["a.txt", "b/", "b/\x1b[31mred"])
    listed = list_zip(data[-400:], len(data))
    assert [(one.name, one.size) for one in listed.members] == [
        ("a.txt", 5000),
        ("b/", 5000),
        ("b/\\x1b[31mred", 5000),
    ]
    assert is_zip(data)


def test_a_zip_directory_that_is_not_there_is_said() -> None:
    data = zipped([f"{number:0200}" for number in range(50)])
    with pytest.raises(NotListed, match="longer than the last"):
        list_zip(data[-1000:], len(data))
    with pytest.raises(NotListed, match="damaged"):
        list_zip(b"PK\x03\x04 but nothing more", 21)


def packed(mode: str, count: int = 3) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode=mode) as archive:  # type: ignore[call-overload]
        for number in range(count):
            info = tarfile.TarInfo(f"folder/{number}")
            info.size = 4000
            archive.addfile(info, io.BytesIO(os.urandom(4000)))
    return into.getvalue()


@pytest.mark.parametrize(
    ("mode", "form"),
    [("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")],
)
def test_a_tar_file_is_listed_as_far_as_it_is_there(mode: str, form: str) -> None:
    data = packed(mode)
    whole = list_tar(data, len(data))
    assert (whole.form, [one.name for one in whole.members], whole.note) == (
        form,
        ["folder/0", "folder/1", "folder/2"],
        "",
    )


def test_of_a_cut_tar_file_the_first_part_is_listed_and_that_is_said() -> None:
    data = packed("w:gz", 20)
    part = list_tar(data[: len(data) // 2], len(data))
    assert 0 < len(part.members) < 20
    assert "first part" in part.note


def test_a_compressed_file_that_is_no_archive_is_said_to_be_none() -> None:
    import gzip

    data = gzip.compress(b"just a text\n" * 200)
    with pytest.raises(NotListed, match="not a tar file"):
        list_tar(data, len(data))


@given(st.binary(max_size=600))
def test_hostile_archives_are_listed_or_refused(junk: bytes) -> None:
    data = packed("w", 1)
    for sample in (data[:200] + junk + data[200:], b"\x1f\x8b\x08" + junk):
        try:
            listed = list_tar(sample, len(sample))
        except NotListed:
            continue
        assert all(harmless(one.name) for one in listed.members)
    whole = zipped(["x"])
    said = ""
    try:
        list_zip(whole[:60] + junk + whole[-30:], len(whole))
    except NotListed as error:
        said = str(error)
    assert harmless(said)


@pytest.mark.parametrize("size", ROWS)
def test_a_line_of_a_dump_has_its_bytes_where_it_says(size: int) -> None:
    row = bytes(range(65, 65 + size))
    line = dump_row(0x40, row, size)
    assert len(line) == dump_width(size)
    for at, byte in enumerate(row):
        high, low, character = dump_cells(at, size)
        assert line[high] + line[low] == f"{byte:02x}"
        assert line[character] == chr(byte)
    short = dump_row(0x40, row[:1], size)
    assert short[dump_cells(0, size)[2] :] == "A"
