"""Whether somebody looks at a terminal. Pure."""

from collections.abc import Callable


class Sight:
    """Is told by who draws a terminal, and tells who feeds it."""

    def __init__(self) -> None:
        self.seen = True
        self.on_shown: Callable[[], None] | None = None
        """Called when it comes in sight again."""

    def __repr__(self) -> str:
        return f"<Sight [{'seen' if self.seen else 'unseen'}]>"

    def look(self, seen: bool) -> None:
        """Take note of whether it is in sight."""
        shown = seen and not self.seen
        self.seen = seen
        if shown and self.on_shown is not None:
            self.on_shown()
