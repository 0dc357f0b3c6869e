"""A name that is edited where it stands, over the row of its file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from sshdash.ui.widgets.file_row_text import GUTTER

if TYPE_CHECKING:
    from sshdash.ui.widgets.file_pane import FilePane

_LEAST = 8
"""Cells of the field, however narrow the pane is."""


class InlineName(Input):
    """A field over the row of the cursor; `check` returns what is wrong with a name."""

    hints: ClassVar[tuple[tuple[str, str], ...]] = (("Enter", "Rename"), ("Esc", "Leave it"))
    """The keys that are none of the name's letters, and what they do."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("up,down,tab,shift+tab", "leave", "Leave", show=False),
    ]

    def __init__(self, name: str, check: Callable[[str], str], *, select_stem: bool) -> None:
        super().__init__(name, compact=True, select_on_focus=False, classes="inline-name")
        self._check = check
        self._select_stem = select_stem
        self._answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._ready: Callable[[], None] = lambda: None
        self._pane: FilePane | None = None

    async def ask(self, pane: FilePane, ready: Callable[[], None]) -> str | None:
        """Return the name that was typed, None where the person went elsewhere.

        `ready` is called once keys come here.
        """
        self._ready, self._pane = ready, pane
        rows = pane.rows
        y = rows.region.y - pane.region.y + rows.line_of(rows.cursor) - rows.scroll_offset.y
        self.styles.offset = (GUTTER, y)
        self.styles.width = max(rows.size.width - GUTTER, _LEAST)
        try:
            await pane.mount(self)
            stem, dot, _ = self.value.rpartition(".")
            end = len(stem) if self._select_stem and dot and stem else len(self.value)
            self.selection = type(self.selection)(0, end)
            self.focus()
            return await self._answer
        finally:
            had_focus = self.has_focus
            if self.is_attached:
                await self.remove()
            if had_focus and rows.is_attached:
                rows.focus()
            if pane.is_attached:
                pane.say_at_foot("")
                pane.refresh_view()

    def action_leave(self) -> None:
        """Leave the name as it is."""
        self._finish(None)

    def on_focus(self, event: events.Focus) -> None:
        """Tell that keys come here."""
        self._ready()

    def on_blur(self, event: events.Blur) -> None:
        """Leave the name as it is, where the focus went to something else on the screen."""
        self.call_after_refresh(self._left)

    def _left(self) -> None:
        if self.is_attached and self.screen.focused is not self:
            self._finish(None)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(self._check(event.value))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._check(event.value):
            self._finish(event.value)

    def _say(self, problem: str) -> None:
        self.set_class(bool(problem), "-wrong")
        if self._pane is not None:
            self._pane.say_at_foot(problem)

    def _finish(self, name: str | None) -> None:
        if not self._answer.done():
            self._answer.set_result(name)
