"""Between the backend and the screen: facts and questions go up, answers come down.

The backend runs in tasks of its own, where touching the screen would fail, so everything is
posted as a message.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from textual.message import Message

from sshdash.events import Event
from sshdash.prompts import AnswerType, Question
from sshdash.ui.messages import Asked, EventArrived, QuestionAsked


class Bridge:
    """The backend's Prompter and its listener for events."""

    def __init__(self, post: Callable[[Message], bool]) -> None:
        self._post = post
        self._waiting: deque[Asked] = deque()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Bridge [{len(self._waiting)} waiting]>"

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Put the question on the screen and return the answer, None where it was dismissed."""
        if self._closed:
            return None
        asked = Asked(question, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self._post(QuestionAsked())
        try:
            return cast("AnswerType | None", await asked.answer)
        finally:
            if asked in self._waiting:
                self._waiting.remove(asked)

    def tell(self, event: Event) -> None:
        """Pass a fact on to the screen."""
        if not self._closed:
            self._post(EventArrived(event))

    def next_question(self) -> Asked | None:
        """Return the longest waiting question that still wants an answer."""
        while self._waiting and self._waiting[0].answer.done():
            self._waiting.popleft()
        return self._waiting[0] if self._waiting else None

    def close(self) -> None:
        """Dismiss every question: there is no screen any more."""
        self._closed = True
        while self._waiting:
            asked = self._waiting.popleft()
            if not asked.answer.done():
                asked.answer.set_result(None)
