"""A field in which a list beside it is filtered."""

from typing import ClassVar

from textual.widgets import Input


class FilterField(Input):
    """A field of one line; what is typed shows in the list at once."""

    hints: ClassVar[tuple[tuple[str, str], ...]] = (("Enter", "To the list"), ("Esc", "Show all"))
    """The keys that are none of its letters, and what they do."""
