"""The session of ``sshdash exec``, from the connection to the command's status.

All that only this needs is imported with this module, which takes about as long as to connect.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncssh

from sshdash.audit import AuditLog
from sshdash.cli.context import CONNECTION_FAILED, tell_ignored
from sshdash.cli.narration import Narrator
from sshdash.cli.prompter import choose_prompter
from sshdash.cli.relay import Relay, raw_terminal, terminal_size
from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.connections.connection import Connection
from sshdash.connections.faults import explain
from sshdash.connections.manager import ConnectionManager, Lease
from sshdash.connections.network.ahead import Ahead
from sshdash.connections.session_request import FORCE, NO, YES, SessionRequest, plan_session
from sshdash.errors import ConnectionLost, SessionError, SSHDashError
from sshdash.events import EventBus, SessionChanged
from sshdash.settings import Settings
from sshdash.states import SessionState
from sshdash.untrusted import clean


async def run(
    arguments: argparse.Namespace,
    command: bytes | None,
    resolver: Resolver,
    settings: Settings,
    ahead: Ahead,
) -> int:
    """Connect, without the parts of a backend that a command has no use for, and run."""
    events = EventBus()
    manager = ConnectionManager(resolver, choose_prompter(), events, settings, ahead)
    narrator = Narrator(manager, events, arguments.verbose)
    audit = AuditLog(events, manager.status) if settings.audit else None
    try:
        async with await manager.lease(arguments.destination, "exec") as lease:
            resolved = lease.connection.resolved
            tell_ignored(resolved)
            return await _run(lease, _request(arguments, resolved, command), events)
    except SSHDashError:
        if narrator.is_silent(arguments.destination):
            return CONNECTION_FAILED
        raise
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
