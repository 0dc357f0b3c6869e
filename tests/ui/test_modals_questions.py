"""Questions of the backend: who asks gets the answer, and nothing is ever a silent yes."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events
from textual.widgets import Button, Input

from sshdash.prompts import (
    ChangedKeyQuestion,
    ConfirmQuestion,
    HostKeyAnswer,
    HostKeyQuestion,
    KeyFacts,
    Question,
    SecretPrompt,
    SecretQuestion,
)
from sshdash.ui import questions
from sshdash.ui.screens.changed_key import ChangedKeyDialog
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.dialog import Dialog
from sshdash.ui.screens.host_key import HostKeyDialog
from sshdash.ui.screens.secret import SecretDialog
from tests.ui.conftest import Cockpit, Start

ART = """\
+--[ED25519 256]--+
|    ...          |
|   ...o .        |
|  . .+ . .       |
|   .o.o   E      |
|  o.o.. S. .     |
| o.o.o.=. . .    |
|. .oo.*+o. o     |
|  =o*=o+o.. .    |
| o.BX@*o.        |
+----[SHA256]-----+"""
KEY = HostKeyQuestion(
    host="db-1",
    address="10.0.0.50:22",
    route=("bastion", "db-1"),
    key_type="ED25519",
    bits=256,
    fingerprint="SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDqEtdFVqA5Q5yXp2c",
    known_file="/home/me/.ssh/known_hosts",
    randomart=ART,
)
OLD = "SHA256:ZZiVztksCsDhcc0u9e8BgrJXVGDqEtdFVqA5Q5yXp2c"
CHANGED = ChangedKeyQuestion(
    host="[db-1.example]:2222",
    address="10.0.0.50:2222",
    route=("bastion", "db-1"),
    shown=KeyFacts("ED25519", 256, KEY.fingerprint, ART),
    known=KeyFacts("RSA", 3072, OLD, ART.replace("o", "=")),
    where="/home/me/.ssh/known_hosts:17",
    checks=(
        "ssh-keygen -lvf /etc/ssh/ssh_host_ed25519_key.pub",
        "ssh-keyscan -p 2222 db-1.example | ssh-keygen -lvf -",
    ),
    remedy="ssh-keygen -R '[db-1.example]:2222' -f '/home/me/.ssh/known_hosts'",
)
PASSWORD = SecretQuestion("db-1", "Password", (SecretPrompt("Password: "),))
CODES = SecretQuestion(
    "db-1",
    "keyboard-interactive",
    (SecretPrompt("Password: "), SecretPrompt("Code: ", echo=True)),
    instructions="Welcome\n[@click=app.exit]not a link[/]",
    attempt=2,
)
SURE = ConfirmQuestion("Delete?", "3 files", action="Delete", danger=True)


def ask(c: Cockpit, question: Question[Any]) -> "asyncio.Task[Any]":
    return asyncio.create_task(c.app.bridge.ask(question))


async def test_enter_alone_refuses_a_host_key(cockpit: Start) -> None:
    async with cockpit() as c:
        answer = ask(c, KEY)
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
        await c.press("enter")
        assert await answer is None


async def test_a_question_that_comes_by_itself_takes_no_key_meant_for_a_shell(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "PAUSE", 3600)
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("l")
        answer = ask(c, PASSWORD)
        await c.press("s", "enter")
        await c.until(lambda: tab.view.keys == ["l", "s", "enter"])
        assert c.app.screen is c.app.workspace
        monkeypatch.setattr(questions, "PAUSE", 0)
        c.app._questions.ask_next()
        await c.until(lambda: isinstance(c.app.screen, SecretDialog))
        c.app._questions._unread_until = 0.0  # it was read
        await c.press("escape")
        assert await answer is None


@pytest.mark.parametrize("question", [KEY, PASSWORD, replace(SURE, unbidden=True)])
async def test_what_is_typed_on_as_a_question_comes_reaches_the_shell_and_answers_nothing(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch, question: Question[Any]
) -> None:
    monkeypatch.setattr(questions, "UNREAD", 3600)
    async with cockpit() as c:
        tab = await c.shell("bastion")
        answer = ask(c, question)
        await c.until(lambda: isinstance(c.app.screen, Dialog))
        await c.press("y", "e", "s")
        c.app.post_message(events.Paste("pasted"))
        await c.press("enter", "escape")
        typed = ["y", "e", "s", "pasted", "enter", "escape"]
        await c.until(lambda: tab.view.keys == typed)
        assert isinstance(c.app.screen, Dialog)
        assert not answer.done()
        c.app._questions._unread_until = 0.0  # it was read
        await c.press("escape")
        assert await answer is None
        assert tab.view.keys == typed


async def test_a_command_typed_as_a_question_comes_is_run_and_the_question_comes_again(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "UNREAD", 3600)
    async with cockpit() as c:
        tab = await c.shell("bastion")
        other = await c.shell("web-1")
        answer = ask(c, replace(SURE, unbidden=True))
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("ctrl+g", "1", "y")
        await c.until(lambda: tab.view.keys == ["y"])
        assert not answer.done()
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        c.app._questions._unread_until = 0.0
        await c.press("y")
        assert await answer is True
        assert tab.view.keys == ["y"]
        assert other.view.keys == []


async def test_what_is_typed_on_in_a_field_goes_there_and_the_question_comes_again(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "UNREAD", 3600)
    async with cockpit() as c:
        await c.press("o", "m", "e")
        await c.until(lambda: isinstance(c.app.focused, Input) and c.app.focused.value == "me")
        field = c.app.focused
        answer = ask(c, PASSWORD)
        await c.until(lambda: isinstance(c.app.screen, SecretDialog))
        await c.press("@", "h")
        await c.until(lambda: field.value == "me@h")
        await c.until(lambda: isinstance(c.app.screen, SecretDialog))
        c.app._questions._unread_until = 0.0  # it was read
        await c.press("x", "enter")
        assert await answer == ("x",)
        assert field.value == "me@h"


async def test_the_question_of_a_command_is_answered_at_once(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "PAUSE", 3600)
    monkeypatch.setattr(questions, "UNREAD", 3600)
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("l")
        answer = ask(c, SURE)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        assert await answer is True
        assert tab.view.keys == ["l"]


@pytest.mark.parametrize("keys", [["pagedown"] * 3, ["down"] * 30])
async def test_the_keyboard_reaches_the_end_of_a_tall_question(
    cockpit: Start, keys: list[str]
) -> None:
    async with cockpit(size=(80, 24)) as c:
        ask(c, ConfirmQuestion("Delete?", "\n".join(f"file {n}." for n in range(40)), "Delete"))
        await c.until(lambda: "file 0." in c.drawn)
        assert "file 39." not in c.drawn
        for key in keys:  # of those that come in one frame it scrolls for one
            await c.press(key)
        await c.until(lambda: "file 39." in c.drawn)
        await c.press("pageup", "pageup", "pageup")
        await c.until(lambda: "file 0." in c.drawn)
        assert isinstance(c.app.screen, ConfirmDialog)


async def test_a_host_key_is_shown_with_all_that_is_needed_to_judge_it(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        answer = ask(c, KEY)
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
        shown = (KEY.fingerprint, KEY.address, "you → bastion → db-1", KEY.known_file)
        for words in ("Unknown host key of db-1", *shown, *ART.splitlines(), "Trust and save"):
            await c.until(lambda words=words: words in c.drawn)
        await c.press("escape")
        assert await answer is None


@pytest.mark.parametrize(("columns", "lines"), [(80, 1), (50, 2)])
async def test_every_button_is_in_sight_on_a_narrow_screen(
    cockpit: Start, columns: int, lines: int
) -> None:
    async with cockpit(size=(columns, 12)) as c:
        answer = ask(c, KEY)
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
        await c.until(lambda: "Cancel" in c.drawn)
        buttons = list(c.app.screen.query(Button))
        await c.until(lambda: len({button.region.y for button in buttons}) == lines)
        for button in buttons:
            assert button.region.right < columns
            assert button.size.width >= len(str(button.label))
            assert str(button.label) in c.drawn
        await c.press("escape")
        assert await answer is None


async def test_a_host_key_is_trusted_once_or_saved(cockpit: Start) -> None:
    async with cockpit() as c:
        for presses, expected in (
            (("tab",), HostKeyAnswer.ONCE),
            (("right", "right"), HostKeyAnswer.ACCEPT),
        ):
            answer = ask(c, KEY)
            await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
            await c.press(*presses, "enter")
            assert await answer is expected


async def test_a_key_that_can_be_saved_nowhere_offers_no_saving(cockpit: Start) -> None:
    async with cockpit() as c:
        question = HostKeyQuestion("x", "", ("x",), "RSA", 3072, "SHA256:abc", known_file="")
        answer = ask(c, question)
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
        names = [button.name for button in c.app.screen.query(Button)]
        assert names == ["cancel", "once"]
        await c.press("escape")
        assert await answer is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_changed_key_is_shown_with_the_old_one_and_what_to_do(
    cockpit: Start, size: tuple[int, int]
) -> None:
    async with cockpit(size=size) as c:
        answer = ask(c, CHANGED)
        await c.until(lambda: isinstance(c.app.screen, ChangedKeyDialog))
        facts = (KEY.fingerprint, OLD, CHANGED.where, "you → bastion → db-1", CHANGED.host)
        for words in (*facts, *CHANGED.checks, CHANGED.remedy, "Close"):
            await c.until(lambda words=words: words in c.drawn)
        assert (ART.splitlines()[5] in c.drawn) is (size[1] > 30)
        await c.press("escape")
        assert await answer is None


async def test_no_key_and_no_button_accepts_a_changed_key(cockpit: Start) -> None:
    async with cockpit() as c:
        for presses in (("enter",), ("y", "escape"), ("tab", "enter", "escape")):
            answer = ask(c, CHANGED)
            await c.until(lambda: isinstance(c.app.screen, ChangedKeyDialog))
            await c.press(*presses)
            assert await answer is None
        assert c.app.clipboard == CHANGED.remedy


async def test_secrets_are_typed_unseen_unless_they_may_be_seen(cockpit: Start) -> None:
    async with cockpit() as c:
        answer = ask(c, CODES)
        await c.until(lambda: isinstance(c.app.focused, Input))
        await c.type("hunter2")
        await c.press("enter")
        await c.type("123456")
        drawn = c.drawn
        assert "hunter2" not in drawn
        assert "123456" in drawn
        assert "[@click=app.exit]not a link[/]" in drawn
        assert "Attempt 2" in drawn
        await c.press("enter")
        assert await answer == ("hunter2", "123456")


async def test_a_dismissed_secret_is_no_secret(cockpit: Start) -> None:
    async with cockpit() as c:
        answer = ask(c, PASSWORD)
        await c.until(lambda: isinstance(c.app.screen, SecretDialog))
        await c.type("abc")
        await c.press("escape")
        assert await answer is None


async def test_questions_come_one_after_the_other(cockpit: Start) -> None:
    async with cockpit() as c:
        first, second, third = ask(c, KEY), ask(c, PASSWORD), ask(c, SURE)
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
        assert len(c.app.screen_stack) == 2
        await c.press("escape")
        await c.until(lambda: isinstance(c.app.focused, Input))
        await c.type("pw")
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("tab", "enter")
        assert await first is None
        assert await second == ("pw",)
        assert await third is True


async def test_a_withdrawn_question_leaves_the_screen(cockpit: Start) -> None:
    async with cockpit() as c:
        first, second = ask(c, KEY), ask(c, SURE)
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
        first.cancel()
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        second.cancel()
        await c.until(lambda: c.app.screen is c.app.workspace)


async def test_a_question_withdrawn_beneath_another_screen_goes_when_it_comes_up(
    cockpit: Start,
) -> None:
    async with cockpit() as c:
        asked = ask(c, PASSWORD)
        await c.until(lambda: isinstance(c.app.screen, SecretDialog))
        c.app.action_command("view.help")
        await c.until(lambda: not isinstance(c.app.screen, SecretDialog))
        asked.cancel()
        await c.pilot.pause()
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.app.workspace)


async def test_leaving_answers_nobody_with_yes(cockpit: Start) -> None:
    async with cockpit() as c:
        answers = [ask(c, KEY), ask(c, SURE)]
        await c.until(lambda: isinstance(c.app.screen, HostKeyDialog))
    assert await asyncio.gather(*answers) == [None, None]
    assert await c.app.bridge.ask(SURE) is None


async def test_no_is_what_enter_means(cockpit: Start) -> None:
    async with cockpit() as c:
        answer = ask(c, SURE)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("enter")
        assert not await answer
