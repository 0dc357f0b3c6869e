"""Editing ssh_config from the list of hosts."""

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, TextArea

from sshdash.config.draft import HostDraft
from sshdash.config.inherited import Inherited
from sshdash.ui.controllers.host_desk import HostDesk
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.host_form import HostForm
from sshdash.ui.screens.host_remove import RemoveDialog
from sshdash.ui.widgets.host_field import HostField
from tests.patience import PATIENCE
from tests.ui.files_app import until

Start = Any


class FieldApp(App[None]):
    """One field, as wide as the screen."""

    def compose(self) -> ComposeResult:
        yield HostField("", "22", "port")


def text(file: Path) -> str:
    return file.read_text()


def overwrite(file: Path, text: str) -> None:
    file.write_text(text)


def form(c: Any) -> HostForm:
    assert isinstance(c.app.screen, HostForm)
    return c.app.screen


async def open_form(c: Any, key: str) -> HostForm:
    await c.press(key)
    await c.until(lambda: isinstance(c.app.screen, HostForm) and c.app.screen.query("#others"))
    return form(c)


async def saved(c: Any) -> None:
    await c.until(lambda: not isinstance(c.app.screen, HostForm))
    await c.pilot.pause()


async def test_a_host_is_added_with_what_will_be_written_in_sight(
    cockpit: Start, config: Path
) -> None:
    before = text(config)
    async with cockpit(size=(80, 24)) as c:
        one = await open_form(c, "a")
        await c.type("cache")
        one.query_one("#hostname", Input).value = "10.0.0.77"
        one.query_one("#others", TextArea).text = "ForwardAgent yes"
        await c.until(lambda: "+    ForwardAgent yes" in c.drawn)
        await c.until(lambda: "+Host cache" in c.drawn)
        await c.until(lambda: "ctrl+s adds  Esc cancels" in c.drawn)
        assert text(config) == before
        await c.press("ctrl+s")
        await saved(c)
        await c.until(lambda: c.hosts.host == "cache")
        assert "Host cache\n    HostName 10.0.0.77\n    ForwardAgent yes\n" in text(config)
        await c.until(lambda: any("cache added" in words for words in c.told))
        await c.press("u")
        await c.until(lambda: text(config) == before)
        await c.until(lambda: "Undone: cache added" in c.told[-1])
        assert "cache" not in c.hosts.shown_hosts


async def test_on_a_heading_a_host_is_added_to_the_group(cockpit: Start, config: Path) -> None:
    file = config.parent / "staging.conf"
    async with cockpit() as c:
        await c.press("down", "down", "down")
        assert c.hosts.on_heading
        await open_form(c, "a")
        await c.type("stage-3")
        await c.press("ctrl+s")
        await saved(c)
        await c.until(lambda: c.hosts.host == "stage-3")
        assert text(file) == "Host stage-1 stage-2\n    User me\n\nHost stage-3\n"


async def test_a_host_is_changed_where_it_stands(cockpit: Start, config: Path) -> None:
    before = text(config)
    async with cockpit() as c:
        await c.press("down", "down")
        assert c.hosts.host == "db-1"
        one = await open_form(c, "e")
        assert one.query_one("#jump", Input).value == "bastion"
        assert "LocalForward 5432 db:5432" in one.query_one("#others", TextArea).text
        one.query_one("#user", Input).value = "root"
        await c.press("enter")
        await saved(c)
    assert text(config) == before.replace("10.0.0.50\n    User admin", "10.0.0.50\n    User root")


def placeholder(one: HostForm, name: str) -> str:
    return one.query_one(f"#{name}", Input).placeholder


async def test_empty_fields_show_what_the_host_gets_from_elsewhere(
    cockpit: Start, config: Path
) -> None:
    overwrite(config, text(config) + "    User everyone\n    Port 2200\nHost *x\n    User never\n")
    async with cockpit(size=(80, 24)) as c:
        await c.press("down")
        one = await open_form(c, "e")
        await c.until(lambda: placeholder(one, "port") == "2200  (Host *)")
        one.query_one("#user", Input).value = ""
        await c.until(lambda: placeholder(one, "user") == "everyone  (Host *)")
        assert placeholder(one, "identity") == "~/.ssh/id_ed25519"


async def test_a_value_from_elsewhere_is_told_with_as_much_as_there_is_room_for() -> None:
    async with FieldApp().run_test(size=(40, 3)) as pilot:
        field = pilot.app.query_one(HostField)
        assert field.placeholder == "22"
        field.inherit("2200  (~/.ssh/config:12, Host *)", "2200  (Host *)", "2200")
        assert field.placeholder.endswith("config:12, Host *)")
        for width, shown in ((20, "2200  (Host *)"), (8, "2200"), (3, "2…")):
            await pilot.resize_terminal(width, 3)
            await until(pilot, lambda: field.placeholder == shown)  # noqa: B023
        field.inherit()
        assert field.placeholder == "22"


async def test_a_new_host_shows_what_it_will_get_by_its_name(cockpit: Start, config: Path) -> None:
    overwrite(config, text(config) + "Host cache-*\n    HostName %h.example.com\n")
    async with cockpit() as c:
        one = await open_form(c, "a")
        assert placeholder(one, "hostname") == "address or name"
        await c.type("cache-7")
        await c.until(lambda: placeholder(one, "hostname").startswith("cache-7.example.com"))


async def test_what_is_wrong_is_said_and_nothing_is_lost(cockpit: Start, config: Path) -> None:
    before = text(config)
    async with cockpit() as c:
        one = await open_form(c, "a")
        await c.type("web-1")
        await c.until(lambda: "already" in c.drawn)
        one.query_one("#names", Input).value = "new"
        one.query_one("#port", Input).value = "70000"
        await c.until(lambda: "bad port" in c.drawn)
        one.query_one("#port", Input).value = ""
        one.query_one("#others", TextArea).text = "Prot 22"
        await c.press("ctrl+s")
        await c.until(lambda: "did you mean Port?" in c.drawn)
        assert one.query_one("#names", Input).value == "new"
        await c.press("escape")
    assert text(config) == before


async def test_what_saving_told_is_not_replaced_by_a_preview_that_was_under_way(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_on, reached = threading.Event(), threading.Event()

    def slow(desk: HostDesk, draft: HostDraft) -> dict[str, Inherited]:
        if draft.others:
            reached.set()
            let_on.wait(PATIENCE)
        return {}

    monkeypatch.setattr(HostDesk, "inherited", slow)
    async with cockpit() as c:
        one = await open_form(c, "a")
        await c.type("cache")
        one.query_one("#others", TextArea).text = "Prot 22"
        await c.until(reached.is_set)
        await c.press("ctrl+s")
        await c.until(lambda: "did you mean Port?" in c.drawn)
        let_on.set()
        await c.until(lambda: not [one for one in c.app.workers if one.group == "preview"])
        await c.pilot.pause()
        await c.until(lambda: "did you mean Port?" in c.drawn)


async def test_a_file_changed_meanwhile_is_not_overwritten(cockpit: Start, config: Path) -> None:
    async with cockpit() as c:
        one = await open_form(c, "a")
        await c.type("cache")
        theirs = text(config).replace("User deploy", "User somebody-else")
        overwrite(config, theirs)
        await c.press("ctrl+s")
        await c.until(lambda: "-    User deploy" in c.drawn and "+    User somebody" in c.drawn)
        assert text(config) == theirs
        await c.press("enter")
        await c.until(lambda: "+Host cache" in c.drawn)
        assert one.query_one("#names", Input).value == "cache"
        await c.press("ctrl+s")
        await saved(c)
    assert text(config).replace("Host cache\n", "") == theirs


@pytest.mark.parametrize("key", ["a", "e", "c"])
async def test_what_was_typed_is_not_dropped_without_asking(
    cockpit: Start, config: Path, key: str
) -> None:
    before = text(config)
    async with cockpit() as c:
        one = await open_form(c, key)
        await c.press("escape")
        await saved(c)  # nothing was typed
        one = await open_form(c, key)
        one.query_one("#others", TextArea).text += "\nCompression yes"
        await c.press("escape")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "Discard what you typed?" in c.drawn)
        await c.press("enter")  # the safe answer has the focus
        await c.until(lambda: c.app.screen is one)
        assert "Compression yes" in one.query_one("#others", TextArea).text
        await c.pilot.click("Button")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: c.app.screen is c.app.workspace)
    assert text(config) == before


async def test_saving_twice_in_haste_saves_once(cockpit: Start, config: Path) -> None:
    before = text(config)
    async with cockpit() as c:
        one = await open_form(c, "a")
        await c.type("cache")
        one.action_save()
        one.action_save()
        one.action_cancel()
        await saved(c)
        assert text(config).replace("Host cache\n", "") == before
        await c.until(lambda: any("cache added" in words for words in c.told))
        await c.press("u")
        await c.until(lambda: text(config) == before)


async def test_what_somebody_else_changed_in_the_block_is_kept(
    cockpit: Start, config: Path
) -> None:
    async with cockpit() as c:
        await c.press("down")
        one = await open_form(c, "e")
        one.query_one("#port", Input).value = "2200"
        theirs = text(config).replace("User deploy", "User somebody\n    Compression yes")
        overwrite(config, theirs)
        await c.press("ctrl+s")
        await c.until(lambda: "+    User somebody" in c.drawn)
        await c.press("enter")
        await c.until(lambda: one.query_one("#user", Input).value == "somebody")
        assert one.query_one("#others", TextArea).text == "Compression yes"
        assert one.query_one("#port", Input).value == "2200"
        await c.press("ctrl+s")
        await saved(c)
        expected = theirs.replace(
            "Compression yes\n    ProxyJump bastion\n",
            "Compression yes\n    ProxyJump bastion\n    Port 2200\n",
        )
        assert text(config) == expected


async def test_removal_shows_what_goes_and_asks(cockpit: Start, config: Path) -> None:
    before = text(config)
    async with cockpit() as c:
        await c.press("delete")
        await c.until(lambda: isinstance(c.app.screen, RemoveDialog))
        await c.until(lambda: "web-1, db-1 jump through bastion" in c.drawn)
        await c.press("escape", "down", "delete")
        await c.until(lambda: isinstance(c.app.screen, RemoveDialog))
        await c.until(lambda: "-    HostName 10.0.0.11" in c.drawn)
        assert "jump through" not in c.drawn
        await c.press("enter")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert text(config) == before
        await c.press("delete")
        await c.until(lambda: isinstance(c.app.screen, RemoveDialog))
        await c.press("y")
        await c.until(lambda: "web-1 removed" in " ".join(c.told))
        assert c.hosts.shown_hosts == ["bastion", "db-1", "stage-1", "stage-2"]
    block = "Host web-1\n    HostName 10.0.0.11\n    User deploy\n    ProxyJump bastion\n"
    assert text(config) == before.replace(block, "")


async def test_undo_shows_what_somebody_else_did_since(cockpit: Start, config: Path) -> None:
    async with cockpit() as c:
        await c.press("shift+down")
        await c.until(lambda: c.hosts.shown_hosts[:2] == ["web-1", "bastion"])
        theirs = text(config).replace("User deploy", "User somebody")
        overwrite(config, theirs)
        await c.press("u")
        await c.until(lambda: "+    User somebody" in c.drawn)
        await c.press("enter")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert text(config) == theirs


async def test_one_of_several_names_goes_alone(cockpit: Start, config: Path) -> None:
    file = config.parent / "staging.conf"
    async with cockpit() as c:
        c.hosts.go_to("stage-1")
        await c.press("delete")
        await c.until(lambda: isinstance(c.app.screen, RemoveDialog))
        await c.until(lambda: "also for stage-2" in c.drawn)
        await c.press("right", "enter")
        await c.until(lambda: text(file) == "Host stage-2\n    User me\n")


async def test_hosts_change_places_and_the_cursor_goes_along(cockpit: Start, config: Path) -> None:
    async with cockpit() as c:
        await c.press("shift+down", "shift+down")
        await c.until(lambda: c.hosts.shown_hosts[:3] == ["web-1", "db-1", "bastion"])
        assert c.hosts.host == "bastion"
        await c.press("shift+up")
        await c.until(lambda: c.hosts.shown_hosts[:3] == ["web-1", "bastion", "db-1"])
        names = [line[5:] for line in text(config).splitlines() if line.startswith("Host ")]
        assert names == ["web-1", "bastion", "db-1", "*"]


async def test_a_clone_begins_with_the_settings_of_the_original(
    cockpit: Start, config: Path
) -> None:
    async with cockpit() as c:
        await c.press("down")
        one = await open_form(c, "c")
        assert one.query_one("#hostname", Input).value == "10.0.0.11"
        await c.type("web-2")
        one.query_one("#hostname", Input).value = "10.0.0.12"
        await c.press("ctrl+s")
        await saved(c)
    copy = "Host web-2\n    HostName 10.0.0.12\n    User deploy\n    ProxyJump bastion\n"
    assert f"ProxyJump bastion\n{copy}Host db-1" in text(config)


@pytest.mark.parametrize("pattern", ["web-1 web-*", "web-1 !x"])
async def test_blocks_with_patterns_are_for_the_editor(
    cockpit: Start, config: Path, pattern: str
) -> None:
    overwrite(config, text(config).replace("Host web-1", f"Host {pattern}"))
    async with cockpit() as c:
        c.hosts.go_to("web-1")
        for key in ("e", "c", "delete"):
            await c.press(key)
            await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
            assert pattern in c.drawn
            await c.press("escape")
            await c.until(lambda: c.app.screen is c.app.workspace)
