"""Connections that are cut and reset again and again while trees are copied."""

import os
import random
import shutil
from pathlib import Path

import pytest

from sshdash.prompts import ConflictChoice
from sshdash.states import TransferState
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_faults import slow_line
from tests.servers.sshd import RealSshd

CUTS = 50
"""At least, in each of the four tests."""
LEAST, MOST = 1_000, 2_500_000
"""Bytes, both ways together, that a connection lives for: some die before there is a session."""


def furnish(folder: Path, dice: random.Random) -> None:
    """Make a tree of some large and many small files."""
    for number in range(3):
        (folder / f"deep-{number}" / "below").mkdir(parents=True)
        (folder / f"deep-{number}" / "large").write_bytes(dice.randbytes(3_000_000 + number))
        for small in range(10):
            path = folder / f"deep-{number}" / "below" / f"small {small}"
            path.write_bytes(dice.randbytes(dice.randrange(20_000)))
    (folder / "empty").write_bytes(b"")
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (1_000_000_000, 1_000_000_000))


def check_names(source: Path, target: Path, seen: set[Path]) -> None:
    """Whatever has its final name is whole."""
    for path in target.rglob("*"):
        if path.is_file() and path not in seen and ".sshdash-" not in path.name:
            assert path.read_bytes() == (source / path.relative_to(target)).read_bytes(), path
            seen.add(path)


def times(folder: Path) -> list[int]:
    """Return the times of everything below a folder, in seconds."""
    return [int(path.stat().st_mtime) for path in sorted(folder.rglob("*"))]


@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("reset", [False, True], ids=["cut", "reset"])
async def test_a_tree_arrives_whole_over_a_connection_that_is_cut_fifty_times(
    sshd: RealSshd, tmp_path: Path, way: str, reset: bool
) -> None:
    seed = f"{way}, {reset}"
    dice = random.Random(seed)
    source = tmp_path / "source"
    source.mkdir()
    furnish(source, dice)
    cuts, resumed = 0, 0
    async with (
        slow_line(sshd) as (proxy, config),
        files_on(config, kept=tmp_path / "kept") as files,
    ):
        ends = ("sshd", "") if way == "down" else ("", "sshd")
        while cuts < CUTS:
            target = tmp_path / f"target after {cuts}"
            target.mkdir()
            seen: set[Path] = set()
            proxy.cut_after(dice.randrange(LEAST, MOST), reset)
            choice = ConflictChoice.OVERWRITE
            job = files.submit(ends[0], [source], ends[1], target, conflict=choice)
            while (end := await files.queue.wait(job)).state is not TransferState.DONE:
                assert end.cut_off, (seed, end)
                check_names(source, target / "source", seen)
                cuts += 1
                assert cuts < 4 * CUTS, "it gets nowhere"
                proxy.cut_after(dice.randrange(LEAST, MOST), reset)
                files.queue.retry(job)
            resumed += end.resumed
            assert not end.restarted, (seed, end.restarted)
            assert tree(target / "source") == tree(source), seed
            assert unfinished(target) == []
            assert times(target / "source") == times(source)
            shutil.rmtree(target)
    assert resumed > CUTS / 2
