"""Ports for servers of tests, no two of which get the same."""

import errno
import functools
import itertools
import random
import socket
import sys
from collections.abc import Iterator

_CHANCE = random.SystemRandom()
"""Not the generator of `random`, which Hypothesis sets to the same seed in every process."""
_SHARE = 1_250
"""Ports that one process of the tests gives out."""
_SHARES = [range(first, first + _SHARE) for first in range(12_000, 32_000, _SHARE)]


def free_port() -> int:
    """Return a loopback port that was free a moment ago, on IPv4 and IPv6.

    It is not one of those that the kernel chooses, which any client next door may get meanwhile,
    none that another process of the tests gives out, and none that this one did lately.
    """
    while True:
        port = next(_ports())
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with socket.socket(family) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return port  # this machine has no IPv6
        else:
            return port


@functools.cache
def _ports() -> Iterator[int]:
    """Return the ports of this process, again and again.

    A name that only one socket can have, and that is free when its process ends, says whose.
    """
    shares = _CHANCE.sample(_SHARES, len(_SHARES))
    for share in shares if sys.platform == "linux" else ():
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sshdash-tests-{share.start}")
        except OSError:
            claim.close()
        else:
            claim.detach()  # open until the end
            return itertools.cycle(share)
    return itertools.cycle(shares[0])
