"""The ustar reader and writer: what tar writes, what tar reads, and what nobody should send."""

import io
import os
import shutil
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.bulk.command import READY, begin_in, create_in, folder_above, name_in, unpack
from sshdash.sftp.bulk.proof import Proof, file_line, folder_line
from sshdash.sftp.bulk.ustar import (
    BLOCK,
    Listed,
    Member,
    Reader,
    Unwanted,
    end,
    file_header,
    fits,
    folder_header,
    padding,
    split,
)

part = st.binary(min_size=1, max_size=120).map(lambda name: name.translate(None, b"\0/"))
names = st.lists(part.filter(bool), min_size=1, max_size=4).map(
    lambda parts: b"./" + b"/".join(parts)
)
trees = st.dictionaries(
    names.filter(lambda name: split(name) is not None),
    st.tuples(st.binary(max_size=3 * BLOCK), st.integers(0, 2**33 - 1)),
    max_size=6,
)
Tree = dict[bytes, tuple[bytes, int]]


def archive(tree: Tree) -> bytes:
    """Return an archive of files by name, each with its content and time."""
    pieces = []
    for name, (content, seconds) in tree.items():
        pieces += [file_header(name, 0o644, len(content), seconds), content, padding(len(content))]
    return b"".join([*pieces, end()])


def reader_of(tree: Tree) -> Reader:
    """Return a reader that expects a tree."""
    return Reader({name: Listed(len(content), at) for name, (content, at) in tree.items()})


def read(reader: Reader, data: bytes, step: int = 1 << 20) -> list[Member]:
    """Return what a reader finds in data that comes in steps."""
    found: list[Member] = []
    for at in range(0, len(data), step):
        found += reader.feed(data[at : at + step])
    return found


@given(trees, st.integers(1, 4 * BLOCK))
def test_what_is_written_is_read_however_it_is_cut(tree: Tree, step: int) -> None:
    reader = reader_of(tree)
    found = read(reader, archive(tree), step)
    assert {one.name: (one.content, one.seconds) for one in found} == tree
    assert len(found) == len(tree)
    assert reader.is_whole


@given(trees)
def test_pythons_reader_agrees(tree: Tree) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(tree)), encoding="latin-1") as tar:
        found = {
            one.name.encode("latin-1"): (tar.extractfile(one).read(), one.mtime)  # type: ignore[union-attr]
            for one in tar
        }
    assert found == {name.rstrip(b"/"): value for name, value in tree.items()}


@given(trees.filter(bool), st.data())
def test_nothing_but_what_was_listed_ever_comes_out(tree: Tree, data: st.DataObject) -> None:
    stream = bytearray(archive(tree))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at : at + 1] = data.draw(st.binary(max_size=600))
        if not stream:
            break
    found: list[Member] = []
    with suppress(Unwanted):
        found.extend(reader_of(tree).feed(bytes(stream)))
    assert len({one.name for one in found}) == len(found)
    assert all(len(one.content) == len(tree[one.name][0]) for one in found)


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused_or_waited_on(data: bytes) -> None:
    reader = reader_of({b"./a": (b"x", 1)})
    try:
        assert list(reader.feed(data)) == []
    except Unwanted:
        return
    assert reader.is_whole or len(data) % BLOCK or not data.strip(b"\0")


KINDS = (b"1", b"2", b"3", b"5", b"6", b"7", b"x", b"g", b"L", b"K", b"S", b"\0")
"""Links, devices, folders, further headers of POSIX and GNU, sparse and ancient files."""
HEADER = file_header(b"./a", 0o644, 1, 5)


def with_field(header: bytes, at: int, value: bytes) -> bytes:
    """Return a header with another field and the right sum."""
    changed = header[:at] + value + header[at + len(value) :]
    blank = changed[:148] + b" " * 8 + changed[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (file_header(b"./b", 0o644, 1, 5), "not asked for"),
        (file_header(b"../a", 0o644, 1, 5), "not asked for"),
        (file_header(b"/a", 0o644, 1, 5), "not asked for"),
        (file_header(b"./a", 0o644, 2, 5), "another size"),
        (file_header(b"./a", 0o644, 0o77777777777, 5), "another size"),
        (folder_header(b"./a", 0o755, 5), "regular file"),
        *[(with_field(HEADER, 156, kind), "regular file") for kind in KINDS],
        (with_field(HEADER, 124, b"\x80" + bytes(10) + b"\1"), "no number"),
        (with_field(HEADER, 124, b"-0000000001\0"), "no number"),
        (with_field(HEADER, 3, b"\0b"), "behind a name"),
        (HEADER[:257] + b"ustar  \0" + HEADER[265:], "no ustar"),
        (b"Welcome to this host\r\n".ljust(BLOCK), "no ustar"),
    ],
)
def test_a_header_of_something_else_ends_the_stream(header: bytes, why: str) -> None:
    reader = reader_of({b"./a": (b"x", 5)})
    with pytest.raises(Unwanted, match=why):
        list(reader.feed(header))


def test_a_file_comes_only_once() -> None:
    tree = {b"./a": (b"x", 5)}
    one = archive(tree)[: -2 * BLOCK]
    reader = reader_of(tree)
    assert len(read(reader, one)) == 1
    with pytest.raises(Unwanted, match="twice"):
        read(reader, one)


def test_nothing_comes_behind_the_end_and_the_end_ends() -> None:
    tree = {b"./a": (b"x", 5)}
    with pytest.raises(Unwanted, match="behind the end"):
        read(reader_of(tree), bytes(BLOCK) + archive(tree))
    with pytest.raises(Unwanted, match="without an end"):
        read(reader_of(tree), bytes(1 << 20))


def test_a_stream_that_is_cut_off_is_not_whole() -> None:
    tree = {b"./a": (b"x" * 700, 5), b"./b": (b"y", 6)}
    data = archive(tree)
    for until in range(0, len(data) - BLOCK + 1, 100):
        reader = reader_of(tree)
        read(reader, data[:until])
        assert not reader.is_whole


def test_names_that_no_header_holds_do_not_fit() -> None:
    assert not fits(b"./" + b"x" * 101, 1, 1)
    assert not fits(b"./" + b"d" * 160 + b"/x", 1, 1)
    assert not fits(b"./a", 1, -1)
    assert not fits(b"./a", 8**11, 1)
    assert fits(b"./" + b"d" * 153 + b"/" + b"x" * 100, 8**11 - 1, 8**11 - 1)
    with pytest.raises(ValueError, match="no header"):
        file_header(b"./" + b"x" * 101, 0o644, 1, 1)


def test_a_real_tar_packs_the_named_files_and_nothing_else(tmp_path: Path) -> None:
    folder = bytes(tmp_path)
    names = [
        b"-rf",
        b"--checkpoint-action=exec=sh",
        b"back\\tslash",
        b"a\nb",
        b"*",
        b"\xff",
        b"d" * 97,
    ]
    names += [b"deep/" + b"e" * 99 + b"/" + b"f" * 100, b"linked", b"again"]
    for name in names:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == b"again":
            path.hardlink_to(tmp_path / "linked")
        else:
            path.write_bytes(name)
    (tmp_path / "other").write_bytes(b"x")
    paths = [folder + b"/" + name for name in names]
    assert folder_above(paths) == folder
    asked = [name_in(folder, path) for path in paths]
    tar = subprocess.run(
        create_in(folder).line,
        shell=True,
        input=b"".join(name + b"\0" for name in asked),
        capture_output=True,
        env={"TAR_OPTIONS": "--verbose --exclude=again", "PATH": "/usr/bin:/bin"},
        check=True,
    )
    assert tar.stderr == b""
    sizes = {b"again": len(b"linked")}
    reader = Reader({name: Listed(sizes.get(name[2:], len(name) - 2), 0) for name in asked})
    found = {one.name: one.content for one in read(reader, tar.stdout, 700)}
    assert found == {name: b"linked" if name == b"./again" else name[2:] for name in asked}
    assert reader.is_whole


@pytest.mark.parametrize(
    ("paths", "above"),
    [
        ([b"/a/b/c", b"/a/b/d"], b"/a/b"),
        ([b"/a/b/c", b"/a/b/c2/d"], b"/a/b"),
        ([b"/a/b/c", b"/a/x"], b"/a"),
        ([b"/a", b"/b/c"], b"/"),
        ([b"/a/it's/c", b"/a/it's/d"], b"/a"),
        ([b"/a!/c"], b"/"),
        ([b"/a/\xff/c"], b"/a"),
        ([b"/a/new\nline/c"], b"/a"),
    ],
)
def test_the_folder_on_the_command_line_is_plain(paths: list[bytes], above: bytes) -> None:
    assert folder_above(paths) == above
    for path in paths:
        assert above.rstrip(b"/") + name_in(above, path)[1:] == path


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "ksh", "fish", "csh", "tcsh"])
def test_a_real_tar_unpacks_and_find_tells_whatever_the_shell(tmp_path: Path, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell}")
    folder = tmp_path / " with spaces "
    stream = b"".join(
        [
            folder_header(b"./-d\n", 0o750, 5),
            file_header(b"./-d\n/\xff", 0o4640, 3, 7),
            b"abc",
            padding(3),
            end(),
        ]
    )
    line, first = unpack(timed=True)
    with subprocess.Popen(
        [program, "-c", os.fsdecode(line)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"TAR_OPTIONS": "--verbose", "HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"".join(first) + begin_in(bytes(folder)))
        process.stdin.flush()
        assert process.stdout.read(len(READY)) == READY
        folder.mkdir()  # only now
        told, complaints = process.communicate(stream)
    assert process.returncode == 0
    assert complaints == b""
    proof = Proof()
    proof.expect([folder_line(b"-d\n"), file_line(b"-d\n/\xff", 3, 7)])
    proof.feed(told)
    proof.finish()
    assert (folder / "-d\n").stat().st_mode & 0o777 == 0o750
    assert (folder / "-d\n" / os.fsdecode(b"\xff")).read_bytes() == b"abc"
