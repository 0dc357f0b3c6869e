"""IPQoS: the class of service that a connection's packets ask the network for.

As with OpenSSH 10, a connection counts as interactive unless a channel is open that is no
terminal: files, tunnels and commands are bulk, and they share their socket with the shells.
"""

import logging
import socket

from sshdash.config.resolver import ResolvedHost
from sshdash.config.service_classes import class_value

log = logging.getLogger(__name__)

_OPTIONS = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TOS),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
}


class ServiceClass:
    """Marks one socket's packets, as far as IPQoS asks for that."""

    def __init__(self, sock: socket.socket, resolved: ResolvedHost) -> None:
        interactive, bulk = (resolved.get("ipqos") or "none none").split()
        self._sock = sock
        self._interactive = class_value(interactive)
        self._bulk = class_value(bulk)
        self._mark(self._interactive)

    def choose(self, *, bulk: bool) -> None:
        """Mark the packets that follow."""
        self._mark(self._bulk if bulk else self._interactive)

    def _mark(self, value: int | None) -> None:
        option = _OPTIONS.get(self._sock.family)
        if value is None or option is None or self._sock.fileno() < 0:
            return
        try:
            self._sock.setsockopt(*option, value)
        except OSError as error:
            log.info("cannot set the class of service 0x%02x: %s", value, error)
