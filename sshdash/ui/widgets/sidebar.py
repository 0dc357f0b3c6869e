"""The sidebar: the filter, the hosts, and the card of the selected one."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from sshdash.ui.widgets.host_card import HostCard
from sshdash.ui.widgets.host_list import HostList
from sshdash.ui.widgets.row_list import RowList


class Sidebar(Vertical):
    """Hosts on the left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # The list has these keys itself; here they serve the filter, which keeps the focus.
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
    ]

    class HostChosen(Message):
        """A host was chosen with Enter in the filter, or with a double click.

        What was typed where no host matches is passed on as it is.
        """

        def __init__(self, host: str) -> None:
            super().__init__()
            self.host = host

    def compose(self) -> ComposeResult:
        """Lay out the filter above the list above the card."""
        yield Input(placeholder="/ filter", compact=True, id="filter", select_on_focus=False)
        yield HostList()
        yield HostCard()

    @property
    def hosts(self) -> HostList:
        """Return the list."""
        return self.query_one(HostList)

    @property
    def card(self) -> HostCard:
        """Return the card."""
        return self.query_one(HostCard)

    @property
    def filter_input(self) -> Input:
        """Return the field of the filter."""
        return self.query_one("#filter", Input)

    def action_host_filter(self) -> None:
        """Start typing a filter."""
        self.filter_input.focus()

    def action_move(self, delta: int) -> None:
        """Move in the list from the filter."""
        self.hosts.cursor += delta

    def action_leave_filter(self) -> None:
        """Show all hosts again and go to the list."""
        self.clear_filter()
        self.hosts.focus()

    def clear_filter(self) -> bool:
        """Show all hosts again; return whether some were hidden."""
        had = bool(self.filter_input.value)
        self.filter_input.value = ""
        self.hosts.filter("")
        return had

    @on(Input.Changed, "#filter")
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.hosts.filter(event.value)

    @on(Input.Submitted, "#filter")
    def _choose(self, event: Input.Submitted) -> None:
        event.stop()
        if host := self.hosts.host:
            self.clear_filter()
            self.hosts.go_to(host)
            self.hosts.focus()
            self.post_message(self.HostChosen(host))
        elif (text := event.value.strip()) and not self.hosts.shown_hosts:
            self.post_message(self.HostChosen(text))

    @on(RowList.Chosen)
    def _double_clicked(self, event: RowList.Chosen) -> None:
        event.stop()
        if host := self.hosts.host:
            self.post_message(self.HostChosen(host))
        else:
            self.hosts.action_host_fold()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
