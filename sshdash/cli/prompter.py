"""Questions answered on the controlling terminal, as ssh asks them."""

import asyncio
import contextlib
import os
import sys
import termios
from typing import TypeVar

from sshdash.prompts import (
    ConfirmQuestion,
    ConflictAnswer,
    ConflictChoice,
    ConflictQuestion,
    HostKeyAnswer,
    HostKeyQuestion,
    NoticeQuestion,
    Prompter,
    Question,
    RefusingPrompter,
    SecretQuestion,
)
from sshdash.untrusted import clean

AnswerType = TypeVar("AnswerType")
_LINE = 2_000


def choose_prompter() -> Prompter:
    """Return who answers a command's questions: the terminal where there is one, else nobody."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return RefusingPrompter()
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
                with _Terminal() as terminal:
                    return await _ask(terminal, question)  # type: ignore[arg-type, return-value]
            except OSError:
                return None


async def _notify(question: NoticeQuestion) -> None:
    """Show a notice on the terminal, and wait to be cancelled: nothing is to be answered."""
    lines = [f"({question.host}) {question.title}", *question.detail.split("\n")]
    with contextlib.suppress(OSError), _Terminal() as terminal:
        terminal.write("".join(f"{line}\n" for line in lines if line))
    await asyncio.get_running_loop().create_future()


class _Terminal:
    """The controlling terminal, with echo as it was once it is left."""

    def __init__(self) -> None:
        self._descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        self._saved = termios.tcgetattr(self._descriptor)

    def __enter__(self) -> "_Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._saved)
        os.close(self._descriptor)

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


async def _ask(terminal: _Terminal, question: Question[object]) -> object:
    if isinstance(question, HostKeyQuestion):
        return await _ask_host_key(terminal, question)
    if isinstance(question, SecretQuestion):
        return await _ask_secret(terminal, question)
    if isinstance(question, ConflictQuestion):
        return await _ask_conflict(terminal, question)
    if isinstance(question, ConfirmQuestion):
        prompt = f"{question.title}\n{question.detail}\n{question.action}? [y/N] "
        return (await terminal.read_line(prompt) or "").strip().lower() in {"y", "yes"}
    print(f"sshdash: cannot ask {type(question).__name__} on a terminal", file=sys.stderr)
    return None


async def _ask_host_key(terminal: _Terminal, question: HostKeyQuestion) -> HostKeyAnswer | None:
    where = f" ({question.address})" if question.address else ""
    terminal.write(
        f"The authenticity of host '{question.host}'{where} can't be established.\n"
        f"{question.key_type} key fingerprint is {question.fingerprint}.\n"
    )
    if len(question.route) > 1:
        terminal.write(f"Route: {' → '.join(question.route)}\n")
    for note in question.notes:
        terminal.write(f"{note}\n")
    asked = "Are you sure you want to continue connecting (yes/no/once/[fingerprint])? "
    while True:
        answer = await terminal.read_line(asked)
        if answer is None or answer.strip().lower() == "no":
            return None
        answer = answer.strip()
        if answer == question.fingerprint or answer.lower() == "yes":
            return HostKeyAnswer.ACCEPT
        if answer.lower() == "once":
            return HostKeyAnswer.ONCE
        asked = "Please type 'yes', 'no', 'once' or the fingerprint: "


async def _ask_secret(terminal: _Terminal, question: SecretQuestion) -> tuple[str, ...] | None:
    lead = "".join(f"{text}\n" for text in (question.instructions, question.title) if text)
    answers = []
    for prompt in question.prompts:
        label = prompt.text.rstrip() or "Password:"
        answer = await terminal.read_line(f"{lead}({question.host}) {label} ", prompt.echo)
        lead = ""
        if answer is None:
            return None
        answers.append(answer)
    return tuple(answers)


async def _ask_conflict(terminal: _Terminal, question: ConflictQuestion) -> ConflictAnswer | None:
    terminal.write(
        f"{question.target} exists ({question.target_size} bytes; "
        f"the source has {question.source_size}).\n"
    )
    choices = {
        "o": ConflictChoice.OVERWRITE,
        "s": ConflictChoice.SKIP,
        "r": ConflictChoice.RENAME,
    }
    while True:
        answer = await terminal.read_line(
            "(o)verwrite, (s)kip, (r)ename, capital for all, (q)uit: "
        )
        if answer is None or answer.strip().lower() == "q":
            return None
        choice = choices.get(answer.strip().lower())
        if choice:
            return ConflictAnswer(choice, for_all=answer.strip().isupper())
