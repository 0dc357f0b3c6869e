"""The workspace: hosts on the left, tabs beside them, what is live above, keys below."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from sshdash.backend import Backend
from sshdash.events import CatalogChanged, Event
from sshdash.prompts import Prompter
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.command import Command, Place
from sshdash.ui.commands import COMMANDS, bindings_of
from sshdash.ui.compositor import MarkingCompositor
from sshdash.ui.controllers.attention import Attention
from sshdash.ui.controllers.broadcast import Broadcast
from sshdash.ui.controllers.discoveries import DiscoveryController
from sshdash.ui.controllers.exports import ScrollbackExport
from sshdash.ui.controllers.following import Following
from sshdash.ui.controllers.footer import field_hints, filter_hints, footer_hints
from sshdash.ui.controllers.host_actions import HostActions
from sshdash.ui.controllers.host_commands import HostCommands
from sshdash.ui.controllers.host_edits import HostEdits
from sshdash.ui.controllers.hosts import HostBoard
from sshdash.ui.controllers.layout import SMALLEST, Layout
from sshdash.ui.controllers.layouts import Layouts
from sshdash.ui.controllers.links import LinkController
from sshdash.ui.controllers.news import News
from sshdash.ui.controllers.outages import OutageController
from sshdash.ui.controllers.pane_places import PanePlaces
from sshdash.ui.controllers.panels import PanelController
from sshdash.ui.controllers.panes import PaneActions
from sshdash.ui.controllers.pastes import PasteController
from sshdash.ui.controllers.recordings import RecordingsController
from sshdash.ui.controllers.reports import ReportController
from sshdash.ui.controllers.serial import SerialController
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.controllers.snippets import SnippetsController
from sshdash.ui.controllers.start import start_facts
from sshdash.ui.controllers.tab_actions import TabActions
from sshdash.ui.controllers.timelines import TimelineController
from sshdash.ui.format import count_text
from sshdash.ui.keymap import Keymap
from sshdash.ui.messages import OffersChanged
from sshdash.ui.widgets.host_list import HostList
from sshdash.ui.widgets.sidebar import Sidebar
from sshdash.ui.widgets.start_panel import StartPanel
from sshdash.ui.widgets.status_bar import HeaderBar, KeyHint, StatusBar
from sshdash.ui.widgets.tab_area import TabArea
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.widgets.terminal_view import TerminalView

_FIGURES_INTERVAL = 0.5
"""Seconds between two looks at counters, rates and progress."""


class Workspace(Screen[None]):
    """Shows the hosts and the tabs, and finds who runs a command."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(Place.ANYWHERE),
        Binding("escape", "back", "Back", show=False),
        Binding("ctrl+c", "copy_or_hint", "Copy", show=False),
    ]

    def __init__(self, backend: Backend, prompter: Prompter, keymap: Keymap, badge: str) -> None:
        super().__init__()
        self._compositor = MarkingCompositor()
        self.backend = backend
        self.keymap = keymap
        self.badge = badge
        self.cockpit = Cockpit(self, backend, prompter)
        self.cockpit.refresh_hosts = self.refresh_soon
        self.board = HostBoard(backend, self._key)
        self.shells = ShellController(self.cockpit)
        self.links = LinkController(self.cockpit, self.shells)
        self.host_actions = HostActions(self.cockpit, self.board, self.shells)
        self.broadcast = Broadcast(self.cockpit, self.shells)
        self.panels = PanelController(self.cockpit)
        self.pastes = PasteController(self.cockpit)
        self.tab_actions = TabActions(self.cockpit)
        self.layout_of = Layout(self.cockpit)
        self.pane_actions = PaneActions(
            self.cockpit, self.shells, self.tab_actions, self.host_actions, self.layout_of
        )
        self.layouts = Layouts(self.cockpit, self.shells, self.host_actions)
        self.following = Following(self.cockpit, self.board)
        self.attention = Attention(self.cockpit)
        self.controllers: list[object] = [
            self.shells,
            HostCommands(self.cockpit, self.shells),
            self.panels,
            self.host_actions,
            DiscoveryController(self.cockpit, self.panels, self.host_actions),
            HostEdits(self.cockpit, self.board, self.following),
            self.following,
            self.tab_actions,
            self.pane_actions,
            PanePlaces(self.cockpit, self.layout_of),
            self.broadcast,
            self.layouts,
            self.layout_of,
            self.attention,
            News(self.cockpit),
            RecordingsController(self.cockpit),
            ScrollbackExport(self.cockpit),
            SnippetsController(self.cockpit, self.broadcast),
            SerialController(self.cockpit),
            ReportController(self.cockpit, self.shells),
            OutageController(self.cockpit, keymap),
            TimelineController(self.cockpit),
        ]
        self._stale = False

    def compose(self) -> ComposeResult:
        """Lay out the two bars around hosts and tabs."""
        yield HeaderBar()
        with Horizontal(id="middle"):
            yield Sidebar()
            yield TabArea()
        yield StatusBar()
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        """Show the hosts at once; what speaks SSH comes later."""
        self.layout_of.arrange()
        self._refresh_now()
        self._show_start()
        self.following.tell_problems(aside=True)
        self.query_one(HostList).focus()
        self.set_interval(_FIGURES_INTERVAL, self._show_figures)
        self.set_interval(_FIGURES_INTERVAL, self.attention.look)
        for problem in self.keymap.problems:
            self.cockpit.tell("Settings", clean(problem), severity="warning")

    def on_unmount(self) -> None:
        """Drop what has not begun."""
        self.cockpit.end()

    # What is shown

    def refresh_soon(self) -> None:
        """Draw hosts, card and figures again, once for many calls."""
        if not self._stale and self.is_running:
            self._stale = True
            self.call_later(self._refresh_now)

    def _refresh_now(self) -> None:
        self._stale = False
        self.cockpit.sidebar.hosts.show(self.board.rows_to_show())
        self._show_card()
        self._show_figures()
        self._show_keys()

    def _show_figures(self) -> None:
        """Show the counters; the card too, which tells how long a connection has lasted."""
        unread = self.cockpit.notices.unread
        self.query_one(HeaderBar).show(self.board.figures(unread, self.badge))
        self.query_one(StatusBar).show_transfers(self.board.transfers())
        self.panels.retitle()
        host = self.cockpit.sidebar.hosts.host
        card = self.cockpit.sidebar.card
        if self.backend.loaded and host is not None and card.facts is not None:
            card.show(self.board.live_card(host))
        if self.board.is_stale:
            self.refresh_soon()

    @on(HostList.Highlighted)
    def _show_card(self) -> None:
        host = self.cockpit.sidebar.hosts.host
        if host is None:
            self.cockpit.sidebar.card.show(None)
        else:
            self.cockpit.start(self._look_up(host), group="card", aside=True)

    async def _look_up(self, host: str) -> None:
        facts = await self.board.card(host)
        if self.cockpit.sidebar.hosts.host == host:
            self.cockpit.sidebar.card.show(facts)

    def _show_start(self) -> None:
        facts = start_facts(self.backend, self.keymap)
        self.query_one(StartPanel).show(facts)

    @on(OffersChanged)
    def _show_keys(self) -> None:
        filtering = self.cockpit.sidebar.filter_input.has_focus
        offered = getattr(self.focused, "offers", None)
        titles = getattr(self.focused, "titles", {})
        keys = footer_hints(self.keymap, self.here, offered, titles)
        if filtering:
            keys = filter_hints()
        elif typing := getattr(self.focused, "hints", ()):
            keys = field_hints(typing)
        tab = self.cockpit.current
        lead = tab.place_words if isinstance(tab, TerminalTab) else ""
        bar = self.query_one(StatusBar)
        bar.show_keys(*keys, lead=lead)
        command = COMMANDS["broadcast.choose"]
        key = self.keymap.prefix_text(command)
        bar.show_alarm(KeyHint(key, self.broadcast.words, command.id))

    # Where the person is, and who runs a command

    @property
    def here(self) -> Place:
        """Return where the focus is; without any, where the tab in sight is."""
        node = self.focused
        for one in node.ancestors_with_self if node is not None else ():
            place = getattr(one, "place", None)
            if isinstance(place, Place) and place is not Place.ANYWHERE:
                return place
        if self.cockpit.in_sidebar or self.cockpit.current is None:
            return Place.HOSTS
        return self.cockpit.current.place

    def _key(self, command_id: str) -> str:
        """Return the key of a command here: a plain one in its own place, else the chord."""
        command = COMMANDS[command_id]
        here = self.here is command.place
        return self.keymap.text(command) if here else self.keymap.prefix_text(command)

    def owner_of(self, command: Command) -> object | None:
        """Return who runs a command: the nearest that has its method."""
        found = (one for one in self._owners() if hasattr(one, command.action))
        return next(found, None)

    def _owners(self) -> Iterator[object]:
        if self.focused is not None:
            yield from self.focused.ancestors_with_self
        if (tab := self.cockpit.current) is not None:
            yield tab
            yield from tab.query("*")
        yield from self.cockpit.sidebar.walk_children(with_self=True)
        yield from self.controllers
        yield self

    @on(events.DescendantFocus)
    @on(TabArea.Switched)
    def _moved(self) -> None:
        """Give the room to what has the focus, and show its keys."""
        self.layout_of.arrange()
        self.attention.look()
        self._show_keys()

    def on_resize(self, event: events.Resize) -> None:
        """Give the room anew, and say so where there is too little."""
        self.layout_of.arrange()
        width, height = event.size
        wanted = "×".join(map(str, SMALLEST))
        leave = self.keymap.prefix_text(COMMANDS["app.quit"])
        notice = (
            f"The terminal is too small: {width}×{height}.\nsshdash needs {wanted}."
            f"\n{leave} leaves."
        )
        self.query_one("#too-small", Static).update(Content(notice))
        self.call_after_refresh(self._show_keys)

    def action_back(self) -> None:
        """Back out by one step."""
        self.layout_of.back()

    def action_copy_or_hint(self) -> None:
        """Copy what is selected; without a selection, say how to leave, as ctrl+c often asks."""
        if selected := self.get_selected_text():
            self.app.copy_to_clipboard(selected)
        else:
            self.cockpit.tell(f"{self.keymap.text(COMMANDS['app.quit'])} leaves sshdash")

    # What happened

    def on_event_told(self, event: Event) -> None:
        """Show a fact the backend told."""
        if isinstance(event, CatalogChanged):
            self.board.forget()
            self._show_start()
        for controller in self.controllers:
            listen = getattr(controller, "on_event", None)
            if listen is not None:
                listen(event)
        self.refresh_soon()

    @on(Sidebar.HostChosen)
    def _host_chosen(self, event: Sidebar.HostChosen) -> None:
        event.stop()
        self.host_actions.choose(event.host)

    @on(TabArea.Wanted)
    def _go_to_tab(self, event: TabArea.Wanted) -> None:
        event.stop()
        self.cockpit.go_to_tab(event.tab)

    @on(TabArea.CloseWanted)
    def _close_tab(self, event: TabArea.CloseWanted) -> None:
        event.stop()
        self.tab_actions.close(event.tab)

    @on(TerminalPane.StartWanted)
    def _start_shell(self, event: TerminalPane.StartWanted) -> None:
        event.stop()
        self.shells.restart(event.pane)

    @on(TerminalPane.CloseWanted)
    def _close_pane(self, event: TerminalPane.CloseWanted) -> None:
        event.stop()
        self.pane_actions.close(event.pane)

    @on(TerminalTab.ZoomWanted)
    def _zoom(self, event: TerminalTab.ZoomWanted) -> None:
        event.stop()
        self.layout_of.action_view_zoom()

    @on(TerminalPane.TextCopied)
    def _copied(self, event: TerminalPane.TextCopied) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        self.cockpit.tell(f"Copied {count_text(len(event.text), 'character')}")

    # The messages of a terminal, by their names: its module would bring in the emulator.

    def on_terminal_view_link_wanted(self, event: "TerminalView.LinkWanted") -> None:
        """Show where a clicked link leads."""
        event.stop()
        self.links.show(event.link, event.session.host)

    def on_terminal_view_links_wanted(self, event: "TerminalView.LinksWanted") -> None:
        """List the links of a terminal."""
        event.stop()
        self.links.choose(event.links, event.session.host)

    def on_terminal_view_paste_asked(self, event: "TerminalView.PasteAsked") -> None:
        """Show what was pasted before it is run."""
        event.stop()
        self.pastes.ask(event)

    @on(Tab.Requested)
    def _requested(self, event: Tab.Requested) -> None:
        event.stop()
        self.panels.handle(event.tab, event.request)
