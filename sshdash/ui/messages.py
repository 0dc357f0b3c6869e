"""What reaches the screen from outside of it, and from deep inside."""

import asyncio
from typing import Any

from textual.message import Message

from sshdash.events import Event
from sshdash.prompts import Question


class EventArrived(Message):
    """The backend told a fact."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class QuestionAsked(Message):
    """The backend waits for an answer; the bridge keeps the questions in order."""


class Asked:
    """A question and where its answer goes."""

    def __init__(self, question: Question[Any], answer: "asyncio.Future[Any]") -> None:
        self.question = question
        self.answer = answer

    def __repr__(self) -> str:
        state = "answered" if self.answer.done() else "open"
        return f"<Asked {type(self.question).__name__} [{state}]>"


class OffersChanged(Message):
    """Of the commands of the place where the person is, others make sense now."""
