"""The timeline of the last attempt at a host: live while it runs, to read, copy and save."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.steps import failure_text, steps_of, steps_text
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.timeline import Timeline

_FRAME = 0.1
"""Seconds between two looks at an attempt that runs."""
SAVE = "save"
"""The answer of the screen where the timeline is to be saved."""


class TimelineScreen(Overlay[str]):
    """Shows the steps; `latest` returns the timeline, of the newest attempt where there is one.

    The answer is `SAVE` where a person wants to save it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,l,enter", "close", "Close", show=False),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
        Binding("d", "detail", "More or less", show=False),
        Binding("y", "copy", "Copy", show=False),
        Binding("Y", "copy_json", "Copy as JSON", show=False),
        Binding("s", "save", "Save", show=False),
    ]

    def __init__(self, host: str, latest: "Callable[[], Timeline | None]") -> None:
        super().__init__()
        self.host = host
        self._latest = latest
        self._detail = False

    def compose(self) -> ComposeResult:
        """Lay out one text in a sheet."""
        with Vertical(classes="sheet") as frame:
            frame.border_title = Content(f" Timeline of {clean(self.host)} ")
            frame.border_subtitle = Content(" d details  y copy  Y as JSON  s save  Esc closes ")
            with VerticalScroll(id="timeline-body"):
                yield Static(id="timeline-text", markup=False)

    def on_mount(self) -> None:
        """Draw it, and again as long as it goes on."""
        self.set_interval(_FRAME, self._draw)
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Give the columns the room there is."""
        self.call_after_refresh(self._draw)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#timeline-body").scroll_relative(y=lines, animate=False)

    def action_detail(self) -> None:
        """Show what is only of interest to whoever looks closer, or not."""
        self._detail = not self._detail
        self._draw()

    def action_copy(self) -> None:
        """Put it on the clipboard as text, with all details."""
        from sshdash.connections.timeline_text import text_lines

        if timeline := self._latest():
            self.app.copy_to_clipboard("\n".join(text_lines(timeline, detail=True)) + "\n")
            self.notify("Copied as text", markup=False)

    def action_copy_json(self) -> None:
        """Put it on the clipboard as JSON."""
        from sshdash.connections.timeline_text import document

        if timeline := self._latest():
            self.app.copy_to_clipboard(json.dumps(document(timeline), indent=2) + "\n")
            self.notify("Copied as JSON", markup=False)

    def action_save(self) -> None:
        """Ask where to save it."""
        if self._latest():
            self.dismiss(SAVE)

    def _draw(self) -> None:
        shown = self.query_one("#timeline-text", Static)
        body = self.query_one("#timeline-body")
        timeline = self._latest()
        width = max(20, body.content_size.width - 2)
        text = timeline_content(timeline, width, self._detail) if timeline else _nothing()
        if str(text) != str(shown.content):
            shown.update(text)
            if timeline and timeline.is_running:
                body.scroll_end(animate=False)


def timeline_content(timeline: "Timeline", width: int, detail: bool) -> Content:
    """Return the steps, and how the attempt ended: a failure first, for it is what is read."""
    steps = steps_text(steps_of(timeline, detail), width, whole=detail)
    parts = [steps, _ending(timeline, width)]
    return Content("\n\n").join(reversed(parts) if timeline.failure else parts)


def _ending(timeline: "Timeline", width: int) -> Content:
    from sshdash.connections.timeline_text import milliseconds

    if timeline.is_running:
        return Content.styled("connecting…", "$warning")
    took = milliseconds(timeline.elapsed)
    if timeline.failure is None:
        return Content.styled(f"connected in {took}", "$success")
    failure = timeline.failure
    why = failure_text(failure.title, failure.detail, failure.hint, width)
    how_far = Content.styled(f"  {_how_far(timeline)}, after {took}", "$muted")
    return Content("\n").join([why, how_far])


def _how_far(timeline: "Timeline") -> str:
    """Return the last good step and the one that failed; the lines below say what they were."""
    from sshdash.connections.timeline_text import place_name

    good, broken = timeline.last_good, timeline.broken
    parts = []
    if good:
        parts.append(f"last good step: {place_name(good)}")
    if broken:
        parts.append(f"failed at: {place_name(broken)}")
    return ", ".join(parts) or "failed"


def _nothing() -> Content:
    return Content.styled("There was no attempt to connect yet.", "$muted")
