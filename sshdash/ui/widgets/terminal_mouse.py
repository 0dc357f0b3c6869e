"""What the mouse does in a terminal: it goes to the program, or selects, or scrolls."""

import time
from typing import TYPE_CHECKING

from textual import events

from sshdash.terminal.cells import PointerAction, SelectBy

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_CLICK_SECONDS = 0.4
WHEEL_ROWS = 3
_WHEEL_BUTTON = {"up": 4, "down": 5, "left": 6, "right": 7}


class TerminalMouse:
    """The mouse of one terminal.

    A program that tracks the mouse gets it, unless Shift is held; else a drag selects cells (with
    Alt a rectangle), a double click words and a triple click lines; the right button stretches
    what is selected.
    """

    def __init__(self, session: "ShellSession") -> None:
        self._session = session
        self._held = 0
        self._told_cell = (-1, -1)
        self._clicks = 0
        self._clicked_at = 0.0
        self._clicked_cell = (-1, -1)
        self._dragged = False
        self._column = 0
        self._pastes = False
        self.selecting = False
        """Whether a drag that selects is going on."""

    @property
    def dragging(self) -> bool:
        """Whether what the mouse does belongs here wherever the pointer goes."""
        return self.selecting or self._held > 0

    def down(self, event: events.MouseDown, row: int, *, ours: bool = False) -> None:
        """A button went down over a cell; `ours` keeps it from the program."""
        self._pastes = False
        if self._tracked(event) and not ours:
            self._held = event.button
            self._send(PointerAction.PRESS, event, row, event.button)
        elif event.button == 1:
            self._begin(event.x, row, rectangle=event.meta)
        elif event.button == 3 and self._session.selection.active:
            self.selecting = self._dragged = True
            self._session.selection.extend(event.x, row)
        else:
            self._pastes = event.button == 2

    def pastes(self, event: events.MouseDown) -> bool:
        """Return whether the press was to paste: the middle button, not the program's."""
        return self._pastes and event.button == 2

    def move(self, event: events.MouseMove, row: int) -> bool:
        """The pointer moved; return whether the selection may have changed."""
        if self.selecting:
            self._dragged = self._dragged or (event.x, row) != self._clicked_cell
            self._column = event.x
            if self._dragged:
                self._session.selection.extend(event.x, row)
            return self._dragged
        if self._session.emulator.modes.mouse_tracking and (event.x, row) != self._told_cell:
            self._send(PointerAction.MOVE, event, row, self._held)
        return False

    def stretch(self, row: int) -> None:
        """Stretch the selection to a row, in the column where the pointer is."""
        if self.selecting:
            self._dragged = True
            self._session.selection.extend(self._column, row)

    def up(self, event: events.MouseUp, row: int) -> str:
        """A button went up; return the text that was selected with it."""
        if self.selecting:
            self.selecting = False
            return self._session.selection.text()
        if self._held:
            self._held = 0
            self._send(PointerAction.RELEASE, event, row, event.button)
        return ""

    def wheel(
        self, event: events.MouseEvent, row: int, direction: str, *, ours: bool = False
    ) -> int:
        """The wheel turned: for the program, as arrow keys, or by the rows that are returned."""
        session = self._session
        modes = session.emulator.modes
        if self._tracked(event) and not ours:
            self._send(PointerAction.PRESS, event, row, _WHEEL_BUTTON[direction])
        elif direction in ("left", "right"):
            return 0
        elif modes.alternate_screen and not ours:
            if modes.alternate_scroll:
                session.write(session.keyboard.encode(direction) * WHEEL_ROWS)
        else:
            return -WHEEL_ROWS if direction == "up" else WHEEL_ROWS
        return 0

    def _tracked(self, event: events.MouseEvent) -> bool:
        return self._session.emulator.modes.mouse_tracking and not event.shift

    def _begin(self, column: int, row: int, rectangle: bool) -> None:
        now = time.monotonic()
        cell = (column, row)
        if cell == self._clicked_cell and now - self._clicked_at < _CLICK_SECONDS:
            self._clicks = self._clicks % 3 + 1
        else:
            self._clicks = 1
        self._clicked_at, self._clicked_cell = now, cell
        self._session.selection.begin(column, row, SelectBy(self._clicks), rectangle=rectangle)
        self._column = column
        self.selecting = True
        self._dragged = False

    def _send(self, action: PointerAction, event: events.MouseEvent, row: int, button: int) -> None:
        self._told_cell = (event.x, row)
        session = self._session
        session.write(
            session.pointer.encode(
                action,
                min(max(0, event.x), session.emulator.columns - 1),
                row,
                button,
                shift=event.shift,
                ctrl=event.ctrl,
                alt=event.meta,
            )
        )
