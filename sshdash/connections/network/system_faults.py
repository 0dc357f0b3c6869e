"""What the system says of names and sockets, as our errors."""

import errno
import socket

from sshdash.errors import UnreachableError
from sshdash.untrusted import clean

NETWORK: dict[int, tuple[str, str]] = {
    errno.ECONNREFUSED: (
        "Connection refused",
        "nothing listens there: is sshd running, is the port right?",
    ),
    errno.EHOSTUNREACH: ("No route to host", "is the host up, and on a network you can reach?"),
    errno.ENETUNREACH: ("Network unreachable", "are you online, or is a VPN missing?"),
    errno.ENETDOWN: ("Network down", "are you online?"),
    errno.ETIMEDOUT: (
        "Connection timed out",
        "no answer at all: a firewall, a wrong address, or the host is down",
    ),
    errno.ECONNRESET: (
        "Connection reset",
        "the far end, or a firewall between, cut the connection",
    ),
    errno.EPIPE: ("Connection closed", "the far end closed the connection"),
    errno.EADDRNOTAVAIL: ("Cannot use the local address", "check BindAddress and BindInterface"),
    errno.EACCES: ("Not permitted by the local system", "a local firewall may forbid it"),
    errno.EMFILE: ("Too many open files", "close something, or raise ulimit -n"),
}
"""By number, what happened and what to do about it."""


def explain_socket(
    error: OSError | UnicodeError, host: str, address: str, port: int = 0
) -> UnreachableError:
    """Return a name or network failure as one of ours; `address` is what was asked for."""
    where = clean(f"{address} port {port}" if port else address)
    if isinstance(error, socket.gaierror | UnicodeError):
        again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        return UnreachableError(
            "Name does not resolve",
            detail=where,
            hint="the name server does not answer" if again else "check HostName, or the VPN",
            host=host,
        )
    title, hint = NETWORK.get(error.errno or 0, ("", ""))
    if not title:
        title = clean(error.strerror or str(error) or type(error).__name__)
    return UnreachableError(title, detail=where, hint=hint, host=host)
