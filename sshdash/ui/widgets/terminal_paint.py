"""From a terminal's rows to Textual's strips, in the colours of the theme."""

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.filter import ANSIToTruecolor, LineFilter
from textual.strip import Strip
from textual.theme import Theme

from sshdash.terminal.cells import (
    PLAIN,
    CellStyle,
    Colour,
    Cursor,
    CursorShape,
    Line,
    Rgb,
    Row,
    Run,
    ScreenColours,
    Underline,
)
from sshdash.terminal.written_rows import WrittenRow
from sshdash.ui.hosting import Hosting
from sshdash.ui.widgets.terminal_strip import RowStrip, WrittenStrip
from sshdash.ui.widgets.terminal_underline import UnderlinedStyle
from sshdash.ui.widgets.terminal_width import fitting

Marked = tuple[int, int, Style]
"""Columns from the first to one behind the last, and what is laid over them."""
_STYLE_LIMIT = 4096
_RESET = "\x1b[0m"
_CALMED = (*range(1, 7), *range(9, 15))
_NO_ATTRIBUTES = PLAIN[2:]
_UNCHANGED = ScreenColours()
_CAUTIOUS = Hosting()
_NAMED = 16
"""Colours of the palette that are the theme's; of the others a program knows what they are."""
_AREAS = re.compile("([\u2580-\u259f\ue0b0-\ue0d4\U0001fb00-\U0001fbaf]+)")
"""Characters that paint as a background does: blocks, and the edges of a status line's fields."""
_READABLE = 3.0
"""The least contrast of text that is left in the colour its program chose."""
_DARK_SIXTEEN = (
    (0x2C, 0x34, 0x44),
    (0xF0, 0x71, 0x78),
    (0x7F, 0xC9, 0x8B),
    (0xE2, 0xB4, 0x5C),
    (0x7A, 0xA2, 0xF7),
    (0xC7, 0x92, 0xEA),
    (0x68, 0xC4, 0xCF),
    (0xC3, 0xC9, 0xD6),
    (0x5A, 0x64, 0x78),
    (0xFF, 0x8F, 0x94),
    (0x9B, 0xDD, 0xA6),
    (0xF3, 0xCB, 0x7E),
    (0x9C, 0xBB, 0xFF),
    (0xD9, 0xAF, 0xF3),
    (0x8A, 0xDB, 0xE4),
    (0xEE, 0xF2, 0xFB),
)
_LIGHT_SIXTEEN = (
    (0x23, 0x29, 0x36),
    (0xC0, 0x2A, 0x3A),
    (0x2C, 0x7A, 0x3F),
    (0x8A, 0x5A, 0x00),
    (0x2B, 0x5F, 0xC7),
    (0x8A, 0x3F, 0xB0),
    (0x0F, 0x75, 0x85),
    (0x8C, 0x95, 0xA6),
    (0x5C, 0x66, 0x78),
    (0xD8, 0x3F, 0x4F),
    (0x35, 0x91, 0x4C),
    (0xA6, 0x6F, 0x0A),
    (0x3F, 0x76, 0xE0),
    (0xA3, 0x55, 0xC9),
    (0x1B, 0x8C, 0x9E),
    (0x12, 0x15, 0x1C),
)


def named_colours(theme: Theme) -> tuple[tuple[int, int, int], ...]:
    """Return the sixteen colours that programs name, readable on the theme's background."""
    return _DARK_SIXTEEN if theme.dark else _LIGHT_SIXTEEN


class Painter:
    """Turns lines into strips.

    `palette` is the emulator's, `base` the widget's own style, `colours` what a program changed
    of it.
    """

    def __init__(
        self,
        palette: bytes,
        base: Style,
        selection: Style,
        colours: ScreenColours = _UNCHANGED,
        *,
        direct: bool = False,
        blink: bool = True,
        hosting: Hosting = _CAUTIOUS,
    ) -> None:
        self.palette = palette
        self.blink = blink
        self.hosting = hosting
        text, behind = map(self._colour, (colours.foreground, colours.background))
        base += Style(color=text, bgcolor=behind)
        if colours.reverse:
            base += Style(color=base.bgcolor, bgcolor=base.color)
        self.base = base
        block = self._colour(colours.cursor)
        self._block = block and Style(color=base.bgcolor, bgcolor=block, reverse=False)
        self.selection = selection
        self.direct = direct
        """Whether the hosting terminal shows 24-bit colours, so that they can be passed on."""
        plain = base.render("x", color_system=ColorSystem.TRUECOLOR)
        self._before = (_RESET + plain.partition("x")[0]).encode()
        """What takes back a style and sets the colours of the theme."""
        self._styles: dict[CellStyle, Style] = {}
        self._area_styles: dict[CellStyle, Style] = {}

    def line(
        self,
        line: Line,
        width: int,
        cursor: Cursor | None = None,
        marks: Sequence[Marked] = (),
    ) -> Strip:
        """Return `line` as a strip of exactly `width` columns, with the cursor if it is here."""
        strip = self._strip(line.runs)
        if strip.cell_length != width:
            strip = strip.adjust_cell_length(width, self.base)
        for start, end, style in marks:
            strip = self._restyled(strip, start, end, style)
        if line.selected is not None:
            first, last = line.selected
            strip = self._restyled(strip, first, last + 1, self.selection)
        if cursor is not None and cursor.x < width:
            strip = self._with_cursor(strip, cursor)
        return strip

    def _strip(self, runs: Row) -> Strip:
        if self.direct and isinstance(runs, WrittenRow) and (self.blink or not runs.blinks):
            written = runs.shown(self._before)
            return WrittenStrip(written, runs.width, lambda: self._segments(runs))
        return RowStrip(self._segments(runs), sum(run.width for run in runs))

    def needed(self, filters: Iterable[LineFilter]) -> list[LineFilter]:
        """Return the filters that change anything: no colour here is one of sixteen."""
        if not all(colour and colour.triplet for colour in (self.base.color, self.base.bgcolor)):
            return list(filters)
        return [one for one in filters if not isinstance(one, ANSIToTruecolor)]

    def blank(self, width: int) -> Strip:
        """Return an empty row."""
        return Strip([Segment(" " * width, self.base)], width)

    def style(self, cells: CellStyle) -> Style:
        """Return what Rich calls the style of a cell."""
        found = self._styles.get(cells)
        if found is None:
            if len(self._styles) >= _STYLE_LIMIT:
                self._styles.clear()
            found = self._styles[cells] = self._rich(cells)
        return found

    def _segments(self, runs: Iterable[Run]) -> list[Segment]:
        segments: list[Segment] = []
        for run in runs:
            style = self.style(run.style)
            parts = fitting(run, self.hosting.clusters) if run.parts else (run.text,)
            if not run.text.isascii() and _is_themed(run.style):
                segments += self._with_areas(parts, style, run.style)
            elif run.parts:
                segments += [Segment(text, style) for text in parts if text]
            else:
                segments.append(Segment(run.text, style))
        return segments

    def _with_areas(
        self, parts: Iterable[str], style: Style, cells: CellStyle
    ) -> Iterator[Segment]:
        """Draw what paints areas in the colours that a background has, and the rest as text."""
        for part in parts:
            for at, text in enumerate(_AREAS.split(part)):
                if text:
                    yield Segment(text, self._area_style(cells) if at % 2 else style)

    def _area_style(self, cells: CellStyle) -> Style:
        found = self._area_styles.get(cells)
        if found is None:
            if len(self._area_styles) >= _STYLE_LIMIT:
                self._area_styles.clear()
            found = self.style(cells) + Style(
                color=self._area(cells.foreground) or self.base.color,
                bgcolor=self._area(cells.background) or self.base.bgcolor,
            )
            self._area_styles[cells] = found
        return found

    def _area(self, colour: Colour) -> Color | None:
        found = self._colour(colour)
        return self._behind(colour, found) if isinstance(colour, int) else found

    def _rich(self, cells: CellStyle) -> Style:
        colour = self._colour(cells.underline_colour)
        special = cells.underline > Underline.SINGLE or (cells.underline and colour is not None)
        if special and self.direct and self.hosting.underlines:
            plain = self._ordinary(cells._replace(underline=Underline.SINGLE))
            rgb = None if colour is None else _rgb(colour)
            return UnderlinedStyle.over(plain, cells.underline, rgb)
        return self._ordinary(cells)

    def _ordinary(self, cells: CellStyle) -> Style:
        foreground = self._colour(cells.foreground)
        if isinstance(cells.foreground, int) and cells.foreground < 8 and cells.bold:
            foreground = self._colour(cells.foreground + 8)
        background = self._colour(cells.background)
        if isinstance(cells.background, int) and not cells.conceal:
            background = self._behind(cells.background, background)
            if not (_is_exact(cells.foreground) and _is_exact(cells.background)):
                foreground = self._readable(foreground or self.base.color, background)
        foreground = foreground or self.base.color
        background = background or self.base.bgcolor
        if cells[2:] == _NO_ATTRIBUTES:
            return Style.from_color(foreground, background)
        return Style(
            color=foreground,
            bgcolor=background,
            bold=cells.bold or None,
            dim=cells.dim or None,
            italic=cells.italic or None,
            # Rich knows two kinds of underline and no colour of it.
            underline=bool(cells.underline) or cells.link or None,
            underline2=cells.underline is Underline.DOUBLE or None,
            blink=(self.blink and cells.blink) or None,
            reverse=cells.reverse or None,
            conceal=cells.conceal or None,
            strike=cells.strike or None,
            overline=cells.overline or None,
        )

    def _colour(self, colour: Colour) -> Color | None:
        if colour is None:
            return None
        if isinstance(colour, int):
            at = colour * 3
            colour = (self.palette[at], self.palette[at + 1], self.palette[at + 2])
        return Color.from_rgb(*colour)

    def _behind(self, index: int, colour: Color | None) -> Color | None:
        """Return a named colour as a background: calmer, for it fills whole screens."""
        if colour is None or self.base.bgcolor is None or index not in _CALMED:
            return colour
        parts = zip(colour.get_truecolor(), self.base.bgcolor.get_truecolor(), strict=True)
        return Color.from_rgb(*(round(named * 0.5 + theme * 0.5) for named, theme in parts))

    def _readable(self, text: Color | None, behind: Color | None) -> Color | None:
        """Return `text`, or the theme's own text or background colour where it reads better.

        The theme's named colours are bright enough to read as text, so that text of another of
        them, laid over one, may not be read at all.
        """
        if text is None or behind is None or _contrast(text, behind) >= _READABLE:
            return text
        candidates = [colour for colour in (self.base.color, self.base.bgcolor) if colour]
        return max(candidates, key=lambda colour: _contrast(colour, behind), default=text)

    def _with_cursor(self, strip: Strip, cursor: Cursor) -> Strip:
        here = strip.crop(cursor.x, cursor.x + 1)
        width = 2 if not here.text.strip(" ") and _wide_at(strip, cursor.x) else 1
        shape = cursor.shape
        if shape is CursorShape.BLOCK:
            style = self._block or Style(reverse=not _reversed_at(here))
        else:
            style = Style(underline=True, bold=True)
        if cursor.blinking and self.blink:
            style += Style(blink=True)
        return self._restyled(strip, cursor.x, cursor.x + width, style)

    def _restyled(self, strip: Strip, start: int, end: int, style: Style) -> Strip:
        end = min(end, strip.cell_length)
        before, inside, after = strip.divide([start, end, strip.cell_length])
        inside = Strip(
            [Segment(text, (old or self.base) + style) for text, old, _ in inside],
            inside.cell_length,
        )
        return Strip.join([before, inside, after])


def _is_exact(colour: Colour) -> bool:
    """Return whether a program knows what the colour looks like."""
    return colour is not None and not (isinstance(colour, int) and colour < _NAMED)


def _is_themed(cells: CellStyle) -> bool:
    """Return whether one of the colours was chosen by its name."""
    return any(
        isinstance(colour, int) and colour < _NAMED
        for colour in (cells.foreground, cells.background)
    )


def _rgb(colour: Color) -> Rgb:
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def _contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, as WCAG 2 defines it."""
    low, high = sorted(_luminance(colour.get_truecolor()) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: tuple[int, int, int]) -> float:
    red, green, blue = (
        part / 12.92 / 255 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _reversed_at(strip: Strip) -> bool:
    return any(segment.style is not None and segment.style.reverse for segment in strip)


def _wide_at(strip: Strip, column: int) -> bool:
    """Return whether a wide character begins in `column`."""
    pair = strip.crop(column, column + 2)
    return len(pair.text) == 1 and pair.cell_length == 2


def numbers_of(colour: Color | None) -> Rgb | None:
    """Return a colour of the theme in numbers, None where the hosting terminal decides."""
    return None if colour is None or colour.triplet is None else colour.get_truecolor()
