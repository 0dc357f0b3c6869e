"""The whole program in a real terminal: killed while it copies, and started again."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.live.file_kit import unfinished
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd
from tests.servers.tmux import Tmux, installed


def arrived(folder: Path) -> int:
    """Return the bytes in temporary files."""
    return sum(path.stat().st_size for path in folder.glob(".*.part"))


async def test_a_copy_of_a_killed_sshdash_is_paused_in_the_next_and_goes_on(
    sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    config = home / ".ssh" / "config"
    config.write_text("Host sshd\n\n" + sshd.config_file.read_text())
    config.chmod(0o600)
    data = os.urandom(12_000_000)
    (home / "big.bin").write_bytes(data)
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "sshdash" / "settings.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("transfer_limit_kb: 3000\n")

    async with Tmux(*installed("sshdash", sys.executable)) as terminal:
        await terminal.wait_for("inner")
        await terminal.type("C-g", "f")
        await terminal.wait_for(r"big\.bin")
        await terminal.wait_for(f"sshd ▾ +{sshd.home}")
        await terminal.type("Down", "c")
        async with asyncio.timeout(PATIENCE):
            while arrived(sshd.home) < 5_000_000:  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.05)
        for process in (await terminal.processes())[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):  # it went with the one before
                process.send_signal(signal.SIGKILL)
        await terminal.wait_for("exit status 137")
    assert len(unfinished(sshd.home)) == 1
    assert not (sshd.home / "big.bin").exists()

    async with Tmux(*installed("sshdash", sys.executable)) as terminal:
        await terminal.wait_for("1 copy was interrupted")
        await terminal.type("C-g", "F")
        screen = await terminal.wait_for(r"big\.bin.*paused")
        assert " 0 %" not in screen
        await terminal.type("L")
        await terminal.wait_for("Limit of all copies together")
        await terminal.type("BSpace", "Enter")
        await terminal.type("p")
        await terminal.wait_for("1 done")
    assert (sshd.home / "big.bin").read_bytes() == data
    assert unfinished(sshd.home) == []
