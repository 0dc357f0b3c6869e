"""Notes that an attempt which nobody began waits for a person to answer, and for how it ends.

A server gives up on a login after a minute or two. Where nobody was there, it is not begun again:
it would ask all night, and have codes sent to a telephone each time.
"""

from sshdash.connections.registry import Registry
from sshdash.prompts import AnswerType, Prompter, Question


class Attendance:
    """A prompter that passes questions on and marks the host that asks."""

    def __init__(self, prompter: Prompter, registry: Registry) -> None:
        self._prompter = prompter
        self._registry = registry

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return the answer, or None where the question was dismissed."""
        route = getattr(question, "route", ())
        shared = self._registry.get(route[-1] if route else getattr(question, "host", ""))
        if shared is None or shared.attended or shared.attempt is None:
            return await self._prompter.ask(question)
        shared.ask(True)
        shared.unanswered = True
        try:
            answer = await self._prompter.ask(question)
            shared.unanswered = False
            return answer
        finally:
            shared.ask(False)
