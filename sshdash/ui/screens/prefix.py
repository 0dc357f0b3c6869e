"""What the prefix key waits for: a line of keys, gone with the next key."""

from collections.abc import Callable, Iterable, Sequence

from textual import events
from textual.app import ComposeResult, RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget

_GAP = 3
_LINES = 3
REPEAT_SECONDS = 0.7
"""How long a key that repeats may follow again without the prefix."""


class PrefixKeys(Widget):
    """The keys on as few lines as they need, a key never parted from its word.

    Where even `_LINES` lines are too few, the last keys are left out: help lists them all.
    """

    def __init__(self, prefix: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.prefix = prefix
        self.keys = tuple(keys)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines the keys take."""
        return len(self._lines(width))

    def render(self) -> RenderResult:
        """Draw the lines, indented below the prefix."""
        lead = Content.styled(f"{self.prefix}  ", "bold $accent")
        indent = Content(" " * lead.cell_length)
        lines = self._lines(self.size.width)
        return Content("\n").join(
            Content.assemble(indent if row else lead, line) for row, line in enumerate(lines)
        )

    def _lines(self, width: int) -> list[Content]:
        room = width - len(self.prefix) - 2
        lines: list[list[Content]] = [[]]
        used = 0
        for hint in self._hints():
            needed = hint.cell_length + (_GAP if lines[-1] else 0)
            if used + needed > room and lines[-1]:
                if len(lines) == _LINES:
                    break
                lines.append([])
                used, needed = 0, hint.cell_length
            lines[-1].append(hint)
            used += needed
        return [Content(" " * _GAP).join(line) for line in lines]

    def _hints(self) -> Iterable[Content]:
        for key, title in self.keys:
            yield Content.assemble(
                Content.styled(key, "bold $foreground"), Content.styled(f" {title}", "$muted")
            )


class PrefixScreen(ModalScreen[str]):
    """Lists the keys that may follow the prefix and answers the one pressed, None for Escape.

    What is beneath stays in sight and goes on. Keys that `repeats` knows are told by `Repeated`
    and may follow one another for a moment; what comes behind them is `Passed` on.
    """

    class Repeated(Message):
        """A key was pressed that may follow again."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Passed(Message):
        """A key was pressed behind those that repeat, which is meant for what is beneath."""

        def __init__(self, key: events.Key) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self,
        prefix: str,
        keys: Sequence[tuple[str, str]],
        repeats: Callable[[str], bool] = lambda _: False,
    ) -> None:
        super().__init__()
        self.prefix = prefix
        self.keys = tuple(keys)
        self._repeats = repeats
        self._waiting: Timer | None = None
        """Runs while keys may follow again."""

    def compose(self) -> ComposeResult:
        """Lay out the keys at the bottom."""
        yield PrefixKeys(self.prefix, self.keys)

    def on_key(self, event: events.Key) -> None:
        """Answer with the key, whatever it is."""
        event.stop()
        event.prevent_default()
        # A key typed in haste may come here behind the one that closed this: it does nothing, as
        # nobody can tell where it was meant to go.
        if self.app.screen is not self:
            return
        if self._repeats(event.key):
            self._wait()
            self.post_message(self.Repeated(event.key))
        elif self._waiting is not None:
            self.dismiss(None)
            if event.key != "escape":
                self.app.post_message(self.Passed(event))
        else:
            self.dismiss(None if event.key == "escape" else event.key)

    def press_prefix(self, key: str) -> None:
        """Begin anew behind keys that repeat; else answer the prefix itself."""
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        else:
            self.dismiss(key)

    def _wait(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(REPEAT_SECONDS, self._leave)

    def _leave(self) -> None:
        if self.app.screen is self:
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Let a click dismiss it."""
        event.stop()
        if self.app.screen is self:
            self.dismiss(None)
