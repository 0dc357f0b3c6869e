"""Somebody swaps a folder of the target for a link while a copy runs."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path

import pytest

from tests.live.file_kit import files_on
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return an empty source and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


@pytest.mark.parametrize("way", ["down", "local"])
async def test_a_folder_that_is_swapped_for_a_link_is_never_written_through(
    sshd: RealSshd, folders: tuple[Path, Path], way: str
) -> None:
    source, target = folders
    tree_of = source / "tree" / "deep"
    tree_of.mkdir(parents=True)
    for number in range(1500):
        (tree_of / f"{number}").write_bytes(b"x" * (number % 100))
    outside = target.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    folder, away = target / "tree", target / "away"
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                os.rename(folder, away)
                os.symlink(outside, folder)
                os.unlink(folder)
                os.rename(away, folder)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
            end = "sshd" if way == "down" else ""
            done = await files.copy(end, [source / "tree"], "", target)
    finally:
        over.set()
        swapping.join()
    assert os.listdir(outside / "deep") == []
    assert os.listdir(outside) == ["deep"]
    assert done.files_done + done.errors_total > 0
