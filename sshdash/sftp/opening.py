"""Opening a file session on a host's connection, and what is said where there is none."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import asyncssh

from sshdash.connections.faults import explain
from sshdash.connections.transport.transport import Transport
from sshdash.errors import SessionError, SSHDashError
from sshdash.sftp import protocol
from sshdash.sftp.answers import StatusError
from sshdash.sftp.bulk.command import Command
from sshdash.sftp.bulk.starter import Starter
from sshdash.sftp.failures import from_status
from sshdash.sftp.handles import Session
from sshdash.sftp.job import Endpoint
from sshdash.sftp.looks import Look
from sshdash.sftp.wire import Chatter, Wire, WireClosed

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

log = logging.getLogger(__name__)

PATIENCE = 20.0
"""Seconds to open a session, or to get a file's first bytes: some of a kernel's never come."""
_QUIET = (
    "let start-up files such as .bashrc print only where there is a terminal (test -t 0), "
    "unless a forced command runs there"
)
_SUBSYSTEM = (
    "copies still go by scp; to see files, the server's sshd_config needs a line: "
    "Subsystem sftp internal-sftp"
)
_PROGRAM = "copies still go by scp; is sftp-server installed there, where sshd_config says?"


class NoSftpError(SessionError):
    """The server has no SFTP; it may still run scp."""


class Way(Protocol):
    """How an SFTP server is reached on a connection."""

    def label(self, host: str) -> Endpoint:
        """Return the host's name, with the user where it is another one."""
        ...

    async def open(self, ssh: Transport, looks: Sequence[Look] = ()) -> Wire:
        """Return a channel with an SFTP server behind it that was not greeted yet.

        It may ask the `looks` behind `protocol.FIRST`.
        Raises SSHDashError, TimeoutError, and what opening a channel raises.
        """
        ...


class Subsystem:
    """As every client does: the server's own, with the rights of the user who logged in."""

    def label(self, host: str) -> Endpoint:
        """Return the host's name."""
        return host

    async def open(self, ssh: Transport, looks: Sequence[Look] = ()) -> Wire:
        """Return the channel, with the `looks` to be asked with the greeting."""
        first = (*protocol.FIRST, *((look.kind, look.body()) for look in looks))
        async with asyncio.timeout(PATIENCE):
            return await Wire.open(ssh, first)


SUBSYSTEM = Subsystem()


async def open_session(
    lease: "Lease",
    way: Way = SUBSYSTEM,
    looks: Sequence[Look] = (),
    command: Command | None = None,
) -> tuple[Session, bytes]:
    """Return a session on a leased connection, and the folder it starts in.

    What is asked first of all had better be in `looks`, and what is likely to be run there be the
    `command`, which spares waiting.
    Raises SessionError, NoSftpError where the server has none, ConnectionLost.
    """
    starter = Starter(lease)
    if command is not None and way is SUBSYSTEM:
        starter.expect(command)  # once this waits: where there is room for one, files have it
    try:
        begun, home = await _begin(lease, way, looks)
    except BaseException:
        await starter.close()
        raise
    return Session(lease, begun, way, starter), home


async def _begin(
    lease: "Lease", way: Way, looks: Sequence[Look]
) -> tuple[protocol.Protocol, bytes]:
    """Return a protocol session, and the folder it starts in. Raises what `open_session` does."""
    host = way.label(lease.host)
    try:
        wire = await lease.session(lambda ssh: way.open(ssh, looks))
        async with asyncio.timeout(PATIENCE):
            return await protocol.Protocol.begin(wire, looks)
    except TimeoutError:
        detail = f"no answer to SFTP within {PATIENCE:.0f} seconds"
        raise SessionError("no files here", detail, host=host) from None
    except Chatter as error:
        detail = f"it was: {error.text}"
        raise SessionError("text came where SFTP should start", detail, _QUIET, host) from error
    except WireClosed as error:
        if wire.greeted:
            raise SessionError("no files here", str(error), "retry", host) from error
        detail = str(error)
        raise NoSftpError("the server has no SFTP", detail, _PROGRAM, host) from error
    except StatusError as error:
        raise from_status(error.code, error.text, "find the home of", b".", host) from error
    except asyncssh.ChannelOpenError as error:
        if error.code == asyncssh.OPEN_REQUEST_SESSION_FAILED:
            raise NoSftpError("the server has no SFTP", hint=_SUBSYSTEM, host=host) from error
        raise explain(error, host, "opening SFTP") from error
    except (OSError, asyncssh.Error) as error:
        raise explain(error, host, "opening SFTP") from error


async def open_beside(first: Session) -> Session | None:
    """Return a further session on the very connection of another, None where it takes no more.

    No other connection is made for it.
    """
    try:
        wire = await first.way.open(first.lease.connection.ssh)
        async with asyncio.timeout(PATIENCE):
            begun, _ = await protocol.Protocol.begin(wire, ())
    except (OSError, asyncssh.Error, SSHDashError, WireClosed, StatusError) as error:
        log.debug("no further session: %s", error)
        return None
    return Session(first.lease, begun, first.way)
