"""The one line on the terminal that is drawn over itself, and stands aside for a question."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import combining, east_asian_width


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
        sys.stderr.write("\r" + _fitted(text, self._width) + "\r")
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


def _fitted(text: str, width: int) -> str:
    """Return `text` cut and filled to `width` cells: a longer one would go on in the next row."""
    cells = 0
    for index, character in enumerate(text):
        cells += 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        if cells > width:
            return text[:index]
    return text + " " * (width - cells)


LINE = MovingLine()
"""That of this program: it has one terminal."""
