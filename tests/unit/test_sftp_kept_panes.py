"""The file panes of the last time in their file: kept, read again, spoiled."""

from pathlib import Path

import pytest

from sshdash.errors import ConfigError
from sshdash.sftp.browser import Column, SortKey, View
from sshdash.sftp.kept_panes import (
    MOST,
    KeptFolder,
    KeptPane,
    KeptPanes,
    KeptTab,
    KeptView,
    kept_panes_file,
    read_panes,
    write_panes,
)

BY_TIME = View(SortKey.TIME, True, True, columns=frozenset({Column.MODE, Column.SIZE}))


def pane(*paths: bytes, current: int = 0) -> KeptPane:
    return KeptPane.of(tuple(KeptFolder.of("web", path, BY_TIME) for path in paths), current)


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    assert read_panes(tmp_path / "none.yaml") == KeptPanes()


@pytest.mark.parametrize("path", [b"/", b"/\xff\xfe", "/größe".encode(), b"/a: b # c", b"/x\ny"])
def test_everything_comes_back_for_this_user_alone(path: bytes) -> None:
    file = kept_panes_file()
    kept = KeptPanes(
        KeptView.of(BY_TIME), (KeptTab("web", pane(path), pane(b"/a", b"/b", current=1), "right"),)
    )
    write_panes(file, kept)
    again = read_panes(file)
    assert again == kept
    assert again.view.view == BY_TIME
    assert again.tabs[0].left.folders[0].path == path
    assert file.stat().st_mode & 0o077 == 0


def test_a_filter_is_not_kept() -> None:
    assert KeptView.of(View(text="*.py")).view == View()


def test_of_very_many_tabs_those_around_the_one_in_sight_are_kept() -> None:
    kept = pane(*(b"/%d" % number for number in range(3 * MOST)), current=2 * MOST)
    assert len(kept.folders) == MOST
    assert kept.folders[kept.current].path == b"/%d" % (2 * MOST)


@pytest.mark.parametrize(
    "text",
    [
        "view: 3",
        "- a",
        "view: {sort: colour}",
        "view: {columns: [size, smell]}",
        "others: []",
        "tabs: [{host: web}]",
        "tabs: [{host: web, left: {folders: []}, right: {folders: []}}]",
        "tabs: [{host: web, left: {folders: [{folder: x}]}, right: {folders: [{folder: /}]}}]",
        "view: [",
        "\x00",
        "x" * 600_000,
    ],
)
def test_a_spoiled_file_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "last-files.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_panes(file)
    assert "last-files.yaml" in str(caught.value)
