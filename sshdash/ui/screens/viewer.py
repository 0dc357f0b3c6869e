"""A file to look into: its text, its picture, what is in it, or its bytes."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker

from sshdash.errors import SSHDashError
from sshdash.sftp.byte_search import sought
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
        self._searching: Worker[None] | None = None
        """Looks through bytes."""

    def compose(self) -> ComposeResult:
        """Lay out the frame around the content."""
        with Vertical(classes="viewer") as frame:
            frame.border_title = Content(f" {self._preview.title} ")
            yield self._body
            yield Horizontal(
                Static("/", markup=False),
                Input(placeholder="search; n and N go on; in bytes: de ad, or text", compact=True),
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
        if self._searching is not None and not self._searching.is_finished:
            self._searching.cancel()
            self._say("stopped")
        elif bar.display:
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
        if isinstance(self._body.rows, DumpRows):
            work = self._find_bytes(back)
            self._searching = self.run_worker(work, group="search", exclusive=True)
            return
        try:
            found = await self._body.find(compile_pattern(self._sought, regex=False), back)
        except PatternError as error:
            found, said = False, error.title
        else:
            said = "" if found else "not found"
        self._say(said)

    async def _find_bytes(self, back: bool) -> None:
        """Search the whole file, which may take long: Esc ends it."""
        total = max(self._preview.size, 1)

        def told(searched: int) -> None:
            self._say(f"{100 * searched // total} % searched, Esc stops")

        try:
            found = await self._body.find_bytes(sought(self._sought), back, told)
        except SSHDashError as error:
            self._say(error.title)
        else:
            self._say("not found" if found is None else f"at {found:#x} ({found})")

    def _say(self, words: str) -> None:
        self.query_one(".viewer-said", Static).update(Content(words))
        self.query_one(".viewer-search").display = True

    def _give_focus(self) -> None:
        for widget in self._body.query("*"):
            if widget.can_focus:
                widget.focus()
                return
