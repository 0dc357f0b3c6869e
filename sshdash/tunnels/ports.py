"""Who holds a port or comes to it, and which one is free."""

import errno
import os
import socket
import struct
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Collection, Container, Sequence

from sshdash.untrusted import clean

Address = tuple[socket.AddressFamily, str]
LOOPBACK: tuple[Address, ...] = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_TRIES = 50
_CREDENTIALS = struct.Struct("3i")
"""What unix(7) tells of a peer: process, user and group."""
_FIRST_FREE = 1024
"""Ports below belong to root."""
_INSTEAD = 8000
"""What is added to those: 80 becomes 8080, 443 becomes 8443."""
NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


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


def next_free(addresses: Sequence[Address], port: int, taken: Container[int] = ()) -> int | None:
    """Return the first port above `port` that is free on every address, None if none is near.

    None of `taken` is. An address of IPv6 where the machine has none does not count.
    """
    for candidate in range(port + 1, min(port + 1 + _TRIES, 65536)):
        if candidate not in taken and all(_is_free(address, candidate) for address in addresses):
            return candidate
    return None


def port_here(wanted: int, taken: Container[int] = ()) -> int:
    """Return the port to listen on here for what has the port `wanted` elsewhere.

    The same number, where it is free on loopback and needs no root, else one near it; 0, which
    lets the system choose, where there is none.
    """
    if not wanted:
        return 0
    first = wanted if wanted >= _FIRST_FREE else wanted + _INSTEAD
    return next_free(LOOPBACK, first - 1, taken) or 0


def _is_free(address: Address, port: int) -> bool:
    try:
        sock = bound_socket(address, port)
    except OSError as error:
        return address[0] == socket.AF_INET6 and error.errno in NO_IPV6
    try:
        sock.listen(1)
    except OSError:
        return False
    finally:
        sock.close()
    return True


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


def peer_pid(client: socket.socket | TransportSocket) -> int:
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
