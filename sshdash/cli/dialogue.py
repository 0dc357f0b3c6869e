"""The words of every question where it is answered line by line, as ssh asks it."""

import sys
from typing import Protocol, TypeVar

from sshdash.prompts import (
    ChangedKeyQuestion,
    ConfirmQuestion,
    ConflictAnswer,
    ConflictChoice,
    ConflictQuestion,
    HostKeyAnswer,
    HostKeyQuestion,
    Question,
    SecretQuestion,
)
from sshdash.untrusted import local_time

AnswerType = TypeVar("AnswerType")


class Lines(Protocol):
    """What shows text and gives lines that a person types."""

    def write(self, text: str) -> None:
        """Show `text`."""
        ...

    async def read_line(self, prompt: str, echo: bool = True) -> str | None:
        """Show `prompt` and return a line, None where there is none."""
        ...


async def converse(lines: Lines, question: Question[AnswerType]) -> AnswerType | None:
    """Ask a question and return the answer, None where it was dismissed."""
    return await _ask(lines, question)  # type: ignore[arg-type, return-value]


async def _ask(lines: Lines, question: Question[object]) -> object:
    if isinstance(question, HostKeyQuestion):
        return await _ask_host_key(lines, question)
    if isinstance(question, SecretQuestion):
        return await _ask_secret(lines, question)
    if isinstance(question, ConflictQuestion):
        return await _ask_conflict(lines, question)
    if isinstance(question, ConfirmQuestion):
        prompt = f"{question.title}\n{question.detail}\n{question.action}? [y/N] "
        return (await lines.read_line(prompt) or "").strip().lower() in {"y", "yes"}
    if isinstance(question, ChangedKeyQuestion):
        return None  # nothing to answer, and the error that follows says all of it
    print(f"sshdash: cannot ask {type(question).__name__} on a terminal", file=sys.stderr)
    return None


async def _ask_host_key(lines: Lines, question: HostKeyQuestion) -> HostKeyAnswer | None:
    where = f" ({question.address})" if question.address else ""
    lines.write(
        f"The authenticity of host '{question.host}'{where} can't be established.\n"
        f"{question.key_type} key fingerprint is {question.fingerprint}.\n"
    )
    if len(question.route) > 1:
        lines.write(f"Route: {' → '.join(question.route)}\n")
    if question.randomart:
        lines.write(f"{question.randomart}\n")
    for note in question.notes:
        lines.write(f"{note}\n")
    if not question.known_file:
        lines.write("No known_hosts file is in use: the key is trusted for this run only.\n")
    asked = "Are you sure you want to continue connecting (yes/no/once/[fingerprint])? "
    while True:
        answer = await lines.read_line(asked)
        answer = "no" if answer is None else answer.strip(" \t\r\n")
        if answer == "" or answer.lower() == "no":
            return None
        if answer.lower() == "yes" or answer == question.fingerprint:
            return HostKeyAnswer.ACCEPT
        if answer.lower() == "once":
            return HostKeyAnswer.ONCE
        asked = "Please type 'yes', 'no', 'once' or the fingerprint: "


async def _ask_secret(lines: Lines, question: SecretQuestion) -> tuple[str, ...] | None:
    # Banners were told on stderr as they came, as ssh does; a program may look for words here.
    lead = "".join(f"{text}\n" for text in (question.news, question.title) if text)
    answers = []
    for prompt in question.prompts:
        label = prompt.text.rstrip() or "Password:"
        answer = await lines.read_line(f"{lead}({question.host}) {label} ", prompt.echo)
        lead = ""
        if answer is None:
            return None
        answers.append(answer)
    return tuple(answers)


_CONFLICT_KEYS = {
    "o": (ConflictChoice.OVERWRITE, "(o)verwrite"),
    "n": (ConflictChoice.NEWER, "(n)ewer only"),
    "s": (ConflictChoice.SKIP, "(s)kip"),
    "r": (ConflictChoice.RENAME, "(r)ename"),
    "c": (ConflictChoice.RESUME, "(c)ontinue"),
}


async def _ask_conflict(lines: Lines, question: ConflictQuestion) -> ConflictAnswer | None:
    newer = question.source_time > question.target_time + 1
    older = question.target_time > question.source_time + 1
    there = _side(question.target_size, question.target_time, older)
    new = _side(question.source_size, question.source_time, newer)
    lines.write(f"{question.target} exists: {there}\n  the source: {new}\n")
    offered = {
        key: choice
        for key, choice in _CONFLICT_KEYS.items()
        if choice[0] is not ConflictChoice.RESUME or question.can_resume
    }
    words = ", ".join(label for _, label in offered.values())
    while True:
        answer = await lines.read_line(f"{words}, capital for all, (q)uit: ")
        if answer is None or answer.strip().lower() == "q":
            return None
        chosen = offered.get(answer.strip().lower())
        if chosen:
            return ConflictAnswer(chosen[0], for_all=answer.strip().isupper())


def _side(size: int, when: float, newer: bool) -> str:
    """Return one side of a conflict in words."""
    return f"{size:,} bytes, {local_time(when)}{', newer' if newer else ''}"
