"""Somebody swaps a folder of the target for a link while a copy runs."""

import asyncio
import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.sftp.protocol import LSETSTAT
from sshdash.sftp.remote import RemoteFilesystem
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


@pytest.mark.parametrize("offered", [True, False])
async def test_a_link_on_a_host_in_the_place_of_a_file_keeps_what_it_leads_to(
    sshd: RealSshd, offered: bool
) -> None:
    kept, link, own = (sshd.home / name for name in ("kept", "link", "own"))
    for file in (kept, own):
        file.write_bytes(b"x")
        file.chmod(0o600)
    link.symlink_to(kept)
    async with files_on(sshd.config_file) as files:
        remote = await files.open("sshd")
        assert isinstance(remote, RemoteFilesystem)
        if not offered:
            del remote._protocol.extensions[LSETSTAT]
        try:
            with contextlib.suppress(FileError):
                await remote.set_itself(bytes(link), 0o644)
            await remote.set_itself(bytes(own), 0o640)
        finally:
            await remote.close()
    assert [stat.S_IMODE(file.stat().st_mode) for file in (kept, own)] == [0o600, 0o640]
