"""What passed through a tunnel, its rule or all of them since sshdash runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from sshdash.ui.format import clip
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.widgets.traffic_graph import Unit, Window, axis, graph, reading, summary

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelHistory

_FRAME = 1.0
_SCALE = 11
"""Cells behind the bars for the scale."""
_AROUND = 10
"""Lines that are no bars."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Tunnels whose history is shown together."""

    name: str
    """Cleaned."""
    tunnels: tuple[str, ...] | None
    """Their ids; None for all there are and were."""


class TrafficHistoryScreen(Overlay[None]):
    """Bars per second, minute or hour, with one of them under the cursor.

    `history` returns what passed through tunnels, which `whose` names in turn.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,h,enter", "close", "Close", show=False),
        Binding("w,tab", "whose(1)", "Whose", show=False),
        Binding("shift+tab", "whose(-1)", "Whose", show=False),
        Binding("u", "unit", "Per second, minute or hour", show=False),
        Binding("left", "move(1)", "Before", show=False),
        Binding("right", "move(-1)", "After", show=False),
        Binding("home", "move(100000)", "Oldest", show=False),
        Binding("end", "move(-100000)", "Newest", show=False),
    ]

    def __init__(
        self,
        whose: Sequence[Whose],
        history: "Callable[[tuple[str, ...] | None], TunnelHistory]",
    ) -> None:
        super().__init__()
        self._whose = tuple(whose)
        self._history = history
        self._at = 0
        self._unit = Unit.MINUTE
        self._back = 0
        """How many spans the cursor is before the newest."""
        self._window: Window | None = None
        self._body = Static(classes="traffic-history", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out one text in a sheet."""
        with Vertical(classes="sheet") as frame:
            frame.border_title = Content(" Traffic of this run ")
            others = "w whose  " if len(self._whose) > 1 else ""
            frame.border_subtitle = Content(f" {others}u unit  ← → read  Esc closes ")
            yield self._body

    def on_mount(self) -> None:
        """Draw it, and again as time goes by."""
        self.set_interval(_FRAME, self.draw)
        self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        """Give the bars the room there is."""
        self.call_after_refresh(self.draw)

    @property
    def text(self) -> str:
        """What is shown."""
        return str(self._body.content)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_whose(self, step: int) -> None:
        """Show the next one's, round and round."""
        self._at = (self._at + step) % len(self._whose)
        self.draw()

    def action_show(self, index: int) -> None:
        """Show one's."""
        self._at = index
        self.draw()

    def action_unit(self, name: str = "") -> None:
        """Show spans of the next length, or of the one called `name`."""
        every = list(Unit)
        following = every[(every.index(self._unit) + 1) % len(every)]
        self._unit = Unit[name] if name else following
        self._back = 0
        self.draw()

    def action_move(self, back: int) -> None:
        """Move the cursor by spans, into the past where `back` is more than 0."""
        newest = len(self._window.spans) - 1 if self._window else 0
        self._back = min(max(self._back + back, 0), max(newest, 0))
        self.draw()

    def on_click(self, event: events.Click) -> None:
        """Read the span that is clicked; outside, close."""
        if event.widget is self._body and self._window is not None and event.y > 1:
            self._back = len(self._window.spans) - 1 - self._window.index_at(event.x)
            self.draw()
        elif event.widget is self:
            self.action_close()

    def draw(self) -> None:
        """Show how it is now."""
        history = self._history(self._whose[self._at].tunnels)
        size = self._body.content_size
        width = max(size.width - _SCALE, 10)
        spans = self._unit.of(history)
        now, monotonic = time.time(), time.monotonic()
        self._window = Window.of(self._unit, spans, width, self._back, now, monotonic)
        self._body.update(self._content(history, self._window, size.height), layout=False)

    def _content(self, history: "TunnelHistory", window: Window, height: int) -> Content:
        high = max((height - _AROUND) // 2, 1)
        lines = [*self._chips(self._body.content_size.width - _SCALE), Content("")]
        for way, count, style in (
            (1, history.bytes_down, "$accent"),
            (0, history.bytes_up, "$success"),
        ):
            lines.append(Content.styled(summary(window, way, count), "$foreground"))
            lines += [graph(window, way, high, style), Content("")]
        lines[-1] = axis(window)
        lines += [Content(""), Content.styled(reading(window), "$foreground")]
        return Content("\n").join(lines)

    def _chips(self, width: int) -> tuple[Content, Content]:
        """Return whose can be shown and by what, what is shown standing out."""
        room = max(width // len(self._whose), 8)
        whose = [
            _chip(clip(one.name, room), f"screen.show({index})", chosen=index == self._at)
            for index, one in enumerate(self._whose)
        ]
        units = [
            _chip(f"per {unit.word}", f"screen.unit('{unit.name}')", chosen=unit is self._unit)
            for unit in Unit
        ]
        return Content(" ").join(whose), Content(" ").join(units)


def _chip(words: str, action: str, *, chosen: bool) -> Content:
    style = Style.parse("bold $foreground on $boost" if chosen else "$muted")
    return Content.styled(f" {words} ", style + Style.from_meta({"@click": action}))
