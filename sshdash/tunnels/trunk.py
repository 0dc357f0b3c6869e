"""Backpressure of the one TCP connection that all channels of a host share.

A channel's window only limits that channel: with fifty uploads and a server that has stopped
reading, fifty windows would pile up in memory. The loop tells the SSH connection when its
socket is full, but the SSH library leaves that unused; a `Trunk` takes the notice.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import asyncssh

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
