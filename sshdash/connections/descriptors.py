"""Whether this process can open what an attempt at a connection needs.

Without, a key that cannot be read would look like a login that was refused, and known hosts that
cannot be read like a stranger: failures that are not tried again.
"""

import os

from sshdash.errors import ShortageError

_NEEDED = 16
"""Sockets, keys, known hosts, an agent, and what a thread opens for a moment."""


def require_descriptors(host: str) -> None:
    """Raise ShortageError where the system gives no more descriptors."""
    taken: list[int] = []
    try:
        while len(taken) < _NEEDED:
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise ShortageError(
            error.strerror or "Too many open files",
            detail="there is nothing left to connect with",
            hint="close something, or raise ulimit -n",
            host=host,
        ) from error
    finally:
        for descriptor in taken:
            os.close(descriptor)
