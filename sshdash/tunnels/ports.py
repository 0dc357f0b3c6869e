"""Who holds a port, and which one is free."""

import os
import socket
from collections.abc import Sequence

from sshdash.untrusted import clean

Address = tuple[socket.AddressFamily, str]
_TRIES = 50


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
    import psutil

    owners = []
    for pid in sorted(pid for pid in pids if pid):
        try:
            name = "this sshdash" if pid == os.getpid() else psutil.Process(pid).name()
        except (psutil.Error, OSError):
            name = "a process"
        owners.append(f"{clean(name, 60)} (pid {pid})")
    return ", ".join(owners)
