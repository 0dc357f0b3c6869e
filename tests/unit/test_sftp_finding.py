"""Looking through what is below a folder: for a file, and for how much there is."""

from pathlib import Path

from sshdash.sftp.finding import Found, find_below
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.sizes import measure
from sshdash.sftp.trees import Census


def plant(root: Path) -> None:
    """Make a small tree with a hidden folder, a link that leads round, and a large file."""
    (root / "a" / "b").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").touch()
    (root / "a" / "b" / "deep.txt").write_bytes(b"x" * 1000)
    (root / "top.txt").write_bytes(b"x" * 10)
    (root / "a" / "round").symlink_to(root)


async def places(root: Path, **options: int) -> tuple[list[bytes], bool]:
    """Return what is found below a folder, and whether that is all."""
    filesystem = LocalFilesystem()
    found: list[Found] = []
    try:
        search = await find_below(filesystem, bytes(root), found.extend, **options)  # type: ignore[arg-type]
    finally:
        await filesystem.close()
    return [one.place for one in found], search.complete


async def test_finds_everything_but_what_is_hidden_and_follows_no_link(tmp_path: Path) -> None:
    plant(tmp_path)
    found, complete = await places(tmp_path)
    assert sorted(found) == [b"a", b"a/b", b"a/b/deep.txt", b"a/round", b"top.txt"]
    assert found.index(b"a/b/deep.txt") == len(found) - 1
    assert complete


async def test_hidden_ones_where_asked_for(tmp_path: Path) -> None:
    plant(tmp_path)
    found, _ = await places(tmp_path, hidden=True)
    assert b".git/config" in found


async def test_the_root_of_everything_has_no_slash_too_many(tmp_path: Path) -> None:
    found, complete = await places(Path("/"), most=50)
    assert len(found) == 50
    assert not complete
    assert not any(place.startswith(b"/") for place in found)


async def test_counts_folders_one_by_one(tmp_path: Path) -> None:
    plant(tmp_path)
    filesystem = LocalFilesystem()
    ended: dict[bytes, Census] = {}
    try:
        entries = await filesystem.listdir(bytes(tmp_path))
        await measure(
            filesystem,
            bytes(tmp_path),
            entries,
            lambda entry, census: None,
            lambda entry, census: ended.__setitem__(entry.name, census),
        )
    finally:
        await filesystem.close()
    assert set(ended) == {b"a", b".git"}
    assert ended[b"a"].size == 1000
    assert ended[b"a"].complete
