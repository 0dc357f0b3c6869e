"""What every command shares: the configuration asked for, a backend, and how errors are told."""

import argparse
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from msgspec.structs import replace

from sshdash import loop
from sshdash.backend import Backend
from sshdash.cli.entry import GARBAGE, SCREEN_GARBAGE
from sshdash.cli.prompter import choose_prompter
from sshdash.config.advice import ignored_keywords
from sshdash.config.command_line import SHORT_OPTIONS
from sshdash.config.destination import parse_destination
from sshdash.config.resolved import ResolvedHost
from sshdash.config.source import ConfigSource, parse_override
from sshdash.errors import (
    ConnectError,
    ConnectionLost,
    FileError,
    SSHConfigError,
    SSHDashError,
    UsageError,
)
from sshdash.prompts import Prompter
from sshdash.settings import load_settings
from sshdash.untrusted import clean

CONNECTION_FAILED = 255
"""The exit status where there is no connection, or none any more, as ssh has it."""
_AS_SSH = ConnectError | ConnectionLost | SSHConfigError
"""Where ssh would not have connected either."""
_LINE = 2_000
"""Characters that one line of narration may have."""


def source(arguments: argparse.Namespace) -> ConfigSource:
    """Return the ssh_config files and overrides that ``-F``, ``-o`` and its short forms name.

    Raises UsageError for an ``-o`` that is not ``Key=Value`` or ``Key Value``.
    """
    overrides = tuple(
        parse_override(option) if isinstance(option, str) else option
        for option in arguments.option
        if not (isinstance(option, str) and _says_nothing(option))
    )
    return ConfigSource.standard(arguments.config, overrides)


def _says_nothing(option: str) -> bool:
    """Return whether an ``-o`` is empty, as an unset variable of a script is, or a comment."""
    return option.strip()[:1] in ("", "#")


def screen_source(arguments: argparse.Namespace) -> ConfigSource:
    """Return the `source` for the screen: ``-l -p -i -J`` are for the host that is named alone.

    ``-o`` is for every host of the list. Raises UsageError where there is no host for them.
    """
    files = source(arguments)
    if all(isinstance(option, str) for option in arguments.option):
        return files
    if arguments.host is None:
        raise UsageError(
            "No host for the options",
            "-l, -p, -i and -J are for one host",
            "name it after them, or set it for all with -o Key=Value",
        )
    return replace(
        files,
        overrides=tuple(one for one in files.overrides if one[0] not in SHORT_OPTIONS),
        one_host=str(parse_destination(arguments.host)),
        one_host_overrides=files.overrides,
    )


@asynccontextmanager
async def open_backend(
    arguments: argparse.Namespace,
    prompter: Prompter | None = None,
    reconnect: bool = False,
    tunnels: bool = False,
    first: str = "",
) -> AsyncIterator[Backend]:
    """Run a backend for one command; questions go to the terminal by default.

    `first` is the host that it is going to ask for first, where there is one.
    Only where it may `reconnect`, and the settings let it, are lost connections made again; only
    where the command is about `tunnels` does it have them.
    """
    settings = load_settings()
    settings = msgspec.structs.replace(settings, reconnect=reconnect and settings.reconnect)
    backend = Backend(settings, prompter or choose_prompter(), source(arguments))
    async with backend:
        if first:
            backend.reach(first)
        await (backend.load(terminals=False) if tunnels else backend.load_connections())
        settle_memory()
        from sshdash.cli.narration import Narrator

        Narrator(backend.connections, backend.events, arguments.verbose)
        yield backend


def settle_memory(garbage: tuple[int, int, int] = GARBAGE) -> None:
    """Look for no garbage in what is loaded by now: that stays.

    Looking through all of it, again and again, would hold the screen up for a tenth of a second
    each time. `garbage` says after how many new objects it is looked for in the others.
    """
    gc.freeze()
    gc.set_threshold(*garbage)


def settle_screen() -> None:
    """Do so where there is a screen, which nothing may hold up."""
    settle_memory(SCREEN_GARBAGE)


def tell_ignored(resolved: ResolvedHost) -> None:
    """Tell which keywords of a host trust depends on, and sshdash does not act on."""
    for advice in ignored_keywords(resolved, security_only=True):
        tell(f"sshdash: {advice}")


def tell(text: str) -> None:
    """Print lines to stderr: whatever is in them, a terminal must only show it."""
    print(told(text), file=sys.stderr)


def told(text: str) -> str:
    """Return lines as they may be told: cleaned, and none too long."""
    return "\n".join(clean(line, _LINE) for line in text.split("\n"))


def run_screen(files: ConfigSource, host: str | None = None, badge: str = "") -> int:
    """Open the cockpit and return the exit status once it is left.

    `host` gets a shell at once; `badge` stands beside the name. Raises UsageError where there is
    no terminal to draw on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The screen needs a terminal",
            "stdin or stdout is not one",
            "run it in a terminal, or use a command: sshdash --help",
        )
    from sshdash.ui.app import SSHDashApp

    app = SSHDashApp(load_settings(), files, host=host, badge=badge, once_loaded=settle_screen)
    loop.run(app.run_async())
    return app.return_code or 0


def exit_status(error: SSHDashError) -> int:
    """Return the exit status of a command that failed: 255 where ssh could not connect either."""
    if isinstance(error, UsageError):
        return 2
    return CONNECTION_FAILED if isinstance(error, _AS_SSH) else 1


def report(error: SSHDashError) -> None:
    """Tell an error on stderr: what happened, where, what to do next."""
    tell(report_text(error))


def report_text(error: SSHDashError) -> str:
    """Return how an error is told."""
    path = error.path if isinstance(error, FileError) else ""
    place = ":".join(filter(None, (error.host, path)))
    lines = [f"sshdash: {place}: {error.title}" if place else f"sshdash: {error.title}"]
    lines += [f"  {line}" for line in error.detail.split("\n") if error.detail]
    if error.hint:
        lines.append(f"  → {error.hint}")
    return "\n".join(lines)
