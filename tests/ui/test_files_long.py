"""Long listings: shown while they come in, ordered at their end, given up with Esc."""

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.rows import Rows
from sshdash.ui.arranging import aside
from sshdash.ui.controllers import file_listings
from sshdash.ui.widgets import file_pane
from tests.ui.files_app import (
    HOST,
    FakeBackend,
    FilesApp,
    furnish_left,
    furnish_right,
    listed,
    names,
    until,
)


class Slow(LocalFilesystem):
    """Hands a large folder on in two parts, the second when it is let."""

    def __init__(self, gate: asyncio.Event) -> None:
        super().__init__()
        self._gate = gate

    async def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        entries = sorted(await self.listdir_whole(path), key=lambda one: one.name, reverse=True)
        if len(entries) < 20:
            yield entries
            return
        yield entries[:10]
        yield entries[10:15]
        await self._gate.wait()
        yield entries[15:]

    async def listdir_whole(self, path: bytes) -> list[Entry]:
        return [entry async for batch in super().scandir(path) for entry in batch]


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return furnish_left(tmp_path)


@pytest.fixture
def right(tmp_path: Path) -> Path:
    folder = furnish_right(tmp_path)
    for number in range(100):
        (folder / "inbox" / f"n{number}").touch()
    return folder


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let the second part of the host's large folder come, once it is set."""
    gate = asyncio.Event()
    opened = FakeBackend.filesystem

    async def filesystem(backend: FakeBackend, endpoint: str) -> Filesystem:
        return Slow(gate) if endpoint == HOST else await opened(backend, endpoint)

    monkeypatch.setattr(FakeBackend, "filesystem", filesystem)
    monkeypatch.setattr(file_listings, "_EARLY", 0.0)
    monkeypatch.setattr(file_listings, "_MORE", 0.0)
    return gate


async def test_first_rows_are_there_before_the_listing_ends(
    left: Path, right: Path, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_listings, "THREAD_LIMIT", 50)
    monkeypatch.setattr(file_pane, "THREAD_LIMIT", 50)
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.right
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: len(pane.browser.rows) == 16)
        assert pane.browser.loading
        await pilot.press("down", "down")
        under = pane.browser.current
        assert under is not None
        gate.set()
        await until(pilot, lambda: not pane.browser.loading)
        assert names(pane) == ["..", *(f"n{number}" for number in range(100))]
        assert pane.browser.current == under
        assert pane.rows.cursor == pane.browser.cursor
        await pilot.press("S")
        await until(pilot, lambda: names(pane)[1] == "n99")


async def test_esc_gives_a_long_listing_up_and_keeps_what_has_come(
    left: Path, right: Path, gate: asyncio.Event
) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.right
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: len(pane.browser.rows) == 16)
        await pilot.press("escape")
        await until(pilot, lambda: pane.problem)
        assert pane.problem is not None
        assert "Not everything is listed" in pane.problem.title
        assert len(pane.browser.rows) == 16
        gate.set()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(pane.browser.rows) == 101)
        assert pane.problem is None


async def test_a_long_listing_is_left_refreshed_and_come_back_to(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_listings, "THREAD_LIMIT", 50)
    monkeypatch.setattr(file_pane, "THREAD_LIMIT", 50)
    wanted = ["..", *(f"n{number}" for number in range(100))]
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.right
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: names(pane) == wanted)
        pane.browser.move_to(7)
        pane.browser.toggle_mark()
        (right / "inbox" / "n100").touch()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(pane.browser.rows) == 102)
        assert pane.browser.cursor == 7
        assert [one.name for one in pane.browser.selection] == [b"n6"]
        await pilot.press("backspace")
        await until(pilot, lambda: "old.txt" in names(pane))
        assert [entry.name for entry in pane.browser.selection] == [b"inbox"]
        await pilot.press("enter")
        await until(pilot, lambda: names(pane) == [*wanted, "n100"])


async def test_a_filter_in_the_making_is_about_what_is_listed_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_listings, "THREAD_LIMIT", 1)
    monkeypatch.setattr(file_pane, "THREAD_LIMIT", 1)
    left = furnish_left(tmp_path)
    app = FilesApp(left, furnish_right(tmp_path))
    async with app.run_test() as pilot:
        pane = (await listed(pilot)).left
        asked = 0

        async def meanwhile(*args: Any) -> Rows:
            nonlocal asked
            asked += 1
            arranged: Rows = await aside(*args)
            if asked == 1:  # another listing ends while these rows are put in order
                entries = [Entry(b"file7.txt", Kind.FILE), Entry(b"other", Kind.FILE)]
                pane.show(pane.browser.path, entries)
            return arranged

        monkeypatch.setattr(file_pane, "aside", meanwhile)
        pane.change_view(replace(pane.browser.view, text="file"))
        await until(pilot, lambda: asked == 2)
        await until(pilot, lambda: names(pane) == ["..", "file7.txt"])
        assert gc.isenabled(), "garbage is looked for again"


async def test_all_of_a_folder_is_marked_only_once_all_of_it_is_there(
    left: Path, right: Path, gate: asyncio.Event
) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        pane = (await listed(pilot)).right
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: len(pane.browser.rows) == 16)
        for key in ("ctrl+a", "asterisk", "plus"):
            await pilot.press(key)
            await until(pilot, lambda: "still being listed" in "".join(app.told[:1]))
            assert not pane.browser.marks
        gate.set()
        await until(pilot, lambda: not pane.browser.loading)
        await pilot.press("ctrl+a")
        assert len(pane.browser.marks) == 100
