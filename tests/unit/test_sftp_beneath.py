"""A confined local file system: links in place of folders are never written through."""

import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry
from sshdash.sftp.filesystem import Finish
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.sync_plan import Act, Step, Tree
from sshdash.sftp.sync_run import Synchronisation
from sshdash.sftp.tree_changes import ModeChange, TreeChange
from sshdash.sftp.trees import remove_trees

Do = Callable[[LocalFilesystem, bytes], Awaitable[object]]
CHANGES: dict[str, Do] = {
    "store": lambda files, path: files.store(path, [b"data"], Finish()),
    "create": lambda files, path: files.open_write(path),
    "mkdir": lambda files, path: files.mkdir(path),
    "symlink": lambda files, path: files.symlink(b"/etc", path),
    "rename": lambda files, path: files.rename(b"%s/ours" % files_root(path), path),
    "replace": lambda files, path: files.replace(b"%s/ours" % files_root(path), path),
    "link": lambda files, path: files.hardlink(b"%s/ours" % files_root(path), path),
}
CHANGES_OF = {
    "unlink": lambda files, path: files.unlink(path),
    "write": lambda files, path: files.open_again(path),
    "mode": lambda files, path: files.set_attributes(path, 0o777, 0),
}


def files_root(path: bytes) -> bytes:
    return path[: path.index(b"/copied-into/")] + b"/copied-into"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a folder in it, beside one that is none of its business."""
    one = tmp_path / "copied-into"
    (one / "a" / "b").mkdir(parents=True)
    (one / "ours").write_text("ours")
    outside = tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    (outside / "b" / "there").write_text("untouched")
    (outside / "b" / "there").chmod(0o600)
    return one


def swap(root: Path) -> Path:
    """Put a link in the place of a folder on the way; return where it leads."""
    (root / "a").rename(root / "away")
    (root / "a").symlink_to(root.parent / "outside")
    return root.parent / "outside" / "b"


@pytest.mark.parametrize("name", CHANGES)
async def test_nothing_is_made_through_a_link(root: Path, name: str) -> None:
    files = LocalFilesystem()
    await files.confine(bytes(root))
    outside = swap(root)
    with pytest.raises(FileError) as caught:
        await CHANGES[name](files, bytes(root / "a" / "b" / "new"))
    assert "symbolic link in the way" in caught.value.detail
    assert os.listdir(outside) == ["there"]
    await files.close()


@pytest.mark.parametrize("name", CHANGES_OF)
async def test_nothing_is_changed_through_a_link(root: Path, name: str) -> None:
    files = LocalFilesystem()
    await files.confine(bytes(root))
    outside = swap(root)
    with pytest.raises(FileError):
        await CHANGES_OF[name](files, bytes(root / "a" / "b" / "there"))
    assert (outside / "there").read_text() == "untouched"
    assert (outside / "there").stat().st_mode & 0o777 == 0o600
    await files.close()


async def test_a_mode_is_for_no_link_at_the_end_either(root: Path) -> None:
    files = LocalFilesystem()
    await files.confine(bytes(root))
    there = root.parent / "outside" / "b" / "there"
    (root / "link").symlink_to(there)
    with pytest.raises(FileError):
        await files.set_attributes(bytes(root / "link"), 0o777, 0)
    assert there.stat().st_mode & 0o777 == 0o600
    await files.close()


async def test_everything_works_where_nobody_interferes(root: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    files = LocalFilesystem()
    await files.confine(bytes(root))
    deep = bytes(root / "a" / "b" / "c")
    await files.mkdir(deep)
    await files.store(deep + b"/one", [b"1"], Finish(mode=0o640))
    await files.rename(deep + b"/one", deep + b"/two")
    writer = await files.open_write(deep + b"/three")
    await writer.write(0, [b"333"])
    await writer.finish(Finish())
    await files.replace(deep + b"/three", deep + b"/two")
    await files.hardlink(deep + b"/two", deep + b"/four")
    await files.symlink(b"two", deep + b"/five")
    await files.set_attributes(deep, 0o700, 10**18)
    await files.set_attributes(bytes(root), 0o750, None)
    assert (root / "a" / "b" / "c" / "five").read_bytes() == b"333"
    assert (root / "a" / "b" / "c").stat().st_mtime == 10**9
    for name in (b"two", b"four", b"five"):
        await files.unlink(deep + b"/" + name)
    await files.rmdir(deep)
    beside = bytes(root.parent / "outside" / "beside")
    await files.mkdir(beside)
    os.rmdir(root / "a" / "b")
    os.mkdir(root / "a" / "b")
    await files.mkdir(deep)  # in the new one of the same name
    await files.close()
    assert (root / "a" / "b" / "c").is_dir()
    assert len(os.listdir("/dev/fd")) == before


class Swapping(LocalFilesystem):
    """Once the folder ``a`` was listed, somebody puts a link in its place."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    async def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        async for batch in super().scandir(path, refused):
            yield batch
        if path.endswith(b"/a"):
            (self._root / "a").rename(self._root / "moved")
            (self._root / "a").symlink_to(self._root.parent / "outside")


@pytest.fixture
def doomed(tmp_path: Path) -> Path:
    """Return a folder that holds what a folder outside holds too."""
    for name in ("top/a", "outside"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("kept")
        (tmp_path / name / "file").chmod(0o600)
    return tmp_path / "top"


async def test_a_deletion_does_not_leave_the_tree_by_a_link_put_in_it_meanwhile(
    doomed: Path,
) -> None:
    files = Swapping(doomed)
    with pytest.raises(FileError, match="Not everything was deleted"):
        await remove_trees(files, [bytes(doomed)])
    await files.close()
    assert (doomed.parent / "outside" / "file").read_text() == "kept"


async def test_a_change_of_modes_does_not_leave_the_tree_either(doomed: Path) -> None:
    files = Swapping(doomed)
    top = [await files.lstat(bytes(doomed))]
    changed = await TreeChange(files, ModeChange(0o666)).run(bytes(doomed.parent), top)
    await files.close()
    assert [one.path for one in changed.failures] == [f"{doomed}/a/file"]
    assert stat.S_IMODE((doomed.parent / "outside" / "file").stat().st_mode) == 0o600


async def test_a_sync_does_not_delete_through_a_link_put_in_a_folder_meanwhile(
    doomed: Path, tmp_path: Path
) -> None:
    files = LocalFilesystem()
    step = Step(Act.DELETE, b"a/file", None, await files.lstat(bytes(doomed / "a" / "file")), True)
    os.utime(tmp_path / "outside" / "file", ns=(0, (doomed / "a" / "file").stat().st_mtime_ns))
    (doomed / "a").rename(doomed / "moved")
    (doomed / "a").symlink_to(tmp_path / "outside")
    await files.close()

    async def opened(endpoint: str) -> LocalFilesystem:
        return LocalFilesystem()

    trees = Tree("", bytes(tmp_path / "outside")), Tree("", bytes(doomed))
    outcome = await Synchronisation(*trees, None, opened).run([step])  # type: ignore[arg-type]
    assert (outcome.deleted, len(outcome.failures)) == (0, 1)
    assert (tmp_path / "outside" / "file").read_text() == "kept"
