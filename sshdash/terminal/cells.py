"""What a terminal shows, as plain data: styles, runs of text, the cursor, the modes.

Nothing here knows the emulator or the screen it is drawn on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

CELL_PIXELS = (8, 16)
"""What a cell is said to measure, for programs that ask in pixels."""
Rgb = tuple[int, int, int]
Colour = int | Rgb | None
"""A palette index (0-255), red/green/blue, or None for the default."""


class Underline(IntEnum):
    """The kinds of underline SGR 4 knows."""

    NONE = 0
    SINGLE = 1
    DOUBLE = 2
    CURLY = 3
    DOTTED = 4
    DASHED = 5


class CellStyle(NamedTuple):
    """How cells look, as SGR says it; colours are not resolved against a palette yet."""

    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: Underline = Underline.NONE
    blink: bool = False
    reverse: bool = False
    conceal: bool = False
    strike: bool = False
    overline: bool = False
    underline_colour: Colour = None
    link: bool = False
    """Part of a link (OSC 8)."""


PLAIN = CellStyle()


class Run(NamedTuple):
    """Neighbouring cells of one style in one row."""

    text: str
    width: int
    """Columns the run fills."""
    style: CellStyle
    parts: tuple[str, ...] = ()
    """The text cell by cell, where a width could be disputed; a wide one is followed by ""."""


Row = Sequence[Run]
"""The runs of one row, which fill it."""


class CursorShape(Enum):
    """DECSCUSR's shapes."""

    BLOCK = "block"
    BAR = "bar"
    UNDERLINE = "underline"
    HOLLOW = "hollow"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the cursor is in the viewport and how it looks."""

    x: int
    y: int
    visible: bool
    """False when hidden by the application or scrolled out of view."""
    shape: CursorShape = CursorShape.BLOCK
    blinking: bool = False


class ScreenColours(NamedTuple):
    """The colours of the whole screen, where a program has changed them."""

    foreground: Rgb | None = None
    background: Rgb | None = None
    cursor: Rgb | None = None
    reverse: bool = False
    """Text and background have changed places (DECSCNM)."""


@dataclass(frozen=True, slots=True)
class Modes:
    """What the application asked of its terminal."""

    alternate_screen: bool = False
    alternate_scroll: bool = True
    application_cursor: bool = False
    bracketed_paste: bool = False
    focus_reporting: bool = False
    mouse_tracking: bool = False
    synchronized: bool = False
    """The application is in the middle of a frame (mode 2026)."""


@dataclass(frozen=True, slots=True)
class Scroll:
    """Where the viewport is: rows in all, rows above it, rows in it."""

    total: int
    offset: int
    rows: int

    @property
    def from_bottom(self) -> int:
        """Return how many rows are below the viewport."""
        return max(0, self.total - self.offset - self.rows)


class Line(NamedTuple):
    """One row of the viewport."""

    runs: Row
    selected: tuple[int, int] | None = None
    """The first and the last selected column."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What changed since the last look: the rows, decoded, by their place in the viewport."""

    lines: dict[int, Line]
    full: bool
    """Every row is in `lines`: the size, the screen or a colour changed."""


class PointerAction(Enum):
    """What a mouse button did, or that the pointer moved."""

    PRESS = "press"
    RELEASE = "release"
    MOVE = "move"


class SelectBy(Enum):
    """What a selection grows by: one click, two, three."""

    CELL = 1
    WORD = 2
    LINE = 3
