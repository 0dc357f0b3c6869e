"""A keepalive timer that is set when it runs out, and not anew for every read."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from sshdash.connections.transport.rekeying import Rekeying


class Patient(Rekeying):
    """A connection to which any packet shows that the server is there, as with OpenSSH."""

    _heard: float

    def start(self) -> None:
        """Take the server for alive by now."""
        super().start()
        self._heard = monotonic()

    def set_keepalive(self, *arguments: Any, **options: Any) -> None:
        """Change when keepalives are sent."""
        self._cancel_keepalive_timer()
        super().set_keepalive(*arguments, **options)

    def _reset_keepalive_timer(self) -> None:
        self._heard = monotonic()
        self._keepalive_count = 0
        if self._keepalive_timer is None:
            super()._reset_keepalive_timer()

    def _keepalive_timer_callback(self) -> None:
        left = self._heard + self._keepalive_interval - monotonic()
        if left > 0:
            again: Callable[[], None] = self._keepalive_timer_callback
            self._keepalive_timer = self._loop.call_later(left, again)
        else:
            super()._keepalive_timer_callback()
