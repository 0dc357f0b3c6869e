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

from sshdash import loop
from sshdash.cli.context import CONNECTION_FAILED, report, settle_memory, source
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.config.resolver import Resolver
from sshdash.connections.network.ahead import Ahead
from sshdash.errors import SSHDashError, UsageError
from sshdash.modules import Modules
from sshdash.settings import load_settings

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end it with that status, as they end ssh. SIGINT is Python's KeyboardInterrupt."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "exec",
        help="run a command on a host",
        description="Run a command on a host; exits with its status, 255 where ssh would.",
    )
    parser.add_argument(
        "-t", dest="tty", action="count", default=0, help="allocate a terminal; -tt always"
    )
    parser.add_argument("-T", dest="no_tty", action="store_true", help="allocate no terminal")
    parser.add_argument("-n", dest="no_input", action="store_true", help="read nothing from stdin")
    add_ssh_options(parser)
    parser.add_argument("destination", metavar="DEST", help="[user@]host[:port]")
    parser.add_argument("words", metavar="CMD", nargs=argparse.REMAINDER, help="the command")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    # Bytes, as they were typed: the server's encoding is its own affair.
    command = os.fsencode(" ".join(words)) if words else None
    try:
        return loop.run(_main(arguments, command))
    except UsageError:
        raise
    except SSHDashError as error:
        report(error)
        return CONNECTION_FAILED


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
