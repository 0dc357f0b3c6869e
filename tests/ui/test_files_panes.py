"""What a person does in the file panes, with real files."""

from pathlib import Path
from typing import ClassVar

import pytest
from rich.cells import cell_len
from textual.binding import BindingType
from textual.widgets import Input

from sshdash.sftp.entries import Entry, Kind
from sshdash.ui.widgets.file_heads import ColumnHeads
from sshdash.ui.widgets.file_messages import DeleteFiles
from sshdash.ui.widgets.file_pane_title import PaneTitle
from sshdash.ui.widgets.inline_name import InlineName
from sshdash.ui.widgets.preview_rows import TextRows
from tests.ui.files_app import (
    HOST,
    FilesApp,
    listed,
    names,
    row_of,
    shown,
    until,
)


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
        await pilot.press("n", *"/b", "enter")
        assert "without a slash" in str(pilot.app.screen.query_one(".field-problem").render())
        pilot.app.screen.query_one(Input).value = "fresh"
        await pilot.press("enter")
        await until(pilot, lambda: "fresh" in names(panes.left))
        assert panes.left.rows.cursor == row_of(panes.left, "fresh")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.focused, InlineName))
        pilot.app.screen.query_one(InlineName).value = "renamed"
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
        await until(pilot, lambda: isinstance(pilot.app.focused, InlineName))
        pilot.app.screen.query_one(InlineName).value = "file2.txt"
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
        assert "Move 2 items to the trash?" in str(question)
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


async def test_a_mode_is_typed_at_once(left: Path, right: Path) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("m", "6", "4", "0", "enter")
        await until(pilot, lambda: (left / "file1.txt").stat().st_mode & 0o777 == 0o640)


async def test_views_a_file(left: Path, right: Path) -> None:
    (left / "file1.txt").write_bytes(b"one\n\x1b[31mred [bold]x[/]\n\xff\n")
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("v")
        await until(pilot, lambda: pilot.app.screen.query(TextRows))
        lines = pilot.app.screen.query_one(TextRows).lines
        assert lines == ("one", r"\x1b[31mred [bold]x[/]", "ÿ")
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
        await pilot.press("home", "y")
        assert len(app.copied) == 1


async def test_no_command_is_copied_that_no_command_line_holds(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        pane = (await listed(pilot)).left
        many = [Entry(b"%d" % number, Kind.FILE) for number in range(1001)]
        pane.show(pane.browser.path, many)
        await pilot.press("ctrl+a", "y")
        await until(pilot, lambda: app.told)
        assert "1 001 items are too many for one command" in app.told[0]
        assert not app.copied


async def test_the_title_opens_a_chooser_of_endpoints(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.click(PaneTitle, offset=(2, 0))
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*HOST, "enter")
        await until(pilot, lambda: panes.left.endpoint == HOST and panes.left.listed)


async def test_copying_onto_the_same_folder_is_refused(left: Path) -> None:
    app = FilesApp(left, left)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        app.controller.listings.use(panes.right, "", bytes(left))
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


async def test_going_to_a_typed_path_home_and_the_folder_of_the_other_pane(
    left: Path, right: Path, home: Path
) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("g")
        assert pilot.app.screen.query_one(Input).selected_text == str(left)
        await pilot.press(*"src", "enter")
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))
        await pilot.press("tilde")
        await until(pilot, lambda: panes.left.browser.path == bytes(home))
        await pilot.press("O")
        await until(pilot, lambda: panes.left.browser.path == bytes(right))
        assert panes.left.endpoint == HOST


async def test_this_machine_begins_where_the_program_was_started(
    left: Path, right: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        monkeypatch.chdir(left / "src")
        app.controller.begin(panes, "", HOST)
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))
        await until(pilot, lambda: panes.right.browser.path == bytes(home))
        (left / "gone").mkdir()
        monkeypatch.chdir(left / "gone")
        (left / "gone").rmdir()
        app.controller.begin(panes, "", HOST)
        await until(pilot, lambda: panes.left.browser.path == bytes(home))


async def test_a_long_name_is_shown_in_full_where_details_can_give_way(
    left: Path, right: Path
) -> None:
    name = "quarterly-figures-2026-11-final.tar.gz"
    (left / name).write_text("x")
    async with FilesApp(left, right).run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        lines = "\n".join(shown(panes.left))
        assert name in lines
        heads = "".join(part.text for part in panes.left.query_one(ColumnHeads).render_line(0))
        assert "time" not in heads
        assert "modified" not in heads
        assert "time" in "".join(
            part.text for part in panes.right.query_one(ColumnHeads).render_line(0)
        )
        await pilot.press("slash", *"file")
        await until(pilot, lambda: name not in "\n".join(shown(panes.left)))
        heads = "".join(part.text for part in panes.left.query_one(ColumnHeads).render_line(0))
        assert "time" in heads


async def test_esc_goes_on_where_nothing_is_left_to_drop(left: Path, right: Path) -> None:
    class Outer(FilesApp):
        BINDINGS: ClassVar[list[BindingType]] = [("escape", "outer", "")]
        escaped = 0

        def action_outer(self) -> None:
            self.escaped += 1

    app = Outer(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("ctrl+a", "escape")
        assert app.escaped == 0
        assert not panes.left.browser.marks
        await pilot.press("escape")
        assert app.escaped == 1


async def test_the_title_shows_which_pane_has_the_keys(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(120, 30)) as pilot:
        panes = await listed(pilot)

        def grounds() -> list[object]:
            titles = [pane.query_one(PaneTitle) for pane in panes.panes]
            return [title.render_line(0)._segments[0].style for title in titles]

        first = grounds()
        assert first[0] != first[1]
        await pilot.press("tab")
        assert grounds() == first[::-1]
        await pilot.press("slash")
        assert grounds() == first[::-1], "the filter is in the pane, too"
