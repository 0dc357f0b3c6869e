"""Side by side: what the installed ``ssh -G`` says of a configuration, and what sshdash says."""

import os
import pwd
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from sshdash.config.resolver import Resolver, dump
from sshdash.config.source import ConfigSource, parse_override
from sshdash.errors import ConfigError, UsageError

_PLACE = re.compile(r"^(?P<file>.+?):? line (?P<line>\d+): ", re.MULTILINE)


LOOSE = "loose"
"""The name of an included file that everybody may write."""


@dataclass(frozen=True)
class Case:
    """A configuration, what is asked of it, and how."""

    text: str
    hosts: tuple[str, ...] = ("web",)
    includes: dict[str, str] = field(default_factory=dict)
    """Further files below ``~/.ssh``."""
    options: tuple[str, ...] = ()
    """Arguments of ``-o``."""


@dataclass(frozen=True)
class Answer:
    """The values, or the place of the first complaint."""

    text: str = ""
    refused: bool = False
    place: str = ""
    """``file:line`` of the first complaint; empty where none is named."""
    words: str = field(default="", compare=False)
    """The complaint itself."""


def write_case(case: Case, home: Path) -> Path:
    """Write a case's files and return the main one."""
    ssh = home / ".ssh"
    for name, text in case.includes.items():
        path = ssh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))
        path.chmod(0o666 if name == LOOSE else 0o600)
    main = home / "config"
    main.write_bytes(os.fsencode(case.text))
    main.chmod(0o600)
    return main


def openssh(file: Path, host: str, options: tuple[str, ...], home: Path) -> Answer:
    """Ask the installed ssh."""
    words = [word for option in options for word in ("-o", option)]
    done = subprocess.run(
        ["ssh", "-F", str(file), *words, "-G", "--", host],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    text = os.fsdecode(done.stdout)
    if done.returncode == 0:
        return Answer(_same_home(text, home))
    complaint = os.fsdecode(done.stderr)
    return Answer(refused=True, place=_first_place(complaint, home), words=complaint)


def ours(file: Path, host: str, options: tuple[str, ...], home: Path) -> Answer:
    """Ask sshdash."""
    try:
        overrides = tuple(parse_override(option) for option in options)
        resolved = Resolver(ConfigSource.standard(str(file), overrides)).resolve(host)
        return Answer(_same_home(dump(resolved), home))
    except UsageError as error:
        return Answer(refused=True, words=str(error))
    except ConfigError as error:
        place = f"{error.file}:{error.line}" if error.line else ""
        return Answer(refused=True, place=place, words=str(error))


def differences(case: Case, home: Path) -> list[str]:
    """Return what the two say differently, in lines that tell the case."""
    file = write_case(case, home)
    found: list[str] = []
    for host in case.hosts:
        expected = openssh(file, host, case.options, home)
        actual = ours(file, host, case.options, home)
        placeless = expected.refused and not expected.place
        if not (actual.refused if placeless else expected == actual):
            found.append(_explain(host, expected, actual))
    return found


def _first_place(complaint: str, home: Path) -> str:
    """Return the first ``file:line``; a shell run by Match may complain too."""
    for found in _PLACE.finditer(complaint):
        if found["file"].startswith(str(home)):
            return f"{found['file']}:{found['line']}"
    return ""


def _same_home(text: str, home: Path) -> str:
    """ssh takes ``~`` from the account and not from the environment."""
    account = pwd.getpwuid(os.getuid()).pw_dir
    return text.replace(f"{home}/", "~/").replace(f"{account}/", "~/")


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
