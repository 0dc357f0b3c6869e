"""The one TCP connection that all channels of a host share, made fit for bulk.

A channel's window only limits that channel: with fifty uploads and a server that has stopped
reading, fifty windows would pile up in memory. The loop tells the SSH connection when its
socket is full, but the SSH library leaves that unused; a `Trunk` takes the notice.

The library also sends an empty SSH_MSG_IGNORE before every packet, in a write of its own, which
costs uploads a third of the processor's time and each key a wake-up of the server. RFC 4251
section 9.3.1 wants it against chosen plaintext in CBC mode; other ciphers have no use for it.
And it takes each packet off the front of a bytes object, which moves the rest of what was read
twice per packet; given little more than a packet at a time, there is no rest to move.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import asyncssh

_MSG_IGNORE = 2
_PIECE = 40 * 1024
"""A little more than the largest packet servers send, 32 KiB and its overhead."""

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
            _read_in_pieces(ssh)
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


def _read_in_pieces(ssh: asyncssh.SSHClientConnection) -> None:
    receive = type(ssh).data_received

    def data_received(data: bytes, datatype: int | None = None) -> None:
        if len(data) <= _PIECE:
            receive(ssh, data, datatype)
            return
        for start in range(0, len(data), _PIECE):
            receive(ssh, data[start : start + _PIECE], datatype)

    ssh.data_received = data_received  # type: ignore[method-assign]
