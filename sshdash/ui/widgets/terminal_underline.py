"""Underlines that Rich does not know: curly, dotted, dashed, and of a colour of their own."""

from rich.color import ColorSystem
from rich.style import Style

from sshdash.terminal.cells import Rgb, Underline


class UnderlinedStyle(Style):
    """A style with one of these, for terminals of 24-bit colours.

    It is written in sequences of its own behind the plain underline, with which a terminal that
    ignores them is left. So is what something is laid over: the sum with another style is an
    ordinary one.
    """

    __slots__ = ()

    @classmethod
    def over(cls, style: Style, kind: Underline, colour: Rgb | None) -> "UnderlinedStyle":
        """Return `style`, which is underlined, with this kind of underline in this colour."""
        made = cls(color=style.color, bgcolor=style.bgcolor)
        made._attributes, made._set_attributes = style._attributes, style._set_attributes
        made._null = False
        codes = style._make_ansi_codes(ColorSystem.TRUECOLOR)
        if kind > Underline.SINGLE:
            codes += f"m\x1b[4:{int(kind)}"
        if colour is not None:
            codes += "m\x1b[58:2::{}:{}:{}".format(*colour)
        made._ansi = codes
        # What is kept by style, by Rich and Textual, is not that of the ordinary one.
        made._hash = hash((style, kind, colour))
        return made
