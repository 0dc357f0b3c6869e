"""A tab with a terminal: what is shown while it opens, where it failed, and the terminal."""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from sshdash.errors import SSHDashError
from sshdash.states import SessionState
from sshdash.terminal.osc import ProgressState
from sshdash.ui.command import Place
from sshdash.ui.theme import AGENT_MARK, MARKS, RECORDING_MARK, Mark
from sshdash.ui.widgets.opening_panel import OpeningPanel
from sshdash.ui.widgets.tabs import Tab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession
    from sshdash.ui.outlook import Outlook
    from sshdash.ui.widgets.terminal_view import TerminalView


_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)
_WHERE = re.compile(r"^[^\s@]+@[^\s:]+:\s*")
"""What shells put before the folder in a title; the tab says whose it is already."""
_NEWS = "✱"
"""Before the title of a tab in which a program has told something."""


class TerminalTab(Tab):
    """One shell. The session is given to it once it runs."""

    place = Place.TERMINAL

    class StartWanted(Message):
        """Start the shell again: it ended, or could not be opened."""

        def __init__(self, tab: "TerminalTab") -> None:
            super().__init__()
            self.tab = tab

    class TextCopied(Message):
        """Text of the terminal is to go to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host
        self.label = clean(host)
        self.session: ShellSession | None = None
        self.panel = OpeningPanel()
        self.view: Widget | None = None
        self._focus_asked = False
        """Whether the focus is on its way to the panel or the terminal."""
        self._outlook: Outlook | None = None
        self._named = self.label
        """The host, with the mark of a forwarded agent."""
        self._news = False
        """Whether a program has told something since the tab was last in sight."""
        self.ending: Callable[[], Awaitable[None]] | None = None
        """Ends the attempt or the session; given by whoever opened the tab."""
        self.set_reactive(Tab.tab_title, self.label)
        self.set_reactive(Tab.tab_mark, Mark.BUSY)

    def __repr__(self) -> str:
        return f"<TerminalTab {self.tab_title!r} {self.tab_mark}>"

    def compose(self) -> ComposeResult:
        """Start with the panel; the terminal takes its place."""
        yield self.panel

    def show_attempt(self, route: str) -> None:
        """Show that a shell is being opened."""
        self.tab_mark = Mark.BUSY
        self.panel.show_attempt(self.label, route)

    def show_failure(self, error: SSHDashError) -> None:
        """Show what went wrong."""
        self.tab_mark = Mark.FAILED
        self.panel.show_failure(error)

    async def show_session(self, session: "ShellSession", view: Widget) -> None:
        """Put the terminal in the place of the panel."""
        self.session, self.view = session, view
        await self.mount(view)
        if self.panel.has_focus or self._focus_asked:
            view.focus()
        await self.panel.remove()
        self.show_state()

    def show_state(self) -> None:
        """Draw the mark and the title of the session as they are now."""
        if self.session is not None:
            self.tab_mark = MARKS[self.session.state]
            title = _WHERE.sub("", clean(self.session.title))
            named = f"{self._named} {RECORDING_MARK}" if self.session.is_recording else self._named
            same = not title or title == self.label
            words = (_NEWS if self._news else "", named, "" if same else title)
            self.tab_title = " ".join(filter(None, (*words, _progress_text(self.session))))
            if self._outlook is not None and self.session.state is SessionState.LOST:
                self.tab_mark = Mark.FAILED if self._outlook.hopeless else Mark.BUSY
                self.tab_title = f"{self.label} {self._outlook.short}".rstrip()

    def show_news(self) -> None:
        """Mark the tab until it is in sight: a program in it has told something."""
        self._news = True
        self.show_state()

    def show_agent(self, forwarded: bool) -> None:
        """Show whether the host may use the keys of this machine's agent."""
        self._named = f"{self.label} {AGENT_MARK}" if forwarded else self.label
        self.show_state()

    def show_outlook(self, outlook: "Outlook | None") -> None:
        """Show when a lost shell is expected back."""
        if outlook != self._outlook:
            self._outlook = outlook
            if self.view is not None:
                cast("TerminalView", self.view).outlook = outlook
                self.view.refresh()
            self.show_state()

    @property
    def is_ended(self) -> bool:
        """Return whether there is a shell to start again: one ended, or none could be opened."""
        if self.session is None:
            return self.panel.failed
        return self.session.state in _ENDED

    def on_show_tab(self) -> None:
        """Give the focus to the terminal, or to the panel until there is one."""
        if self._news:
            self._news = False
            self.show_state()
        target = self.view or self.panel
        if target.is_attached:
            self._focus_asked = True
            target.focus()
        elif self.is_attached and self.display:
            # It is being mounted; the focus is given as soon as it can be taken.
            self.call_after_refresh(self.on_show_tab)

    def on_descendant_focus(self) -> None:
        """Note that the focus has arrived."""
        self._focus_asked = False

    def send_key(self, key: str) -> None:
        """Give the remote a key that the cockpit had kept for itself."""
        if self.session is not None:
            self.session.write(self.session.keyboard.encode(key, None))

    def closing_question(self) -> str:
        """Return what closing would end: a running shell."""
        if self.session is not None and self.session.state is SessionState.RUNNING:
            return f"The shell on {self.label} and what runs in it will end."
        return ""

    async def close_tab(self) -> None:
        """End the attempt or the session."""
        if self.ending is not None:
            await self.ending()

    def on_opening_panel_retry(self, event: OpeningPanel.Retry) -> None:
        """Pass the wish on, with the tab it is about."""
        event.stop()
        self.post_message(self.StartWanted(self))

    def on_opening_panel_give_up(self, event: OpeningPanel.GiveUp) -> None:
        """Ask to be closed."""
        event.stop()
        self.post_message(Tab.CloseWanted(self))

    # The messages of the terminal, by their names: its module would bring in the emulator.

    def on_terminal_view_title_changed(self, event: Message) -> None:
        """Call the tab after what runs in it."""
        event.stop()
        self.show_state()

    def on_terminal_view_session_ended(self, event: Message) -> None:
        """Show that the shell is over."""
        event.stop()
        self.show_state()

    def on_terminal_view_reopen_requested(self, event: Message) -> None:
        """Pass the wish on, with the tab it is about."""
        event.stop()
        self.post_message(self.StartWanted(self))

    def on_terminal_view_bell_rang(self, event: Message) -> None:
        """Ring the bell of the terminal we are in."""
        event.stop()
        self.app.bell()

    def on_terminal_view_copy_requested(self, event: "TerminalView.CopyRequested") -> None:
        """Pass the text on."""
        event.stop()
        self.post_message(self.TextCopied(event.text))


def _progress_text(session: "ShellSession") -> str:
    """Return how far a program in a session is, empty where it does not say."""
    progress = session.reports.progress
    if progress is None:
        return ""
    figure = "" if progress.percent is None else f"{progress.percent} %"
    return {
        ProgressState.RUNNING: figure,
        ProgressState.FAILED: f"failed {figure}".rstrip(),
        ProgressState.UNKNOWN: "…",
        ProgressState.PAUSED: f"paused {figure}".rstrip(),
    }[progress.state]
