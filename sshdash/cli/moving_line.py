"""The one line on the terminal that is drawn over itself, and stands aside for a question."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class MovingLine:
    """What is drawn last on standard error, with the cursor at its start."""

    def __init__(self) -> None:
        self._width = 0
        """Columns that are drawn on."""
        self._questions = 0

    def draw(self, text: str) -> None:
        """Show `text` in the place of what was drawn before; nothing while a question is open."""
        if self._questions:
            return
        self._width = max(20, shutil.get_terminal_size().columns - 1)
        sys.stderr.write("\r" + text[: self._width].ljust(self._width) + "\r")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave an empty line to whoever writes next."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0

    def leave(self) -> None:
        """Let what is drawn stay, and go on below it."""
        if self._width:
            sys.stderr.write("\n")
            self._width = 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to a question until it is answered."""
        self.clear()
        self._questions += 1
        try:
            yield
        finally:
            self._questions -= 1


LINE = MovingLine()
"""That of this program: it has one terminal."""
