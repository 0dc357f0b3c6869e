"""Opening a file session on a host's connection, and what is said where there is none."""

import asyncio
from typing import TYPE_CHECKING

import asyncssh

from sshdash.connections.faults import explain
from sshdash.errors import SessionError
from sshdash.sftp.answers import StatusError
from sshdash.sftp.failures import from_status
from sshdash.sftp.handles import Session
from sshdash.sftp.protocol import Protocol
from sshdash.sftp.wire import WireClosed

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

PATIENCE = 20.0
"""Seconds to open a session, or to get a file's first bytes: some of a kernel's never come."""


async def open_session(lease: "Lease") -> tuple[Session, bytes]:
    """Return a session on a leased connection, and the folder it starts in.

    Raises SessionError where the server has no SFTP, ConnectionLost.
    """
    host = lease.host
    try:
        protocol, home = await lease.session(_start)
        return Session(lease, protocol), home
    except TimeoutError:
        detail = f"no answer to SFTP within {PATIENCE:.0f} seconds"
        raise SessionError("no files here", detail, host=host) from None
    except WireClosed as error:
        raise SessionError(
            "no files here",
            str(error),
            "does a start-up file such as .bashrc print text, or is sftp-server missing?",
            host,
        ) from error
    except StatusError as error:
        raise from_status(error.code, error.text, "find the home of", b".", host) from error
    except asyncssh.ChannelOpenError as error:
        if error.code == asyncssh.OPEN_REQUEST_SESSION_FAILED:
            hint = "the server's sshd_config needs a line: Subsystem sftp internal-sftp"
            raise SessionError("the server has no SFTP", hint=hint, host=host) from error
        raise explain(error, host, "opening SFTP") from error
    except (OSError, asyncssh.Error) as error:
        raise explain(error, host, "opening SFTP") from error


async def _start(ssh: asyncssh.SSHClientConnection) -> tuple[Protocol, bytes]:
    async with asyncio.timeout(PATIENCE):
        return await Protocol.start(ssh)
