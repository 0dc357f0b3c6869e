"""Programs that nobody wants any more: they end, and nothing of them is kept."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path

import pytest

from sshdash import processes
from tests.patience import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")

WITH_CHILD = "sleep 1000 & echo $!; exec sleep 1000"


def descriptors() -> set[str]:
    """Return what this process has open; the loop's own are opened before."""
    folder = Path("/proc/self/fd")
    return {f"{one.name} {os.readlink(one)}" for one in folder.iterdir() if one.is_symlink()}


async def shell(script: str, *, leads: bool = False) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "sh", "-c", script, stdin=PIPE, stdout=PIPE, start_new_session=leads
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_one_whose_output_nobody_reads_any_more_leaves_nothing_open() -> None:
    await (await shell("exit 3")).wait()
    before = descriptors()
    process = await shell("exec yes")
    assert process.stdout
    await process.stdout.readline()
    async with asyncio.timeout(PATIENCE):
        # Nobody tells when the loop reads no more.
        while not process.stdout._paused:  # type: ignore[attr-defined] # noqa: ASYNC110
            await asyncio.sleep(0)
        await processes.end(process)
    assert process.returncode == -signal.SIGKILL
    await asyncio.sleep(0)  # the loop closes in the turn after
    assert descriptors() <= before


@pytest.mark.parametrize("with_group", [True, False])
async def test_whoever_holds_its_pipes_is_not_waited_for(with_group: bool) -> None:
    await (await shell("exit 3")).wait()
    before = descriptors()
    process = await shell(WITH_CHILD, leads=True)
    assert process.stdout
    child = int(await process.stdout.readline())
    try:
        async with asyncio.timeout(PATIENCE):
            await processes.end(process, with_group=with_group)
            while with_group and is_running(child):  # noqa: ASYNC110
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert descriptors() <= before
        assert is_running(child) is not with_group
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


async def test_one_that_has_ended_keeps_its_status() -> None:
    process = await shell("exit 3")
    assert await process.wait() == 3
    await processes.end(process, with_group=True)
    assert process.returncode == 3
