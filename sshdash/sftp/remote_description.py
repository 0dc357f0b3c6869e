"""What is known of one file of a host: names of its owners, its hard links, an access list.

SFTP version 3 tells only numbers. Names come by an extension of OpenSSH's server, the rest from
``ls`` over the same connection, where commands may be run.
"""

import asyncio

import asyncssh
from msgspec.structs import replace

from sshdash.connections.script import run_script
from sshdash.errors import SSHDashError
from sshdash.quoting import command_line
from sshdash.sftp.entries import Entry
from sshdash.sftp.handles import Session
from sshdash.sftp.protocol import USERS_GROUPS
from sshdash.sftp.remote_entries import parse_longname

_PATIENCE = 5.0
"""Seconds for the command: without its answer less is known, no more."""
_OUTPUT_MAX = 16_384
_SCRIPT = b"LC_ALL=C; export LC_ALL; exec ls -ldn -- %b 2>/dev/null\n"


async def described(session: Session, path: bytes, entry: Entry) -> Entry:
    """Return the entry of `path` with all that can be found out. Raises FileError."""
    if entry.uid >= 0 and session.protocol.offers(USERS_GROUPS):
        asking = session.protocol.users_groups((entry.uid,), (entry.gid,))
        users, groups = await session.call("find the owner of", path, asking)
        entry = replace(entry, owner=users[0] or entry.owner, group=groups[0] or entry.group)
    _, _, links, has_acl = parse_longname(await _line(session, path))
    return replace(entry, links=links or entry.links, has_acl=has_acl or entry.has_acl)


async def _line(session: Session, path: bytes) -> bytes:
    """Return what ls says, nothing where it cannot be asked."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await run_script(session.lease, _SCRIPT % command_line((path,)), _OUTPUT_MAX)
    except (TimeoutError, OSError, asyncssh.Error, SSHDashError):
        return b""  # where the connection is gone, the next call says so
