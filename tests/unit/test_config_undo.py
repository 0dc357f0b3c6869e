"""Edits taken back, also in a later run, and what an edit may surprise with."""

from pathlib import Path

import pytest

from sshdash.config import proof, saving
from sshdash.config.editor import ConfigEditor
from sshdash.config.saving import ChangedSince
from sshdash.config.source import ConfigSource
from sshdash.errors import FileError, UsageError
from sshdash.paths import state_dir
from tests.unit.edit_kit import LONGER, TEXT, add_db, editor, write_config


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a configuration; our own reading decides, ssh is asked in the live tests."""
    monkeypatch.setattr(proof, "which", lambda name: None)
    return write_config(home)


def test_undo_goes_back_step_by_step_also_in_a_later_run(config: Path) -> None:
    one = editor()
    one.save(one.add(["db"], {}))
    second = config.read_text()
    one.save(one.change(one.find("web"), {"user": ["root"]}))
    later = editor()
    plan = later.undo()
    assert plan.title == "undone: web changed"
    later.save(plan)
    assert config.read_text() == second
    later.save(later.undo())
    assert config.read_text() == TEXT
    with pytest.raises(UsageError, match="nothing to undo"):
        later.undo()


def test_undo_does_not_take_back_what_others_did(config: Path) -> None:
    add_db()
    config.write_text(config.read_text() + "# theirs\n")
    with pytest.raises(ChangedSince) as caught:
        editor().undo()
    assert "+# theirs" in caught.value.detail
    assert config.read_text().endswith("# theirs\n")


def test_undo_is_for_the_files_of_this_configuration(config: Path, tmp_path: Path) -> None:
    add_db()
    other = tmp_path / "other"
    other.write_text("Host x\n")
    with pytest.raises(UsageError, match="nothing to undo"):
        ConfigEditor(ConfigSource.standard(str(other))).undo()


def test_a_damaged_copy_is_not_put_back(config: Path) -> None:
    add_db()
    copy = next(state_dir().joinpath("edits").glob("*.before"))
    copy.write_text("something else")
    with pytest.raises(FileError, match="damaged"):
        editor().undo()


def test_a_damaged_list_of_edits_is_put_aside(config: Path) -> None:
    add_db()
    index = state_dir() / "edits" / "edits.json"
    index.write_text("{torn")
    with pytest.raises(FileError, match="list of edits"):
        editor().undo()
    one = editor()
    one.save(one.add(["more"], {}))
    one.save(one.undo())
    assert config.read_text() == LONGER
    assert index.with_name("edits.json.damaged").read_text() == "{torn"


def test_undo_finds_a_file_that_was_named_from_another_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "mine").write_text(TEXT)
    monkeypatch.chdir(home)
    one = ConfigEditor(ConfigSource.standard("mine"))
    assert one.save(one.add(["db"], {"user": ["x"]})) == []
    monkeypatch.chdir("/")
    later = ConfigEditor(ConfigSource.standard(str(home / "mine")))
    later.save(later.undo())
    assert (home / "mine").read_text() == TEXT


def test_old_copies_are_dropped(config: Path) -> None:
    one = editor()
    for number in range(60):
        one.save(one.change(one.find("web"), {"port": [str(1000 + number)]}))
    assert len(one.history.entries()) == 50
    assert len(list(state_dir().joinpath("edits").glob("*.before"))) == 50


def test_leftovers_of_a_killed_writer_go_with_the_next_edit(config: Path) -> None:
    left = config.parent / f".config{saving._TEMPORARY}abcdef"
    left.write_text("half")
    other = config.parent / ".config.swp"
    other.write_text("an editor's own")
    add_db()
    assert not left.exists()
    assert other.exists()


# What may surprise


def test_values_that_another_place_wins_over_are_told(config: Path) -> None:
    config.write_text(f"Host *\n    User early\n\n{TEXT}")
    one = editor()
    warnings = one.prove(one.change(one.find("web"), {"user": ["late"], "port": ["22"]}))
    assert warnings == ["User of web comes from ~/.ssh/config:2, which is read first"]
