"""Who holds a port or comes to it, and which one is free."""

import os
import socket
import struct
import sys
from collections.abc import Collection, Sequence

from sshdash.untrusted import clean

Address = tuple[socket.AddressFamily, str]
_TRIES = 50
_CREDENTIALS = struct.Struct("3i")
"""What unix(7) tells of a peer: process, user and group."""


def bound_socket(address: Address, port: int) -> socket.socket:
    """Return a socket bound to the address, not listening yet. Raises OSError."""
    family, host = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A port whose last clients are still in TIME_WAIT is free for whoever listens next.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def next_free(addresses: Sequence[Address], port: int) -> int | None:
    """Return the first port above `port` that is free on every address, None if none is near."""
    for candidate in range(port + 1, min(port + 1 + _TRIES, 65536)):
        try:
            for address in addresses:
                sock = bound_socket(address, candidate)
                try:
                    sock.listen(1)
                finally:
                    sock.close()
        except OSError:
            continue
        return candidate
    return None


def holder(port: int) -> str:
    """Return who listens on a port of this machine: ``postgres (pid 812)``.

    Empty where that cannot be seen, as for other users' processes. Takes tens of milliseconds
    where there are many processes, so it belongs in a thread.
    """
    # Imported here because only a refused port needs it.
    import psutil

    try:
        pids = {
            connection.pid
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
        }
    except (psutil.Error, OSError):
        return ""
    return _named(pids)


def socket_holder(path: str) -> str:
    """Return who has bound a Unix socket of this machine, by its absolute path; see `holder`."""
    import psutil

    try:
        pids = {
            connection.pid
            for connection in psutil.net_connections(kind="unix")
            if connection.laddr and os.path.abspath(str(connection.laddr)) == path
        }
    except (psutil.Error, OSError):
        return ""
    return _named(pids)


def _named(pids: set[int | None]) -> str:
    return ", ".join(
        f"{process_name(pid)} (pid {pid})" for pid in sorted(pid for pid in pids if pid)
    )


def peer_pid(client: socket.socket) -> int:
    """Return the process at the other end of a Unix socket, 0 where the system does not tell."""
    if client.family != socket.AF_UNIX or sys.platform != "linux":
        return 0
    try:
        told = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return 0
    return int(_CREDENTIALS.unpack(told)[0])


def owners(ends: Collection[tuple[str, int]], port: int) -> dict[tuple[str, int], int]:
    """Return which processes connect from these ends to a port of this machine.

    Ends that no process is seen at are left out. Takes as long as `holder`.
    """
    import psutil

    pids: dict[tuple[str, int], int] = {}
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if not (connection.pid and connection.laddr and connection.raddr):
                continue
            if connection.raddr.port == port:
                # A socket for both families calls an IPv4 address ::ffff:127.0.0.1.
                address = connection.laddr.ip.removeprefix("::ffff:")
                pids[address, connection.laddr.port] = connection.pid
    except (psutil.Error, OSError):
        return {}
    return {end: pid for end, pid in pids.items() if end in ends}


def process_name(pid: int) -> str:
    """Return what a process of this machine is called, cleaned."""
    import psutil

    if pid == os.getpid():
        return "this sshdash"
    try:
        return clean(psutil.Process(pid).name(), 60)
    except (psutil.Error, OSError):
        return "a process"
