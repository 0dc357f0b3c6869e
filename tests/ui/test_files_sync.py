"""The preview of a synchronisation: what it shows, what is ticked, and what comes of it."""

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from sshdash.paths import sync_dir
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp import trash
from sshdash.sftp.sync_plan import Way
from sshdash.ui.screens.help import HelpScreen
from sshdash.ui.screens.sync_preview import SyncScreen
from sshdash.ui.widgets.sync_rows import SyncRows
from tests.live.file_kit import tree
from tests.ui.files_app import FilesApp, listed, names, until


def furnish(tmp_path: Path) -> tuple[Path, Path]:
    """Make two trees: new, changed, only there, in a tie, the same."""
    left, right = tmp_path / "left", tmp_path / "right"
    for folder in (left, right):
        (folder / "src").mkdir(parents=True)
    for folder, name, content, time in (
        (left, "src/new.py", "new", 5000),
        (left, "changed.txt", "longer than before", 9000),
        (right, "changed.txt", "before", 4000),
        (right, "gone.txt", "gone", 3000),
        (left, "tie", "one", 2000),
        (right, "tie", "three", 2000),
        (left, "same", "same", 1000),
        (right, "same", "same", 1000),
    ):
        (folder / name).write_text(content)
        os.utime(folder / name, (time, time))
    (left / "fresh" / "deep").mkdir(parents=True)
    (left / "fresh" / "deep" / "file").write_text("x")
    return left, right


async def preview(pilot: Pilot[Any]) -> SyncScreen:
    """Open the preview and wait until it is compared."""
    await listed(pilot)
    await pilot.press("equals_sign")
    await until(pilot, lambda: isinstance(pilot.app.screen, SyncScreen))
    screen = pilot.app.screen
    assert isinstance(screen, SyncScreen)
    await until(pilot, lambda: screen.choice.steps)
    return screen


def drawn(screen: SyncScreen) -> list[str]:
    """Return the rows as they are drawn."""
    rows = screen.query_one(SyncRows)
    lines = (rows.render_line(y) for y in range(rows.size.height))
    return [text for line in lines if (text := "".join(part.text for part in line).rstrip())]


def told(screen: SyncScreen) -> list[str]:
    """Return the ticked steps."""
    return [f"{step.act.value} {step.place.decode()}" for step in screen.choice.ticked]


def total(screen: SyncScreen) -> str:
    """Return the line with the sum."""
    return str(screen.query_one("#sync-sum").render())


def emptiness(screen: SyncScreen) -> str:
    """Return what is shown where there is no list."""
    found = screen.query("#sync-empty")
    return str(found.first().render()) if found else ""


async def test_all_keys_are_told_as_long_as_one_reads(tmp_path: Path) -> None:
    async with FilesApp(*furnish(tmp_path)).run_test(size=(80, 24)) as pilot:
        screen = await preview(pilot)
        frame = screen.query_one(".sync")
        keys = str(frame.border_subtitle)
        assert "? all keys  Esc leave" in keys
        assert len(keys) <= frame.outer_size.width - 4
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        assert "Let the left side win" in str(pilot.app.screen.query_one(Static).render())
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.query_one(SyncRows).has_focus


async def test_the_differences_are_listed_with_words_sizes_and_times(tmp_path: Path) -> None:
    app = FilesApp(*furnish(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await preview(pilot)
        rows = drawn(screen)
        assert [row.split()[1:4] for row in rows[:2]] == [
            ["~", "changed", "→"],
            ["+", "new", "→"],
        ]
        assert "changed.txt" in rows[0]
        assert "18 B  1970-01-01" in rows[0]
        assert rows[1].split()[4] == "fresh/"
        assert "copies 4 files" in total(screen)
        assert "2 new folders" in total(screen)
        assert "deletes" not in total(screen)

        await pilot.press("x")
        await until(pilot, lambda: "deletes 1" in total(screen))
        assert any("− delete" in row and "gone.txt" in row for row in drawn(screen))


async def test_a_copy_over_what_is_newer_is_marked(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    os.utime(left / "changed.txt", (1000, 1000))
    app = FilesApp(left, right)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await preview(pilot)
        rows = drawn(screen)
        assert "!" in rows[0]
        assert "!" not in rows[1]
        detail = screen.query_one("#sync-detail").render_line(1).text
        assert "it is newer there" in detail


async def test_what_is_ticked_is_what_is_done(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    app = FilesApp(left, right, True)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await preview(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "delete gone.txt" in told(screen))
        index = [step.place for step in screen.choice.steps].index(b"fresh")
        screen.query_one(SyncRows).cursor = index
        await pilot.press("space")
        assert told(screen) == [
            "changed changed.txt", "delete gone.txt", "new src/new.py", "changed tie",
        ]  # fmt: skip
        await pilot.press("enter")
        await until(pilot, lambda: any("In step" in one for one in app.told))
        assert app.told[0] == "In step copied 3 files, deleted 1"
    assert (right / "src" / "new.py").read_text() == "new"
    assert (right / "changed.txt").read_text() == "longer than before"
    assert not (right / "gone.txt").exists()
    assert not (right / "fresh").exists()


async def test_a_folder_is_ticked_with_all_in_it_and_a_file_with_its_folders(
    tmp_path: Path,
) -> None:
    app = FilesApp(*furnish(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await preview(pilot)
        places = [step.place for step in screen.choice.steps]
        rows = screen.query_one(SyncRows)
        rows.cursor = places.index(b"fresh")
        await pilot.press("space")
        assert not any("fresh" in one for one in told(screen))
        rows.cursor = places.index(b"fresh/deep/file")
        await pilot.press("space")
        assert [one for one in told(screen) if "fresh" in one] == [
            "new fresh", "new fresh/deep", "new fresh/deep/file",
        ]  # fmt: skip
        await pilot.press("home", "space", "a")
        assert len(told(screen)) == len(places)
        await pilot.press("a")
        assert (told(screen), total(screen).split("  ")[0]) == ([], "nothing is ticked")


async def test_both_ways_a_conflict_waits_for_a_decision(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: "1 conflict" in total(screen))
        assert screen.options.way is Way.BOTH
        assert "new gone.txt" in told(screen)
        assert not any("tie" in one for one in told(screen))
        rows = screen.query_one(SyncRows)
        rows.cursor = [step.place for step in screen.choice.steps].index(b"tie")
        assert "the same time and different sizes" in drawn(screen)[rows.cursor]
        await pilot.press("greater_than_sign", "greater_than_sign")
        assert "1 conflict" in total(screen), "twice takes it back"
        await pilot.press("less_than_sign")
        assert "conflict" not in total(screen)
        await pilot.press("enter")
        await until(pilot, lambda: any("In step" in one for one in app.told))
    assert (left / "tie").read_text() == (right / "tie").read_text() == "three"
    assert tree(left) == tree(right)


async def in_step(app: FilesApp, pilot: Pilot[Any]) -> None:
    """Open the preview both ways, and run what is ticked."""
    screen = await preview(pilot)
    await pilot.press("w", "w")
    await until(pilot, lambda: screen.options.way is Way.BOTH and not screen._busy)
    told_before = len(app.told)
    await pilot.press("enter")
    await until(pilot, lambda: len(app.told) > told_before)


async def test_a_host_that_takes_long_to_resolve_holds_no_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Match exec may run a command for it, and canonical names ask a name server."""
    app = FilesApp(*furnish(tmp_path))
    where: set[threading.Thread] = set()
    resolve = app.fake.resolve

    def noted(destination: str) -> Any:
        where.add(threading.current_thread())
        return resolve(destination)

    monkeypatch.setattr(app.fake, "resolve", noted)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: screen.options.way is Way.BOTH and not screen._busy)
    assert where
    assert threading.main_thread() not in where


async def test_both_ways_what_was_deleted_since_is_deleted_on_the_other_end(
    tmp_path: Path, bin_folder: Path
) -> None:
    left, right = furnish(tmp_path)
    (right / "tie").unlink()
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 30)) as pilot:
        await in_step(app, pilot)
        (right / "gone.txt").unlink()
        (left / "same").write_text("ours")
        (right / "same").write_text("theirs, not ours")
        (left / "fresh" / "deep" / "file").unlink()
        screen = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: told(screen) == ["delete fresh/deep/file", "delete gone.txt"])
        assert "deletes 2; 1 conflict" in total(screen)
        rows = drawn(screen)
        assert "deleted on" not in rows[0]
        await pilot.press("x")
        await until(pilot, lambda: told(screen) == ["new fresh/deep/file", "new gone.txt"])
        await pilot.press("y")
        await until(pilot, lambda: app.copied)
        assert app.copied[0].startswith("sshdash sync --both --resync ")
        await pilot.press("x")
        await until(pilot, lambda: told(screen) == ["delete fresh/deep/file", "delete gone.txt"])
        await pilot.press("enter")
        await until(pilot, lambda: "deleted 2" in app.told[0])
        (question,) = app.prompter.asked
        assert isinstance(question, ConfirmQuestion)
        assert question.title == "Delete 2 entries?"
        assert question.detail.startswith("1 entry here to the trash, the others for good")
    assert not (left / "gone.txt").exists()
    assert not (right / "fresh" / "deep" / "file").exists()
    assert (left / "same").read_text() == "ours"
    assert (right / "same").read_text() == "theirs, not ours"
    assert os.listdir(bin_folder) == ["gone.txt"]


async def test_both_ways_what_is_remembered_and_cannot_be_read_is_told(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    (right / "tie").unlink()
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 30)) as pilot:
        await in_step(app, pilot)
        (file,) = sync_dir().iterdir()
        file.write_bytes(b"spoiled" * 1000)
        (right / "gone.txt").unlink()
        screen = await preview(pilot)
        await pilot.press("w", "w")
        title = "What is remembered of the last sync cannot be read"
        await until(pilot, lambda: title in emptiness(screen))
        words = emptiness(screen)
        assert file.name in words
        assert "→ x begins anew and deletes nothing" in words
        await pilot.press("enter")
        assert not screen.choice.steps
        await pilot.press("x")
        await until(pilot, lambda: told(screen) == ["new gone.txt"])
        assert file.read_bytes() == b"spoiled" * 1000
        before = len(app.told)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.told) > before)
        assert (right / "gone.txt").exists()
        assert file.with_suffix(".broken").read_bytes() == b"spoiled" * 1000


async def test_an_end_that_is_empty_all_at_once_deletes_nothing_unless_that_is_ticked(
    tmp_path: Path,
) -> None:
    left, right = furnish(tmp_path)
    (right / "tie").unlink()
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        await in_step(app, pilot)
        shutil.rmtree(right)
        right.mkdir()
        screen = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: "are gone from the right" in total(screen))
        assert told(screen) == []
        await pilot.press("enter")
        assert isinstance(app.screen, SyncScreen), "nothing is ticked"
        await pilot.press("a")
        assert "delete src" in told(screen)
        await pilot.press("a", "escape")
    assert (left / "src" / "new.py").exists()


async def test_the_folders_of_a_sync_are_compared_again_from_the_list_of_transfers(
    tmp_path: Path,
) -> None:
    left, right = furnish(tmp_path)
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        await preview(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: any("In step" in one for one in app.told))
        (left / "same").write_text("not any more")
        await pilot.press("t", "equals_sign")
        await until(pilot, lambda: isinstance(app.screen, SyncScreen))
        screen = app.screen
        assert isinstance(screen, SyncScreen)
        await until(pilot, lambda: told(screen) == ["changed same"])
        assert screen.ends[0].endswith(str(left))


async def test_a_side_can_win_where_one_deleted_and_the_other_changed(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    (right / "tie").unlink()
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 30)) as pilot:
        await in_step(app, pilot)
        shutil.rmtree(right / "fresh")
        (left / "fresh" / "deep" / "file").write_text("changed")
        screen = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: "3 conflicts" in total(screen))
        rows = screen.query_one(SyncRows)
        rows.cursor = [step.place for step in screen.choice.steps].index(b"fresh/deep/file")
        await pilot.press("less_than_sign")
        assert told(screen) == ["delete fresh/deep/file"]
        await pilot.press("greater_than_sign")
        assert told(screen) == ["new fresh", "new fresh/deep", "new fresh/deep/file"]
        await pilot.press("enter")
        await until(pilot, lambda: len(app.told) > 1)
    assert (right / "fresh" / "deep" / "file").read_text() == "changed"


async def test_one_way_what_only_the_target_has_is_no_sameness(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    left.mkdir()
    right.mkdir()
    (right / "more").write_text("of it")
    app = FilesApp(left, right)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, SyncScreen))
        screen = app.screen
        assert isinstance(screen, SyncScreen)
        await until(pilot, lambda: "What only the right has stays; x shows" in emptiness(screen))
        await pilot.press("x")
        await until(pilot, lambda: told(screen) == ["delete more"])
        (right / "more").unlink()
        await pilot.press("r")
        await until(pilot, lambda: "Both are the same." in emptiness(screen))


async def test_two_folders_that_are_the_same_can_be_remembered_as_such(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    for folder in (left, right):
        folder.mkdir()
        for name in ("a", "b", "c"):
            (folder / name).write_text("same")
            os.utime(folder / name, (1000, 1000))
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, SyncScreen))
        screen = pilot.app.screen
        await pilot.press("w", "w")
        empty = screen.query_one("#sync-empty")
        await until(pilot, lambda: "Enter remembers" in str(empty.render()))
        await pilot.press("enter")
        await until(pilot, lambda: any("In step" in one for one in app.told))
        (right / "a").unlink()
        again = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: told(again) == ["delete a"])


async def test_a_link_that_leads_elsewhere_since_is_another_folder(tmp_path: Path) -> None:
    current, right = tmp_path / "current", tmp_path / "right"
    for folder, some in (("v1", "abcd"), ("v2", "bce"), ("right", "abc")):
        (tmp_path / folder).mkdir()
        for name in some:
            (tmp_path / folder / name).write_text("same")
            os.utime(tmp_path / folder / name, (1000, 1000))
    current.symlink_to("v1")
    app = FilesApp(current, right)
    async with app.run_test(size=(100, 30)) as pilot:
        await in_step(app, pilot)
        current.unlink()
        current.symlink_to("v2")
        screen = await preview(pilot)
        await pilot.press("w", "w")
        await until(pilot, lambda: screen.options.way is Way.BOTH and not screen._busy)
        assert told(screen) == ["new a", "new d", "new e"]


async def test_a_folder_inside_the_other_is_refused_through_links_too(tmp_path: Path) -> None:
    left, _ = furnish(tmp_path)
    (tmp_path / "link").symlink_to(left / "src")
    app = FilesApp(left, tmp_path / "link")
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        panes.right.endpoint = ""  # this machine, too
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, SyncScreen))
        screen = app.screen
        assert isinstance(screen, SyncScreen)
        await until(pilot, lambda: "One folder is inside the other" in emptiness(screen))
        assert not screen.choice.steps


async def test_escape_does_nothing_and_a_refused_deletion_neither(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    before = tree(left), tree(right)
    app = FilesApp(left, right, False)
    async with app.run_test(size=(100, 30)) as pilot:
        await preview(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, SyncScreen))
        screen = await preview(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "deletes 1" in total(screen))
        await pilot.press("enter")
        await until(pilot, lambda: not app.prompter.answers)
        assert app.fake.transfers.snapshots() == []
    assert (tree(left), tree(right)) == before


async def test_patterns_leave_out_and_what_is_shown_can_be_copied(tmp_path: Path) -> None:
    app = FilesApp(*furnish(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await preview(pilot)
        await pilot.press("p")
        await pilot.pause()
        await pilot.press(*"src/", "space", *"fresh", "space", "asterisk", *".txt", "enter")
        await until(pilot, lambda: told(screen) == ["changed tie"])
        await pilot.press("d", "y")
        await until(pilot, lambda: len(app.copied) == 2)
        assert app.copied[0] == "changed   → tie\n"
        assert app.copied[1].startswith("sshdash sync --exclude src/ --exclude fresh")
        assert app.copied[1].endswith(f"web:{app.folders[1]}")


async def test_a_folder_is_kept_up_to_date_until_that_is_ended(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    app = FilesApp(left, right)
    async with app.run_test(size=(120, 36)) as pilot:
        await preview(pilot)
        await pilot.press("u")
        await until(pilot, lambda: app.fake.keepers.snapshots())
        (left / "later").write_text("later")
        await until(pilot, (right / "later").exists)
        await until(pilot, lambda: "later" in names(app.panes.right))
        app.panes.action_files_keep()
        await until(pilot, lambda: not app.fake.keepers.snapshots())
        assert "Not kept up to date any more" in app.told[0]
    assert (right / "gone.txt").exists()


async def test_a_long_list_scrolls_to_its_end(tmp_path: Path) -> None:
    left, right = furnish(tmp_path)
    (left / "many").mkdir()
    for number in range(1500):
        (left / "many" / f"file-{number:04}").touch()
    app = FilesApp(left, right)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await preview(pilot)
        await until(pilot, lambda: "1 504 files" in total(screen).replace(",", " "))
        await pilot.press("end", "pageup", "pagedown")
        assert "tie" in drawn(screen)[-1]


async def empty_left(pilot: Pilot[Any]) -> None:
    """Let the left folder lose what is only there."""
    screen = await preview(pilot)
    await pilot.press("w")
    await until(pilot, lambda: "new src/new.py" not in told(screen))
    await pilot.press("x")
    await until(pilot, lambda: "delete fresh" in told(screen))
    await pilot.press("enter")


async def test_what_a_sync_deletes_here_is_in_the_trash(tmp_path: Path, bin_folder: Path) -> None:
    left, right = furnish(tmp_path)
    app = FilesApp(left, right, True)
    async with app.run_test(size=(100, 30)) as pilot:
        await empty_left(pilot)
        await until(pilot, lambda: any("In step" in one for one in app.told))
    (question,) = app.prompter.asked
    assert "Move 4 entries to the trash?" in str(question)
    assert tree(left) == tree(right)
    assert (bin_folder / "fresh" / "deep" / "file").read_text() == "x", "a folder goes as one"
    assert sorted(os.listdir(bin_folder)) == ["fresh", "new.py"]


@pytest.mark.parametrize("agreed", [True, False])
async def test_what_the_trash_does_not_take_is_deleted_only_if_agreed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreed: bool
) -> None:
    def refuse(path: bytes) -> None:
        raise PermissionError(13, "no trash on this file system")

    monkeypatch.setattr(trash, "_move", refuse)
    left, right = furnish(tmp_path)
    app = FilesApp(left, right, True, agreed)
    end = "In step" if agreed else "the trash does not take it"
    async with app.run_test(size=(100, 30)) as pilot:
        await empty_left(pilot)
        await until(pilot, lambda: any(end in one for one in app.told))
    question = app.prompter.asked[1]
    assert isinstance(question, ConfirmQuestion)
    assert question.danger
    assert "no trash on this file system" in question.detail
    assert (left / "fresh" / "deep" / "file").exists() is not agreed
    assert (tree(left) == tree(right)) is agreed
