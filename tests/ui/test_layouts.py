"""Layouts: kept under a name, opened again, and the one of the last time."""

from pathlib import Path
from typing import Any

import pytest

from sshdash.ui import layout_file
from sshdash.ui.controllers import layouts
from sshdash.ui.layout_file import Layout, TabLayout, read_layout, write_layout
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.picker import Choice, ChoiceList, Picker
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.split_places import Axis, Branch, Leaf
from tests.ui.conftest import Cockpit, Start
from tests.ui.test_panes import BELOW, RIGHT, split

PAIR: Layout = (
    TabLayout(Leaf(0), ("bastion",)),
    TabLayout(Branch(Axis.COLUMNS, (Leaf(0), Leaf(1)), (70.0, 30.0)), ("web-1", "me@10.0.0.9")),
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep layouts in the test's own folder, and look at the last one often."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(layout_file, "layouts_dir", lambda: folder)
    monkeypatch.setattr(layout_file, "last_layout_file", lambda: folder / "last.yaml")
    monkeypatch.setattr(layouts, "_INTERVAL", 0.02)
    return folder


async def command(c: Cockpit, command_id: str, screen: type[Any]) -> Any:
    """Run a command and return the screen it opens."""
    c.app.action_command(command_id)
    await c.until(lambda: isinstance(c.app.screen, screen) and c.app.screen.focused)
    return c.app.screen


async def pick(c: Cockpit, command_id: str) -> list[Choice]:
    """Run a command that lists layouts and take the first; return them."""
    await command(c, command_id, Picker)
    choices = c.app.screen.query_one(ChoiceList)._shown
    await c.press("enter")
    return choices


def opened(c: Cockpit) -> list[tuple[str, ...]]:
    """Return the hosts of each tab."""
    return [tuple(pane.host for pane in tab.panes) for tab in c.tabs]


async def test_a_layout_is_saved_and_opened_again(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        tab = await split(c, RIGHT, BELOW)
        await c.shell("db-1")
        await command(c, "layout.save", TextInputDialog)
        await c.type("morning")
        await c.press("enter")
        await c.until(lambda: any("Saved morning" in one for one in c.told))
        shape = layouts.layout_of(tab)
        for one in list(c.tabs):
            c.app.workspace.cockpit.remove_tab(one)
        [choice] = await pick(c, "layout.open")
        assert choice.note == "2 tabs, 4 terminals: bastion, db-1"
        await c.until(lambda: len(c.tabs) == 2 and all(one.view for one in c.tabs))
        assert opened(c) == [("bastion",) * 3, ("db-1",)]
        assert c.current is c.tabs[0]
        again = layouts.layout_of(c.tabs[0])
        assert (again.root.axis, again.hosts) == (shape.root.axis, shape.hosts)  # type: ignore[union-attr]
        await c.until(lambda: c.app.focused is c.tabs[0].view)


async def test_a_name_that_is_taken_asks_and_one_tab_can_be_saved(
    cockpit: Start, folders: Path
) -> None:
    write_layout(layout_file.layout_file("one"), PAIR)
    async with cockpit() as c:
        await c.shell("bastion")
        await c.shell("web-1")
        for answer, expected in (("escape", PAIR), ("y", (TabLayout(Leaf(0), ("web-1",)),))):
            await command(c, "layout.save_tab", TextInputDialog)
            await c.type("one")
            await c.press("enter")
            await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
            await c.press(answer)
            await c.until(lambda: c.app.screen is c.app.workspace)
            await c.until(lambda: read_layout(folders / "one.yaml") == expected)  # noqa: B023


async def test_a_broken_file_says_where_and_the_others_still_open(
    cockpit: Start, folders: Path
) -> None:
    write_layout(layout_file.layout_file("good"), PAIR)
    broken = folders / "broken.yaml"
    broken.write_text("tabs:\n- host: a\n  hots: b\n")
    async with cockpit() as c:
        choices = await pick(c, "layout.open")
        assert [one.note for one in choices] == [
            "line 3: cannot be read",
            "2 tabs, 3 terminals: bastion, web-1, me@10.0.0.9",
        ]
        await c.until(lambda: any("broken.yaml:3: hots is not known" in one for one in c.told))
        assert not c.tabs
        assert broken.exists()
        await command(c, "layout.open", Picker)
        await c.press("down", "enter")
        await c.until(lambda: opened(c) == [("bastion",), ("web-1", "me@10.0.0.9")])


async def test_a_layout_is_deleted_once_confirmed(cockpit: Start, folders: Path) -> None:
    write_layout(layout_file.layout_file("one"), PAIR)
    async with cockpit() as c:
        await pick(c, "layout.delete")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: not (folders / "one.yaml").exists())
        await c.until(lambda: c.app.screen is c.app.workspace)
        c.app.action_command("layout.open")
        await c.until(lambda: "Open layout: No layout was saved yet" in c.told)


async def test_an_address_that_is_none_opens_nothing(cockpit: Start) -> None:
    write_layout(layout_file.layout_file("one"), (*PAIR, TabLayout(Leaf(0), ("-oProxy=x",))))
    async with cockpit() as c:
        await pick(c, "layout.open")
        await c.until(lambda: any("is not a destination" in one for one in c.told))
        assert c.backend.opened == []


async def test_the_last_layout_comes_back_where_that_is_wanted(
    cockpit: Start, folders: Path
) -> None:
    last = folders / "last.yaml"
    write_layout(last, PAIR)
    async with cockpit(restore=True) as c:
        await c.until(lambda: opened(c) == [("bastion",), ("web-1", "me@10.0.0.9")])
        await c.until(lambda: all(pane.view for tab in c.tabs for pane in tab.panes))
        await c.shell("db-1")
        await c.until(lambda: len(read_layout(last) or ()) == 3)
        c.app.workspace.layouts._timer.pause()
        c.app.workspace.cockpit.remove_tab(c.tabs[0])
    assert [one.hosts[0] for one in read_layout(last) or ()] == ["web-1", "db-1"]
    async with cockpit(host="stage-1", restore=True) as c:
        await c.until(lambda: opened(c) == [("stage-1",)])
    async with cockpit() as c:
        assert not c.tabs
    assert len(read_layout(last) or ()) == 2


async def test_the_last_layout_comes_back_at_the_tab_one_was_in(
    cockpit: Start, folders: Path
) -> None:
    async with cockpit(restore=True) as c:
        for host in ("bastion", "web-1", "db-1"):
            await c.shell(host)
        c.app.workspace.cockpit.go_to_tab(c.tabs[1])
        await c.until(lambda: c.app.focused is c.tabs[1].view)
    kept = read_layout(folders / "last.yaml") or ()
    assert [one.here for one in kept] == [False, True, False]
    async with cockpit(restore=True) as c:
        await c.until(lambda: len(c.tabs) == 3 and all(one.view for one in c.tabs))
        await c.until(lambda: c.app.focused is c.tabs[1].view)


@pytest.fixture
def broken(folders: Path) -> Path:
    folders.mkdir()
    last = folders / "last.yaml"
    last.write_text("tabs: what\n")
    return last


async def test_a_broken_last_layout_is_told_and_set_aside(cockpit: Start, broken: Path) -> None:
    async with cockpit(restore=True) as c:
        await c.until(lambda: any("last.yaml:1: a list is needed" in one for one in c.told))
        await c.shell("bastion")
        await c.until(lambda: broken.exists())
    assert broken.with_suffix(".yaml.broken").read_text() == "tabs: what\n"
    assert read_layout(broken) == (TabLayout(Leaf(0), ("bastion",), here=True),)
