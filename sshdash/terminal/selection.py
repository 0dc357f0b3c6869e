"""What is selected in a terminal: it follows its text as the screen scrolls and is rewrapped."""

from typing import Any

from sshdash.terminal.cells import SelectBy
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import call, ffi, function, lib, new, sized
from sshdash.terminal.grid import formatted

Point = tuple[int, int]
"""A row and a column."""


class Selection:
    """The selection of one emulator: begun at a cell of the viewport, stretched to another."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._anchor: Any = None
        self._by = SelectBy.CELL
        self._rectangle = False
        self._on_alternate = False

    @property
    def active(self) -> bool:
        """Whether anything is selected."""
        out = sized("GhosttySelection")
        got = lib.ghostty_terminal_get(
            self._emulator.handle, lib.GHOSTTY_TERMINAL_DATA_SELECTION, out
        )
        return bool(got == lib.GHOSTTY_SUCCESS)

    def begin(
        self, column: int, row: int, by: SelectBy = SelectBy.CELL, *, rectangle: bool = False
    ) -> None:
        """Forget what was selected and start at a cell; a word or line is selected at once."""
        self.clear()
        self._rectangle = rectangle
        self._by = by
        self._on_alternate = self._emulator.modes.alternate_screen
        box = new("GhosttyTrackedGridRef")
        track = function("ghostty_terminal_grid_ref_track")
        point = self._point(column, row, lib.GHOSTTY_POINT_TAG_VIEWPORT)
        if track(self._emulator.handle, point[0], box) != lib.GHOSTTY_SUCCESS:
            return
        self._anchor = ffi.gc(box[0], lib.ghostty_tracked_grid_ref_free)
        if by is not SelectBy.CELL:
            self.extend(column, row)

    def extend(self, column: int, row: int) -> None:
        """Stretch the selection to a cell of the viewport."""
        anchor = sized("GhosttyGridRef")
        if (
            self._anchor is None
            # Cells of one screen are no part of a selection on the other.
            or self._on_alternate != self._emulator.modes.alternate_screen
            or lib.ghostty_tracked_grid_ref_snapshot(self._anchor, anchor) != lib.GHOSTTY_SUCCESS
        ):
            return
        here = self._ref(column, row)
        if here is None:
            return
        chosen = sized("GhosttySelection")
        chosen.start, chosen.end = anchor[0], here[0]
        if self._by is SelectBy.WORD:
            chosen = self._words(anchor, here) or chosen
        elif self._by is SelectBy.LINE:
            chosen = self._lines(anchor, here) or chosen
        else:
            chosen.rectangle = self._rectangle
        lib.ghostty_terminal_set(self._emulator.handle, lib.GHOSTTY_TERMINAL_OPT_SELECTION, chosen)

    def select(self, start: Point, end: Point, *, rectangle: bool = False) -> None:
        """Select from a cell to another: rows from the oldest that is kept, then columns."""
        chosen = sized("GhosttySelection")
        screen = lib.GHOSTTY_POINT_TAG_SCREEN
        ends = [self._ref(column, row, screen) for row, column in (start, end)]
        if ends[0] is None or ends[1] is None:
            return
        self._anchor = None
        chosen.start, chosen.end = ends[0][0], ends[1][0]
        chosen.rectangle = rectangle
        lib.ghostty_terminal_set(self._emulator.handle, lib.GHOSTTY_TERMINAL_OPT_SELECTION, chosen)

    def select_output(self, row: int) -> bool:
        """Select what the command printed that a row is part of; return whether one did."""
        ref = self._ref(0, row, lib.GHOSTTY_POINT_TAG_SCREEN)
        chosen = sized("GhosttySelection")
        output = lib.ghostty_terminal_select_output
        if ref is None or output(self._emulator.handle, ref[0], chosen) != lib.GHOSTTY_SUCCESS:
            return False
        lib.ghostty_terminal_set(self._emulator.handle, lib.GHOSTTY_TERMINAL_OPT_SELECTION, chosen)
        return True

    def clear(self) -> None:
        """Select nothing."""
        self._anchor = None
        lib.ghostty_terminal_set(
            self._emulator.handle, lib.GHOSTTY_TERMINAL_OPT_SELECTION, ffi.NULL
        )

    def text(self) -> str:
        """Return the selected text, wrapped lines joined, trailing blanks dropped."""
        chosen = sized("GhosttySelection")
        if (
            lib.ghostty_terminal_get(
                self._emulator.handle, lib.GHOSTTY_TERMINAL_DATA_SELECTION, chosen
            )
            != lib.GHOSTTY_SUCCESS
        ):
            return ""
        # The rows of a rectangle are lines of their own, wherever the text goes on.
        unwrap = not chosen.rectangle
        return formatted(self._emulator, chosen, unwrap=unwrap, trim=True)

    def _words(self, anchor: Any, here: Any) -> Any:
        options = sized("GhosttyTerminalSelectWordBetweenOptions")
        options.start, options.end = anchor[0], here[0]
        near = sized("GhosttySelection")
        far = sized("GhosttySelection")
        between = lib.ghostty_terminal_select_word_between
        if between(self._emulator.handle, options, near) != lib.GHOSTTY_SUCCESS:
            return None
        options.start, options.end = here[0], anchor[0]
        if between(self._emulator.handle, options, far) != lib.GHOSTTY_SUCCESS:
            return None
        return self._joined(near, far)

    def _lines(self, anchor: Any, here: Any) -> Any:
        options = sized("GhosttyTerminalSelectLineOptions")
        options.ref = anchor[0]
        near = sized("GhosttySelection")
        far = sized("GhosttySelection")
        line = lib.ghostty_terminal_select_line
        if line(self._emulator.handle, options, near) != lib.GHOSTTY_SUCCESS:
            return None
        options.ref = here[0]
        if line(self._emulator.handle, options, far) != lib.GHOSTTY_SUCCESS:
            return None
        return self._joined(near, far)

    def _joined(self, near: Any, far: Any) -> Any:
        """Return the selection that covers both, whichever comes first on the screen."""
        ends = [near.start, near.end, far.start, far.end]
        ends.sort(key=self._place)
        joined = sized("GhosttySelection")
        joined.start, joined.end = ends[0], ends[-1]
        return joined

    def _place(self, ref: Any) -> tuple[int, int]:
        out = new("GhosttyPointCoordinate")
        pointer = new("GhosttyGridRef", ref)
        call(
            lib.ghostty_terminal_point_from_grid_ref(
                self._emulator.handle, pointer, lib.GHOSTTY_POINT_TAG_SCREEN, out
            ),
            "place",
        )
        return out.y, out.x

    def _point(self, column: int, row: int, tag: int) -> Any:
        point = new("GhosttyPointS")
        point.tag = tag
        last = self._emulator.rows - 1
        if tag == lib.GHOSTTY_POINT_TAG_SCREEN:
            last = self._emulator.scroll.total - 1
        point.value.x = min(max(0, column), self._emulator.columns - 1)
        point.value.y = min(max(0, row), last)
        return point

    def _ref(self, column: int, row: int, tag: int = lib.GHOSTTY_POINT_TAG_VIEWPORT) -> Any:
        ref = sized("GhosttyGridRef")
        grid_ref = function("ghostty_terminal_grid_ref")
        point = self._point(column, row, tag)
        if grid_ref(self._emulator.handle, point[0], ref) != lib.GHOSTTY_SUCCESS:
            return None
        return ref
