"""Notes that an attempt which nobody began waits for a person to answer."""

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
        if shared is None or not shared.automatic or shared.attempt is None:
            return await self._prompter.ask(question)
        shared.ask(True)
        try:
            return await self._prompter.ask(question)
        finally:
            shared.ask(False)
