"""The mouse in the file panes: clicks, and rows dragged from one to the other."""

from pathlib import Path

import pytest
from textual.app import App

from sshdash.sftp.browser import SortKey
from sshdash.sftp.history import Spot
from sshdash.ui.widgets.file_messages import CopyFiles, CopyToSpot, MoveFiles, OpenFolder
from sshdash.ui.widgets.file_pane_title import PaneTitle
from tests.ui.files_app import FilesApp, listed, names, row_of, until


async def test_sorts_by_key_and_by_a_click_on_the_head(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test(size=(120, 30)) as pilot:
        panes = await listed(pilot)
        await pilot.press("s")
        assert "size" in str(panes.left.browser.view)
        assert names(panes.left)[-3:] == ["file10.txt", "file2.txt", "file1.txt"]
        await pilot.press("S")
        assert names(panes.left)[-3:] == ["file1.txt", "file2.txt", "file10.txt"]
        await pilot.click(panes.left.query_one("ColumnHeads"), offset=(5, 0))
        assert panes.left.browser.view.sort is SortKey.NAME
        assert not panes.left.browser.view.reverse


async def test_a_click_on_a_crumb_opens_the_folder(left: Path, right: Path) -> None:
    app = FilesApp(left / "src" / "deep", right)
    async with app.run_test(size=(240, 30)) as pilot:
        panes = await listed(pilot)
        line = "".join(part.text for part in panes.left.query_one(PaneTitle).render_line(0))
        await pilot.click(PaneTitle, offset=(line.index("src/") + 1, 0))
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))
        assert isinstance(app.requests[-1], OpenFolder)


async def test_drags_marked_rows_onto_a_folder_of_the_other_pane(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        panes.left.browser.marks = {b"file1.txt", b"file2.txt"}
        source, target = panes.left.rows, panes.right.rows
        await pilot.mouse_down(source, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(source, offset=(8, row_of(panes.left, "file1.txt")))
        await pilot.hover(target, offset=(6, row_of(panes.right, "inbox")))
        ghost = panes.query_one(".drag-ghost")
        assert "2 items" in str(ghost.render())
        assert "inbox" in str(ghost.render())
        assert target.drop_item == row_of(panes.right, "inbox")
        assert panes.right.has_class("-drop")
        await pilot.mouse_up(target, offset=(6, row_of(panes.right, "inbox")))
        await until(pilot, lambda: (right / "inbox" / "file2.txt").exists())
        assert not panes.right.has_class("-drop")
        assert not ghost.display
        assert isinstance(app.requests[-1], CopyFiles)


async def test_drags_one_row_onto_the_other_pane(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "file10.txt")))
        await pilot.hover(panes.right.rows, offset=(6, 12))
        assert panes.right.rows.drop_item == -1
        assert panes.right.has_class("-drop")
        await pilot.mouse_up(panes.right.rows, offset=(6, 12))
        await until(pilot, lambda: (right / "file10.txt").exists())


async def test_escape_gives_a_drag_up(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(panes.right.rows, offset=(6, 12))
        await pilot.press("escape")
        await pilot.mouse_up(panes.right.rows, offset=(6, 12))
        await pilot.pause()
        assert not any(isinstance(request, CopyFiles) for request in app.requests)
        assert not panes.right.has_class("-drop")
        assert not (right / "file1.txt").exists()


async def test_a_drag_within_a_pane_moves_after_asking(left: Path, right: Path) -> None:
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        rows = panes.left.rows
        await pilot.mouse_down(rows, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(rows, offset=(6, row_of(panes.left, "file2.txt")))
        assert not panes.left.has_class("-drop")
        await pilot.hover(rows, offset=(6, row_of(panes.left, "docs")))
        assert panes.left.has_class("-drop")
        await pilot.mouse_up(rows, offset=(6, row_of(panes.left, "docs")))
        await until(pilot, lambda: (left / "docs" / "file1.txt").exists())
        assert not (left / "file1.txt").exists()
        assert isinstance(app.requests[-1], (MoveFiles, OpenFolder))


async def test_a_click_anywhere_in_a_pane_gives_it_the_focus(left: Path, right: Path) -> None:
    (right / "empty").mkdir()
    app = FilesApp(left, right / "empty")
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await pilot.click(panes.right.query_one(".pane-empty"), offset=(5, 8))
        assert panes.active is panes.right
        assert panes.right.rows.has_focus
        await pilot.press("slash")
        await pilot.click(panes.right.query_one("Input"), offset=(5, 0))
        assert panes.right.query_one("Input").has_focus


async def test_a_plain_click_and_a_double_click(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "CLICK_CHAIN_TIME_THRESHOLD", 3600.0)
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.click(panes.left.rows, offset=(6, row_of(panes.left, "src")))
        assert panes.left.rows.cursor == row_of(panes.left, "src")
        await pilot.click(panes.left.rows, offset=(6, 3), control=True)
        assert panes.left.browser.marks == {b"file1.txt"}
        await pilot.click(panes.left.rows, offset=(6, 2), times=2)
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))


async def test_a_drag_at_the_edge_scrolls(left: Path, right: Path) -> None:
    for number in range(60):
        (right / f"row{number:02}").mkdir()
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        rows = panes.right.rows
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(rows, offset=(6, rows.size.height - 1))
        await until(pilot, lambda: rows.scroll_offset.y > 5)
        under = panes.right.browser.row(rows.drop_item)
        assert under is not None
        assert under.leads_to_directory
        await pilot.press("escape")
        assert rows.drop_item == -1


async def test_a_folder_goes_into_no_folder_of_its_own(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        pane = (await listed(pilot)).left
        src = pane.browser.rows[row_of(pane, "src")]
        for folder in (left / "src", left / "src" / "deep"):
            app.controller.handle(CopyToSpot(pane, (src,), Spot("", bytes(folder))))
            assert "cannot be copied into itself" in app.told[0]
        app.controller.handle(CopyToSpot(pane, (src,), Spot("", bytes(left / "docs"))))
        await until(pilot, lambda: (left / "docs" / "src" / "main.py").exists())
