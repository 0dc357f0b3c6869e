"""Folders, links, times, owners, names: what one does with single files."""

import asyncio
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, RadioSet, Static

from sshdash.prompts import ConfirmQuestion
from sshdash.sftp import trash
from sshdash.sftp.local import LocalFilesystem
from sshdash.ui.screens.bulk_rename import BulkRenameDialog, NewNames
from sshdash.ui.screens.chmod import ChmodDialog
from sshdash.ui.screens.fields import FieldsDialog
from sshdash.ui.screens.properties import PropertiesDialog
from sshdash.ui.widgets.file_messages import StopWork
from sshdash.ui.widgets.inline_name import InlineName
from sshdash.ui.widgets.ticks import Tick
from tests.ui.files_app import FilesApp, listed, names, row_of, until


async def test_folders_are_made_one_in_the_other(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("n")
        app.screen.query_one(Input).value = "a/b/c"
        await pilot.press("enter")
        await until(pilot, lambda: "a" in names(panes.left))
        assert (left / "a" / "b" / "c").is_dir()
        assert panes.left.rows.cursor == row_of(panes.left, "a")


@pytest.mark.parametrize("relative", [True, False])
async def test_a_link_is_relative_unless_told_otherwise(
    left: Path, right: Path, relative: bool
) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, FieldsDialog))
        fields = list(app.screen.query(Input))
        fields[0].value, fields[1].value = str(right / "old.txt"), "link"
        app.screen.query_one(Tick).value = relative
        await pilot.press("enter")
        await until(pilot, lambda: "link" in names(panes.left))
        assert os.readlink(left / "link") == (
            "../right/old.txt" if relative else str(right / "old.txt")
        )


async def test_a_link_that_leads_nowhere_is_said_to(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await listed(pilot)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, FieldsDialog))
        fields = list(app.screen.query(Input))
        fields[0].value, fields[1].value = "nothing", "dangling"
        await pilot.press("enter")
        await until(pilot, lambda: any("leads nowhere" in told for told in app.told))


async def test_touch_sets_the_time_and_makes_an_empty_file(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, FieldsDialog))
        fields = list(app.screen.query(Input))
        fields[1].value = "no time at all"
        await pilot.press("enter")
        assert "That is no time" in str(app.screen.query_one(".field-problem", Static).render())
        fields[1].value = "2020-02-03 04:05"
        await pilot.press("enter")
        await until(pilot, lambda: (left / "file1.txt").stat().st_mtime < 1_600_000_000)
        assert (left / "file1.txt").read_text() == "x" * 100
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, FieldsDialog))
        app.screen.query(Input).first().value = "fresh"
        await pilot.press("enter")
        await until(pilot, lambda: "fresh" in names(panes.left))
        assert (left / "fresh").stat().st_size == 0


async def test_properties_show_owner_links_and_what_a_folder_holds(left: Path, right: Path) -> None:
    os.link(left / "file1.txt", left / "again.txt")
    (left / "file1.txt").chmod(0o4750)
    app = FilesApp(left, right)
    async with app.run_test(size=(80, 24)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PropertiesDialog))
        said = "\n".join(str(one.render()) for one in app.screen.query(Static))
        for words in ("file1.txt", "100 bytes", "-rwsr-x---  4750", "2 hard links"):
            assert words in said
        assert f"({os.getuid()})" in said
        await pilot.press("escape")
        panes.left.rows.cursor = row_of(panes.left, "src")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PropertiesDialog))
        await pilot.press("s")
        total = app.screen.query_one(".properties-sum", Static)
        await until(pilot, lambda: "1 folder, 1 file, 8 bytes" in str(total.render()))


async def test_an_owner_is_given_by_name_or_number(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[bytes, int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.append((path, uid, gid)))
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, FieldsDialog))
        app.screen.query_one(Input).value = f"nobody-of-that-name:{os.getgid()}"
        await pilot.press("enter")
        await until(pilot, lambda: any("no user “nobody-of-that-name”" in t for t in app.told))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, FieldsDialog))
        app.screen.query_one(Input).value = ":54321"
        await pilot.press("enter")
        await until(pilot, lambda: given)
        assert given == [(bytes(left / "file1.txt"), os.getuid(), 54321)]


async def test_a_rename_and_a_move_are_undone(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.focused, InlineName))
        pilot.app.screen.query_one(InlineName).value = "other.txt"
        await pilot.press("enter")
        await until(pilot, lambda: any("u undoes the rename" in told for told in app.told))
        assert "file1.txt renamed to other.txt" in app.told[0]
        await pilot.press("u")
        await until(pilot, lambda: "file1.txt" in names(panes.left))
        assert not (left / "other.txt").exists()
        await pilot.press("u")
        await until(pilot, lambda: "Nothing to undo" in app.told[0])


async def test_an_undo_that_would_hurt_says_why_not(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.focused, InlineName))
        pilot.app.screen.query_one(InlineName).value = "other.txt"
        await pilot.press("enter")
        await until(pilot, lambda: any("u undoes the rename" in told for told in app.told))
        (left / "file1.txt").write_text("somebody's")
        await pilot.press("u")
        await until(pilot, lambda: "something else has that name" in app.told[0])
        assert (left / "file1.txt").read_text() == "somebody's"
        assert (left / "other.txt").exists()


async def test_many_are_renamed_by_a_pattern_seen_before(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("space", "space", "space", "R")
        await until(pilot, lambda: isinstance(app.screen, BulkRenameDialog))
        dialog = app.screen
        button = dialog.query_one(".-primary", Button)
        assert button.disabled
        dialog.query_one("#find", Input).value = "*.txt"
        await until(pilot, lambda: "No name would be" in problem(app))
        dialog.query_one("#find", Input).value = "file"
        dialog.query_one("#replacement", Input).value = "same"
        await until(pilot, lambda: not button.disabled)
        dialog.query_one("#find", Input).value = ""
        await until(pilot, lambda: "3 names cannot" in problem(app))
        shown = "".join(text for text, _ in dialog.query_one(NewNames).pieces(0, 90))
        assert "file1.txt" in shown
        assert "twice" in shown
        dialog.query_one("#find", Input).value = "(["
        dialog.query_one("#regex", Tick).value = True
        await until(pilot, lambda: "character" in problem(app))
        dialog.query_one("#find", Input).value = r"file(\d+)"
        dialog.query_one("#replacement", Input).value = r"\1-{n:02}"
        dialog.query_one(RadioSet).query("Radio").last().toggle()  # type: ignore[attr-defined]
        await until(pilot, lambda: not button.disabled)
        await pilot.click(button)
        await until(pilot, lambda: "1-01.TXT" in names(panes.left))
        assert {"1-01.TXT", "2-02.TXT", "10-03.TXT"} <= set(names(panes.left))
        assert (left / "10-03.TXT").read_text() == "x" * 1000
        await pilot.press("u")
        await until(pilot, lambda: "file10.txt" in names(panes.left))


async def test_a_bulk_rename_and_its_undoing_tell_how_far_they_are(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FilesApp(left, right)
    said: list[str] = []
    async with app.run_test(size=(100, 30)) as pilot:
        pane = (await listed(pilot)).left
        monkeypatch.setattr(pane, "wait", said.append)
        pane.browser.marks = {b"file1.txt", b"file2.txt"}
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, BulkRenameDialog))
        app.screen.query_one("#find", Input).value = "file"
        app.screen.query_one("#replacement", Input).value = "page"
        # It can be pressed for "find" alone, too, until the replacement is looked at.
        shown = app.screen.query_one(NewNames)
        await until(pilot, lambda: b"page2.txt" in shown._new)
        await until(pilot, lambda: not app.screen.query_one(".-primary", Button).disabled)
        await pilot.press("enter")
        await until(pilot, lambda: "page2.txt" in names(pane))
        assert [one for one in said if "renaming" in one] == [
            "renaming…",
            "renaming… 1 item",
            "renaming… 2 items",
        ]
        await pilot.press("u")
        await until(pilot, lambda: "file2.txt" in names(pane))
        assert "undoing… 2 items" in said


async def test_what_is_being_undone_is_not_undone_twice(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = (await listed(pilot)).left
        pane.rows.cursor = row_of(pane, "file1.txt")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.focused, InlineName))
        app.screen.query_one(InlineName).value = "other.txt"
        await pilot.press("enter")
        await until(pilot, lambda: "other.txt" in names(pane))
        gate = asyncio.Event()
        rename = LocalFilesystem.rename

        async def slowly(self: LocalFilesystem, *args: Any, **how: Any) -> None:
            await gate.wait()
            await rename(self, *args, **how)

        monkeypatch.setattr(LocalFilesystem, "rename", slowly)
        await pilot.press("u", "u")
        await until(pilot, lambda: "still being changed" in app.told[0])
        gate.set()
        await until(pilot, lambda: "file1.txt" in names(pane))
        assert "other.txt" not in names(pane)
        await pilot.press("u")
        await until(pilot, lambda: "Nothing to undo" in app.told[0])


def problem(app: FilesApp) -> str:
    return str(app.screen.query_one(".field-problem", Static).render())


async def test_an_expression_that_never_ends_is_told(left: Path, right: Path) -> None:
    (left / ("a" * 60)).write_text("")
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "a" * 60)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, BulkRenameDialog))
        app.screen.query_one("#regex", Tick).value = True
        app.screen.query_one("#find", Input).value = "(a+)+$x"
        await until(pilot, lambda: "takes too long" in problem(app))


async def test_what_is_deleted_here_is_in_the_trash(
    left: Path, right: Path, bin_folder: Path
) -> None:
    app = FilesApp(left, right, True)
    (left / "src" / "deep" / "kept").write_text("kept")
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "src")
        await pilot.press("d")
        await until(pilot, lambda: "src" not in names(panes.left))
        assert (bin_folder / "src" / "deep" / "kept").read_text() == "kept"
        assert "Move src to the trash?" in str(app.prompter.asked[0])


@pytest.mark.parametrize("named", ["", "data"])
def test_no_trash_is_made_in_the_current_folder(
    named: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("send2trash")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setenv("XDG_DATA_HOME", named)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    file = folder / "file"
    file.write_text("kept")
    trash._move(bytes(file))
    assert not list(folder.iterdir())
    assert (home / ".local/share/Trash/files/file").read_text() == "kept"


async def test_without_a_trash_it_is_asked_before_deleting_for_good(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: bytes) -> None:
        raise PermissionError(13, "no trash on this file system")

    monkeypatch.setattr(trash, "_move", refuse)
    app = FilesApp(left, right, True, None, True, True)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "src")
        await pilot.press("d")
        await until(pilot, lambda: len(app.prompter.asked) == 2)
        question = app.prompter.asked[1]
        assert isinstance(question, ConfirmQuestion)
        assert question.danger
        assert "no trash on this file system" in question.detail
        await until(pilot, lambda: not panes.left.is_waiting)
        assert (left / "src").is_dir()
        await pilot.press("d")
        await until(pilot, lambda: not (left / "src").exists())


async def test_a_deletion_is_stopped_with_esc_and_counts_what_is_gone(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = right / "many"
    many.mkdir()
    for number in range(400):
        (many / f"{number:03}").mkdir()
    going, going_on = asyncio.Event(), asyncio.Event()
    remove = LocalFilesystem.rmdir

    async def slowly(self: LocalFilesystem, path: bytes) -> None:
        await remove(self, path)
        going.set()
        await going_on.wait()

    monkeypatch.setattr(LocalFilesystem, "rmdir", slowly)
    app = FilesApp(left, right, True)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("tab")
        panes.right.rows.cursor = row_of(panes.right, "many")
        await pilot.press("d")
        await until(pilot, going.is_set)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.requests[-1], StopWork))
        going_on.set()
        await until(pilot, lambda: not panes.right.is_waiting)
        gone = 400 - len(list(many.iterdir()))
        assert 0 < gone < 100
        assert f"{gone} items of 401 are gone, the rest is there" in app.told[0]


async def test_that_the_permissions_of_many_differ_is_said(left: Path, right: Path) -> None:
    (left / "file1.txt").chmod(0o600)
    (left / "file2.txt").chmod(0o644)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.browser.marks = {b"file1.txt"}
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ChmodDialog))
        assert not app.screen.query(".chmod-differ")
        await pilot.press("escape")
        panes.left.browser.marks = {b"file1.txt", b"file2.txt"}
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ChmodDialog))
        assert app.screen.query(".chmod-differ")


async def test_enter_on_a_box_sets_the_permissions_and_space_ticks_it(
    left: Path, right: Path
) -> None:
    (left / "file1.txt").chmod(0o600)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ChmodDialog))
        await pilot.press("tab", "tab", "space", "enter")  # the third box: the owner may execute it
        await until(pilot, lambda: not isinstance(app.screen, ChmodDialog))
        await until(pilot, lambda: (left / "file1.txt").stat().st_mode & 0o7777 == 0o700)


async def test_the_mode_of_all_is_changed_though_one_fails(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("space", "space", "space")
        os.remove(left / "file1.txt")
        await pilot.press("m")
        await until(pilot, lambda: app.screen.query(".chmod-grid"))
        app.screen.query_one(Input).value = "600"
        await pilot.pause()
        app.screen.query_one(Input).focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.told)
        assert "1 of 3" in app.told[0]
        for name in ("file2.txt", "file10.txt"):
            assert stat.S_IMODE((left / name).stat().st_mode) == 0o600


async def test_a_name_is_edited_where_it_stands(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test(size=(80, 24)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file2.txt")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.focused, InlineName))
        field = app.screen.query_one(InlineName)
        rows = panes.left.rows
        assert field.region.y == rows.region.y + row_of(panes.left, "file2.txt")
        await pilot.press(*"new", "slash", "enter")
        assert "cannot hold /" in str(panes.left.query_one(".pane-foot", Static).render())
        await pilot.press("backspace")
        await until(pilot, lambda: "cannot" not in str(panes.left.query_one(".pane-foot").render()))
        await pilot.press("enter")
        await until(pilot, lambda: "new.txt" in names(panes.left))
        assert rows.has_focus
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.focused, InlineName))
        await pilot.press("x", "escape")
        await until(pilot, lambda: rows.has_focus)
        assert (left / "new.txt").read_text() == "x" * 200
        assert not app.screen.query(InlineName)
        assert panes.left.browser.view.text == ""
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.focused, InlineName))
        await pilot.press("x")
        await pilot.click(panes.right.rows)
        await until(pilot, lambda: not app.screen.query(InlineName))
        assert (left / "new.txt").exists()


async def test_permissions_of_all_below_are_asked_for_and_leave_links_alone(
    left: Path, right: Path
) -> None:
    outside = right / "outside"
    outside.write_text("not yours")
    outside.chmod(0o604)
    deep = left / "src" / "below"
    deep.mkdir()
    (deep / "inner").write_text("x")
    (deep / "way out").symlink_to(outside)
    app = FilesApp(left, right, True)
    async with app.run_test(size=(80, 24)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "src")
        await pilot.press("m")
        await until(pilot, lambda: app.screen.query(".chmod-grid"))
        app.screen.query(Tick).last().value = True
        field = app.screen.query_one(Input)
        field.value = "640"
        field.focus()
        await pilot.press("enter")
        await until(pilot, lambda: stat.S_IMODE((left / "src").stat().st_mode) == 0o750)
        await until(pilot, lambda: not panes.left.stoppable)
    [question] = app.prompter.asked
    assert isinstance(question, ConfirmQuestion)
    assert "3 folders and 3 files" in question.detail
    assert stat.S_IMODE(deep.stat().st_mode) == 0o750
    assert stat.S_IMODE((deep / "inner").stat().st_mode) == 0o640
    assert stat.S_IMODE(outside.stat().st_mode) == 0o604


async def test_without_consent_nothing_below_is_changed(left: Path, right: Path) -> None:
    before = (left / "src").stat().st_mode
    app = FilesApp(left, right, False)
    async with app.run_test(size=(80, 24)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "src")
        await pilot.press("m")
        await until(pilot, lambda: app.screen.query(".chmod-grid"))
        app.screen.query(Tick).last().value = True
        field = app.screen.query_one(Input)
        field.value = "700"
        field.focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.prompter.asked and not panes.left.stoppable)
    assert (left / "src").stat().st_mode == before
