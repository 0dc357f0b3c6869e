"""What goes on in file panes and ends with Esc."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from sshdash.ui.widgets.file_pane import FilePane


class Stops:
    """One thing at a time for each pane, and how it is ended."""

    def __init__(self) -> None:
        self._stops: WeakKeyDictionary[FilePane, Callable[[], None]] = WeakKeyDictionary()

    def __contains__(self, pane: FilePane) -> bool:
        return pane in self._stops

    @contextmanager
    def going_on(self, pane: FilePane, words: str, stop: Callable[[], None]) -> Iterator[None]:
        """Let Esc in the pane call `stop`, which may be more than once, and say what goes on."""
        before = self._stops.get(pane)
        self._stops[pane] = stop
        pane.stoppable = True
        pane.wait(words)
        try:
            yield
        finally:
            pane.wait("")
            if before is not None:
                self._stops[pane] = before
            else:
                self._stops.pop(pane, None)
                pane.stoppable = False

    def stop(self, pane: FilePane) -> None:
        """End what goes on in a pane."""
        if stop := self._stops.get(pane):
            stop()
