"""What the file panes remember from one run to the next."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sshdash.sftp.browser import Column, SortKey
from sshdash.sftp.kept_panes import kept_panes_file, read_panes
from sshdash.ui.command import Place
from tests.ui.conftest import Cockpit, Start


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Begin in a folder of the test."""
    one = tmp_path / "here"
    (one / "deep").mkdir(parents=True)
    (one / ".secret").touch()
    (one / "plain").touch()
    monkeypatch.chdir(one)
    return one


async def files(c: Cockpit) -> Any:
    """Open the files of a host and wait for the local pane."""
    await c.press("f")
    await c.until(lambda: c.tabs and c.app.workspace.here is Place.FILES)
    await c.until(lambda: c.current.panes.left.listed)
    return c.current.panes


async def test_order_columns_and_hidden_files_stay_from_run_to_run(cockpit: Start) -> None:
    async with cockpit() as c:
        panes = await files(c)
        panes.action_files_hidden()
        panes.left.sort_by(SortKey.SIZE)

        view = replace(panes.left.browser.view, columns=frozenset({Column.MODE}), text="p")
        panes.left.change_view(view)
        await c.pilot.pause()
    async with cockpit() as c:
        panes = await files(c)
        for pane in panes.panes:
            view = pane.browser.view
            assert (view.sort, view.reverse, view.show_hidden) == (SortKey.SIZE, True, True)
            assert view.columns == {Column.MODE}
            assert view.text == ""
        assert b".secret" in {row.name for row in panes.left.browser.rows}


async def test_tabs_come_back_where_that_is_wanted(cockpit: Start, folder: Path) -> None:
    async with cockpit(restore=True) as c:
        panes = await files(c)
        panes.left.new_tab()
        await c.until(lambda: panes.left.listed)
        panes.left.browser.move_to(panes.left.browser.index_of(b"deep"))
        panes.left.open_current()
        await c.until(lambda: panes.left.browser.path == bytes(folder / "deep"))
    async with cockpit(restore=True) as c:
        await c.until(lambda: c.tabs and c.current.panes.left.listed)
        left, right = c.current.panes.panes
        assert [tab.browser.path for tab in left.tabs] == [bytes(folder), bytes(folder / "deep")]
        assert left.browser.path == bytes(folder / "deep")
        assert right.endpoint == c.current.host != ""
        await c.until(lambda: right.problem)  # no host answers in these tests
        left.go_by_tab(1)
        await c.until(lambda: left.listed and b"plain" in {one.name for one in left.browser.rows})


async def test_tabs_stay_away_and_are_not_forgotten_without_the_setting(cockpit: Start) -> None:
    async with cockpit(restore=True) as c:
        await files(c)
    async with cockpit() as c:
        assert c.tabs == []
        panes = await files(c)
        panes.action_files_hidden()
        await c.pilot.pause()
    assert len(read_panes(kept_panes_file()).tabs) == 1


async def test_a_folder_that_is_gone_is_told_in_its_pane(cockpit: Start, folder: Path) -> None:
    async with cockpit(restore=True) as c:
        await files(c)
    for one in (folder / "deep", folder):
        for file in one.iterdir() if one.is_dir() else ():
            if file.is_file():
                file.unlink()
        one.rmdir()
    async with cockpit(restore=True) as c:
        await c.until(lambda: c.tabs and c.current.panes.left.problem)


async def test_a_spoiled_memory_is_told_and_set_aside(cockpit: Start) -> None:
    file = kept_panes_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("view: {sort: colour}")
    async with cockpit() as c:
        await files(c)
        assert any("cannot be read" in one and "last-files.yaml" in one for one in c.told)
        assert file.with_name("last-files.yaml.broken").read_text() == "view: {sort: colour}"


async def test_files_come_back_between_the_terminals_that_they_were_between(
    cockpit: Start,
) -> None:
    async with cockpit(restore=True) as c:
        await c.shell("web-1")
        c.app.action_command("host.files")
        await c.until(lambda: c.app.workspace.here is Place.FILES)
        await c.shell("db-1")
        places = [tab.place for tab in c.tabs]
        assert places == [Place.TERMINAL, Place.FILES, Place.TERMINAL]
    async with cockpit(restore=True) as c:
        await c.until(lambda: [tab.place for tab in c.tabs] == places)
