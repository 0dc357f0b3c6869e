"""A look at the file under the cursor, in the place of the other pane."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from sshdash.ui.format import clip
from sshdash.ui.widgets.preview_body import Preview, PreviewBody


class PreviewPane(Vertical):
    """Follows the cursor of a file pane."""

    def __init__(self) -> None:
        super().__init__()
        self.body = PreviewBody()
        self.display = False

    def __repr__(self) -> str:
        return f"<PreviewPane {self.body.title!r}>"

    def compose(self) -> ComposeResult:
        """Lay out a title, the content and what is said of it."""
        yield Static(classes="preview-title", markup=False)
        yield self.body
        yield Static(classes="pane-foot", markup=False)

    async def show(self, preview: Preview) -> None:
        """Show a file."""
        await self.body.show(preview)

    async def say(self, title: str, words: str) -> None:
        """Show why there is no file to look at."""
        await self.body.clear(words)
        self.query_one(".preview-title", Static).update(Content(f" {title}"))

    @on(PreviewBody.Changed)
    def _describe(self, event: PreviewBody.Changed) -> None:
        event.stop()
        if title := self.body.title:
            self.query_one(".preview-title", Static).update(Content(f" {title}"))
        said = clip(self.body.words, max(self.size.width - 2, 1))
        self.query_one(".pane-foot", Static).update(Content(said))
