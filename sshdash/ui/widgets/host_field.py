"""A field of the host form: left empty, it shows what the host gets all the same."""

from rich.cells import cell_len
from textual.widgets import Input

from sshdash.ui.format import clip


class HostField(Input):
    """One value of a host, with a greyed one in its place while nothing is typed."""

    def __init__(self, value: str, hint: str, name: str) -> None:
        super().__init__(
            value, placeholder=hint, compact=True, id=name, classes="field", select_on_focus=False
        )
        self._hint = hint
        self._inherited: tuple[str, ...] = ()

    def inherit(self, *ways: str) -> None:
        """Show a value that is set elsewhere: cleaned ways to tell it, the longest first.

        The first one that there is room for is shown; without any, what to type.
        """
        self._inherited = ways
        self._fit()

    def on_resize(self) -> None:
        """Show as much as there is room for."""
        self._fit()

    def _fit(self) -> None:
        width = max(self.content_size.width - 1, 1)  # the cursor stands behind what is typed
        fitting = (way for way in self._inherited if cell_len(way) <= width)
        least = self._inherited[-1] if self._inherited else self._hint
        self.placeholder = next(fitting, clip(least, width))
