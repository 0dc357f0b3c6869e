"""Keys that are typed faster than the screen follows."""

from textual import events

from tests.ui.conftest import Cockpit, Start


def type_at_once(c: Cockpit, *keys: str) -> None:
    """Hand keys to the app as a terminal does that got them in one packet."""
    for key in keys:
        c.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_keys_behind_a_chord_never_reach_the_terminal(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g")
        type_at_once(c, "h", "down", "n")
        await c.until(lambda: c.backend.opened == ["bastion", "web-1"])
        assert tab.view.keys == []


async def test_two_keys_for_one_chord_do_not_end_the_program(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        await c.press("ctrl+g")
        type_at_once(c, "escape", "escape", "escape")
        await c.until(lambda: c.app.screen is c.app.workspace)


async def test_the_terminal_gets_what_follows_a_chord_that_is_none(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g")
        type_at_once(c, "escape", "a", "b")
        await c.until(lambda: tab.view.keys == ["a", "b"])
