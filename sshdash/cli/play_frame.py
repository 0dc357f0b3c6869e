"""Frames of a played recording: an emulator's rows as sequences that are all sshdash's own."""

import os
import unicodedata
from collections.abc import Mapping

from sshdash.terminal.cells import PLAIN, CellStyle, Colour, Cursor, Line, Underline

ENTER = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J"
"""Another screen, without wrapping: what is too wide is cut by the terminal."""
LEAVE = "\x1b[m\x1b[?25h\x1b[?7h\x1b[?1049l"
_ATTRIBUTES = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("blink", "5"),
    ("reverse", "7"),
    ("conceal", "8"),
    ("strike", "9"),
    ("overline", "53"),
)


def frame(
    lines: Mapping[int, Line], cursor: Cursor, first: int, height: int, status: str, width: int
) -> str:
    """Return what draws these lines of a terminal of which row `first` is at the top.

    `status` takes the row below `height` rows of it.
    """
    parts = ["\x1b[?25l"]
    for y, line in sorted(lines.items()):
        if first <= y < first + height:
            parts.append(f"\x1b[{y - first + 1};1H{_row(line)}\x1b[m\x1b[K")
    parts.append(f"\x1b[{height + 1};1H\x1b[7m{status[:width].ljust(width)}\x1b[m")
    if cursor.visible and first <= cursor.y < first + height:
        parts.append(f"\x1b[{cursor.y - first + 1};{cursor.x + 1}H\x1b[?25h")
    return "".join(parts)


def _row(line: Line) -> str:
    parts: list[str] = []
    column = 0
    for run in line.runs:
        # Where a run begins is said anew: the terminal may find a character wider than we do.
        parts.append(f"\x1b[{column + 1}G{_sgr(run.style)}{_printable(run.text)}")
        column += run.width
    return "".join(parts)


def _printable(text: str) -> str:
    """Return text without a character that a terminal would act on."""
    if text.isprintable():
        return text
    return "".join(
        "\ufffd" if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char
        for char in text
        if unicodedata.category(char) != "Cf" or char in "\u200c\u200d"
    )


def _sgr(style: CellStyle) -> str:
    if style == PLAIN:
        return "\x1b[m"
    codes = ["0", *(code for name, code in _ATTRIBUTES if getattr(style, name))]
    if style.underline:
        codes.append("21" if style.underline is Underline.DOUBLE else "4")
    codes += _colour(style.foreground, 38) + _colour(style.background, 48)
    return f"\x1b[{';'.join(codes)}m{_underline(style)}"


def _underline(style: CellStyle) -> str:
    """Return the kind and the colour of an underline, behind the plain one.

    Only for terminals that say what they are: others might take it for something else.
    """
    if not style.underline or os.environ.get("COLORTERM") not in ("truecolor", "24bit"):
        return ""
    kind, colour = style.underline, style.underline_colour
    written = f"\x1b[4:{int(kind)}m" if kind > Underline.DOUBLE else ""
    if isinstance(colour, int):
        written += f"\x1b[58:5:{colour}m"
    elif colour is not None:
        written += "\x1b[58:2::{}:{}:{}m".format(*colour)
    return written


def _colour(colour: Colour, kind: int) -> list[str]:
    if colour is None:
        return []
    if isinstance(colour, int):
        return [f"{kind};5;{colour}"]
    return [f"{kind};2;{colour[0]};{colour[1]};{colour[2]}"]
