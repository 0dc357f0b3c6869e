"""Folders and files of a size that takes minutes: only where SSHDASH_ENORMOUS is set.

SSHDASH_ENORMOUS=1 python -m pytest -s tests/live/test_sftp_enormous.py
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.sshd import RealSshd

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("SSHDASH_ENORMOUS"), reason="takes minutes: SSHDASH_ENORMOUS=1 runs it"
    ),
    pytest.mark.timeout(900),
]

ENTRIES = 1_000_000
SIZE = 8 * 1024**3
MIB = 1024 * 1024


@pytest.fixture
def room() -> Iterator[Path]:
    """Return a folder in memory, where there is one: a disk takes long for a million files."""
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = Path(tempfile.mkdtemp(prefix="sshdash-enormous-", dir=base))
    yield folder
    shutil.rmtree(folder)


def measured(*words: str) -> tuple[float, int]:
    """Run sshdash; return the seconds it took and the most memory it had, in MiB."""
    began = time.monotonic()
    command = [sys.executable, "-m", "sshdash", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.monotonic() - began, usage.ru_maxrss // 1024


async def test_eight_gigabytes_are_fetched_in_little_memory(room: Path) -> None:
    source, target = room / "source", room / "target"
    with source.open("wb") as file:
        for offset in range(0, SIZE, SIZE // 64):  # a sparse file: a host sends its zeros, too
            file.seek(offset)
            file.write(os.urandom(4096))
        file.truncate(SIZE)
    async with RealSshd() as server:
        words = ("cp", "-F", str(server.config_file), f"sshd:{source}", str(target))
        seconds, memory = await asyncio.to_thread(measured, *words)
    tell(f"8 GiB in {seconds:.0f} s, {SIZE / MIB / seconds:.0f} MiB/s, {memory} MiB at most")
    assert memory < 200
    compare = await asyncio.create_subprocess_exec("cmp", source, target)
    assert await compare.wait() == 0


async def test_a_million_entries_are_listed_in_bounded_memory(room: Path) -> None:
    folder = room / "many"
    await asyncio.to_thread(fill, folder)
    async with RealSshd() as server:
        words = ("ls", "-F", str(server.config_file), f"sshd:{folder}")
        seconds, memory = await asyncio.to_thread(measured, *words)
    tell(f"{ENTRIES:,} entries in {seconds:.1f} s, {memory} MiB at most")
    assert memory < 600


def tell(figures: str) -> None:
    """Show what was measured, with -s."""
    sys.stdout.write(f"\n{figures}\n")


def fill(folder: Path) -> None:
    """Make a folder of a million empty files."""
    folder.mkdir()
    inside = os.open(folder, os.O_RDONLY)
    try:
        for number in range(ENTRIES):
            name = f"report-{number * 7919 % ENTRIES}-of-the-year.txt"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=inside))
    finally:
        os.close(inside)
