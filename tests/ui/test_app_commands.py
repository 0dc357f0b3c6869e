"""The table of commands, and what derives from it: footer, palette, help, prefix, keymap."""

import pytest
from textual.widgets import Input, Static

from sshdash.ui.command import Place
from sshdash.ui.commands import COMMANDS, commands_of, footer_of
from sshdash.ui.keymap import Keymap, key_text
from sshdash.ui.palette import help_sections, prefix_keys
from sshdash.ui.screens.help import HelpScreen
from sshdash.ui.screens.log import LogScreen
from sshdash.ui.screens.picker import ChoiceList, Picker
from sshdash.ui.screens.prefix import PrefixScreen
from sshdash.ui.widgets.status_bar import StatusBar
from tests.ui.conftest import Cockpit, Start


def titles(c: Cockpit) -> list[str]:
    return c.app.screen.query_one(ChoiceList).titles


# The table


@pytest.mark.parametrize("place", list(Place))
def test_no_key_means_two_things_in_one_place(place: Place) -> None:
    keys = [key for command in commands_of(place) for key in command.keys]
    assert len(keys) == len(set(keys))


def test_no_prefix_key_means_two_things() -> None:
    keys = [key for command in COMMANDS.values() for key in command.prefix]
    assert len(keys) == len(set(keys))


def test_every_command_can_be_reached() -> None:
    unreachable = [
        one.id for one in COMMANDS.values() if not (one.keys or one.prefix or one.palette)
    ]
    assert unreachable == []


@pytest.mark.parametrize("place", [Place.HOSTS, Place.FILES, Place.TUNNELS])
def test_the_footer_of_a_place_shows_a_handful_of_keys(place: Place) -> None:
    assert 4 <= len(footer_of(place)) <= 7


def test_keys_of_textual_that_belong_to_the_remote_are_not_bound() -> None:
    assert not {"ctrl+p", "ctrl+q"} & {key for one in COMMANDS.values() for key in one.keys}


# Keys a person chose


def test_the_settings_change_keys_and_prefix_keys() -> None:
    keymap = Keymap({"host.copy": "c,Y", "tab.close": "prefix w", "view.help": "?"}, "ctrl+g")
    assert keymap.problems == []
    assert keymap.keys(COMMANDS["host.copy"]) == ("c", "Y")
    assert keymap.after_prefix("w") is COMMANDS["tab.close"]
    assert keymap.after_prefix("X") is None
    assert keymap.prefix_text(COMMANDS["layout.open"]) == ""
    assert keymap.overrides["view.help"] == "question_mark"


def test_settings_that_name_nothing_are_problems() -> None:
    keymap = Keymap({"no.such": "x", "tab.close": "", "tab.next": "prefix"}, "ctrl+g")
    assert len(keymap.problems) == 3


def test_keys_are_written_as_people_write_them() -> None:
    assert [key_text(key) for key in ("question_mark", "ctrl+g", "f5", "space", "R")] == [
        "?",
        "ctrl+g",
        "F5",
        "Space",
        "R",
    ]


def test_no_key_is_shown_by_the_name_that_only_programs_know() -> None:
    keys = {key for one in COMMANDS.values() for key in (*one.keys, *one.prefix)}
    assert not [shown for shown in map(key_text, keys) if "_" in shown]


def test_help_and_prefix_menu_name_every_chord() -> None:
    keymap = Keymap({}, "ctrl+g")
    listed = {title for _, title in prefix_keys(keymap)}
    chords = {one.title for one in COMMANDS.values() if one.prefix}
    assert listed == chords
    sections = help_sections(keymap, Place.TERMINAL)
    after = [one.rows for one in sections if one.title.startswith("After ctrl+g")]
    helped = {words for rows in after for _, words in rows}
    assert helped == {one.help for one in COMMANDS.values() if one.prefix}


async def test_a_chosen_key_works_and_is_shown(cockpit: Start) -> None:
    async with cockpit(keymap={"host.shell": "S"}, prefix="ctrl+a") as c:
        await c.press("S")
        await c.until(lambda: c.backend.opened == ["bastion"])
        await c.press("ctrl+a", "h")
        await c.until(lambda: c.app.focused is c.hosts)
        await c.press("n")
        assert c.backend.opened == ["bastion"]


# What derives from it


async def test_the_footer_shows_the_keys_of_the_place(cockpit: Start) -> None:
    async with cockpit() as c:
        bar = c.app.workspace.query_one(StatusBar)
        assert [hint.title for hint in bar.hints][:3] == ["Shell", "Files", "Tunnels"]
        await c.shell("bastion")
        await c.until(lambda: all(hint.key.startswith("ctrl+g ") for hint in bar.hints))


async def test_a_key_of_the_footer_can_be_clicked(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.pilot.click(StatusBar, offset=(2, 0))
        await c.until(lambda: c.backend.opened == ["bastion"])


async def test_the_palette_lists_what_runs_here_first(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("colon")
        assert isinstance(c.app.screen, Picker)
        assert titles(c)[0] == "Hosts: Shell"
        await c.type("theme")
        await c.press("enter")
        await c.until(lambda: c.app.theme == "sshdash-light")


async def test_a_list_in_which_nothing_matches_says_so(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        await c.press("colon")
        await c.type("qqqq")
        await c.until(lambda: "nothing matches" in c.drawn)
        assert "what is typed" not in c.drawn
        await c.press("enter")
        assert isinstance(c.app.screen, Picker)
        await c.press("escape", "ctrl+g", "space")
        await c.type("qqqq")
        await c.until(lambda: "nothing matches · Enter takes what is typed" in c.drawn)
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["qqqq"])


async def test_the_palette_tells_why_a_command_cannot_run(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("colon")
        await c.type("zoom")
        await c.press("enter")
        await c.until(lambda: c.told[-1] == "Zoom: No tab is open")


async def test_the_prefix_menu_goes_away_with_any_key(cockpit: Start) -> None:
    async with cockpit() as c:
        for key in ("escape", "w"):
            await c.press("ctrl+g")
            assert isinstance(c.app.screen, PrefixScreen)
            await c.press(key)
            assert c.app.screen is c.app.workspace


async def test_the_switcher_puts_recent_hosts_first(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("stage-1")
        db = await c.shell("db-1")
        await c.shell("stage-1")
        await c.press("ctrl+g", "space")
        assert titles(c)[:2] == ["stage-1", "db-1"]
        await c.type("db")
        await c.press("enter")
        await c.until(lambda: c.current is db)


async def test_the_switcher_takes_an_address(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+g", "space")
        c.app.screen.query_one(Input).value = "me@192.0.2.7:2222"
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["me@192.0.2.7:2222"])


async def test_an_address_that_is_none_is_told_where_it_was_typed(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("o")
        field = c.app.screen.query_one(Input)
        field.value = "-oProxyCommand=evil"
        await c.press("enter")
        assert c.app.screen is not c.app.workspace
        field.value = "me@192.0.2.7"
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["me@192.0.2.7"])


async def test_help_is_of_this_place(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("question_mark")
        assert isinstance(c.app.screen, HelpScreen)
        assert c.app.screen.place == "Hosts"
        await c.press("escape")
        await c.shell("bastion")
        await c.press("ctrl+g", "question_mark")
        await c.until(lambda: isinstance(c.app.screen, HelpScreen))
        assert c.app.screen.place == "Terminal"


async def test_words_of_the_help_go_on_below_their_own(cockpit: Start) -> None:
    async with cockpit(size=(60, 24)) as c:
        await c.shell("bastion")
        await c.press("ctrl+g", "question_mark")
        await c.until(lambda: isinstance(c.app.screen, HelpScreen))
        body = c.app.screen.query_one("#help-body")
        await c.until(lambda: "Copy mode" in str(body.query_one(Static).render()))
        lines = str(body.query_one(Static).render()).split("\n")
        rows = [line for line in lines if line.startswith(" ")]
        assert max(map(len, rows)) <= body.size.width
        indents = {len(row) - len(row.lstrip()) for row in rows}
        assert len(indents) == 2, "keys, and what goes on"


async def test_messages_are_kept_and_counted_until_read(cockpit: Start) -> None:
    async with cockpit() as c:
        c.app.workspace.cockpit.tell("Odd", "something odd", severity="warning")
        assert c.app.workspace.cockpit.notices.unread == 1
        await c.press("exclamation_mark")
        assert isinstance(c.app.screen, LogScreen)
        await c.until(lambda: "something odd" in c.drawn)
        assert c.app.workspace.cockpit.notices.unread == 0
