"""A file to look into: its text, its picture, what is in it, or its bytes."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from sshdash.terminal.pattern import PatternError, compile_pattern
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.widgets.preview_body import Preview, PreviewBody
from sshdash.ui.widgets.preview_rows import DumpRows


class ViewerScreen(Overlay[None]):
    """One file in a frame, with a line to search it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Close", show=False),
        Binding("q,v,f3,enter", "close", "Close", show=False),
        Binding("slash", "search", "Search", show=False),
        Binding("n", "again", "Next match", show=False),
        Binding("N", "again(True)", "Match before", show=False),
        Binding("w", "wrap", "Fold long lines", show=False),
        Binding("x", "dump", "Bytes", show=False),
    ]

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self._preview = preview
        self._body = PreviewBody()
        self._sought = ""

    def compose(self) -> ComposeResult:
        """Lay out the frame around the content."""
        with Vertical(classes="viewer") as frame:
            frame.border_title = Content(f" {self._preview.title} ")
            yield self._body
            yield Horizontal(
                Static("/", markup=False),
                Input(placeholder="search; n and N go on", compact=True),
                Static(classes="viewer-said", markup=False),
                classes="viewer-search",
            )

    async def on_mount(self) -> None:
        """Show the file."""
        self.query_one(".viewer-search").display = False
        await self._body.show(self._preview)
        self._give_focus()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_back(self) -> None:
        """Leave the search, or the file."""
        bar = self.query_one(".viewer-search")
        if bar.display:
            bar.display = False
            self._give_focus()
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        """Let the person type what is searched for."""
        self.query_one(".viewer-search").display = True
        self.query_one(Input).focus()

    async def action_again(self, back: bool = False) -> None:
        """Go to the next match, or to the one before."""
        if self._sought:
            await self._find(back)

    def action_wrap(self) -> None:
        """Fold long lines, or cut them off."""
        self._body.toggle_wrap()

    async def action_dump(self) -> None:
        """Show the bytes, or no longer."""
        await self._body.toggle_dump()

    @on(Input.Submitted)
    async def _search(self, event: Input.Submitted) -> None:
        event.stop()
        self._sought = event.value
        if self._sought:
            await self._find(back=False)
        self._give_focus()

    @on(PreviewBody.Changed)
    def _describe(self, event: PreviewBody.Changed) -> None:
        event.stop()
        words = f" {self._body.words}   {self._body.keys}  Esc closes "
        self.query_one(".viewer").border_subtitle = Content(words)

    async def _find(self, back: bool) -> None:
        try:
            found = await self._body.find(compile_pattern(self._sought, regex=False), back)
        except PatternError as error:
            found, said = False, error.title
        else:
            bytes_shown = isinstance(self._body.rows, DumpRows)
            said = "" if found else "not in bytes" if bytes_shown else "not found"
        self.query_one(".viewer-said", Static).update(Content(said))
        self.query_one(".viewer-search").display = True

    def _give_focus(self) -> None:
        for widget in self._body.query("*"):
            if widget.can_focus:
                widget.focus()
                return
