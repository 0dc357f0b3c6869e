"""Very many small files in one stream of tar, and by SFTP where that is not as expected."""

import logging
import os
from pathlib import Path

import pytest

from sshdash.states import TransferState
from tests.live.file_kit import files_on, fill_with_odd_names, tree, unfinished
from tests.servers.sshd import RealSshd

MANY = 700


def furnish(folder: Path, files: int = MANY) -> None:
    """Make folders of small files, with odd names, modes and times."""
    for number in range(files):
        path = folder / f"folder {number % 7}" / "below" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1 + number * 13 % 5000))
        path.chmod(0o400 | number % 0o400)
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    (folder / "odd").mkdir()
    fill_with_odd_names(folder / "odd")


def looks(folder: Path) -> dict[str, tuple[int, int]]:
    """Return modes and times of everything below a folder."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, int(path.lstat().st_mtime))
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a source with very many files and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    furnish(source)
    return source, target


async def test_a_tree_comes_down_whole_and_mostly_in_bulk(
    sshd: RealSshd, folders: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    caplog.set_level(logging.DEBUG, "sshdash.sftp.bulk")
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert "small files came in one stream" in caplog.text
    assert "small files go by SFTP" not in caplog.text
    assert done.files_done == done.files_total == len([p for p in source.rglob("*") if p.is_file()])
