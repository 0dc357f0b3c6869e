"""``sshdash exec``: run a command on a host, as ``ssh DEST CMD`` does.

Bytes pass through as they are, both ways, and whoever is slow holds up only the other end of
the same stream: nothing is ever collected in memory.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from sshdash import loop
from sshdash.cli.context import CONNECTION_FAILED, report, settle_memory, source
from sshdash.cli.ssh_options import add_short_forms, add_ssh_options
from sshdash.config.resolver import Resolver
from sshdash.connections.network.ahead import Ahead
from sshdash.errors import SSHDashError, UsageError
from sshdash.modules import Modules
from sshdash.settings import load_settings

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end it with that status, as they end ssh. SIGINT is Python's KeyboardInterrupt."""


_END = "\0"
"""Stands for the first ``--``, which argparse would drop: no word of a command line is that."""


def marked(words: list[str]) -> list[str]:
    """Return the words of the command line with the end of the options as it can be read."""
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *([_END] if at < len(words) else ()), *words[at + 1 :]]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "exec",
        help="run a command on a host",
        description="Run a command on a host; exits with its status, 255 where ssh would. Options "
        "may stand behind the host, too, as with ssh; -- ends them. Forwards of ssh_config are not "
        "opened: that is sshdash forward.",
    )
    parser.add_argument(
        "-t", dest="tty", action="count", default=0, help="allocate a terminal; -tt always"
    )
    parser.add_argument("-T", dest="no_tty", action="store_true", help="allocate no terminal")
    parser.add_argument("-n", dest="no_input", action="store_true", help="read nothing from stdin")
    parser.add_argument("-s", dest="subsystem", action="store_true", help="CMD names a subsystem")
    add_ssh_options(parser)
    add_short_forms(parser, ("-4", "-6", "-A", "-a", "-b", "-C", "-c", "-e", "-m", "-q", "-x"))
    parser.add_argument("destination", metavar="DEST", help="[user@]host[:port]")
    parser.add_argument(
        "words", metavar="CMD", nargs=argparse.REMAINDER, action=_Words, help="the command"
    )
    parser.set_defaults(run=run)


class _Words(argparse.Action):
    """The command, behind such options as stand after the host: ssh takes those, too."""

    _behind = False

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        words, inner = list(values), self._behind
        if namespace.destination == _END and not self._behind:
            if not words:
                parser.error("no host is named")
            namespace.destination, words = words[0], words[1:]
        elif words[:1] and words[0].startswith("-") and not self._behind:
            self._behind, host = True, namespace.destination
            # The first word that is no option is taken for a host once more; the end is one.
            parser.parse_args([*words, ""], namespace)
            words = [namespace.destination, *namespace.words][:-1]
            namespace.destination = host
        if not inner and words[:1] in ([_END], ["--"]):  # inside, it is the command's own
            del words[0]
        namespace.words = ["--" if word == _END else word for word in words]


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    words = arguments.words
    # Bytes, as they were typed: the server's encoding is its own affair.
    command = os.fsencode(" ".join(words)) if words else None
    try:
        return loop.run(_main(arguments, command))
    except SSHDashError as error:
        report(error)
        return CONNECTION_FAILED  # never 2 for wrong words: that may be the command's own status


async def _main(arguments: argparse.Namespace, command: bytes | None) -> int:
    """Run until the end or until a signal, which leaves the terminal as it was."""
    task = asyncio.current_task()
    assert task
    caught: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        caught.append(number)
        task.cancel()

    for number in _ENDING:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        return await _connect(arguments, command)
    except asyncio.CancelledError:
        if not caught:
            raise
        print(f"sshdash: ended by {caught[0].name}", file=sys.stderr)
        return CONNECTION_FAILED


async def _connect(arguments: argparse.Namespace, command: bytes | None) -> int:
    """Connect while all that this needs is imported, and run."""
    resolver = Resolver(source(arguments), command=os.fsdecode(command or b""))
    if (
        command is None
        and resolver.resolve_ahead(arguments.destination).get("remotecommand") is None
    ):
        raise UsageError(
            "No command",
            "exec needs a command to run",
            f"for a shell: sshdash {arguments.destination}",
        )
    settings = load_settings()
    ahead, modules = Ahead(), Modules()
    ahead.reach(resolver, arguments.destination, settings)
    try:
        await modules.load("cli.exec_session")
        settle_memory()
        run_session: Callable[..., Awaitable[int]] = modules["cli.exec_session"].run
        return await run_session(arguments, command, resolver, settings, ahead)
    finally:
        await ahead.close()
