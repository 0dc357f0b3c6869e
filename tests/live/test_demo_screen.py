"""``sshdash demo`` in a real terminal."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.servers.tmux import Tmux, installed

_LOOK = 0.05


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the demo a place for its folder, to look into afterwards.

    A short one: the sockets in it do not stand long paths.
    """
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def wait_empty(folder: Path) -> None:
    """Wait until nothing is in a folder: another process removes it, in its own time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        left = below(folder)
        if not left:
            return
        assert loop.time() < end, f"left behind: {left}"
        await asyncio.sleep(_LOOK)


async def test_it_opens_on_the_fleet_and_leaves_nothing(home: Path, temporary: Path) -> None:
    async with Tmux(*installed("sshdash", sys.executable), "demo") as terminal:
        await terminal.wait_for("stage-web")
        assert len(below(temporary)) == 1
        await terminal.type("q")
        await terminal.wait_for("^exit status 0")
        await wait_empty(temporary)
    assert below(home) == [".ssh"]


async def test_killed_it_takes_its_servers_and_shells_along(home: Path, temporary: Path) -> None:
    async with Tmux(*installed("sshdash", sys.executable), "demo") as terminal:
        await terminal.wait_for("stage-web")
        await terminal.type("Enter")
        await terminal.wait_for(r"ops@bastion:~[#$]")
        await terminal.write("echo $((6*7))")
        await terminal.type("Enter")
        await terminal.wait_for(r"\b42\b")
        assert len(below(temporary)) == 1
    await wait_empty(temporary)
    assert below(home) == [".ssh"]
