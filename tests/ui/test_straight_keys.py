"""Keys that go to a terminal at once, and those that have to wait for what came before them."""

import asyncio
import random

import pytest
from textual import events

from sshdash.terminal.echoes import ECHOES
from sshdash.ui.screens.prefix import PrefixScreen
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.patience import PATIENCE
from tests.ui.conftest import Cockpit, Start
from tests.ui.terminal_stage import Stage, on_stage


def key(name: str) -> events.Key:
    return events.Key(name, name if len(name) == 1 else None)


def drive(c: Cockpit, *names: str) -> None:
    """Hand keys to the app as the driver does that read them at once."""
    driver = c.app._driver
    assert driver is not None
    for name in names:
        driver.send_message(key(name))


async def gets(stage: Stage, data: bytes) -> None:
    """Wait until the remote has got so much, and see that it is this."""
    async with asyncio.timeout(PATIENCE):
        while len(stage.session.written) < len(data):
            await stage.pilot.pause()
    assert stage.session.written == data


async def test_a_key_is_sent_before_anything_else_has_its_turn() -> None:
    async with on_stage() as stage:
        stage.app.take_input(key("a"))
        stage.app.take_input(key("enter"))
        assert stage.session.written == b"a\r"


async def test_a_key_never_overtakes_one_that_waits_for_the_app() -> None:
    async with on_stage() as stage:
        stage.app.post_message(key("a"))
        stage.app.take_input(key("b"))
        await gets(stage, b"ab")


async def test_a_key_never_overtakes_what_waits_for_the_terminal() -> None:
    async with on_stage() as stage:
        stage.view.post_message(key("a"))
        stage.app.take_input(key("b"))
        stage.app.take_input(key("c"))
        await gets(stage, b"abc")


async def test_a_key_never_overtakes_a_paste() -> None:
    async with on_stage() as stage:
        stage.app.take_input(key("a"))
        stage.app.take_input(events.Paste("pasted"))
        stage.app.take_input(key("b"))
        await gets(stage, b"apastedb")


async def test_a_key_waits_for_what_the_app_is_in_the_middle_of() -> None:
    async with on_stage() as stage:
        begun, gate = asyncio.Event(), asyncio.Event()

        async def long() -> None:
            begun.set()
            await gate.wait()

        stage.app.call_later(long)
        await begun.wait()
        stage.app.take_input(key("a"))
        assert stage.session.written == b""
        gate.set()
        stage.app.take_input(key("b"))
        await gets(stage, b"ab")


async def test_the_order_is_kept_whichever_way_each_key_goes() -> None:
    choice = random.Random(7)
    typed = "".join(choice.choice("abcdefghij") for _ in range(400))
    async with on_stage() as stage:
        for char in typed:
            choice.choice((stage.app.take_input, stage.app.post_message))(key(char))
            if choice.random() < 0.3:
                await asyncio.sleep(0)
            if choice.random() < 0.1:
                await stage.pilot.pause()
        await gets(stage, typed.encode())


async def test_a_key_for_another_widget_is_not_sent() -> None:
    async with on_stage() as stage:
        stage.app.query_one("Input").focus()
        stage.app.take_input(key("a"))
        await stage.pilot.pause()
        stage.app.take_input(key("b"))
        await stage.pilot.pause()
        assert stage.session.written == b""


async def test_the_first_key_after_the_window_lost_the_focus_is_sent_too() -> None:
    async with on_stage() as stage:
        stage.app.app_focus = False
        await stage.pilot.pause()
        stage.app.take_input(key("a"))
        await gets(stage, b"a")
        assert stage.app.app_focus


async def test_a_view_that_fails_ends_the_app_as_any_other_handler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handled: list[Exception] = []
    async with on_stage() as stage:
        monkeypatch.setattr(stage.app, "_handle_exception", handled.append)
        monkeypatch.setattr(stage.view, "on_key", lambda _: 1 / 0)
        stage.app.take_input(key("a"))
        assert [type(error) for error in handled] == [ZeroDivisionError]


async def test_drawing_ends_the_wait_for_an_echo() -> None:
    async with on_stage() as stage:
        ECHOES.expect(stage.session.emulator)
        await stage.shows(b"a")
        assert ECHOES._terminal is None


async def test_a_terminal_of_the_cockpit_gets_its_keys_at_once(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.until(lambda: not c.app._ahead.busy)
        await c.pilot.pause()
        c.app.take_input(key("a"))
        assert tab.view.keys == ["a"]


async def test_keys_behind_the_prefix_are_a_chord_from_the_driver_too(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        drive(c, "a", "ctrl+g", "h", "down", "n")
        await c.until(lambda: c.backend.opened == ["bastion", "web-1"])
        assert tab.view.keys == ["a"]


async def test_what_follows_a_chord_that_is_none_is_sent_in_order(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        drive(c, "a", "ctrl+g", "escape", "b", "c")
        await c.until(lambda: tab.view.keys == ["a", "b", "c"])
        drive(c, "d")
        await c.until(lambda: tab.view.keys == ["a", "b", "c", "d"])


async def test_a_screen_above_the_terminal_gets_its_keys(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        drive(c, "ctrl+g")
        await c.until(lambda: isinstance(c.app.screen, PrefixScreen) and not c.app._ahead.busy)
        c.app.take_input(key("question_mark"))
        await c.until(lambda: c.app.screen is not c.app.workspace and not c.app._ahead.busy)
        c.app.take_input(key("z"))
        await c.pilot.pause()
        assert tab.view.keys == []


async def test_a_search_bar_gets_its_keys() -> None:
    async with on_stage() as stage:
        view = stage.app.query_one(TerminalView)
        view.open_bar(upwards=True)
        await stage.pilot.pause()
        for name in "abc":
            stage.app.take_input(key(name))
        await stage.pilot.pause()
        assert stage.session.written == b""
