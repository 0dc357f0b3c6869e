"""Questions answered on the controlling terminal, as ssh asks them."""

import asyncio
import contextlib
import os
import termios
from typing import TypeVar

from sshdash.cli.askpass import AskpassPrompter, askpass_program, is_askpass_first
from sshdash.cli.dialogue import converse
from sshdash.cli.moving_line import LINE
from sshdash.prompts import NoticeQuestion, Prompter, Question, RefusingPrompter
from sshdash.untrusted import clean

AnswerType = TypeVar("AnswerType")
_LINE = 2_000
_TERMINAL = "/dev/tty"


def choose_prompter() -> Prompter:
    """Return who answers a command's questions: the terminal, a program of the desktop, nobody.

    SSH_ASKPASS and SSH_ASKPASS_REQUIRE decide as they do for ssh.
    """
    program = askpass_program()
    if program and is_askpass_first():
        return AskpassPrompter(program)
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return AskpassPrompter(program) if program else RefusingPrompter()
    return TtyPrompter()


class TtyPrompter:
    """Asks on ``/dev/tty``, one question at a time; without a terminal it refuses."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return what was typed, None where there is no terminal or the input ended."""
        if isinstance(question, NoticeQuestion):
            await _notify(question)
            return None
        async with self._turn:
            try:
                with LINE.aside(), _Terminal() as terminal:
                    terminal.forget_typed()
                    return await converse(terminal, question)
            except OSError:
                return None


async def _notify(question: NoticeQuestion) -> None:
    """Show a notice on the terminal, and wait to be cancelled: nothing is to be answered."""
    lines = [f"({question.host}) {question.title}", *question.detail.split("\n")]
    with contextlib.suppress(OSError), LINE.aside(), _Terminal() as terminal:
        terminal.write("".join(f"{line}\n" for line in lines if line))
    await asyncio.get_running_loop().create_future()


class _Terminal:
    """The controlling terminal, with echo as it was once it is left."""

    def __init__(self) -> None:
        self._descriptor = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
        self._saved = termios.tcgetattr(self._descriptor)

    def __enter__(self) -> "_Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._saved)
        os.close(self._descriptor)

    def forget_typed(self) -> None:
        """Drop what was typed, or pasted, before there was a question that it could answer."""
        termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def write(self, text: str) -> None:
        """Show `text`; the last gate for what a server may have had a hand in."""
        shown = "\n".join(clean(line, _LINE) for line in text.split("\n"))
        os.write(self._descriptor, shown.encode("utf-8", "replace"))

    async def read_line(self, prompt: str, echo: bool = True) -> str | None:
        """Show `prompt` and return a line without blocking the loop; None at end of input."""
        self._set_echo(echo)  # before the prompt: whoever sees it may type at once
        self.write(prompt)
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._descriptor, _resolve, arrived)
        try:
            await arrived
        finally:
            loop.remove_reader(self._descriptor)
        # The terminal is in line mode: readable means that a whole line is there.
        line = os.read(self._descriptor, 4096)
        if not echo:
            self.write("\n")
        if not line:
            return None
        return line.decode("utf-8", "surrogateescape").rstrip("\n")

    def _set_echo(self, echo: bool) -> None:
        attributes = [*self._saved]
        attributes[3] |= termios.ICANON
        attributes[3] = attributes[3] | termios.ECHO if echo else attributes[3] & ~termios.ECHO
        if attributes != termios.tcgetattr(self._descriptor):  # what was typed before goes, too
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, attributes)


def _resolve(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)
