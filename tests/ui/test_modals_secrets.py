"""The dialog for secrets where the system's keyring could keep them, and the notice to wait."""

import asyncio

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from sshdash.prompts import NoticeQuestion, SecretAnswer, SecretPrompt, SecretQuestion
from sshdash.ui.screens.notice import NoticeDialog
from tests.ui.conftest import Cockpit, Start

PASSWORD = SecretQuestion(
    "db-1", "Password for me@db-1", (SecretPrompt("me@db-1's password: "),), can_save=True
)
TOUCH = NoticeQuestion("Touch your key: token", "ED25519-SK token (agent) SHA256:abc", "db-1")


def ask(c: Cockpit, question: SecretQuestion) -> "asyncio.Task[SecretAnswer | None]":
    return asyncio.create_task(c.app.bridge.ask(question))  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", ["sshdash-dark", "sshdash-light"])
async def test_a_secret_is_saved_only_where_the_box_is_ticked(cockpit: Start, theme: str) -> None:
    for keys, save in (((), False), (("tab", "space", "shift+tab"), True)):
        async with cockpit(size=(80, 24)) as c:
            c.app.theme = theme
            answer = ask(c, PASSWORD)
            await c.until(lambda: isinstance(c.app.focused, Input))
            await c.until(lambda: "Save in the system keyring" in c.drawn)
            await c.press(*keys)
            await c.type("hunter2")
            assert "hunter2" not in c.drawn
            await c.press("enter")
            given: object = await answer
            assert given == ("hunter2",)
            assert isinstance(given, SecretAnswer)
            assert given.save is save
            assert "hunter2" not in repr(given)


async def test_nothing_offers_to_save_where_nothing_can(cockpit: Start) -> None:
    async with cockpit() as c:
        answer = ask(c, replace(PASSWORD, can_save=False))
        await c.until(lambda: isinstance(c.app.focused, Input))
        assert "keyring" not in c.drawn
        await c.press("escape")
        assert await answer is None


async def test_every_prompt_and_button_is_in_sight_on_a_small_screen(cockpit: Start) -> None:
    many = replace(
        PASSWORD,
        prompts=tuple(SecretPrompt(f"Prompt {number}: ") for number in range(12)),
        instructions="\n".join(f"Line {number}" for number in range(40)),
        attempt=2,
    )
    async with cockpit(size=(80, 24)) as c:
        answer = ask(c, many)
        await c.until(lambda: isinstance(c.app.focused, Input))
        for number in range(12):
            await c.until(lambda number=number: f"Prompt {number}:" in c.drawn)
            await c.until(lambda: "Send" in c.drawn)
            await c.type("x")
            await c.press("enter")
        assert await answer == ("x",) * 12


async def test_a_notice_goes_by_itself_and_can_be_hidden_or_given_up(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        for keys, expected in ((("escape",), None), (("tab", "enter"), True), (("enter",), None)):
            answer = asyncio.create_task(c.app.bridge.ask(TOUCH))
            await c.until(lambda: isinstance(c.app.screen, NoticeDialog))
            await c.until(lambda: "Touch your key: token" in c.drawn)
            await c.until(lambda: "SHA256:abc" in c.drawn)
            await c.press(*keys)
            assert await answer is expected
        waiting = asyncio.create_task(c.app.bridge.ask(TOUCH))
        await c.until(lambda: isinstance(c.app.screen, NoticeDialog))
        waiting.cancel()
        await c.until(lambda: c.app.screen is c.app.workspace)
