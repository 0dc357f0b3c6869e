"""Moves on a real sshd: renames, other disks, other machines, and ``sshdash mv``."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshdash.states import TransferState
from tests.live.file_kit import files_on, fill_with_odd_names, tree, unfinished
from tests.live.test_cli_files import sshdash
from tests.servers.sshd import RealSshd

_MEMORY = Path("/dev/shm")


def is_gone(path: Path) -> bool:
    """Return whether nothing has this name."""
    return not os.path.lexists(path)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on another file system than that of the tests."""
    if not _MEMORY.is_dir() or _MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system")
    folder = Path(tempfile.mkdtemp(prefix="sshdash-", dir=_MEMORY))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a tree of all kinds."""
    folder = tmp_path / "from" / "tree"
    folder.mkdir(parents=True)
    fill_with_odd_names(folder)
    (folder / "deep" / "empty").mkdir(parents=True)
    (folder / "deep" / "large").write_bytes(os.urandom(3_000_000))
    (folder / "link").symlink_to("deep")
    return folder


@pytest.mark.parametrize("ends", [("sshd", ""), ("", "sshd"), ("sshd", "inner"), ("", "")])
async def test_a_tree_moves_whole(
    sshd: RealSshd, source: Path, tmp_path: Path, ends: tuple[str, str]
) -> None:
    (tmp_path / "to").mkdir()
    before = tree(source)
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends[0], [source], ends[1], tmp_path / "to", move=True)
    assert done.state is TransferState.DONE, done.errors
    assert tree(tmp_path / "to" / "tree") == before
    assert is_gone(source)


@pytest.mark.parametrize("host", ["sshd", ""])
async def test_a_rename_keeps_the_files_themselves(
    sshd: RealSshd, source: Path, tmp_path: Path, host: str
) -> None:
    (tmp_path / "to").mkdir()
    number = (source / "deep" / "large").stat().st_ino
    async with files_on(sshd.config_file) as files:
        done = await files.copy(host, [source], host, tmp_path / "to", move=True)
    assert done.state is TransferState.DONE, done.errors
    assert (tmp_path / "to" / "tree" / "deep" / "large").stat().st_ino == number


@pytest.mark.parametrize("host", ["sshd", ""])
async def test_another_disk_of_the_same_machine_gets_copies(
    sshd: RealSshd, source: Path, other_disk: Path, host: str
) -> None:
    before = tree(source)
    async with files_on(sshd.config_file) as files:
        done = await files.copy(host, [source], host, other_disk, move=True)
    assert done.state is TransferState.DONE, done.errors
    assert tree(other_disk / "tree") == before
    assert is_gone(source)
    assert not unfinished(other_disk)


async def test_names_of_one_file_stay_names_of_one_file(
    sshd: RealSshd, source: Path, other_disk: Path
) -> None:
    os.link(source / "deep" / "large", source / "again")
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "", other_disk, move=True)
    assert done.state is TransferState.DONE, done.errors
    assert is_gone(source)
    assert (other_disk / "tree" / "again").samefile(other_disk / "tree" / "deep" / "large")


async def test_mv_moves_renames_and_keeps_links(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    before = tree(source)
    done = await sshdash(sshd.config_file, "mv", source, "sshd:new")
    assert (done.status, done.output, done.errors) == (0, "", "")
    assert tree(sshd.home / "new") == before
    assert is_gone(source)
    (sshd.home / "there").mkdir()
    done = await sshdash(sshd.config_file, "mv", "sshd:new", "sshd:newer/")
    assert (done.status, done.errors) == (0, "")
    (sshd.home / "newer").rename(sshd.home / "new")
    done = await sshdash(sshd.config_file, "mv", "sshd:new/deep", "sshd:new/link", "sshd:there")
    assert (done.status, done.errors) == (0, "")
    assert (sshd.home / "there" / "link").readlink() == Path("deep")
    assert (sshd.home / "there" / "deep" / "empty").is_dir()
    done = await sshdash(sshd.config_file, "mv", "sshd:there", "sshd:there/deep")
    assert done.status == 1
    assert "into itself" in done.errors
    done = await sshdash(sshd.config_file, "mv", "sshd:gone", ".", cwd=tmp_path)
    assert done.status == 1
    assert not is_gone(sshd.home / "there" / "link")


@pytest.mark.parametrize("host", ["", "sshd:"])
async def test_a_slash_behind_a_name_moves_the_folder_itself_and_no_link(
    sshd: RealSshd, tmp_path: Path, host: str
) -> None:
    place = sshd.home if host else tmp_path
    (place / "folder" / "deep").mkdir(parents=True)
    (place / "link").symlink_to("folder")
    done = await sshdash(sshd.config_file, "mv", f"{host}folder/", f"{host}moved", cwd=tmp_path)
    assert (done.status, done.errors) == (0, "")
    assert is_gone(place / "folder")
    assert (place / "moved" / "deep").is_dir()
    (place / "moved").rename(place / "folder")
    done = await sshdash(sshd.config_file, "mv", f"{host}link/", f"{host}moved", cwd=tmp_path)
    assert done.status == 2
    assert "slash" in done.errors
    assert (place / "folder" / "deep").is_dir()
    assert is_gone(place / "moved")


@pytest.mark.parametrize("word", [".", "deep/..", "..", "sshd:", "sshd:there/."])
async def test_what_is_named_by_dots_alone_is_not_moved(
    sshd: RealSshd, tmp_path: Path, word: str
) -> None:
    source = tmp_path / "above" / "source"
    (source / "deep").mkdir(parents=True)
    (sshd.home / "there").mkdir()
    (sshd.home / "there" / "file").touch()
    before = tree(tmp_path), tree(sshd.home)
    done = await sshdash(sshd.config_file, "mv", word, tmp_path / "target", cwd=source)
    assert done.status == 2
    assert "Only what has a name can be moved" in done.errors
    assert (tree(tmp_path), tree(sshd.home)) == before


@pytest.mark.parametrize("ends", [("sshd", ""), ("", "sshd"), ("sshd", "inner")])
async def test_what_is_moved_onto_itself_by_another_name_of_its_machine_stays(
    sshd: RealSshd, source: Path, tmp_path: Path, ends: tuple[str, str]
) -> None:
    (source / "hollow").mkdir()
    for place in tree(source):  # nothing tells them from a copy
        os.utime(bytes(source) + b"/" + place, (1000, 1000), follow_symlinks=False)
    before = tree(source)
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends[0], [source], ends[1], source.parent, move=True)
        assert done.state is TransferState.FAILED
        assert "source and target are the same" in done.errors[0].reason
        assert tree(source) == before
        assert not unfinished(source)

        (tmp_path / "link").symlink_to(source.parent)
        done = await files.copy(
            ends[0], [tmp_path / "link" / "tree"], ends[1], source.parent, move=True
        )
        assert done.state is TransferState.FAILED
    assert tree(source) == before


@pytest.mark.parametrize("where", ["here", "there"])
async def test_links_are_moved_and_replaced_as_by_mv(
    sshd: RealSshd, tmp_path: Path, where: str
) -> None:
    folder, host = (sshd.home, "sshd:") if where == "there" else (tmp_path, f"{tmp_path}/")
    (folder / "file").write_bytes(b"content")
    (folder / "other").write_bytes(b"other")
    (folder / "link").symlink_to("file")
    done = await sshdash(sshd.config_file, "mv", f"{host}link", f"{host}file")
    assert done.status == 1
    assert "source and target are the same" in done.errors
    assert (folder / "file").read_bytes() == b"content", "it would lead to itself"

    done = await sshdash(sshd.config_file, "mv", f"{host}other", f"{host}link")
    assert (done.status, done.errors) == (0, "")
    assert (folder / "file").read_bytes() == b"content", "a link is replaced, not written through"
    assert not (folder / "link").is_symlink()
    assert (folder / "link").read_bytes() == b"other"

    (folder / "link").unlink()
    (folder / "link").symlink_to("file")
    done = await sshdash(sshd.config_file, "mv", f"{host}file", f"{host}link")
    assert (done.status, os.listdir(folder).count("file")) == (0, 0), done.errors
    assert (folder / "link").read_bytes() == b"content"


@pytest.mark.parametrize("where", ["here", "there"])
async def test_a_copy_never_replaces_what_it_is_of(
    sshd: RealSshd, tmp_path: Path, where: str
) -> None:
    folder, host = (sshd.home, "sshd:") if where == "there" else (tmp_path, f"{tmp_path}/")
    (folder / "into" / "tree").mkdir(parents=True)
    (folder / "into" / "tree" / "link").write_bytes(b"content")
    (folder / "tree").mkdir()
    (folder / "tree" / "link").symlink_to("../into/tree/link")
    done = await sshdash(sshd.config_file, "cp", "-r", f"{host}tree", f"{host}into")
    assert done.status == 1
    assert "source and target are the same" in done.errors
    assert (folder / "into" / "tree" / "link").read_bytes() == b"content"
    if where == "here":  # SFTP tells no hard links
        (folder / "into" / "name").hardlink_to(folder / "into" / "tree" / "link")
        done = await sshdash(
            sshd.config_file, "cp", folder / "into" / "tree" / "link", folder / "into" / "name"
        )
        assert done.status == 1
        assert "source and target are the same" in done.errors
        assert (folder / "into" / "name").stat().st_nlink == 2
