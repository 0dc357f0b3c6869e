"""Notices that this machine's network changed: addresses and routes that come and go.

On Linux the kernel tells it (rtnetlink(7)); elsewhere nothing is noticed, and keepalives have to
do. Many messages in a row are one change.
"""

import asyncio
import contextlib
import logging
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Callable

log = logging.getLogger(__name__)

_ROUTE = 0
"""NETLINK_ROUTE"""
_GROUPS = 0x10 | 0x40 | 0x100 | 0x400
"""RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE"""
_SETTLE = 1.0
"""Seconds from the first message of a change until it is told: by then there is an address."""
_PAUSE = 5.0
"""Seconds between two changes that are told: a flapping interface must cost nothing."""
_READS = 64
"""Messages taken in one turn of the loop at most."""


class NetworkWatch:
    """Calls `changed` after the network did."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._told = -_PAUSE

    def start(self, listening: socket.socket | None = None) -> None:
        """Listen to the kernel from now on, as far as it speaks; to `listening` where given."""
        self._socket = listening or _listen()
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._read)

    def stop(self) -> None:
        """Listen no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        """Take what there is; more than the kernel keeps for us is an error, and a change too."""
        assert self._socket
        with contextlib.suppress(OSError):
            for _ in range(_READS):
                if not self._socket.recv(65536):
                    self.stop()
                    return
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait = max(_SETTLE, self._told + _PAUSE - loop.time())
            self._timer = loop.call_later(wait, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._told = asyncio.get_running_loop().time()
        self._changed()


def _listen() -> socket.socket | None:
    """Return a socket that the kernel tells changes on, None where it does not."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return None
    listening = None
    try:
        listening = socket.socket(family, socket.SOCK_RAW, _ROUTE)
        listening.setblocking(False)
        listening.bind((0, _GROUPS))
    except OSError as error:
        log.info("changes of the network are not told here: %s", error)
        if listening:
            listening.close()
        return None
    return listening


def has_moved(sock: TransportSocket) -> bool:
    """Return whether the system would reach the peer of a TCP socket from another address now.

    Nothing is sent for it.
    """
    try:
        peer, here = sock.getpeername(), sock.getsockname()
        with socket.socket(sock.family, socket.SOCK_DGRAM) as probe:
            probe.connect(peer)
            return bool(probe.getsockname()[0] != here[0])
    except OSError:
        return True
