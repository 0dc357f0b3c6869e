"""Folders on the way, links, times, owners."""

from datetime import datetime

import pytest

from sshdash.errors import FileError, UsageError
from sshdash.sftp.entries import Kind
from sshdash.sftp.failures import ExistsError
from sshdash.sftp.making import make_file, make_folders, relative_target, time_from
from sshdash.sftp.owners import number_of, numbers_in
from tests.unit.memory_files import MemoryFilesystem


async def test_folders_are_made_with_those_on_the_way() -> None:
    files = MemoryFilesystem()
    files.folder(b"/here/a")
    await make_folders(files, b"/here", [b"a", b"b", b"c"])
    assert files.nodes[b"/here/a/b/c"].kind is Kind.DIRECTORY
    with pytest.raises(ExistsError):
        await make_folders(files, b"/here", [b"a", b"b", b"c"])


async def test_a_file_on_the_way_is_named() -> None:
    files = MemoryFilesystem()
    files.file(b"/here/a")
    with pytest.raises(FileError, match="a file has that name"):
        await make_folders(files, b"/here", [b"a", b"b"])


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        (b"/srv/www/index", b"../www/index"),
        (b"/srv/conf/x", b"x"),
        (b"beside", b"beside"),
        (b"../up", b"../up"),
    ],
)
def test_an_absolute_target_is_seen_from_the_folder(target: bytes, seen: bytes) -> None:
    assert relative_target(target, b"/srv/conf") == seen


def test_times_as_people_type_them() -> None:
    assert time_from("now", 5.5) == 5_500_000_000
    assert time_from("2026-01-31 12:00") == int(datetime(2026, 1, 31, 12).timestamp()) * 10**9
    noon = datetime(2026, 5, 6, 12, 30).timestamp()
    assert time_from("08:15", noon) == int(datetime(2026, 5, 6, 8, 15).timestamp()) * 10**9
    for wrong in ("yesterday", "2026-13-01", "1950-01-01", "9999-01-01"):
        with pytest.raises(UsageError):
            time_from(wrong)


async def test_an_empty_file_gets_the_usual_mode_and_the_time() -> None:
    files = MemoryFilesystem()
    await make_file(files, b"/new", 7_000_000_000)
    node = files.nodes[b"/new"]
    assert (node.mode, node.mtime_ns, node.data) == (0o640, 7_000_000_000, b"")


async def test_a_host_looks_names_up_in_its_own_files() -> None:
    files = MemoryFilesystem("far")
    files.file(
        b"/etc/passwd", b"root:x:0:0::/:/bin/sh\nwww:x:33:33::/:\nbad line\nwww:x:99:9::/:\n"
    )
    assert await number_of(files, "www") == 33
    assert await number_of(files, "1234") == 1234
    with pytest.raises(UsageError, match="no user “nobody” on far"):
        await number_of(files, "nobody")
    files.at = lambda operation, path: (_ for _ in ()).throw(FileError("cannot read"))
    with pytest.raises(UsageError, match="cannot be looked up"):
        await number_of(files, "www")
    assert numbers_in(b"a:x:1\nb:x:notanumber\n:x:3\n") == {b"a": 1}
