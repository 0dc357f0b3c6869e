"""The last line of a file pane: how much there is or is marked, and the room there is."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from sshdash.ui.widgets import file_pane_text as text

if TYPE_CHECKING:
    from textual.worker import Worker

    from sshdash.sftp.browser import Browser
    from sshdash.sftp.filesystem import Space

_AT_ONCE = 500
"""Files of which the sizes of those that are marked are added up without a pause."""
_SETTLE = 0.08
"""Seconds until many are added up, should more be marked."""


class PaneFoot(Static):
    """Counts of a browser; what is typed ahead stands in their place."""

    def __init__(self) -> None:
        super().__init__(classes="pane-foot", markup=False)
        self._browser: Browser | None = None
        self._counts = ""
        self._typed: str | None = None
        self._said = ""
        self._space: Space | None = None
        self._marked: int | None = 0
        """Bytes that are marked, None while they are added up."""
        self._adding: Worker[None] | None = None

    def count(self, browser: Browser | None) -> None:
        """Show how much there is, None for nothing that was listed."""
        self._browser = browser
        self._counts = "" if browser is None else text.counts_text(browser)
        self.count_marks()

    def count_marks(self) -> None:
        """Show how much is marked: a few at once, of many the sizes in turns with all else."""
        if self._adding is not None:
            self._adding.cancel()
            self._adding = None
        browser, self._marked = self._browser, 0
        if browser is not None and len(browser.marks) <= _AT_ONCE:
            self._marked = browser.marked_bytes
        elif browser is not None:
            self._marked = None
            self._adding = self.run_worker(partial(self._add_up, browser), name="add up")
        self.draw()

    async def _add_up(self, browser: Browser) -> None:
        await asyncio.sleep(_SETTLE)
        # By way of the rows: a list of 10^5 marks is what the garbage collector would look through.
        entries, size = iter(browser.entries), 0
        while some := list(islice(entries, _AT_ONCE)):
            size += browser.marked_bytes_among(some)
            await asyncio.sleep(0)
        self._marked = size
        self.draw()

    def show_space(self, space: Space | None) -> None:
        """Show the room on the file system, None where nobody knows."""
        self._space = space
        self.draw()

    def show_typed(self, typed: str | None) -> None:
        """Show what is typed ahead, None where nothing is."""
        self._typed = typed
        self.set_class(typed is not None, "-typing")
        self.draw()

    def say(self, words: str) -> None:
        """Show words in the place of everything, empty ones for none."""
        self._said = words
        self.draw()

    def draw(self) -> None:
        """Write the line anew, as there is room."""
        if not self.is_attached:
            return
        marks = 0 if self._browser is None else len(self._browser.marks)
        if self._said or self._browser is None:
            said = self._said
        elif self._typed is not None:
            said = text.foot_text(text.typed_text(self._typed), None, self.size.width)
        else:
            words = text.marked_text(marks, self._marked) if marks else self._counts
            said = text.foot_text(words, self._space, self.size.width)
        self.update(Content(said), layout=False)

    def on_resize(self) -> None:
        """Fit the words."""
        self.draw()
