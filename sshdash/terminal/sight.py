"""Whether somebody looks at a terminal. Pure."""

from collections.abc import Callable


class Sight:
    """Is told by who draws a terminal, and tells who feeds it."""

    def __init__(self) -> None:
        self.seen = True
        self.on_change: Callable[[], None] | None = None
        """Called when it comes in sight, or goes out of it."""

    def __repr__(self) -> str:
        return f"<Sight [{'seen' if self.seen else 'unseen'}]>"

    def look(self, seen: bool) -> None:
        """Take note of whether it is in sight."""
        changed = seen is not self.seen
        self.seen = seen
        if changed and self.on_change is not None:
            self.on_change()
