"""A tab of terminals: one pane, or as many as the person has split it into."""

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.await_remove import AwaitRemove
from textual.message import Message
from textual.widget import AwaitMount, Widget

from sshdash.ui.command import Place
from sshdash.ui.format import count_text
from sshdash.ui.split_places import Axis, Node
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.opening_panel import OpeningPanel
from sshdash.ui.widgets.pane_area import PaneArea
from sshdash.ui.widgets.pane_frame import Part
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.terminal_pane import TerminalPane

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_NEWS = "✱ "
"""Before the title of a tab in which a program has told something."""
_URGENCY = (Mark.FAILED, Mark.BUSY, Mark.DEGRADED, Mark.UP, Mark.IDLE)
"""Which state the tab shows where its panes are in several."""


class TerminalTab(Tab):
    """Panes with a shell each, one of which has the focus whenever the tab has it."""

    place = Place.TERMINAL

    class ZoomWanted(Message):
        """The pane with the focus is to have the whole screen, or not any more."""

    def __init__(self, *panes: TerminalPane, root: Node | None = None) -> None:
        super().__init__()
        self.area = PaneArea(panes, root)
        self._news = False
        """Whether a program has told something since the tab was last in sight."""
        self.host = self.pane.host
        self.set_reactive(Tab.tab_title, self.pane.caption.title)
        self.set_reactive(Tab.tab_mark, Mark.BUSY)
        self.set_reactive(Tab.tab_panes, len(panes))

    def __repr__(self) -> str:
        return f"<TerminalTab {self.tab_title!r} {self.tab_mark} [{len(self.panes)} panes]>"

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        yield self.area

    # -- the panes

    @property
    def panes(self) -> list[TerminalPane]:
        """Return the panes, from the left and the top."""
        return [self.area.panes[number] for number in self.area.splits.panes]

    @property
    def pane(self) -> TerminalPane:
        """Return the pane that has the focus when the tab has it."""
        return self.area.focused_pane

    @property
    def session(self) -> "ShellSession | None":
        """Return the session of the pane with the focus."""
        return self.pane.session

    @property
    def view(self) -> Widget | None:
        """Return the terminal of the pane with the focus."""
        return self.pane.view

    @property
    def panel(self) -> OpeningPanel:
        """Return what the pane with the focus shows until there is a terminal."""
        return self.pane.panel

    @property
    def sessions(self) -> "list[ShellSession]":
        """Return the sessions in it, running or ended."""
        return [pane.session for pane in self.panes if pane.session is not None]

    @property
    def is_ended(self) -> bool:
        """Return whether the pane with the focus has a shell to start again."""
        return self.pane.is_ended

    @property
    def place_words(self) -> str:
        """Return which of how many panes is in sight, empty where none is hidden."""
        panes = self.panes
        if len(panes) == 1 or not self.area.is_single:
            return ""
        return f"pane {panes.index(self.pane) + 1}/{len(panes)}"

    def split(self, axis: Axis, new: TerminalPane) -> AwaitMount:
        """Put a new pane beside the one with the focus, which goes to it."""
        mounted = self.area.split(self.pane, axis, new)
        self.show_state()
        return mounted

    def remove_pane(self, pane: TerminalPane) -> AwaitRemove:
        """Take a pane out, which is not the last; what runs in it goes on."""
        removed = self.area.remove_pane(pane)
        self.show_state()
        return removed

    # -- what the bar shows

    @on(TerminalPane.Changed)
    @on(PaneArea.FocusMoved)
    def _changed(self, event: Message) -> None:
        event.stop()
        self.show_state()

    def show_state(self) -> None:
        """Call the tab after the pane with the focus, and mark what is most urgent in it."""
        panes = self.panes
        self.host = self.pane.host
        self.tab_title = f"{_NEWS if self._news else ''}{self.pane.caption.title}"
        self.tab_mark = min((pane.caption.mark for pane in panes), key=_URGENCY.index)
        self.tab_panes = len(panes)
        receives = any(pane.caption.part is Part.RECEIVES for pane in panes)
        self.tab_alert = "⇉" if receives else ""
        self.area.show_captions()

    # -- what every tab does

    def on_show_tab(self) -> None:
        """Give the focus to the pane that had it."""
        if self._news:
            self._news = False
            self.show_state()
        self.area.give_focus()

    def show_news(self) -> None:
        """Mark the tab until it is in sight: a program in it has told something."""
        self._news = True
        self.show_state()

    def zoom_tab(self, zoomed: bool) -> None:
        """Show the pane with the focus alone, or all of them."""
        if zoomed != self.area.zoomed:
            self.area.zoomed = zoomed
            self.area.rearrange()

    @on(PaneArea.ZoomWanted)
    def _zoom(self, event: PaneArea.ZoomWanted) -> None:
        event.stop()
        self.post_message(self.ZoomWanted())

    def closing_question(self) -> str:
        """Return what closing would end: running shells."""
        return what_ends([pane for pane in self.panes if pane.is_running])

    async def close_tab(self) -> None:
        """End the attempts and the sessions."""
        await asyncio.gather(*(pane.close_pane() for pane in self.panes))


def what_ends(running: list[TerminalPane]) -> str:
    """Return what closing panes would end, empty where nothing runs in them."""
    labels = ", ".join(dict.fromkeys(pane.label for pane in running))
    if len(running) > 1:
        return f"{count_text(len(running), 'shell')} on {labels} and what runs in them will end."
    return f"The shell on {labels} and what runs in it will end." if running else ""
