"""The colours of one terminal: the theme's, and what programs changed of them."""

from collections.abc import Sequence
from typing import Any

from sshdash.terminal.cells import Rgb, ScreenColours
from sshdash.terminal.ghostty import call, ffi, lib, new

_REVERSE_SCREEN = 5
"""DECSCNM."""


class TerminalColours:
    """Reads and sets the colours of a terminal.

    What the theme gives is also what is answered to a program that asks for a colour (OSC 4, 10,
    11 and 12), until it has set another.
    """

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._theme: tuple[Rgb | None, Rgb | None] = (None, None)

    def __repr__(self) -> str:
        return f"<TerminalColours {self.screen}>"

    @property
    def palette(self) -> bytes:
        """The 256 colours, three bytes each, with what programs changed by OSC 4."""
        box = new("SSHDashPalette")
        call(
            lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_COLOR_PALETTE, box),
            "palette",
        )
        return bytes(ffi.buffer(box))

    def set_palette(self, first_sixteen: Sequence[Rgb]) -> None:
        """Take the named colours of the theme; what programs changed stays changed."""
        box = new("SSHDashPalette")
        # The array does not keep its memory: that is freed with the box.
        colours = box[0]
        lib.ghostty_color_palette_default(colours)
        for colour, (red, green, blue) in zip(colours, first_sixteen, strict=False):
            colour.r, colour.g, colour.b = red, green, blue
        call(
            lib.ghostty_terminal_set(
                self._terminal, lib.GHOSTTY_TERMINAL_OPT_COLOR_PALETTE, colours
            ),
            "palette",
        )

    def set_theme(self, foreground: Rgb | None, background: Rgb | None) -> None:
        """Take the theme's colours of plain text, None where the hosting terminal decides.

        The cursor is drawn in the colour of the text.
        """
        self._theme = (foreground, background)
        for option, colour in (
            (lib.GHOSTTY_TERMINAL_OPT_COLOR_FOREGROUND, foreground),
            (lib.GHOSTTY_TERMINAL_OPT_COLOR_BACKGROUND, background),
            (lib.GHOSTTY_TERMINAL_OPT_COLOR_CURSOR, foreground),
        ):
            box = ffi.NULL if colour is None else new("GhosttyColorRgb", colour)
            call(lib.ghostty_terminal_set(self._terminal, option, box), "colour")

    @property
    def screen(self) -> ScreenColours:
        """What programs changed by OSC 10, 11 and 12 and by DECSCNM."""
        foreground = self._get(lib.GHOSTTY_TERMINAL_DATA_COLOR_FOREGROUND)
        background = self._get(lib.GHOSTTY_TERMINAL_DATA_COLOR_BACKGROUND)
        cursor = self._get(lib.GHOSTTY_TERMINAL_DATA_COLOR_CURSOR)
        mode = new("GhosttyTerminalModeConfig")
        mode.mode = _REVERSE_SCREEN
        lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, mode)
        text, behind = self._theme
        return ScreenColours(
            None if foreground == text else foreground,
            None if background == behind else background,
            None if cursor == text else cursor,
            bool(mode.value),
        )

    def _get(self, key: int) -> Rgb | None:
        out = new("GhosttyColorRgb")
        if lib.ghostty_terminal_get(self._terminal, key, out) != lib.GHOSTTY_SUCCESS:
            return None
        return (out.r, out.g, out.b)
