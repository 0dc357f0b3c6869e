"""Whether the one TCP connection that all channels of a host share can take more."""

from collections.abc import Callable


class Trunk:
    """Remembers whether a connection's socket is full, and who waits for room.

    A channel's window only limits that channel: with fifty uploads and a server that has
    stopped reading, fifty windows would pile up in memory.
    """

    def __init__(self) -> None:
        self.full = False
        self._waiting: dict[Callable[[], None], None] = {}

    def wait(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, when there is room again."""
        self._waiting[resume] = None

    def pause(self) -> None:
        """Note that the socket is full."""
        self.full = True

    def resume(self) -> None:
        """Tell whoever waits that there is room again."""
        self.full = False
        waiting, self._waiting = self._waiting, {}
        for resume in waiting:
            resume()
