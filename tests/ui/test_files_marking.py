"""Marks by pattern, sizes of folders, columns, moving, and paths that the terminal pastes."""

from pathlib import Path

import pytest
from textual import events

from sshdash.prompts import ConfirmQuestion, ConflictAnswer, ConflictChoice, ConflictQuestion
from sshdash.sftp.browser import Column
from sshdash.ui.controllers import file_listings
from sshdash.ui.screens.picker import Picker
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.widgets import file_pane_foot, file_pane_frame
from sshdash.ui.widgets.file_messages import CopyFiles
from sshdash.ui.widgets.file_pane import FilePane
from tests.ui.files_app import (
    FilesApp,
    listed,
    names,
    row_of,
    shown,
    until,
)


@pytest.fixture(autouse=True)
def own_home(home: Path) -> None:
    """Bookmarks are read from a folder of this test."""


async def test_marks_and_unmarks_by_pattern(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(app.screen, TextInputDialog))
        await pilot.press("end", *"txt", "enter")
        await until(pilot, lambda: len(panes.left.browser.marks) == 3)
        await pilot.press("minus")
        await until(pilot, lambda: isinstance(app.screen, TextInputDialog))
        await pilot.press("ctrl+u", *"10", "enter")
        await until(pilot, lambda: panes.left.browser.marks == {b"file1.txt", b"file2.txt"})


async def test_counts_what_folders_hold(left: Path, right: Path) -> None:
    (left / "src" / "deep" / "big").write_bytes(b"x" * 123_000)
    app = FilesApp(left, right)
    async with app.run_test(size=(120, 24)) as pilot:
        panes = await listed(pilot)
        await pilot.press("z")
        row = row_of(panes.left, "src")
        await until(pilot, lambda: "123 kB" in shown(panes.left)[row])
        panes.left.browser.marks = {b"src"}
        panes.left.refresh_view()
        await until(pilot, lambda: "123 kB" in str(panes.left.query_one(".pane-foot").render()))


def foot(pane: FilePane) -> str:
    return str(pane.query_one(".pane-foot").render())


async def test_the_sizes_of_many_that_are_marked_are_added_up_beside_the_screen(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_pane_foot, "_AT_ONCE", 1)
    async with FilesApp(left, right).run_test(size=(120, 24)) as pilot:
        pane = (await listed(pilot)).left
        await pilot.press("ctrl+a")
        await until(pilot, lambda: foot(pane).startswith("✓ 5 marked, 1.3 kB "))
        await pilot.press("asterisk")
        await until(pilot, lambda: foot(pane).startswith("2 folders, 3 files, 1.3 kB "))
        await pilot.press("end", "space", "up", "space")
        await until(pilot, lambda: foot(pane).startswith("✓ 2 marked, 1.2 kB "))


async def test_what_is_typed_ahead_is_seen_while_something_is_marked(
    left: Path, right: Path
) -> None:
    async with FilesApp(left, right).run_test(size=(120, 24)) as pilot:
        pane = (await listed(pilot)).left
        await pilot.press("ctrl+a", "apostrophe", *"file2")
        await until(pilot, lambda: foot(pane).startswith("' file2"))
        await pilot.press("escape")
        await until(pilot, lambda: foot(pane).startswith("✓ 5 marked"))


async def test_many_that_were_copied_are_unmarked_and_what_was_marked_since_is_not(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_pane_frame, "_AT_ONCE", 1)
    async with FilesApp(left, right).run_test(size=(120, 24)) as pilot:
        panes = await listed(pilot)
        pane = panes.left
        pane.browser.marks = {b"file1.txt", b"file2.txt", b"docs"}
        await pilot.press("c")
        await until(pilot, lambda: b"docs" not in pane.browser.marks)
        pane.browser.marks |= {b"file10.txt"}
        await until(pilot, lambda: pane.browser.marks == {b"file10.txt"})
        await until(pilot, lambda: "file2.txt" in names(panes.right))


async def test_marks_go_with_what_is_gone(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_listings, "THREAD_LIMIT", 1)
    async with FilesApp(left, right).run_test(size=(120, 24)) as pilot:
        pane = (await listed(pilot)).left
        pane.browser.marks = {b"file1.txt", b"file2.txt"}
        (left / "file2.txt").unlink()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "file2.txt" not in names(pane))
        assert pane.browser.marks == {b"file1.txt"}
        await until(pilot, lambda: foot(pane).startswith("✓ 1 marked, 100 B "))


async def test_chooses_the_columns(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(120, 24)) as pilot:
        panes = await listed(pilot)
        app.action_command("files.columns")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("enter")
        await until(pilot, lambda: panes.left.browser.view.columns is not None)
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("down", "enter")
        await until(
            pilot, lambda: panes.left.browser.view.columns == frozenset({Column.MODE, Column.OWNER})
        )
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("enter")  # the cursor is where it was
        await until(pilot, lambda: Column.TIME in (panes.left.browser.view.columns or ()))
        await until(pilot, lambda: isinstance(app.screen, Picker))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Picker))
        columns = panes.left.browser.view.columns
        assert columns == frozenset(Column) - {Column.SIZE}
        line = shown(panes.left)[row_of(panes.left, "file1.txt")]
        assert "-rw" in line
        assert "100 B" not in line


async def test_the_move_key_asks_and_says_so_in_the_job(left: Path, right: Path) -> None:
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("M")
        await until(pilot, lambda: app.fake.transfers.snapshots())
        question = app.prompter.asked[-1]
        assert isinstance(question, ConfirmQuestion)
        assert question.title == "Move file1.txt?"
        assert app.fake.transfers.snapshots()[0].request.move
        await until(pilot, lambda: (right / "file1.txt").exists())


async def test_a_move_on_one_host_is_a_rename_that_can_be_undone(left: Path, right: Path) -> None:
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        app.controller.listings.use(panes.right, "", bytes(right))
        await until(pilot, lambda: panes.right.endpoint == "" and panes.right.listed)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("M")
        await until(pilot, lambda: "file1.txt" in names(panes.right))
        await until(pilot, lambda: any("u undoes the move" in told for told in app.told))
        assert not app.fake.transfers.snapshots()
        await pilot.press("u")
        await until(pilot, lambda: "file1.txt" in names(panes.left))
        await until(pilot, lambda: "file1.txt" not in names(panes.right))


async def test_a_move_on_one_host_asks_about_what_exists(left: Path, right: Path) -> None:
    (right / "file1.txt").write_text("there already")
    app = FilesApp(left, right, True, ConflictAnswer(ConflictChoice.RENAME))
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        app.controller.listings.use(panes.right, "", bytes(right))
        await until(pilot, lambda: panes.right.endpoint == "" and panes.right.listed)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("M")
        await until(pilot, lambda: not (left / "file1.txt").exists())
        assert (right / "file1.txt").read_text() == "there already"
        await until(pilot, lambda: "file1 (2).txt" in names(panes.right))
        assert isinstance(app.prompter.asked[-1], ConflictQuestion)


async def test_what_was_moved_away_from_a_host_is_not_shown_any_more(
    left: Path, right: Path
) -> None:
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        await pilot.press("tab")
        panes.right.rows.cursor = row_of(panes.right, "old.txt")
        await pilot.press("M")
        await until(pilot, lambda: "old.txt" in names(panes.left))
        await until(pilot, lambda: "old.txt" not in names(panes.right))


async def test_a_range_begins_at_the_row_that_was_marked_last(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test(size=(100, 24)) as pilot:
        pane = (await listed(pilot)).left
        rows, browser = pane.rows, pane.browser
        await pilot.click(rows, offset=(6, 1))
        await pilot.click(rows, offset=(6, 2), shift=True)
        await pilot.click(rows, offset=(6, 4), control=True)
        await pilot.click(rows, offset=(6, 5), shift=True)
        assert browser.marks == {browser.rows[item].name for item in (1, 2, 4, 5)}


async def test_a_modifier_at_the_drop_moves(left: Path, right: Path) -> None:
    app = FilesApp(left, right, False)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(panes.right.rows, offset=(6, 12))
        assert "move" not in str(panes.query_one(".drag-ghost").render())
        await pilot.mouse_up(panes.right.rows, offset=(6, 12), control=True)
        await until(pilot, lambda: app.prompter.asked)
        request = next(one for one in app.requests if isinstance(one, CopyFiles))
        assert request.move
        assert not app.fake.transfers.snapshots()


async def test_pasted_paths_are_copied_after_asking(left: Path, right: Path) -> None:
    odd = left / "with space.txt"
    odd.write_text("odd")
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        await pilot.press("tab")
        panes.right.rows.post_message(events.Paste(f"'{odd}' {left / 'file1.txt'}"))
        await until(pilot, lambda: (right / "with space.txt").exists())
        await until(pilot, lambda: (right / "file1.txt").exists())
        question = app.prompter.asked[-1]
        assert isinstance(question, ConfirmQuestion)
        assert question.title == "Upload 2 files here?"


async def test_other_text_is_not_copied(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.post_message(events.Paste("rm -rf /no/such/path"))
        await until(pilot, lambda: app.told)
        assert "Nothing to copy" in app.told[0]
        assert not app.prompter.asked
