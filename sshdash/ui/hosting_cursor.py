"""The cursor of the terminal that sshdash runs in, for the shape that no cell can draw: a bar."""

from typing import TYPE_CHECKING, NamedTuple

from textual.geometry import Offset

if TYPE_CHECKING:
    from textual.app import App

_AS_EVER = "\x1b[0 q"
_BLINKING, _STEADY = 5, 6


class Bar(NamedTuple):
    """A cursor that stands before a cell of the screen."""

    at: Offset
    blinking: bool


def can_show(app: "App[None]") -> bool:
    """Return whether a cursor in sight would not be seen jumping about while something is drawn.

    That takes a terminal that shows what is drawn at once (mode 2026).
    """
    return bool(app._sync_available)


class HostingCursor:
    """Is in sight where a bar is wanted, and else hidden, as Textual has it."""

    def __init__(self, app: "App[None]") -> None:
        self._app = app
        self._shown: Bar | None = None

    def __repr__(self) -> str:
        return f"<HostingCursor {self._shown}>"

    def show(self, bar: Bar | None) -> None:
        """Show it as `bar`, or hide it; to be called after everything that is drawn."""
        if bar is None:
            self.hide()
            return
        # Whatever is drawn leaves it where Textual thinks that it is.
        words = "" if bar.at == self._app.cursor_position else _move(bar.at)
        if self._shown is None or self._shown.blinking != bar.blinking:
            words += f"\x1b[{_BLINKING if bar.blinking else _STEADY} q\x1b[?25h"
        self._shown = bar
        self._write(words)

    def hide(self) -> None:
        """Hide it, in the shape that it has by default."""
        if self._shown is not None:
            self._shown = None
            self._write(f"\x1b[?25l{_AS_EVER}")

    def _write(self, words: str) -> None:
        driver = self._app._driver
        if words and driver is not None:
            driver.write(words)
            driver.flush()


def _move(to: Offset) -> str:
    return f"\x1b[{to.y + 1};{to.x + 1}H"
