"""What a change does to a file: lines that come and lines that go."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

_STYLES = {"+": "$success", "-": "$error", "@": "$faint"}


class Difference(Static):
    """The lines of a unified difference, told apart by their sign and their colour."""

    ALLOW_SELECT = True

    def __init__(self, lines: Sequence[str] = (), classes: str = "") -> None:
        super().__init__(markup=False, classes=f"difference {classes}".strip())
        self._lines = tuple(lines)

    def on_mount(self) -> None:
        """Draw what was given."""
        self.show(self._lines)

    def show(self, lines: Sequence[str]) -> None:
        """Show other lines; those that name the file are left out, and the first place."""
        kept = [line for line in lines if not line.startswith(("--- ", "+++ "))]
        self._lines = tuple(kept[1:] if kept[:1] and kept[0].startswith("@@") else kept)
        self.update(
            Content("\n").join(
                Content.styled(line or " ", _STYLES.get(line[:1], "$muted")) for line in self._lines
            )
        )
