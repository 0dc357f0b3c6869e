"""Questions asked through the program that SSH_ASKPASS names, as ssh does without a terminal."""

import asyncio
import contextlib
import os
import shutil
from typing import TypeVar

from sshdash import processes
from sshdash.cli.dialogue import converse
from sshdash.prompts import ConfirmQuestion, NoticeQuestion, Question, SecretQuestion
from sshdash.untrusted import clean

AnswerType = TypeVar("AnswerType")

_DEFAULT = "ssh-askpass"
_LINE = 2_000
_MAX_ANSWER = 4096
"""Bytes that a program may print."""
_HINT = "SSH_ASKPASS_PROMPT"
"""Tells the program that it is to confirm something, or only to show it."""


def askpass_program() -> str:
    """Return the program, "" where it may not be used: without a display, or by choice."""
    choice = os.environ.get("SSH_ASKPASS_REQUIRE", "").lower()
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if choice == "never" or not (has_display or choice == "force"):
        return ""
    return os.environ.get("SSH_ASKPASS") or shutil.which(_DEFAULT) or ""


def is_askpass_first() -> bool:
    """Return whether the program is to be used even where there is a terminal."""
    return os.environ.get("SSH_ASKPASS_REQUIRE", "").lower() in ("force", "prefer")


class AskpassPrompter:
    """Runs the program once per line to type, one question at a time."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._turn = asyncio.Lock()

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return what the program printed, None where it was dismissed or cannot be run."""
        if isinstance(question, NoticeQuestion):
            await self._notify(question)
            return None
        async with self._turn:
            if isinstance(question, ConfirmQuestion):
                return await self._confirm(question)  # type: ignore[return-value]
            if isinstance(question, SecretQuestion) and _has_words(question):
                line = await run_program(self.program, question.prompts[0].words)
                return None if line is None else (line,)  # type: ignore[return-value]
            return await converse(_Window(self.program), question)

    async def _confirm(self, question: ConfirmQuestion) -> bool:
        text = f"{question.title}\n{question.detail}\n{question.action}?"
        answer = await run_program(self.program, text, "confirm")
        return answer is not None and answer.strip().lower() in ("", "yes")

    async def _notify(self, question: NoticeQuestion) -> None:
        """Show a notice until this is cancelled."""
        with contextlib.suppress(OSError):
            await run_program(self.program, f"{question.title}\n{question.detail}", "none")
        await asyncio.get_running_loop().create_future()


def _has_words(question: SecretQuestion) -> bool:
    """Return whether ssh asks the same: a program may look its words up in a wallet."""
    return len(question.prompts) == 1 and bool(question.prompts[0].words) and not question.news


class _Window:
    """The program as something to converse with: what is told comes with the next prompt."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._told = ""

    def write(self, text: str) -> None:
        """Keep `text` for the next prompt."""
        self._told += text

    async def read_line(self, prompt: str, echo: bool = True) -> str | None:
        """Return what is typed into the program's window, None where it is dismissed."""
        told, self._told = self._told, ""
        return await run_program(self._program, told + prompt)


async def run_program(program: str, prompt: str, hint: str = "") -> str | None:
    """Return the line that the program prints, None where it fails; it ends with this."""
    shown = "\n".join(clean(line, _LINE) for line in prompt.split("\n"))
    if shown.startswith("-"):  # a server's, and it must be no option of the program's
        shown = f" {shown}"
    environment = {name: value for name, value in os.environ.items() if name != _HINT}
    if hint:
        environment[_HINT] = hint
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            shown,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
    except OSError:
        return None
    assert process.stdout
    try:
        answer = await _answer(process.stdout)
        if answer is None:
            return None
        status = await process.wait()
    finally:
        await processes.end(process)
    if status != 0:
        return None
    return answer.decode("utf-8", "surrogateescape").split("\n")[0].rstrip("\r")


async def _answer(printed: asyncio.StreamReader) -> bytes | None:
    """Return all that a program prints, in however many pieces; None where that is no answer."""
    answer = b""
    while part := await printed.read(_MAX_ANSWER):
        answer += part
        if len(answer) > _MAX_ANSWER:
            return None
    return answer
