"""The one TCP connection that all channels of a host share, made fit for bulk.

A channel's window only limits that channel: with fifty uploads and a server that has stopped
reading, fifty windows would pile up in memory. The loop tells the SSH connection when its
socket is full, but the SSH library leaves that unused; a `Trunk` takes the notice.

The library also sends an empty SSH_MSG_IGNORE before every packet, in a write of its own, which
costs uploads a third of the processor's time and each key a wake-up of the server. RFC 4251
section 9.3.1 wants it against chosen plaintext in CBC mode; other ciphers have no use for it.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import asyncssh

_MSG_IGNORE = 2

_trunks: "WeakKeyDictionary[asyncssh.SSHClientConnection, Trunk]" = WeakKeyDictionary()


class Trunk:
    """Knows whether one SSH connection's socket can take more."""

    def __init__(self) -> None:
        self.full = False
        self._waiting: dict[Callable[[], None], None] = {}

    @classmethod
    def of(cls, ssh: asyncssh.SSHClientConnection) -> "Trunk":
        """Return the connection's trunk, the same one for each of its tunnels."""
        trunk = _trunks.get(ssh)
        if trunk is None:
            trunk = _trunks[ssh] = cls()
            # The loop calls these on its protocol object, which is the SSH connection.
            ssh.pause_writing = trunk._pause  # type: ignore[method-assign]
            ssh.resume_writing = trunk._resume  # type: ignore[method-assign]
            if "cbc" not in str(ssh.get_extra_info("send_cipher", "cbc")):
                _stop_ignores(ssh)
        return trunk

    def wait(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, when there is room again."""
        self._waiting[resume] = None

    def _pause(self) -> None:
        self.full = True

    def _resume(self) -> None:
        self.full = False
        waiting, self._waiting = self._waiting, {}
        for resume in waiting:
            resume()


def _stop_ignores(ssh: asyncssh.SSHClientConnection) -> None:
    send = type(ssh).send_packet

    def send_packet(kind: int, *fields: Any, **options: Any) -> None:
        if kind != _MSG_IGNORE:
            send(ssh, kind, *fields, **options)

    ssh.send_packet = send_packet  # type: ignore[assignment,method-assign]
