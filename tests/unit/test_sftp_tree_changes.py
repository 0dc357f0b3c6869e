"""Modes and owners of whole trees, where something fails, loops or is stopped on the way."""

import pytest

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.entries import Entry
from sshdash.sftp.tree_changes import Changed, ModeChange, OwnerChange, TreeChange
from sshdash.sftp.trees import Stop
from tests.unit.memory_files import MemoryFilesystem


def furnished() -> MemoryFilesystem:
    files = MemoryFilesystem("web")
    files.file(b"/top/a", b"a", owners=(1, 1))
    files.file(b"/top/in/b", b"b", owners=(1, 1))
    files.file(b"/top/in/deep/c", b"c", owners=(1, 1))
    files.file(b"/elsewhere/kept", b"k", mode=0o600, owners=(1, 1))
    files.link(b"/top/in/out", b"/elsewhere")
    files.link(b"/top/in/deep/back", b"/top")
    for path in (b"/top", b"/top/in", b"/top/in/deep"):
        files.nodes[path].owners = (1, 1)
    return files


async def top(files: MemoryFilesystem) -> list[Entry]:
    return [await files.lstat(b"/top")]


def modes(files: MemoryFilesystem) -> dict[bytes, int]:
    return {path: node.mode for path, node in files.nodes.items()}


async def test_files_get_the_bits_and_folders_can_be_entered() -> None:
    files = furnished()
    counts: list[int] = []
    changed = await TreeChange(files, ModeChange(0o640), counts.append).run(b"/", await top(files))
    now = modes(files)
    assert {now[path] for path in (b"/top/a", b"/top/in/b", b"/top/in/deep/c")} == {0o640}
    assert {now[path] for path in (b"/top", b"/top/in", b"/top/in/deep")} == {0o750}
    assert (now[b"/elsewhere"], now[b"/elsewhere/kept"]) == (0o755, 0o600)
    assert (changed.done, changed.links, changed.failed) == (6, 2, 0)
    assert counts[-1] == 6


async def test_folders_are_closed_after_all_in_them_was_changed() -> None:
    files = furnished()
    order: list[bytes] = []
    files.at = lambda step, path: order.append(path) if step == "chmod" else None
    await TreeChange(files, ModeChange(0o000)).run(b"/", await top(files))
    assert order.index(b"/top/in/deep/c") < order.index(b"/top/in/deep")
    assert order[-1] == b"/top"


async def test_what_fails_is_told_with_its_path_and_the_rest_goes_on() -> None:
    files = furnished()

    def refuse(step: str, path: bytes) -> None:
        if (step, path) in (("chmod", b"/top/in/b"), ("list", b"/top/in/deep")):
            raise FileError("permission denied")

    files.at = refuse
    changed = await TreeChange(files, ModeChange(0o600)).run(b"/", await top(files))
    assert sorted(error.path for error in changed.failures) == ["/top/in/b", "/top/in/deep"]
    assert (changed.done, changed.failed) == (4, 2)


async def test_an_owner_is_given_with_what_an_entry_has_of_the_other() -> None:
    files = furnished()
    changed = await TreeChange(files, OwnerChange(None, 7)).run(b"/", await top(files))
    assert files.nodes[b"/top/in/deep/c"].owners == files.nodes[b"/top"].owners == (1, 7)
    assert files.nodes[b"/elsewhere/kept"].owners == (1, 1)
    assert changed.failed == 0


async def test_a_stop_leaves_the_rest_as_it_is() -> None:
    files, stop = furnished(), Stop()
    change = TreeChange(files, ModeChange(0o600), lambda count: stop.ask(), stop)
    assert (await change.run(b"/", await top(files))).done == 1


async def test_a_lost_connection_ends_it() -> None:
    files = furnished()

    def lose(step: str, path: bytes) -> None:
        if step == "list":
            raise ConnectionLost("gone")

    files.at = lose
    with pytest.raises(ConnectionLost):
        await TreeChange(files, ModeChange(0o600)).run(b"/", await top(files))


def test_of_very_many_failures_some_are_kept() -> None:
    changed = Changed()
    for number in range(1000):
        changed.fail(b"/%d" % number, FileError("no"))
    assert (changed.failed, len(changed.failures)) == (1000, 100)
