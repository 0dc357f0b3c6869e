"""Which folder a shell is in, asked over its own connection: nothing of the host is changed.

The processes of a connection's sessions are children of one process on the host, and so is the
one that asks; of those with a terminal the kernel tells where they are.
"""

import asyncio
from typing import TYPE_CHECKING

import asyncssh

from sshdash.connections.faults import explain
from sshdash.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sshdash.connections.connection import Connection
    from sshdash.terminal.session import ShellSession

_SECONDS = 10.0
_LONGEST = 200_000
"""Bytes of an answer that are read."""
_HEAD = b"folders of shells\n"
_SCRIPT = rb"""
[ -r /proc/self/stat ] || exit 1
echo 'folders of shells'
for process in /proc/[0-9]*; do
    { read -r stat <"$process/stat"; } 2>/dev/null || continue
    set -f
    set -- ${stat##*) }
    set +f
    if [ "$2" = "$PPID" ] && [ "$5" != 0 ]; then
        folder=$(readlink "/proc/$6/cwd" 2>/dev/null) ||
            folder=$(readlink "$process/cwd" 2>/dev/null) || folder=
        printf '%s %s\0' "${20}" "$folder"
    fi
done
"""
"""For each child of the same parent that has a terminal: when it began, and the folder of what
runs in its foreground, else its own. The fields are those of proc(5) behind the name."""


async def shell_folder(session: "ShellSession", others: "Sequence[ShellSession]") -> bytes:
    """Return the folder that the shell of a running session is in.

    `others` are the sessions there are; those on the same connection tell which process is whose.
    Raises SessionError where it cannot be told, ConnectionLost.
    """
    if session.directory:
        return session.directory.encode("utf-8", "surrogateescape")
    if session.lease is None or not session.has_terminal:
        raise _unknown(session, "it has no terminal")
    connection = session.lease.connection
    leases = [one.lease for one in {*others, session} if one.has_terminal and one.lease is not None]
    beside = [lease for lease in leases if lease.connection is connection]
    beside.sort(key=lambda lease: lease.taken)
    found = parse_folders(await _ask(connection))
    if found is None:
        raise _unknown(session, "the host has no /proc, or runs no sh for this")
    if len(found) != len(beside):
        told = f"the host has {len(found)} terminals for {len(beside)} shells of this connection"
        raise _unknown(session, told)
    folder = found[beside.index(session.lease)]
    if not folder.startswith(b"/"):
        raise _unknown(session, "the host does not show it to this user")
    return folder


def parse_folders(answer: bytes) -> list[bytes] | None:
    """Return the folders in the order in which the shells began, None for another answer."""
    _, head, rest = answer.partition(_HEAD)
    if not head:
        return None
    shells = []
    for line in rest.split(b"\0")[:-1]:
        began, _, folder = line.partition(b" ")
        if not began.isdigit():
            return None
        shells.append((int(began), folder))
    return [folder for _, folder in sorted(shells, key=lambda shell: shell[0])]


async def _ask(connection: "Connection") -> bytes:
    answer = b""
    try:
        async with asyncio.timeout(_SECONDS):
            process = await connection.ssh.create_process(
                "exec sh", encoding=None, stderr=asyncssh.DEVNULL
            )
            async with process:
                process.stdin.write(_SCRIPT)
                process.stdin.write_eof()
                while len(answer) < _LONGEST and (part := await process.stdout.read(32_768)):
                    answer += part
                process.close()
    except TimeoutError:
        raise SessionError(
            "The shell's folder cannot be told", "no answer in time", host=connection.host
        ) from None
    except (asyncssh.Error, OSError) as error:
        raise explain(error, connection.host, "ask for the folder of a shell") from error
    return answer


def _unknown(session: "ShellSession", detail: str) -> SessionError:
    hint = "a shell that reports it (OSC 7) needs no asking"
    return SessionError("The shell's folder cannot be told", detail, hint, session.host)
