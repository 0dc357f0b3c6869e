"""``sshdash exec``: run a command on a host, as ``ssh DEST CMD`` does.

Bytes pass through as they are, both ways, and whoever is slow holds up only the other end of
the same stream: nothing is ever collected in memory.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncssh

from sshdash.audit import AuditLog
from sshdash.cli.context import CONNECTION_FAILED, report, source, tell_ignored
from sshdash.cli.narration import Narrator
from sshdash.cli.prompter import choose_prompter
from sshdash.cli.relay import Relay, raw_terminal, terminal_size
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.connections.connection import Connection
from sshdash.connections.faults import explain
from sshdash.connections.manager import ConnectionManager, Lease
from sshdash.connections.session_request import FORCE, NO, YES, SessionRequest, plan_session
from sshdash.errors import ConnectionLost, SessionError, SSHDashError, UsageError
from sshdash.events import EventBus, SessionChanged
from sshdash.settings import load_settings
from sshdash.states import SessionState
from sshdash.untrusted import clean

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
        return asyncio.run(_main(arguments, command))
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
    """Connect, without the parts of a backend that a command has no use for, and run."""
    events = EventBus()
    resolver = Resolver(source(arguments), command=os.fsdecode(command or b""))
    if command is None and resolver.resolve(arguments.destination).get("remotecommand") is None:
        raise UsageError(
            "No command",
            "exec needs a command to run",
            f"for a shell: sshdash {arguments.destination}",
        )
    settings = load_settings()
    manager = ConnectionManager(resolver, choose_prompter(), events, settings)
    Narrator(manager, events, arguments.verbose)
    audit = AuditLog(events, manager.status) if settings.audit else None
    try:
        async with await manager.lease(arguments.destination, "exec") as lease:
            resolved = lease.connection.resolved
            tell_ignored(resolved)
            return await _run(lease, _request(arguments, resolved, command), events)
    finally:
        await manager.close()
        if audit is not None:
            await audit.close()


@contextmanager
def _told(events: EventBus, host: str) -> Iterator[Callable[[int], None]]:
    """Tell of a session that it runs, and what came of it: what was yielded takes its status."""
    name = f"exec-{os.getpid()}"
    opening, running = SessionState.OPENING, SessionState.RUNNING

    def ended(status: int) -> None:
        nonlocal running
        state, running = running, SessionState.EXITED
        events.emit(SessionChanged(name, host, state, running, f"exit {status}"))

    events.emit(SessionChanged(name, host, opening, running))
    try:
        yield ended
    finally:
        if running is SessionState.RUNNING:
            reason = clean(str(sys.exc_info()[1] or ""))
            events.emit(SessionChanged(name, host, running, SessionState.LOST, reason))


def _request(
    arguments: argparse.Namespace, resolved: ResolvedHost, command: bytes | None
) -> SessionRequest:
    wish = NO if arguments.no_tty else ("", YES, FORCE)[min(arguments.tty, 2)]
    request = plan_session(
        resolved,
        os.environ.get("TERM", "dumb"),
        command=command,
        tty=wish,
        typing=os.isatty(0),
        has_input=not arguments.no_input,
    )
    if wish == YES and not request.terminal:
        print("sshdash: no terminal is allocated: stdin is not one", file=sys.stderr)
    return request


async def _run(lease: Lease, request: SessionRequest, events: EventBus) -> int:
    relay = Relay(request, lease.connection.resolved.get("escapechar"))
    try:
        await lease.session(
            lambda ssh: ssh.create_session(
                lambda: relay,
                encoding=None,
                term_size=terminal_size() if request.terminal else (0, 0),
                **request.options(),
            )
        )
    except (asyncssh.Error, OSError) as error:
        raise explain(error, lease.connection.host, "run a command") from error
    with _told(events, lease.connection.host) as ended:
        status = await _outcome(relay, request, lease.connection)
        ended(status)
    return status


async def _outcome(relay: Relay, request: SessionRequest, connection: Connection) -> int:
    """Pass everything on until the end and return the status."""
    with raw_terminal(relay, request.terminal):
        await _finish(relay, connection.host)
    if relay.status is not None:
        return relay.status
    if connection.is_gone:
        reason = await connection.wait_lost()
        raise ConnectionLost("Connection lost", reason, host=connection.host)
    if relay.signal:
        print(f"sshdash: {connection.host}: ended by signal {relay.signal}", file=sys.stderr)
    return CONNECTION_FAILED


async def _finish(relay: Relay, host: str) -> None:
    """Return when all is over; raises SessionError where our own output cannot be written."""
    try:
        await relay.finish()
    except BrokenPipeError:
        raise  # whoever read it has gone: the end of a pipe, and nothing to tell
    except OSError as error:
        detail = error.strerror or str(error)
        raise SessionError("Cannot write the output", detail, host=host) from error
