"""The workspace: hosts on the left, tabs beside them, what is live above, keys below."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from sshdash.backend import Backend
from sshdash.errors import UsageError
from sshdash.events import CatalogChanged, Event
from sshdash.paths import home
from sshdash.prompts import Prompter
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.command import Command, Place
from sshdash.ui.commands import COMMANDS, bindings_of, footer_of
from sshdash.ui.controllers.host_actions import HostActions
from sshdash.ui.controllers.hosts import HostBoard
from sshdash.ui.controllers.layout import SMALLEST, Layout
from sshdash.ui.controllers.news import News
from sshdash.ui.controllers.panels import PanelController
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.controllers.tab_actions import TabActions
from sshdash.ui.format import count_text
from sshdash.ui.keymap import Keymap
from sshdash.ui.notices import Notice
from sshdash.ui.widgets.host_list import HostList
from sshdash.ui.widgets.sidebar import Sidebar
from sshdash.ui.widgets.start_panel import StartFacts, StartPanel
from sshdash.ui.widgets.status_bar import HeaderBar, KeyHint, StatusBar
from sshdash.ui.widgets.tab_area import TabArea
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

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
        self.backend = backend
        self.keymap = keymap
        self.badge = badge
        self.cockpit = Cockpit(self, backend, prompter)
        self.cockpit.refresh_hosts = self.refresh_soon
        self.board = HostBoard(backend)
        self.shells = ShellController(self.cockpit)
        self.host_actions = HostActions(self.cockpit, self.board, self.shells)
        self.panels = PanelController(self.cockpit)
        self.tab_actions = TabActions(self.cockpit)
        self.layout_of = Layout(self.cockpit)
        self.controllers: tuple[object, ...] = (
            self.shells,
            self.panels,
            self.host_actions,
            self.tab_actions,
            self.layout_of,
            News(self.cockpit),
        )
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
        self.query_one(HostList).focus()
        self.set_interval(_FIGURES_INTERVAL, self._show_figures)
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
        self.cockpit.sidebar.hosts.show(self.board.rows())
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

    def _show_card(self) -> None:
        host = self.cockpit.sidebar.hosts.host
        if host is None:
            self.cockpit.sidebar.card.show(None)
        else:
            self.cockpit.start(self._look_up(host), group="card")

    async def _look_up(self, host: str) -> None:
        facts = await self.board.card(host)
        if self.cockpit.sidebar.hosts.host == host:
            self.cockpit.sidebar.card.show(facts)

    def _show_start(self) -> None:
        catalog, file = self.backend.catalog, self.backend.source.user_file
        listed = _START_KEYS if catalog.hosts else _START_KEYS[-4:]
        keys = [(self.keymap.text(COMMANDS[one]), COMMANDS[one].help) for one in listed]
        problems = [
            clean(f"{_short(problem.file)}:{problem.line}: {problem.message}", 200)
            for problem in catalog.problems
        ]
        if problems:
            words = "\n".join(problems[:40])
            self.cockpit.notices.add(Notice.of("warning", "Not understood in ssh_config", words))
        self.query_one(StartPanel).show(
            StartFacts(
                hosts=len(catalog.hosts),
                file=clean(_short(str(file))) if file else "no ssh_config",
                exists=file is not None and file.exists(),
                keys=tuple(keys),
                problems=tuple(problems),
            )
        )

    def _show_keys(self) -> None:
        place = self.here
        fixed = [COMMANDS["view.help"]]
        if self.cockpit.sidebar.filter_input.has_focus:
            hints, fixed = list(_FILTER_HINTS), []
        elif place is Place.TERMINAL:
            hints = [
                KeyHint(self.keymap.prefix_text(one), one.title, one.id)
                for one in map(COMMANDS.__getitem__, _TERMINAL_HINTS)
            ]
        else:
            hints = [KeyHint(self.keymap.text(one), one.title, one.id) for one in footer_of(place)]
            fixed = [COMMANDS["view.palette"], *fixed]
        self.query_one(StatusBar).show_keys(
            hints, [KeyHint(self._fixed_key(one, place), one.title, one.id) for one in fixed]
        )

    def _fixed_key(self, command: Command, place: Place) -> str:
        in_terminal = place is Place.TERMINAL
        return self.keymap.prefix_text(command) if in_terminal else self.keymap.text(command)

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
        yield self.app

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Give the room to what has the focus, and show its keys."""
        self.layout_of.arrange()
        self._show_keys()

    def on_resize(self, event: events.Resize) -> None:
        """Give the room anew, and say so where there is too little."""
        self.layout_of.arrange()
        width, height = event.size
        wanted = "×".join(map(str, SMALLEST))
        notice = f"The terminal is too small: {width}×{height}.\nsshdash needs {wanted}."
        self.query_one("#too-small", Static).update(Content(notice))

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

    @on(HostList.Highlighted)
    def _highlighted(self, event: HostList.Highlighted) -> None:
        event.stop()
        self._show_card()

    @on(Sidebar.HostChosen)
    def _host_chosen(self, event: Sidebar.HostChosen) -> None:
        event.stop()
        self.shells.go_to(event.host)

    @on(Sidebar.AddressTyped)
    def _address_typed(self, event: Sidebar.AddressTyped) -> None:
        event.stop()
        try:
            self.host_actions.go(event.text)
        except UsageError as error:
            self.cockpit.report(error)
        else:
            self.cockpit.sidebar.clear_filter()

    @on(TabArea.Switched)
    def _switched(self, event: TabArea.Switched) -> None:
        event.stop()
        self.layout_of.arrange()
        self._show_keys()

    @on(TabArea.Wanted)
    def _go_to_tab(self, event: TabArea.Wanted) -> None:
        event.stop()
        self.cockpit.go_to_tab(event.tab)

    @on(TabArea.CloseWanted)
    def _close_tab(self, event: TabArea.CloseWanted) -> None:
        event.stop()
        self.tab_actions.close(event.tab)

    @on(TerminalTab.RetryWanted)
    def _retry(self, event: TerminalTab.RetryWanted) -> None:
        event.stop()
        self.shells.retry(event.tab)

    @on(TerminalTab.ReopenWanted)
    def _reopen(self, event: TerminalTab.ReopenWanted) -> None:
        event.stop()
        self.shells.reopen(event.tab)

    @on(TerminalTab.TextCopied)
    def _copied(self, event: TerminalTab.TextCopied) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        self.cockpit.tell(f"Copied {count_text(len(event.text), 'character')}")

    @on(Tab.Requested)
    def _requested(self, event: Tab.Requested) -> None:
        event.stop()
        self.panels.handle(event.tab, event.request)


_FILTER_HINTS = (
    KeyHint("Enter", "Shell", "host.open"),
    KeyHint("↓ ↑", "Move"),
    KeyHint("Esc", "All hosts", "view.hosts"),
)
"""What the footer offers while a filter is typed."""
_START_KEYS = (
    "host.open",
    "host.files",
    "host.tunnels",
    "host.filter",
    "host.copy",
    "host.connect_to",
    "view.palette",
    "view.help",
    "app.quit",
)
_TERMINAL_HINTS = ("view.hosts", "view.switcher", "host.files", "host.tunnels", "tab.close")
"""What the footer offers in a terminal, after the prefix."""


def _short(path: str) -> str:
    folder = str(home())
    return f"~{path[len(folder) :]}" if path.startswith(f"{folder}/") else path
