"""Each failure is told as it was written down: title, detail, next step, and where it failed."""

import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.failures_table import README, with_table
from tests.live.failures.catalogue import all_cases, expected
from tests.live.failures.scene import Scene


@pytest.mark.parametrize("name", list(all_cases()))
async def test_failure_reads_well(name: str, tmp_path: Path) -> None:
    case = all_cases()[name]
    if case.needs_root and os.getuid():
        pytest.skip("only root can make it happen")
    async with AsyncExitStack() as stack:
        told = await case.act(Scene(tmp_path, stack))
    assert told.title
    assert told.hint
    assert told == expected()[name], f"{case.what}\n{told}"


def test_every_failure_is_written_down() -> None:
    assert list(expected()) == list(all_cases())


def test_readme_has_the_table_as_it_is() -> None:
    text = README.read_text()
    assert with_table(text) == text, "run: python -m tests.failures_table"
