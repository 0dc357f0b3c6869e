"""Text that a remote has chosen is drawn as text, wherever it is shown: no control, no markup."""

import asyncio
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from rich.segment import Segment

from sshdash.errors import UnreachableError
from sshdash.prompts import (
    ConfirmQuestion,
    NoticeQuestion,
    Question,
    SecretPrompt,
    SecretQuestion,
)
from sshdash.states import ConnectionState, SessionState
from sshdash.untrusted import clean
from tests.ui.conftest import Cockpit, Start

PAYLOADS = [
    "OWNED\x1b]0;title\x07",
    "OWNED\x1b]52;c;T1dORUQ=\x1b\\",
    "OWNED\x1b[31m\x1b[2J",
    "OWNED\x1bc\x0e\x0f",
    "OWNED\x9b31m\x9d0;t\x9c\x90q\x9c",
    "OWNED\r\n\tline\x0b\x0c\x85\u2028\u2029",
    "OWNED\x00\x08\x7f",
    "OWNED\u202egpj\u2066x\u2069\u200e\u061c",
    "OWNED\u200b\ufeff\u00ad\U000e0041",
    "[@click=app.owned]OWNED[/]",
    "[bold]OWNED[/bold][/][",
    "[link=file:///x]OWNED[/link]",
    "OWNED $error {0} %s \\",
    "OWNED" + "\u0301" * 500,
    "OWNED" * 2000,
    "OWNED\udcff\udc80\ud800",
    "OWNED\ue000\U000f0000",
    "漢" * 300 + "OWNED",
    "👩\u200d👩\u200d👧OWNED🇩🇪",
    "\n\n\nOWNED\n\n\n",
]
_NEVER = {"Cc", "Cs", "Co", "Zl", "Zp"}
_BIDIRECTIONAL = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def segments(c: Cockpit) -> Iterator[Segment]:
    for strip in c.app.screen._compositor.render_strips():
        yield from strip


def harmless(c: Cockpit) -> str:
    """Check everything that is on the screen, and return it."""
    shown = []
    for segment in segments(c):
        assert segment.control is None
        for char in segment.text:
            assert unicodedata.category(char) not in _NEVER, repr(segment.text)
            assert char not in _BIDIRECTIONAL, repr(segment.text)
        meta = segment.style.meta if segment.style else {}
        assert "app.owned" not in str(meta)
        assert not (segment.style and segment.style.link)
        shown.append(segment.text)
    return "".join(shown)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_notices_states_and_titles(cockpit: Start, payload: str) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        tab.session.title = tab.session.exit_text = payload
        c.backend.move(tab.session.id, SessionState.LOST)
        c.backend.connect("bastion", ConnectionState.FAILED, payload)
        c.backend.connect("web-1", ConnectionState.LOST, payload)
        c.app.workspace.cockpit.report(UnreachableError(payload, payload, payload, host=payload))
        c.app.workspace.cockpit.tell(payload, payload)
        c.app.workspace.cockpit.copy(payload)
        await c.until(lambda: "OWNED" in harmless(c))
        await c.press("ctrl+g", "h")
        harmless(c)
        await c.press("exclamation_mark")
        await c.until(lambda: "Messages" in harmless(c))
        assert c.app.is_running


def questions(payload: str) -> list[Question[Any]]:
    text = clean(payload)
    prompts = (SecretPrompt(text), SecretPrompt(text, echo=True))
    return [
        ConfirmQuestion(text, text, text),
        NoticeQuestion(text, text, text),
        SecretQuestion(text, text, prompts, text),
    ]


async def test_questions(cockpit: Start) -> None:
    """Their texts are cleaned where they come from; their widgets never read them as markup."""
    async with cockpit() as c:
        for question in (one for payload in PAYLOADS[::3] for one in questions(payload)):
            asking = asyncio.create_task(c.app.workspace.cockpit.ask(question))
            await c.until(lambda: len(c.app.screen_stack) > 1)
            await c.pilot.pause()
            harmless(c)
            await c.pilot.press("escape")
            assert await asking is None
            await c.until(lambda: len(c.app.screen_stack) == 1)
