"""One shell in a tab: what is shown while it opens, where it failed, and the terminal."""

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from sshdash.errors import SSHDashError
from sshdash.states import SessionState
from sshdash.terminal.osc import ProgressState
from sshdash.ui.theme import AGENT_MARK, MARKS, RECORDING_MARK, SILENCE_MARK, Mark
from sshdash.ui.widgets.opening_panel import OpeningPanel
from sshdash.ui.widgets.pane_frame import Caption, Part
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession
    from sshdash.ui.outlook import Outlook
    from sshdash.ui.widgets.terminal_view import TerminalView


_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)
_WHERE = re.compile(r"^[^\s@]+@[^\s:]+:\s*")
"""What shells put before the folder in a title; the pane says whose it is already."""
_numbers = itertools.count(1)


class TerminalPane(Vertical):
    """One shell. The session is given to it once it runs."""

    class _About(Message):
        """Something about one pane."""

        def __init__(self, pane: "TerminalPane") -> None:
            super().__init__()
            self.pane = pane

    class Changed(_About):
        """The title, the state or the part of a pane changed."""

    class StartWanted(_About):
        """Start the shell again: it ended, or could not be opened."""

    class CloseWanted(_About):
        """The pane asks to be closed."""

    class TextCopied(_About):
        """Text of the terminal is to go to the clipboard."""

        def __init__(self, pane: "TerminalPane", text: str) -> None:
            super().__init__(pane)
            self.text = text

    def __init__(self, host: str, number: int = 0) -> None:
        super().__init__()
        self.number = number or next(_numbers)
        """What it is called in the tree of its tab, for as long as its shell lives."""
        self.host = host
        self.label = clean(host)
        self.session: ShellSession | None = None
        self.panel = OpeningPanel()
        self.view: Widget | None = None
        self.caption = Caption(self.label, Mark.BUSY)
        self.ending: Callable[[], Awaitable[None]] | None = None
        """Ends the attempt or the session; given by whoever opened the pane."""
        self._focus_asked = False
        """Whether the focus is on its way to the panel or the terminal."""
        self._outlook: Outlook | None = None
        self._named = self.label
        """The host, with the mark of a forwarded agent."""

    def __repr__(self) -> str:
        return f"<TerminalPane {self.number} {self.caption.title!r} {self.caption.mark}>"

    def compose(self) -> ComposeResult:
        """Start with the panel; the terminal takes its place."""
        yield self.view or self.panel

    def successor(self, view: Widget) -> "TerminalPane":
        """Return the pane in which the shell goes on, drawn by `view`, in another place."""
        pane = TerminalPane(self.host, self.number)
        pane.session, pane.view, pane.ending = self.session, view, self.ending
        pane.caption, pane._named = self.caption, self._named
        pane.show_outlook(self._outlook)
        self.ending = None
        return pane

    def show_attempt(self, route: str) -> None:
        """Show that a shell is being opened."""
        self._show(mark=Mark.BUSY)
        self.panel.show_attempt(self.label, route)

    def show_failure(self, error: SSHDashError) -> None:
        """Show what went wrong."""
        self._show(mark=Mark.FAILED)
        self.panel.show_failure(error)

    async def show_session(self, session: "ShellSession", view: Widget) -> None:
        """Put the terminal in the place of the panel."""
        self.session, self.view = session, view
        await self.mount(view)
        if self.panel.has_focus or self._focus_asked:
            view.focus()
        self.panel.typed.give(session)
        await self.panel.remove()
        self.show_state()

    def show_state(self) -> None:
        """Draw the mark and the title of the session as they are now."""
        if self.session is None:
            return
        mark = MARKS[self.session.state]
        title = _WHERE.sub("", clean(self.session.title))
        recorded = RECORDING_MARK if self.session.is_recording else ""
        serial = f"[{line}]" if (line := self.session.serial.words) else ""
        watched = SILENCE_MARK if self.session.activity.watches_silence else ""
        named = " ".join(filter(None, (self._named, recorded, watched, serial)))
        same = not title or title == self.label
        told = ("" if same else title, _progress_text(self.session))
        words = " ".join(filter(None, (named, *told)))
        if self._outlook is not None and self.session.state is SessionState.LOST:
            mark = Mark.FAILED if self._outlook.hopeless else Mark.BUSY
            words = f"{self.label} {self._outlook.short}".rstrip()
        self._show(mark, words)

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

    def show_part(self, part: Part) -> None:
        """Show what the pane does with what is broadcast."""
        if part is not self.caption.part:
            self.caption = replace(self.caption, part=part)
            self.post_message(self.Changed(self))

    def _show(self, mark: Mark, title: str = "") -> None:
        caption = replace(self.caption, mark=mark, title=title or self.caption.title)
        if caption != self.caption:
            self.caption = caption
            self.post_message(self.Changed(self))

    @property
    def is_ended(self) -> bool:
        """Return whether there is a shell to start again: one ended, or none could be opened."""
        if self.session is None:
            return self.panel.failed
        return self.session.state in _ENDED

    @property
    def is_running(self) -> bool:
        """Return whether a shell runs that closing would end."""
        return self.session is not None and self.session.state is SessionState.RUNNING

    def take_focus(self) -> None:
        """Give the focus to the terminal, or to the panel until there is one."""
        target = self.view or self.panel
        if target.is_attached:
            self._focus_asked = True
            target.focus()
        elif self.is_attached and self.display:
            # It is being mounted; the focus is given as soon as it can be taken.
            self.call_after_refresh(self.take_focus)

    def on_descendant_focus(self) -> None:
        """Note that the focus has arrived."""
        self._focus_asked = False

    async def close_pane(self) -> None:
        """End the attempt or the session."""
        if self.ending is not None:
            await self.ending()

    def on_opening_panel_retry(self, event: OpeningPanel.Retry) -> None:
        """Pass the wish on, with the pane it is about."""
        event.stop()
        self.post_message(self.StartWanted(self))

    def on_opening_panel_give_up(self, event: OpeningPanel.GiveUp) -> None:
        """Ask to be closed."""
        event.stop()
        self.post_message(self.CloseWanted(self))

    # The messages of the terminal, by their names: its module would bring in the emulator.

    def on_terminal_view_title_changed(self, event: Message) -> None:
        """Call the pane after what runs in it."""
        event.stop()
        self.show_state()

    def on_terminal_view_session_ended(self, event: Message) -> None:
        """Show that the shell is over."""
        event.stop()
        self.show_state()

    def on_terminal_view_reopen_requested(self, event: Message) -> None:
        """Pass the wish on, with the pane it is about."""
        event.stop()
        self.post_message(self.StartWanted(self))

    def on_terminal_view_bell_rang(self, event: Message) -> None:
        """Ring the bell of the terminal we are in."""
        event.stop()
        self.app.bell()

    def on_terminal_view_copy_requested(self, event: "TerminalView.CopyRequested") -> None:
        """Pass the text on."""
        event.stop()
        self.post_message(self.TextCopied(self, event.text))


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
