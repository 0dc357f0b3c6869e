"""Boxes and buttons whose state shows without colour."""

from textual.content import Content
from textual.widgets import Checkbox, RadioButton


class Tick(Checkbox):
    """A box with a tick in it, or nothing."""

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("[✓]" if self.value else "[ ]", style)

    def render(self) -> Content:
        """Draw the box, and the label where there is one."""
        return super().render() if self.label else self._button


class Radio(RadioButton):
    """One of several: a dot, or nothing."""

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("(●)" if self.value else "( )", style)
