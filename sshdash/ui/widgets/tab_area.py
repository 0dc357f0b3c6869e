"""The tabs beside the sidebar: the bar, and the one that is in sight."""

from textual import on
from textual.app import ComposeResult
from textual.await_remove import AwaitRemove
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widget import AwaitMount

from sshdash.ui.widgets.start_panel import StartPanel
from sshdash.ui.widgets.tabs import Tab, TabBar, TabLabel


class TabArea(Vertical):
    """Holds the tabs in order and shows one of them, the start panel while there is none."""

    class Switched(Message):
        """Another tab is in sight, or none."""

    class Wanted(Message):
        """The person wants a tab in sight."""

        def __init__(self, tab: Tab) -> None:
            super().__init__()
            self.tab = tab

    class CloseWanted(Message):
        """The person wants a tab closed."""

        def __init__(self, tab: Tab) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__()
        self.tabs: list[Tab] = []
        self._history: list[Tab] = []
        """Tabs in the order they were seen, the current one last."""

    def __repr__(self) -> str:
        return f"<TabArea {self.tabs} current={self.current}>"

    def compose(self) -> ComposeResult:
        """Lay out the bar above the tab in sight."""
        yield TabBar()
        with Container(id="tabs"):
            yield StartPanel()

    def on_mount(self) -> None:
        """Start without tabs."""
        self._show_labels()

    @property
    def current(self) -> Tab | None:
        """Return the tab in sight."""
        return self._history[-1] if self._history else None

    def add(self, tab: Tab) -> AwaitMount:
        """Open a tab at the end and bring it in sight."""
        self.tabs.append(tab)
        mounted = self.query_one("#tabs", Container).mount(tab)
        self.go_to(tab)
        return mounted

    def put(self, tab: Tab, place: int) -> None:
        """Give a tab another place among the others."""
        self.tabs.remove(tab)
        self.tabs.insert(place, tab)
        self._show_labels()

    def go_to(self, tab: Tab) -> None:
        """Bring a tab in sight."""
        if tab is not self.current:
            self._history = [one for one in self._history if one is not tab]
            self._history.append(tab)
            self._show_current()

    def remove_tab(self, tab: Tab) -> AwaitRemove | None:
        """Take a tab away; the one seen before comes in sight."""
        if tab not in self.tabs:
            return None
        self.tabs.remove(tab)
        self._history = [one for one in self._history if one is not tab]
        removal = tab.remove()
        self._show_current()
        return removal

    def go_by(self, step: int) -> None:
        """Go to the next or the previous tab, around the ends."""
        if self.current is not None:
            place = self.tabs.index(self.current)
            self.go_to(self.tabs[(place + step) % len(self.tabs)])

    @property
    def previous(self) -> Tab | None:
        """Return the tab that was in sight before the current one."""
        return self._history[-2] if len(self._history) > 1 else None

    def move(self, tab: Tab, step: int) -> None:
        """Let a tab change places with the one beside it, not around the ends."""
        place = self.tabs.index(tab)
        other = min(max(0, place + step), len(self.tabs) - 1)
        self.tabs[place], self.tabs[other] = self.tabs[other], tab
        self._show_labels()

    def _show_current(self) -> None:
        current = self.current
        for tab in self.tabs:
            tab.display = tab is current
        self.query_one(StartPanel).display = current is None
        self._show_labels()
        self.post_message(self.Switched())

    def _show_labels(self) -> None:
        bar = self.query_one(TabBar)
        bar.set_class(not self.tabs, "-empty")
        place = self.tabs.index(self.current) if self.current is not None else -1
        labels = [
            TabLabel(tab.tab_title, tab.tab_mark, tab.tab_panes, tab.tab_alert, tab.tab_flag)
            for tab in self.tabs
        ]
        bar.show(labels, place)

    @on(Tab.Changed)
    def _changed(self, event: Tab.Changed) -> None:
        event.stop()
        self._show_labels()

    @on(TabBar.Chosen)
    def _chosen(self, event: TabBar.Chosen) -> None:
        event.stop()
        self.post_message(self.Wanted(self.tabs[event.index]))

    @on(TabBar.CloseClicked)
    def _close_clicked(self, event: TabBar.CloseClicked) -> None:
        event.stop()
        self.post_message(self.CloseWanted(self.tabs[event.index]))

    @on(Tab.CloseWanted)
    def _close_wanted(self, event: Tab.CloseWanted) -> None:
        event.stop()
        self.post_message(self.CloseWanted(event.tab))
