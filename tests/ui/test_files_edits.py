"""Editing files where they are."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, TextArea

from sshdash.errors import UnreachableError
from sshdash.ui import outside
from sshdash.ui.screens.changed_edit import ChangedEditDialog
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.save_way import SaveWayDialog
from sshdash.ui.screens.text_editor import TextEditor, why_not_here
from sshdash.ui.widgets.difference import Difference
from tests.ui.files_app import FilesApp, listed, row_of, until


class Editor:
    """Stands for the person's editor: does `edit` to the file it is given."""

    def __init__(self, edit: Callable[[Path], object]) -> None:
        self.edit = edit
        self.copies: list[Path] = []
        self.status = 0

    async def __call__(self, app: Any, command: list[str]) -> int:
        self._open(Path(command[-1]))
        return self.status

    def _open(self, copy: Path) -> None:
        self.copies.append(copy)
        assert not (copy.stat().st_mode | copy.parent.stat().st_mode) & 0o077
        self.edit(copy)


@pytest.fixture
def editing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("EDITOR", "true")
    editor = Editor(lambda copy: copy.write_text("edited\n"))
    monkeypatch.setattr(outside, "run_outside", editor)
    return editor


def kept(editing: Editor) -> list[str]:
    """Return what the copies that are still there hold."""
    return [copy.read_text() for copy in editing.copies if copy.exists()]


async def begin(app: FilesApp, pilot: Any, key: str = "e") -> None:
    panes = await listed(pilot)
    await pilot.press("tab")
    panes.right.rows.cursor = row_of(panes.right, "old.txt")
    await pilot.press(key)


async def test_what_was_edited_is_saved_with_its_mode(
    left: Path, right: Path, editing: Editor
) -> None:
    file = right / "old.txt"
    file.chmod(0o640)
    inode = file.stat().st_ino
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: any("Saved" in told for told in app.told))
        assert file.read_text() == "edited\n"
        assert file.stat().st_mode & 0o7777 == 0o640
        assert file.stat().st_ino != inode, "it was replaced, never written over"
        assert editing.copies[0].suffix == ".txt"
        await until(pilot, lambda: not editing.copies[0].parent.exists())
        assert sorted(os.listdir(right)) == ["inbox", "old.txt"]


async def test_a_link_stays_one_and_its_target_is_saved(
    left: Path, right: Path, editing: Editor
) -> None:
    (right / "inbox" / "real.txt").write_text("real")
    (right / "old.txt").unlink()
    (right / "old.txt").symlink_to("inbox/real.txt")
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: any("Saved" in told for told in app.told))
        assert (right / "old.txt").is_symlink()
        assert (right / "inbox" / "real.txt").read_text() == "edited\n"


async def test_an_edit_that_the_end_of_the_screen_cuts_short_stays_and_the_log_says_where(
    left: Path,
    right: Path,
    editing: Editor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As where the terminal around goes away: the editor may not even have ended."""

    async def go_on(app: Any, command: list[str]) -> Any:
        await editing(app, command)
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(outside, "run_outside", go_on)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: editing.copies)
    (copy,) = editing.copies
    assert copy.read_text() == "edited\n"
    assert str(copy) in caplog.text
    assert (right / "old.txt").read_text() == "old"


async def test_what_was_not_changed_is_not_saved(left: Path, right: Path, editing: Editor) -> None:
    editing.edit = lambda copy: None
    inode = (right / "old.txt").stat().st_ino
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: editing.copies and not editing.copies[0].parent.exists())
        assert (right / "old.txt").stat().st_ino == inode
        assert not app.told


def meanwhile(right: Path, editing: Editor) -> None:
    """Let somebody else change the file while it is edited."""

    def edit(copy: Path) -> None:
        copy.write_text("mine\n")
        (right / "old.txt").write_text("theirs\n")

    editing.edit = edit


async def test_a_file_that_changed_meanwhile_is_not_overwritten(
    left: Path, right: Path, editing: Editor
) -> None:
    meanwhile(right, editing)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ChangedEditDialog))
        shown = str(app.screen.query_one(Difference).render())
        assert "-theirs" in shown
        assert "+mine" in shown
        await pilot.press("escape")
        await until(pilot, lambda: any("your edit is kept" in told for told in app.told))
        assert (right / "old.txt").read_text() == "theirs\n"
        assert kept(editing) == ["mine\n"]
        assert str(editing.copies[0]) in app.told[0]


async def press(pilot: Any, name: str) -> None:
    button = next(one for one in pilot.app.screen.query(Button) if one.name == name)
    button.focus()
    await pilot.press("enter")


async def test_theirs_is_overwritten_where_one_says_so(
    left: Path, right: Path, editing: Editor
) -> None:
    meanwhile(right, editing)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ChangedEditDialog))
        await press(pilot, "overwrite")
        await until(pilot, lambda: any("Saved" in told for told in app.told))
        assert (right / "old.txt").read_text() == "mine\n"
        await until(pilot, lambda: kept(editing) == [])


async def test_one_can_edit_again_what_changed_meanwhile(
    left: Path, right: Path, editing: Editor
) -> None:
    meanwhile(right, editing)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ChangedEditDialog))
        editing.edit = lambda copy: copy.write_text("theirs\n")
        await press(pilot, "again")
        await until(pilot, lambda: any("Saved" in told for told in app.told))
        assert editing.copies[0] == editing.copies[1]
        assert (right / "old.txt").read_text() == "theirs\n"


async def test_a_file_that_was_removed_meanwhile_is_asked_about(
    left: Path, right: Path, editing: Editor
) -> None:
    def edit(copy: Path) -> None:
        copy.write_text("mine\n")
        (right / "old.txt").unlink()

    editing.edit = edit
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ChangedEditDialog))
        await press(pilot, "overwrite")
        await until(pilot, lambda: (right / "old.txt").exists())
        assert (right / "old.txt").read_text() == "mine\n"


async def test_an_edit_that_cannot_be_saved_is_kept(
    left: Path, right: Path, editing: Editor
) -> None:
    app = FilesApp(left, right)

    def edit(copy: Path) -> None:
        copy.write_text("mine\n")
        app.fake.unreachable = UnreachableError("No answer", host="web")

    editing.edit = edit
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: app.told)
        assert "No answer" in app.told[0]
        assert str(editing.copies[0]) in app.told[0]
        assert kept(editing) == ["mine\n"]


async def test_an_editor_that_fails_saves_nothing(left: Path, right: Path, editing: Editor) -> None:
    editing.status = 1
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: app.told)
        assert (right / "old.txt").read_text() == "old"
        assert kept(editing) == ["edited\n"]
        assert str(editing.copies[0]) in app.told[0]


async def test_what_is_not_text_is_asked_about(left: Path, right: Path, editing: Editor) -> None:
    (right / "old.txt").write_bytes(b"\0\1\2")
    app = FilesApp(left, right, None)
    async with app.run_test() as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: app.prompter.asked)
        assert "not text" in str(app.prompter.asked[0])
        await until(pilot, lambda: not app.panes.right.is_waiting)
        assert not editing.copies


async def test_a_small_text_is_edited_on_this_screen(left: Path, right: Path) -> None:
    (right / "old.txt").write_bytes(b"one\r\ntwo\r\n")
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot, "E")
        await until(pilot, lambda: isinstance(app.screen, TextEditor))
        await pilot.press("x", "ctrl+s")
        await until(pilot, lambda: any("Saved" in told for told in app.told))
        assert (right / "old.txt").read_bytes() == b"xone\r\ntwo\r\n"


async def test_what_was_typed_is_not_dropped_without_asking(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        await begin(app, pilot, "E")
        await until(pilot, lambda: isinstance(app.screen, TextEditor))
        await pilot.press("x", "escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TextEditor))
        assert app.screen.query_one(TextArea).text == "xold"
        await pilot.press("escape", "y")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert (right / "old.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"plain\ttext\n", ""),
        ("café\r\n".encode(), ""),
        (b"a\r\nb\n", "end in different ways"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\x1b[31m", "control characters"),
        ("\u202eabc".encode(), "control characters"),
    ],
)
def test_what_would_be_harmed_is_not_edited_here(data: bytes, reason: str) -> None:
    said = why_not_here(data)
    assert reason in said
    assert bool(said) == bool(reason)


async def test_a_local_file_itself_is_given_to_the_editor(
    left: Path, right: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []

    async def run(app: Any, command: list[str]) -> int:
        given.append(command)
        return 3

    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setattr(outside, "run_outside", run)
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        await pilot.press("e")
        await until(pilot, lambda: app.told)
        assert given[0][-1] == str(left / "file1.txt")
        assert "exit status 3" in app.told[0]


@pytest.mark.parametrize("way", ["in_place", "replace", "cancel"])
async def test_a_file_with_other_names_is_saved_as_the_person_wants(
    left: Path, right: Path, editing: Editor, way: str
) -> None:
    file, other = right / "old.txt", right / "other.txt"
    before = file.read_text()
    os.link(file, other)
    app = FilesApp(left, right)
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, SaveWayDialog))
        assert (file.read_text(), other.read_text()) == (before, before)
        [button] = [one for one in app.screen.query(Button) if one.name == way]
        button.press()
        if way == "cancel":
            await until(pilot, lambda: any("Nothing was saved" in told for told in app.told))
            assert kept(editing) == ["edited\n"]
        else:
            await until(pilot, lambda: any("Saved" in told for told in app.told))
    expected = {"in_place": ("edited\n",) * 2, "replace": ("edited\n", before)}
    assert (file.read_text(), other.read_text()) == expected.get(way, (before, before))
    assert not [name for name in os.listdir(right) if "sshdash" in name]
