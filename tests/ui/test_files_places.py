"""Where file panes go: history, tabs, bookmarks, finding, and what happens in folders by itself."""

from pathlib import Path

import pytest
from textual.widgets import Input

from sshdash.errors import SSHDashError
from sshdash.sftp.bookmarks import bookmarks_file, keep_bookmark, load_bookmarks
from sshdash.ui.controllers import file_listings
from sshdash.ui.screens.bookmarks import BookmarkPicker
from sshdash.ui.screens.finder import Finder, FoundList
from sshdash.ui.widgets.file_pane_tabs import PaneTabBar
from sshdash.ui.widgets.file_pane_title import PaneTitle
from tests.ui.files_app import (
    HOST,
    FilesApp,
    listed,
    names,
    row_of,
    until,
)


@pytest.fixture(autouse=True)
def own_home(home: Path) -> None:
    """Bookmarks are kept in a folder of this test."""


async def test_goes_back_and_forward(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.left
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: pane.browser.path == bytes(left / "src"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: pane.browser.path == bytes(left / "src" / "deep"))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: pane.browser.path == bytes(left / "src"))
        assert pane.browser.row(pane.rows.cursor) == pane.browser.row(row_of(pane, "deep"))
        await pilot.press("alt+left")
        await until(pilot, lambda: pane.browser.path == bytes(left))
        await pilot.press("alt+left")
        assert pane.browser.path == bytes(left)
        await pilot.press("alt+right", "right_square_bracket")
        await until(pilot, lambda: pane.browser.path == bytes(left / "src" / "deep"))


async def test_goes_back_to_another_endpoint(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("O")
        await until(pilot, lambda: panes.left.endpoint == HOST and panes.left.listed)
        assert panes.left.browser.path == bytes(right)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: panes.left.endpoint == "" and panes.left.listed)
        assert panes.left.browser.path == bytes(left)


async def test_a_tab_keeps_its_folder_cursor_and_marks(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        pane = panes.left
        bar = pane.query_one(PaneTabBar)
        assert not bar.display
        pane.rows.cursor = row_of(pane, "file2.txt")
        await pilot.press("space")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: pane.listed)
        assert bar.display
        assert not pane.browser.marks
        await pilot.press("home", "down", "enter")
        await until(pilot, lambda: pane.browser.path == bytes(left / "docs"))
        await pilot.press("less_than_sign")
        await until(pilot, lambda: pane.browser.path == bytes(left))
        assert pane.browser.marks == {b"file2.txt"}
        assert pane.rows.cursor == row_of(pane, "file10.txt")
        line = "".join(part.text for part in bar.render_line(0))
        assert "local:left" in line
        await pilot.click(bar, offset=(line.index("local:docs") + 2, 0))
        await until(pilot, lambda: pane.browser.path == bytes(left / "docs"))
        await pilot.press("ctrl+w")
        await until(pilot, lambda: pane.browser.path == bytes(left))
        assert not bar.display


async def test_a_tab_on_another_endpoint_opens_its_files_again(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: panes.left.listed)
        await pilot.press("O")
        await until(pilot, lambda: panes.left.endpoint == HOST and panes.left.listed)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: panes.left.endpoint == "" and panes.left.filesystem)
        assert names(panes.left)[1] == "docs"
        assert app.fake.connections.interests == [HOST]


async def test_keeps_goes_to_and_removes_bookmarks(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BookmarkPicker))
        await pilot.press("enter")
        await until(pilot, lambda: load_bookmarks() == {"": (bytes(left),)})
        assert f"local:\n- {left}\n" in bookmarks_file().read_text()
        await pilot.press("down", "enter")
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "docs"))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BookmarkPicker))
        await pilot.press("enter")
        await until(pilot, lambda: panes.left.browser.path == bytes(left))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, BookmarkPicker))
        await pilot.press("delete")
        await until(pilot, lambda: load_bookmarks() == {})


async def test_a_drop_on_a_bookmark_copies_there(left: Path, right: Path) -> None:
    keep_bookmark(HOST, bytes(right / "inbox"))
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        await until(pilot, lambda: panes.right.bookmarks)
        bar = panes.right.bookmark_bar
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(panes.right.rows, offset=(6, 12))
        await until(pilot, lambda: bar.region)
        await pilot.hover(bar, offset=(5, 0))
        assert bar.drop_item == 0
        await pilot.mouse_up(bar, offset=(5, 0))
        await until(pilot, lambda: (right / "inbox" / "file1.txt").exists())
        assert not (right / "file1.txt").exists()
        assert not bar.display


async def test_finds_a_file_below_the_folder(left: Path, right: Path) -> None:
    (left / "src" / "deep" / "needle.txt").write_text("n")
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Finder))
        found = app.screen.query_one(FoundList)
        await until(pilot, lambda: "src/deep/needle.txt" in found.labels)
        assert not any(".hidden" in label for label in found.labels)
        await pilot.press(*"sdndl")
        await until(pilot, lambda: found.labels == ["src/deep/needle.txt"])
        await pilot.press("enter")
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src" / "deep"))
        await until(pilot, lambda: panes.left.browser.current is not None)
        assert panes.left.browser.current is not None
        assert panes.left.browser.current.name == b"needle.txt"


async def test_leaving_the_finder_ends_the_looking(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Finder))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Finder))
        assert panes.left.browser.path == bytes(left)


async def test_typing_ahead_goes_to_rows(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.left
        await pilot.press("apostrophe", *"file")
        assert pane.rows.cursor == row_of(pane, "file1.txt")
        assert "file" in str(pane.query_one(".pane-foot").render())
        await pilot.press("down")
        assert pane.rows.cursor == row_of(pane, "file2.txt")
        await pilot.press("backspace", "backspace", "backspace", "backspace", *"src", "enter")
        await until(pilot, lambda: pane.browser.path == bytes(left / "src"))
        await pilot.press("slash")
        assert pane.query_one(Input).has_focus


async def test_follows_what_happens_in_a_local_folder(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.left
        await until(pilot, lambda: pane.watcher is not None and pane.watcher.is_watching)
        pane.rows.cursor = row_of(pane, "file2.txt")
        pane.browser.marks = {b"file10.txt"}
        (left / "aaa.txt").write_text("new")
        (left / "file1.txt").unlink()
        await until(pilot, lambda: "aaa.txt" in names(pane) and "file1.txt" not in names(pane))
        assert pane.rows.cursor == row_of(pane, "file2.txt")
        assert pane.browser.marks == {b"file10.txt"}


async def test_follows_a_large_local_folder_a_while_later(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_listings, "THREAD_LIMIT", 1)
    monkeypatch.setattr(file_listings, "_SLOW", 0.05)
    async with FilesApp(left, right).run_test() as pilot:
        pane = (await listed(pilot)).left
        await until(pilot, lambda: pane.watcher is not None and pane.watcher.is_watching)
        (left / "aaa.txt").write_text("new")
        await until(pilot, lambda: "aaa.txt" in names(pane))


async def test_a_drop_on_a_tab_of_a_pane_goes_to_its_folder(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        await pilot.press("tab", "ctrl+t")
        await until(pilot, lambda: panes.right.listed)
        await pilot.press("down", "enter")
        await until(pilot, lambda: panes.right.browser.path == bytes(right / "inbox"))
        await pilot.press("less_than_sign")
        await until(pilot, lambda: panes.right.browser.path == bytes(right))
        bar = panes.right.tab_bar
        line = "".join(part.text for part in bar.render_line(0))
        spot = (line.index(f"{HOST}:inbox") + 2, 0)
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "file1.txt")))
        await pilot.hover(panes.right.rows, offset=(6, 12))
        await pilot.hover(bar, offset=spot)
        assert bar.drop_item == 1
        await pilot.mouse_up(bar, offset=spot)
        await until(pilot, lambda: (right / "inbox" / "file1.txt").exists())
        assert bar.drop_item == -1


async def test_a_drag_keeps_what_was_pressed_though_rows_change(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 24)) as pilot:
        panes = await listed(pilot)
        pane = panes.left
        await until(pilot, lambda: pane.watcher is not None and pane.watcher.is_watching)
        await pilot.mouse_down(pane.rows, offset=(6, row_of(pane, "file2.txt")))
        await pilot.hover(panes.right.rows, offset=(6, 12))
        (left / "aaa.txt").write_text("new")
        await until(pilot, lambda: "aaa.txt" in names(pane))
        await pilot.mouse_up(panes.right.rows, offset=(6, 12))
        await until(pilot, lambda: (right / "file2.txt").exists())
        assert not (right / "file1.txt").exists()


async def test_a_folder_that_another_user_cannot_open_stays_named(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(200, 40)) as pilot:
        panes = await listed(pilot)
        app.fake.unreachable = SSHDashError("sudo refused", "try again")
        panes.right.rows.focus()
        await pilot.press("#")
        await until(pilot, lambda: panes.right.label == f"{HOST} (root)" and panes.right.problem)
        title = panes.right.query_one(PaneTitle)
        assert str(right) in title.render_line(0).text
        await pilot.press("#")
        await until(pilot, lambda: panes.right.label == HOST and panes.right.problem)
        app.fake.unreachable = None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: panes.right.listed)
        assert panes.right.browser.path == bytes(right)
