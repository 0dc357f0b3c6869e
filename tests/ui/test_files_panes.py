"""What a person does in the file panes, with real files."""

import os
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from sshdash.events import ConnectionChanged
from sshdash.sftp.browser import SortKey
from sshdash.states import ConnectionState
from sshdash.ui.widgets.file_messages import CopyFiles, DeleteFiles, MoveFiles, OpenFolder
from sshdash.ui.widgets.file_pane_title import PaneTitle
from tests.ui.files_app import HOST, LOST, FilesApp, listed, names, row_of, shown, until


@pytest.fixture
def left(tmp_path: Path) -> Path:
    folder = tmp_path / "left"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "docs").mkdir()
    for number in (1, 2, 10):
        (folder / f"file{number}.txt").write_text("x" * number * 100)
    (folder / ".hidden").write_text("h")
    (folder / "src" / "main.py").write_text("print()\n")
    return folder


@pytest.fixture
def right(tmp_path: Path) -> Path:
    folder = tmp_path / "right"
    (folder / "inbox").mkdir(parents=True)
    (folder / "old.txt").write_text("old")
    return folder


async def test_lists_directories_first_in_natural_order(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        expected = ["..", "docs", "src", "file1.txt", "file2.txt", "file10.txt"]
        assert names(panes.left) == expected
        assert panes.title == f"local ⇄ {HOST}"


async def test_enter_opens_and_up_comes_back_to_the_folder_left(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))
        assert names(panes.left) == ["..", "deep", "main.py"]
        await pilot.press("backspace")
        await until(pilot, lambda: panes.left.browser.path == bytes(left))
        current = panes.left.browser.current
        assert current is not None
        assert current.name == b"src"
        assert panes.left.rows.cursor == row_of(panes.left, "src")


async def test_tab_goes_to_the_other_pane(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        assert panes.active is panes.left
        await pilot.press("tab")
        assert panes.active is panes.right
        assert panes.right.rows.has_focus


async def test_marks_by_space_range_and_inversion(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        browser = panes.left.browser
        await pilot.press("down", "space")
        assert browser.marks == {b"docs"}
        assert panes.left.rows.cursor == 2
        await pilot.press("down", "shift+down", "shift+down")
        assert browser.marks == {b"docs", b"file1.txt", b"file2.txt", b"file10.txt"}
        await pilot.press("shift+up")
        assert browser.marks == {b"docs", b"file1.txt", b"file2.txt"}
        await pilot.press("asterisk")
        assert browser.marks == {b"src", b"file10.txt"}
        await pilot.press("escape")
        assert not browser.marks


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


async def test_filters_while_typing_and_esc_clears(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("slash", "1")
        await until(pilot, lambda: names(panes.left) == ["..", "file1.txt", "file10.txt"])
        await pilot.press("0")
        await until(pilot, lambda: names(panes.left) == ["..", "file10.txt"])
        await pilot.press("enter")
        assert panes.left.rows.has_focus
        await pilot.press("escape")
        assert len(names(panes.left)) == 6
        assert not panes.left.query_one(".pane-filter").display


async def test_hidden_files_show_on_demand(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        assert ".hidden" not in names(panes.left)
        await pilot.press("full_stop")
        assert ".hidden" in names(panes.left)


async def test_copies_to_the_other_pane(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("down", "down", "space", "space", "c")
        await until(pilot, lambda: (right / "file1.txt").exists())
        await until(pilot, lambda: "file1.txt" in names(panes.right))
        assert (right / "src" / "main.py").read_text() == "print()\n"
        assert not panes.left.browser.marks


async def test_makes_and_renames(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("n", *"a/b", "enter")
        assert "cannot hold /" in str(pilot.app.screen.query_one(".field-problem").render())
        pilot.app.screen.query_one(Input).value = "fresh"
        await pilot.press("enter")
        await until(pilot, lambda: "fresh" in names(panes.left))
        assert panes.left.rows.cursor == row_of(panes.left, "fresh")
        await pilot.press("r")
        pilot.app.screen.query_one(Input).value = "renamed"
        await pilot.press("enter")
        await until(pilot, lambda: "renamed" in names(panes.left))
        assert (left / "renamed").is_dir()
        assert not (left / "fresh").exists()


async def test_rename_onto_an_existing_name_is_refused(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("r")
        pilot.app.screen.query_one(Input).value = "file2.txt"
        await pilot.press("enter")
        await until(pilot, lambda: app.cockpit.notices.unread)
        assert (left / "file2.txt").read_text() == "x" * 200


async def test_delete_asks_with_the_count_and_deletes(left: Path, right: Path) -> None:
    app = FilesApp(left, right, True)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("down", "space", "space", "d")
        await until(pilot, lambda: not (left / "src").exists())
        question = app.prompter.asked[0]
        assert "Delete 2 items?" in str(question)
        assert "3 folders and 1 file" in str(question)
        await until(
            pilot, lambda: names(panes.left)[1:] == ["file1.txt", "file2.txt", "file10.txt"]
        )


async def test_delete_without_a_yes_deletes_nothing(left: Path, right: Path) -> None:
    app = FilesApp(left, right, None)
    async with app.run_test() as pilot:
        await listed(pilot)
        await pilot.press("down", "d")
        await until(pilot, lambda: app.prompter.asked)
        await pilot.pause()
        assert (left / "docs").is_dir()
        assert isinstance(app.requests[-1], DeleteFiles)


async def test_delete_never_follows_a_link(left: Path, right: Path) -> None:
    (left / "docs" / "link").symlink_to(right)
    app = FilesApp(left, right, True)
    async with app.run_test() as pilot:
        await listed(pilot)
        await pilot.press("down", "d")
        await until(pilot, lambda: not (left / "docs").exists())
        assert (right / "old.txt").read_text() == "old"


async def test_changes_permissions(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        (left / "file1.txt").chmod(0o644)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("ctrl+r")
        await pilot.press("m")
        field = pilot.app.screen.query_one(Input)
        field.value = "600"
        await pilot.pause()
        await pilot.click(pilot.app.screen.query("Tick").last())
        assert field.value == "601"
        field.focus()
        await pilot.press("enter")
        await until(pilot, lambda: (left / "file1.txt").stat().st_mode & 0o777 == 0o601)


async def test_views_a_file(left: Path, right: Path) -> None:
    (left / "file1.txt").write_bytes(b"one\n\x1b[31mred [bold]x[/]\n\xff\n")
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("v")
        await until(pilot, lambda: pilot.app.screen.query("Lines"))
        lines = pilot.app.screen.query_one("Lines").lines  # type: ignore[attr-defined]
        assert lines == ["one", r"\x1b[31mred [bold]x[/]", r"\xff"]
        await pilot.press("escape")
        assert panes.left.rows.has_focus


async def test_copies_the_scp_command(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await listed(pilot)
        await pilot.press("down", "y")
        await until(pilot, lambda: app.copied)
        assert app.copied[0].startswith("scp")
        assert str(left / "docs") in app.copied[0]
        assert f"{HOST}:{right}" in app.copied[0]


async def test_hostile_names_are_shown_safely_and_copied_exactly(left: Path, right: Path) -> None:
    hostile = [
        b"[bold]x[@click=quit]",
        b"\x1b]0;evil\x07",
        b"two\nlines",
        b"bad\xff",
        "日本".encode(),
    ]
    for name in hostile:
        (left / os.fsdecode(name)).write_bytes(b"content")
    async with FilesApp(left, right).run_test(size=(120, 30)) as pilot:
        panes = await listed(pilot)
        lines = shown(panes.left)
        text = "\n".join(lines)
        assert "[bold]x[@click=quit]" in text
        assert r"\x1b]0;evil\x07" in text
        assert r"two\nlines" in text
        assert r"bad\xff" in text
        assert not any(char in text.replace("\n", "") for char in "\x1b\x07\n\x9b")
        assert len({cell_len(line) for line in lines}) == 1
        await pilot.press("ctrl+a", "c")
        await until(pilot, lambda: all((right / os.fsdecode(name)).exists() for name in hostile))


async def test_a_folder_that_cannot_be_listed_is_told_and_the_old_one_stays(
    left: Path, right: Path
) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        (left / "docs").rmdir()
        await pilot.press("down", "enter")
        await until(pilot, lambda: panes.left.problem)
        assert names(panes.left)[1] == "docs"
        assert panes.left.query_one(".pane-notice").display
        await pilot.press("escape")
        assert not panes.left.query_one(".pane-notice").display
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "docs" not in names(panes.left))


async def test_a_lost_connection_keeps_the_listing_and_enter_connects_again(
    left: Path, right: Path
) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("tab")
        states = ConnectionState.CONNECTED, ConnectionState.LOST
        app.fake.events.emit(ConnectionChanged(HOST, *states, "keepalive timeout"))
        await until(pilot, lambda: panes.right.problem)
        assert panes.right.rows.stale
        assert names(panes.right) == ["..", "inbox", "old.txt"]
        assert panes.left.problem is None
        await pilot.press("enter")
        await until(pilot, lambda: panes.right.problem is None)
        assert app.fake.opened.count(HOST) == 2
        assert not panes.right.rows.stale


async def test_a_host_that_cannot_be_reached_says_why_in_the_pane(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    app.fake.unreachable = LOST
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        empty = panes.right.query_one(".pane-empty")
        assert empty.display
        assert "keepalive timeout" in str(empty.render())
        app.fake.unreachable = None
        await pilot.press("tab", "enter")
        await until(pilot, lambda: panes.right.listed)


async def test_a_click_on_a_crumb_opens_the_folder(left: Path, right: Path) -> None:
    app = FilesApp(left / "src" / "deep", right)
    async with app.run_test(size=(240, 30)) as pilot:
        panes = await listed(pilot)
        line = "".join(part.text for part in panes.left.query_one(PaneTitle).render_line(0))
        await pilot.click(PaneTitle, offset=(line.index("src/") + 1, 0))
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))
        assert isinstance(app.requests[-1], OpenFolder)


async def test_the_title_opens_a_chooser_of_endpoints(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.click(PaneTitle, offset=(2, 0))
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*HOST, "enter")
        await until(pilot, lambda: panes.left.endpoint == HOST and panes.left.listed)


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


async def test_a_plain_click_and_a_double_click(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.click(panes.left.rows, offset=(6, row_of(panes.left, "src")))
        assert panes.left.rows.cursor == row_of(panes.left, "src")
        await pilot.click(panes.left.rows, offset=(6, 3), control=True)
        assert panes.left.browser.marks == {b"file1.txt"}
        await pilot.click(panes.left.rows, offset=(6, 2), times=2)
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))


async def test_copying_onto_the_same_folder_is_refused(left: Path) -> None:
    app = FilesApp(left, left)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        app.controller.use(panes.right, "", bytes(left))
        await until(pilot, lambda: panes.right.endpoint == "" and panes.right.listed)
        await pilot.press("down", "c")
        await until(pilot, lambda: app.cockpit.notices.unread)
        assert "same folder" in app.told[0]


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 10)])
async def test_fits_any_size(left: Path, right: Path, size: tuple[int, int]) -> None:
    async with FilesApp(left, right).run_test(size=size) as pilot:
        panes = await listed(pilot)
        for pane in panes.panes:
            widths = {cell_len(line) for line in shown(pane)}
            assert len(widths) == 1
        if size[0] >= 200:
            assert "-rw" in "\n".join(shown(panes.left))
