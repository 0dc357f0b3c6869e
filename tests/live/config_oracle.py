"""Side by side: what the installed ``ssh -G`` says of a configuration, and what sshdash says."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sshdash.config.resolver import Resolver, dump
from sshdash.config.source import ConfigSource, parse_override
from sshdash.errors import ConfigError, UsageError

_PLACE = re.compile(r"^(?P<file>.+?):? line (?P<line>\d+): ", re.MULTILINE)


_NEWER_SYNTAX = ("keyword revokedhostkeys extra arguments",)
"""Complaints of 9.2 about what later releases take: several files of revoked keys."""
_SAFER = (
    "proxyjump: the host contains characters",
    "proxyjump: the user contains characters",
    "proxyjump: a host cannot begin with -",
    "proxyjump: a user cannot begin with -",
)
_UNFINISHED = "fill_default_options: "
"""Begins the complaint about an algorithm list after which ssh prints what it has, without it."""
LOOSE = "loose"
"""The name of an included file that everybody may write."""


def require_oracle() -> None:
    """Skip without Debian 12's OpenSSH, whose defaults are compared; fail where CI needs it."""
    reason = _missing()
    if reason and os.environ.get("SSHDASH_REQUIRE_SSHD") == "1":
        pytest.fail(f"OpenSSH 9.2p1 of Debian 12 is needed: {reason}")
    if reason:
        pytest.skip(f"compares with OpenSSH 9.2p1 of Debian 12: {reason}")


def _missing() -> str:
    """Return why there is nothing to compare with, empty where there is."""
    if shutil.which("ssh") is None:
        return "there is no ssh"
    version = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr
    return "" if version.startswith("OpenSSH_9.2p1 Debian") else f"ssh is {version.strip()}"


@dataclass(frozen=True)
class Case:
    """A configuration, what is asked of it, and how."""

    text: str
    hosts: tuple[str, ...] = ("web",)
    includes: dict[str, str] = field(default_factory=dict)
    """Further files below ``~/.ssh``."""
    options: tuple[str, ...] = ()
    """Arguments of ``-o``."""
    short: tuple[tuple[str, str], ...] = ()
    """``-l``, ``-p``, ``-J`` and their arguments, which follow those."""


@dataclass(frozen=True)
class Answer:
    """The values, or the place of the first complaint."""

    text: str = ""
    refused: bool = False
    place: str = ""
    """``file:line`` of the first complaint; empty where none is named."""
    words: str = field(default="", compare=False)
    """The complaint itself."""


@dataclass(frozen=True)
class Question:
    """One run of ``ssh -G``: a case in a home of its own, and one of its hosts."""

    case: Case
    host: str
    home: Path

    @property
    def words(self) -> list[str]:
        """Return the command line."""
        options = [word for option in self.case.options for word in ("-o", option)]
        short = [word for pair in self.case.short for word in pair]
        return ["ssh", "-F", str(self.home / "config"), *options, *short, "-G", "--", self.host]


def write_case(case: Case, home: Path) -> None:
    """Write a case's files: the main one is ``config``."""
    ssh = home / ".ssh"
    ssh.mkdir(parents=True, mode=0o700, exist_ok=True)
    for name, text in case.includes.items():
        path = ssh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))
        path.chmod(0o666 if name == LOOSE else 0o600)
    main = home / "config"
    main.write_bytes(os.fsencode(case.text))
    main.chmod(0o600)


def openssh(questions: Sequence[Question], *, folder: Path) -> list[Answer]:
    """Ask the installed ssh, with as many shells at once as there are processors.

    A shell starts a program much faster than Python does, and waits for none of ours.
    """
    shares = os.cpu_count() or 1
    running = [
        subprocess.Popen(["sh", str(_script(questions, at, shares, folder))])
        for at in range(min(shares, len(questions)))
    ]
    assert all(process.wait(timeout=300) == 0 for process in running)
    return [_answer(question, folder / str(at)) for at, question in enumerate(questions)]


def _script(questions: Sequence[Question], first: int, step: int, folder: Path) -> Path:
    """Write the shell script that asks every `step`-th question."""
    lines = ["exec </dev/null"]
    for at in range(first, len(questions), step):
        question = questions[at]
        stem = shlex.quote(str(folder / str(at)))
        home = shlex.quote(str(question.home))
        lines.append(
            f"HOME={home} {shlex.join(question.words)} >{stem}.out 2>{stem}.err"
            f" || echo $? >{stem}.status"
        )
    script = folder / f"ask-{first}.sh"
    script.write_bytes(os.fsencode("\n".join([*lines, "true", ""])))
    return script


def _answer(question: Question, stem: Path) -> Answer:
    """Return what ssh said."""
    home = question.home
    complaint = os.fsdecode(stem.with_suffix(".err").read_bytes())
    if not stem.with_suffix(".status").exists() and _UNFINISHED not in complaint:
        return Answer(_same_home(os.fsdecode(stem.with_suffix(".out").read_bytes()), home))
    return Answer(refused=True, place=_first_place(complaint, home), words=complaint)


def ours(question: Question, resolver: Resolver | None = None) -> Answer:
    """Ask sshdash; HOME must be the question's."""
    home = question.home
    try:
        resolved = (resolver or resolver_of(question.case, home)).resolve(question.host)
        return Answer(_same_home(dump(resolved), home))
    except UsageError as error:
        return Answer(refused=True, words=str(error))
    except ConfigError as error:
        place = f"{error.file}:{error.line}" if error.line else ""
        return Answer(refused=True, place=place, words=str(error))


def resolver_of(case: Case, home: Path) -> Resolver:
    """Return a resolver for a case. Raises UsageError for a wrong ``-o``."""
    overrides = (*map(parse_override, case.options), *case.short)
    return Resolver(ConfigSource.standard(str(home / "config"), overrides))


def differences(cases: Mapping[str, Case], folder: Path) -> list[str]:
    """Return what the two say differently, in lines that name and tell the case.

    Each case gets a home of its own below `folder`.
    """
    homes = {name: folder / f"case-{at}" for at, name in enumerate(cases)}
    for name, case in cases.items():
        write_case(case, homes[name])
    questions = [
        Question(case, host, homes[name]) for name, case in cases.items() for host in case.hosts
    ]
    names = [name for name, case in cases.items() for _ in case.hosts]
    with ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patch:
        asked = pool.submit(openssh, questions, folder=folder)
        mine = []
        for question in questions:
            patch.setenv("HOME", str(question.home))
            mine.append(ours(question))
        theirs = asked.result()
    return [
        f"{name}: {_explain(question.host, expected, actual)}"
        for name, question, expected, actual in zip(names, questions, theirs, mine, strict=True)
        if not agree(expected, actual)
    ]


def agree(expected: Answer, actual: Answer) -> bool:
    """Return whether the answers mean the same; where ssh names no line, any refusal does.

    Not compared is what later releases take and 9.2 refuses, and the jump hosts that ssh
    refuses only when it starts them.
    """
    if expected.refused and any(text in expected.words for text in _NEWER_SYNTAX):
        return True
    if actual.refused and not expected.refused:
        return any(text in actual.words for text in _SAFER)
    if expected.refused and not expected.place:
        return actual.refused
    return expected == actual


def _first_place(complaint: str, home: Path) -> str:
    """Return the first ``file:line``; a shell run by Match may complain too."""
    for found in _PLACE.finditer(complaint):
        if found["file"].startswith(str(home)):
            return f"{found['file']}:{found['line']}"
    return ""


def _same_home(text: str, home: Path) -> str:
    """ssh takes ``~`` from the account and not from the environment."""
    account = pwd.getpwuid(os.getuid()).pw_dir
    whole = re.compile(f"(?:{re.escape(str(home))}|{re.escape(account)})(?=[/\\s]|$)", re.MULTILINE)
    return whole.sub("~", text)


def _explain(host: str, expected: Answer, actual: Answer) -> str:
    lines = [f"host {host}:"]
    if expected.refused or actual.refused:
        lines.append(f"  ssh:     {expected.place or 'accepts'} {expected.words.strip()}")
        lines.append(f"  sshdash: {actual.place or 'accepts'} {actual.words.strip()}")
        return "\n".join(lines)
    theirs, mine = expected.text.splitlines(), actual.text.splitlines()
    lines += [f"  ssh:     {line}" for line in theirs if line not in mine]
    lines += [f"  sshdash: {line}" for line in mine if line not in theirs]
    return "\n".join(lines if len(lines) > 1 else [*lines, "  the order differs"])
