"""What ``sshdash exec`` does around its session."""

import argparse
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sshdash.cli import exec as exec_command
from sshdash.cli import exec_session
from sshdash.cli.context import settle_screen
from sshdash.cli.entry import GARBAGE
from sshdash.cli.main import _LOADED


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look for no garbage, as while all is imported."""
    before = gc.get_threshold()
    monkeypatch.setattr(gc, "freeze", lambda: None)
    gc.set_threshold(_LOADED)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("loaded", "home")
async def test_garbage_is_looked_for_while_a_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, int]] = []

    async def run(*_: Any) -> int:
        seen.append(gc.get_threshold())
        return 0

    monkeypatch.setattr(exec_session, "run", run)
    parser = argparse.ArgumentParser()
    exec_command.add_parser(parser.add_subparsers())
    config = tmp_path / "config"
    config.write_text("Host there\nProxyCommand exec false\n")
    arguments = parser.parse_args(["exec", "there", "true"])
    arguments.config, arguments.option = str(config), []
    assert await exec_command._connect(arguments, b"true") == 0
    assert seen == [GARBAGE]


@pytest.mark.usefixtures("loaded")
def test_beside_a_screen_garbage_is_looked_for_in_few_objects_at_a_time() -> None:
    settle_screen()
    new, young, old = gc.get_threshold()
    assert new * young <= 10_000
    assert 500_000 <= new * young * old <= 2_000_000, "all of them neither often nor too late"
