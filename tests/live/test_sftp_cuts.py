"""Connections that are cut and reset again and again while trees are copied."""

import asyncio
import os
import random
import shutil
from pathlib import Path

import pytest

from sshdash.prompts import ConflictChoice
from sshdash.states import TransferState
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_faults import slow_line, until_some_arrived
from tests.patience import PATIENCE
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


@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("fault", ["killed", "frozen", "dropped"])
async def test_a_file_goes_on_after_a_host_was_gone(
    sshd: RealSshd, tmp_path: Path, way: str, fault: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "file").write_bytes(random.Random(fault + way).randbytes(16_000_000))
    (target / "file").write_bytes(b"the old content")
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with slow_line(sshd, rate=8_000_000) as (proxy, config):
        config.write_text("ServerAliveInterval 1\nServerAliveCountMax 1\n" + config.read_text())
        async with files_on(config, kept=tmp_path / "kept") as files:
            choice = ConflictChoice.OVERWRITE
            paths = [source / "file"]
            job = files.submit(ends[0], paths, ends[1], target, conflict=choice)
            await until_some_arrived(files, job, 6_000_000)
            {"killed": sshd.kill_connections, "frozen": sshd.suspend, "dropped": proxy.stall}[
                fault
            ]()
            try:
                async with asyncio.timeout(PATIENCE):
                    end = await files.queue.wait(job)
            finally:
                sshd.resume()
                proxy.flow()
            assert end.cut_off, end
            assert end.bytes_done
            assert (target / "file").read_bytes() == b"the old content"
            files.queue.retry(job)
            async with asyncio.timeout(PATIENCE):
                end = await files.queue.wait(job)
            assert (end.state, end.resumed, end.restarted) == (TransferState.DONE, 1, ()), end
    assert tree(target) == tree(source)
