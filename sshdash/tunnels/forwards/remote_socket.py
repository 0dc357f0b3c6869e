"""Sockets that sshd leaves behind on the server: it makes them for -R, and never removes them.

Where StreamLocalBindUnlink is off there, as by default, nobody can listen at that path again.
"""

import logging
import posixpath
import stat

import asyncssh

from sshdash.connections.transport.transport import Transport

log = logging.getLogger(__name__)

_FAULTS = (asyncssh.Error, OSError, ValueError)


async def clear_away(ssh: Transport, path: str) -> bool:
    """Remove a socket that was ours and that nobody listens on; return whether it is gone.

    Never raises. It is not to be cancelled: the library forgets a channel that is confirmed after
    that. A relative path stays, as it may mean something else to SFTP.
    """
    try:
        if not posixpath.isabs(path) or await _answers(ssh, path):
            return False
        async with ssh.start_sftp_client() as sftp:
            if not stat.S_ISSOCK((await sftp.lstat(path)).permissions or 0):
                return False
            await sftp.remove(path)
    except _FAULTS as error:
        log.debug("a socket that was left behind on the server stays there: %s", error)
        return False
    return True


async def _answers(ssh: Transport, path: str) -> bool:
    """Return whether somebody listens on a socket of the server."""
    try:
        channel, _ = await ssh.create_unix_connection(asyncssh.SSHUNIXSession, path)
    except asyncssh.ChannelOpenError:
        return False
    channel.abort()
    return True
