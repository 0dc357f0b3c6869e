"""Boxes and buttons whose state shows without colour."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Checkbox, RadioButton


class Tick(Checkbox):
    """A box with a tick in it, or nothing. Space ticks; Enter is for the dialog around it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Submit", show=False)]

    class Submitted(Message):
        """Enter was pressed on a box."""

        def __init__(self, tick: "Tick") -> None:
            super().__init__()
            self.tick = tick

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("[✓]" if self.value else "[ ]", style)

    def render(self) -> Content:
        """Draw the box, and the label where there is one."""
        return super().render() if self.label else self._button

    def action_submit(self) -> None:
        """Tell the dialog."""
        self.post_message(self.Submitted(self))


class Radio(RadioButton):
    """One of several: a dot, or nothing."""

    @property
    def _button(self) -> Content:
        style = self.get_visual_style("toggle--button")
        return Content.styled("(●)" if self.value else "( )", style)
