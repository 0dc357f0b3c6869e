"""Bulk renames while other things go on."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from sshdash.sftp.local import LocalFilesystem
from sshdash.ui.rename_pattern import Verdict, verdict
from sshdash.ui.screens import bulk_rename
from sshdash.ui.screens.bulk_rename import BulkRenameDialog
from sshdash.ui.widgets.file_pane import FilePane
from tests.patience import PATIENCE
from tests.ui.files_app import (
    HOST,
    FilesApp,
    listed,
    names,
    row_of,
    until,
)


async def renaming_slowly(
    pilot: Pilot[None], pane: FilePane, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begin to rename two files, which goes on once the gate is open."""
    app = pilot.app
    rename = LocalFilesystem.rename

    async def slowly(self: LocalFilesystem, *args: Any, **how: Any) -> None:
        await gate.wait()
        await rename(self, *args, **how)

    monkeypatch.setattr(LocalFilesystem, "rename", slowly)
    pane.browser.marks = {b"file1.txt", b"file2.txt"}
    await pilot.press("R")
    await until(pilot, lambda: isinstance(app.screen, BulkRenameDialog))
    app.screen.query_one("#find", Input).value = "file"
    app.screen.query_one("#replacement", Input).value = "page"
    button = app.screen.query_one(".-primary", Button)
    await until(pilot, lambda: not button.disabled)
    await until(pilot, lambda: "Rename 2" in "".join(part.text for part in button.render_line(0)))
    await pilot.press("enter")
    await until(pilot, lambda: pane.is_waiting)


async def test_marks_made_while_a_bulk_rename_goes_on_stay(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FilesApp(left, right)
    gate = asyncio.Event()
    async with app.run_test(size=(100, 30)) as pilot:
        pane = (await listed(pilot)).left
        await renaming_slowly(pilot, pane, gate, monkeypatch)
        pane.browser.marks |= {b"file10.txt"}
        gate.set()
        await until(pilot, lambda: "page1.txt" in names(pane))
        assert pane.browser.marks == {b"file10.txt"}


async def test_a_bulk_rename_ends_where_it_began_when_the_pane_goes_elsewhere(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FilesApp(left, right)
    gate = asyncio.Event()
    closed: list[LocalFilesystem] = []

    async def close(self: LocalFilesystem) -> None:
        closed.append(self)

    monkeypatch.setattr(LocalFilesystem, "close", close)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = (await listed(pilot)).left
        await renaming_slowly(pilot, pane, gate, monkeypatch)
        begun = len(app.fake.opened)
        app.controller.listings.use(pane, HOST, bytes(right))
        await until(pilot, lambda: pane.endpoint == HOST and "old.txt" in names(pane))
        assert len(closed) == 1  # the pane's own, not what the rename goes on with
        pane.browser.marks = {b"old.txt"}
        gate.set()
        await until(pilot, lambda: any("u undoes the rename" in told for told in app.told))
        assert (left / "page1.txt").exists()
        assert pane.browser.marks == {b"old.txt"}
        await pilot.press("u")
        await until(pilot, lambda: "2 items renamed back" in app.told[0])
        assert app.fake.opened[begun:] == [HOST, ""]
        assert (left / "file1.txt").exists()


async def test_names_of_a_pattern_that_was_changed_meanwhile_are_not_given(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FilesApp(left, right)
    looked, go_on = threading.Event(), threading.Event()

    def slowly(*args: Any) -> Verdict:
        looked.set()
        assert go_on.wait(PATIENCE)
        return verdict(*args)

    async with app.run_test(size=(100, 30)) as pilot:
        pane = (await listed(pilot)).left
        pane.rows.cursor = row_of(pane, "file1.txt")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, BulkRenameDialog))
        dialog = app.screen
        assert isinstance(dialog, BulkRenameDialog)
        button = dialog.query_one(".-primary", Button)
        monkeypatch.setattr(bulk_rename, "verdict", slowly)
        dialog.query_one("#replacement", Input).value = "page"
        await until(pilot, looked.is_set)
        working = next(one for one in app.workers if one.node is dialog)
        monkeypatch.setattr(bulk_rename, "_REST", 1000.0)  # what is typed now waits
        dialog.query_one("#replacement", Input).value = "leaf"
        await pilot.pause()
        go_on.set()
        await until(pilot, lambda: working.is_finished)
        assert button.disabled
        await pilot.press("enter")
        assert app.screen is dialog
