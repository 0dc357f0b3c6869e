"""``sshdash doctor``: what this machine's set-up is, and what is wrong with it."""

import argparse
import asyncio
import json
import locale
import os
import platform
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from sshdash import __version__, loop
from sshdash.cli.checks import Check, Mark, show
from sshdash.cli.context import source
from sshdash.cli.secret_checks import agent_check, keyring_check
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.cli.trial import Trial
from sshdash.config.advice import advise_all
from sshdash.config.catalog import load_catalog
from sshdash.config.resolver import Resolver
from sshdash.errors import SSHDashError
from sshdash.paths import ssh_dir, state_dir, styles_dir
from sshdash.settings import load_settings, settings_file

_OLDEST_ASYNCSSH = (2, 24, 1)
"""Older ones let a server's file names and sizes through."""
_SMALLEST = (80, 24)
_MOST_WARNINGS = 20
_MOST_HOSTS = 1_000
"""Hosts of the list that are looked at one by one."""
_TICKS = 20
_LATE = 0.05
"""Seconds a timer may be late before it is worth a word."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "doctor",
        description="Check versions, agent, keys, configuration, known_hosts and terminal. With "
        "DEST, connect and log in there too, step by step, and close again.",
        epilog="exit status: 1 where a check failed; warnings alone are 0",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--batch", action="store_true", help="ask nothing, whatever DEST wants")
    add_ssh_options(parser)
    parser.add_argument(
        "destination", metavar="DEST", nargs="?", help="[user@]host[:port] or an alias"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make every check and print what it found; return 1 where one failed."""
    checks = list(_checks(arguments))
    if not arguments.json:
        show(checks)
    document: dict[str, object] = {"checks": [check.document() for check in checks]}
    if arguments.destination:
        trial = Trial(arguments)
        loop.run(trial.run())
        checks += trial.checks
        document["destination"] = trial.document()
    failed = any(check.mark is Mark.FAIL for check in checks)
    if arguments.json:
        print(json.dumps({"ok": not failed, **document}, indent=2))
    return int(failed)


def _checks(arguments: argparse.Namespace) -> Iterator[Check]:
    yield from _versions()
    yield from _configuration(arguments)
    yield from _settings()
    yield from _known_hosts()
    yield from _keys()
    yield from _terminal()
    yield loop.run(agent_check())
    yield loop.run(keyring_check())
    yield loop.run(_loop())


# --- programs and libraries ---


def _versions() -> Iterator[Check]:
    yield Check("sshdash", Mark.OK, f"{__version__} in {Path(__file__).parent.parent}")
    yield Check("python", Mark.OK, f"{platform.python_version()} ({sys.executable})")
    yield _library("textual")
    installed = _version("asyncssh")
    if _numbers(installed) < _OLDEST_ASYNCSSH:
        oldest = ".".join(map(str, _OLDEST_ASYNCSSH))
        text = f"{installed}, older than {oldest}, has known holes"
        yield Check("asyncssh", Mark.FAIL, text, f"install asyncssh {oldest} or newer")
    else:
        yield _ssh_library(installed)
    yield Check("openssl", Mark.OK, _openssl())
    yield _ghostty()
    ssh = shutil.which("ssh")
    if ssh:
        said = f"{_openssh(ssh)} in {ssh} (not needed; it runs the commands that y copies)"
        yield Check("ssh", Mark.OK, said)
    else:
        yield Check("ssh", Mark.WARN, "not installed", "only the commands that y copies need it")
    if not styles_dir().is_dir():
        yield Check("styles", Mark.FAIL, f"{styles_dir()} is missing", "install sshdash again")


def _library(name: str) -> Check:
    version = _version(name)
    if version:
        return Check(name, Mark.OK, version)
    return Check(name, Mark.FAIL, "not installed", "install sshdash again, with its dependencies")


def _ssh_library(version: str) -> Check:
    from sshdash.connections.transport import library

    if library.is_as_expected():
        return Check("asyncssh", Mark.OK, version)
    text = f"{version} is another inside than the one sshdash was made with"
    return Check("asyncssh", Mark.WARN, text, "all works, but copies and tunnels are slower")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _openssl() -> str:
    # Not the ssl module's: the ciphers come from this one.
    from cryptography.hazmat.backends.openssl.backend import backend

    return backend.openssl_version_text()


def _openssh(program: str) -> str:
    """Return the version that an ssh tells of itself."""
    try:
        done = subprocess.run(
            [program, "-V"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "no version"
    said = (done.stderr or done.stdout).strip()
    return said.splitlines()[0] if said else "no version"


def _ghostty() -> Check:
    """Draw a word with the terminal core: a wheel for another system imports but fails."""
    hint = "install pyghostty again; there are wheels for Linux and macOS on x86-64 and ARM"
    try:
        from sshdash.terminal.emulator import Emulator

        emulator = Emulator(10, 1)
        emulator.feed(b"\x1b[1mfine")
        drawn = emulator.screen_text()[0].strip()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        return Check("libghostty", Mark.FAIL, str(error), hint)
    if drawn != "fine":
        return Check("libghostty", Mark.FAIL, "does not draw", hint)
    return Check("libghostty", Mark.OK, f"pyghostty {_version('pyghostty')}")


# --- files ---


def _configuration(arguments: argparse.Namespace) -> Iterator[Check]:
    catalog = load_catalog(source(arguments))
    files = [file for file in catalog.files if Path(file).is_file()]
    if catalog.hosts:
        yield Check("config", Mark.OK, f"{len(catalog.hosts)} hosts in {', '.join(files)}")
    elif not catalog.problems:
        yield Check(
            "config",
            Mark.WARN,
            f"no hosts in {', '.join(catalog.files) or 'no file at all'}",
            "sshdash USER@HOST works without; Host blocks in ~/.ssh/config make a list",
        )
    for problem in catalog.problems:
        yield Check(
            "config", Mark.FAIL, str(problem), "mend it; the other hosts are listed all the same"
        )
    if not catalog.problems:
        names = [host.alias for host in catalog.hosts[:_MOST_HOSTS]]
        found = list(advise_all(names, Resolver(source(arguments))))
        for advice in found[:_MOST_WARNINGS]:
            where = f" ({advice.place})" if advice.place else ""
            yield Check("config", Mark.WARN, f"{advice.text}{where}", advice.hint)
        if len(found) > _MOST_WARNINGS:
            text = f"{len(found) - _MOST_WARNINGS} more warnings"
            yield Check(
                "config", Mark.WARN, text, "sshdash resolve --explain HOST tells of one host"
            )


def _settings() -> Iterator[Check]:
    path = settings_file()
    try:
        load_settings(path)
    except SSHDashError as error:
        yield Check("settings", Mark.FAIL, f"{error.title}: {error.detail}", error.hint)
    else:
        said = str(path) if path.is_file() else f"defaults ({path} does not exist)"
        yield Check("settings", Mark.OK, said)
    folder = state_dir()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        yield Check("log", Mark.WARN, f"{folder} cannot be written", "no log is kept")


def _known_hosts() -> Iterator[Check]:
    from sshdash.keys.known_hosts import load_known_hosts

    path = ssh_dir() / "known_hosts"
    if not path.exists():
        yield Check("known_hosts", Mark.OK, f"{path} does not exist yet")
        return
    try:
        known = load_known_hosts([path])
    except OSError as error:
        yield Check("known_hosts", Mark.FAIL, f"{path}: {error.strerror}", "make it readable")
        return
    if _others_can_write(path):
        yield Check("known_hosts", Mark.FAIL, f"others can write {path}", f"run: chmod go-w {path}")
    yield Check("known_hosts", Mark.OK, f"{len(known.keys)} keys in {path}")
    for bad in known.bad[:5]:
        text = f"{bad.file}:{bad.line}: {bad.reason}; the line is skipped"
        yield Check("known_hosts", Mark.WARN, text, "mend or remove the line")


def _keys() -> Iterator[Check]:
    from sshdash.keys.identities import permission_problem

    folder = ssh_dir()
    if folder.is_dir() and _others_can_write(folder):
        yield Check("keys", Mark.FAIL, f"others can write {folder}", f"run: chmod 700 {folder}")
    names = sorted(path for path in folder.glob("id_*") if path.suffix != ".pub")
    keys = [path for path in names if path.is_file() and not path.name.endswith("-cert.pub")]
    yield Check("keys", Mark.OK, f"{len(keys)} key files named id_* in {folder}")
    for path in keys:
        problem = permission_problem(path)
        if problem:
            what, _, hint = problem.partition("; ")
            yield Check("keys", Mark.FAIL, f"{path} {what}", hint)


def _others_can_write(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


# --- terminal ---


def _terminal() -> Iterator[Check]:
    if not sys.stdout.isatty():
        text = "stdout is not a terminal, so only the commands can run here"
        yield Check("terminal", Mark.WARN, text)
    else:
        columns, rows = shutil.get_terminal_size()
        small = columns < _SMALLEST[0] or rows < _SMALLEST[1]
        yield Check(
            "terminal",
            Mark.WARN if small else Mark.OK,
            f"{columns} columns, {rows} rows",
            "the screen wants 80 columns and 24 rows" if small else "",
        )
    yield _term()
    yield _colours()
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        yield Check("encoding", Mark.OK, "UTF-8")
    else:
        yield Check("encoding", Mark.FAIL, f"{encoding}, not UTF-8", "run: export LANG=C.UTF-8")


def _term() -> Check:
    name = os.environ.get("TERM", "")
    if not name or name == "dumb":
        hint = "run: export TERM=xterm-256color"
        return Check("TERM", Mark.WARN, f"TERM is {name or 'not set'}", hint)
    inside = " inside tmux" if os.environ.get("TMUX") else ""
    return Check("TERM", Mark.OK, f"{name}{inside}")


def _colours() -> Check:
    if os.environ.get("NO_COLOR"):
        return Check("colours", Mark.OK, "none, because NO_COLOR is set")
    name, deep = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    if deep in ("truecolor", "24bit") or "direct" in name:
        return Check("colours", Mark.OK, "16 million")
    hint = "if the terminal can: export COLORTERM=truecolor"
    if "256" in name:
        return Check("colours", Mark.OK, "256", hint)
    return Check("colours", Mark.WARN, "few are announced", hint)


# --- loop ---


async def _loop() -> Check:
    loop = asyncio.get_running_loop()
    worst = 0.0
    for _ in range(_TICKS):
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - began - 0.001)
    text = f"{type(loop).__name__}, timers late by {worst * 1000:.1f} ms at most"
    if worst > _LATE:
        return Check("loop", Mark.WARN, text, "the machine is busy: expect a slow screen")
    return Check("loop", Mark.OK, text)
