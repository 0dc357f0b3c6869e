"""A terminal that is closed under the program: nothing of it stays, here or on the server."""

import asyncio
import contextlib
import sys
from pathlib import Path

import psutil
import pytest

from tests.live.connecting import until
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd
from tests.servers.tmux import Tmux, installed


def is_sshdash(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):  # others come and go
        return "sshdash" in " ".join(process.cmdline())
    return False


@pytest.mark.parametrize("drawing", [False, True], ids=["at rest", "while drawing"])
async def test_nothing_stays_where_the_terminal_is_closed(
    sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch, drawing: bool
) -> None:
    monkeypatch.chdir(home)
    command = installed("sshdash", sys.executable)
    async with Tmux(*command, "-F", str(sshd.config_file), "sshd") as terminal:
        await terminal.wait_for(r"sshd\$$")
        assert len(sshd.connections()) == 1
        if drawing:
            await terminal.write("yes $((6*7))")
            await terminal.type("Enter")
            await terminal.wait_for(r"▕42\n.*▕42$")
        processes = await terminal.processes()
        assert any(map(is_sshdash, processes[1:]))
        await terminal.kill()
        try:
            _, left = await asyncio.to_thread(psutil.wait_procs, processes, PATIENCE)
            assert left == []
            await until(lambda: sshd.connections() == [])
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
