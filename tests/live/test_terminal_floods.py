"""Four shells that flood at once: each is stopped by Ctrl-C, and the others go on meanwhile."""

import asyncio
import time
from contextlib import AsyncExitStack

import psutil
import pytest

from tests.live.shells import shell
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

FLOODS = {
    "yes": "yes",
    "random": "cat /dev/urandom",
    "repeats": r"yes $(printf 'a\033[2000000000b')",
    "columns": r"yes $(printf '\033[?40h\033[?3h\033[?3l')",
    "titles": r"yes $(printf '\033]2;title\007')",
    "queries": r"yes $(printf '\033[6n')",
}


@pytest.mark.alone
@pytest.mark.parametrize("name", FLOODS)
async def test_four_floods_leave_the_loop_free_and_end(sshd: RealSshd, name: str) -> None:
    async with AsyncExitStack() as stack:
        shells = [await stack.enter_async_context(shell(sshd.config_file)) for _ in range(4)]
        for one in shells:
            await one.type(f"stty -echo; {FLOODS[name]}")
        await _run_for(0.5)
        before = psutil.Process().memory_info().rss
        held = await _run_for(1.0)
        assert held < 0.1
        # Four scrollbacks of 10,000 lines, 9 MiB each, and no more.
        assert psutil.Process().memory_info().rss - before < 48 * 1024 * 1024
        for one in shells:
            one.session.write(b"\x03")
        for one in shells:
            # What was typed by the answers of the terminal is thrown away, and its modes.
            one.session.write(b"\x15\x18\x1b\\")
            one.session.write(b"\r\x15printf '\\033c'; echo st''ill there\r")
        for one in shells:
            await one.shows("still there")


async def _run_for(seconds: float) -> float:
    """Return the longest that the loop was held, by the processor's time, in some seconds."""
    held = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.thread_time()
        await asyncio.sleep(0)
        held = max(held, time.thread_time() - began)
    return held


async def test_a_flood_out_of_sight_is_read_in_large_pieces_and_ends_in_time(
    sshd: RealSshd,
) -> None:
    async with shell(sshd.config_file) as one:
        await one.shows(r"sshd\$\s*$")
        session = one.session
        assert session.lease is not None
        low_water = session.lease.connection.ssh.low_water
        session.activity.sight.look(False)
        seen: set[str] = set()
        session.write(b"seq 300000; echo $((1+1))-done\r")
        done = asyncio.Event()

        def look() -> None:
            seen.add(repr(low_water))
            if "2-done" in one.screen:
                done.set()

        session.on_output = look
        async with asyncio.timeout(PATIENCE):
            await done.wait()
        assert "<LowWater [raised, 1 unhurried]>" in seen
        session.write(b"echo $((2+1))-typed\r")
        assert repr(low_water) == "<LowWater [low, 1 unhurried]>"
        await one.shows("3-typed")
