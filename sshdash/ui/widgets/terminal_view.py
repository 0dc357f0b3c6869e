"""A terminal that a person uses: keys, mouse and pastes go to the session it draws."""

import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from sshdash.states import SessionState
from sshdash.ui.format import size_text
from sshdash.ui.straight_keys import take_straight
from sshdash.ui.widgets.terminal_autoscroll import Autoscroll
from sshdash.ui.widgets.terminal_copy_mode import TerminalCopyMode
from sshdash.ui.widgets.terminal_links import LinkedTerminal
from sshdash.ui.widgets.terminal_mouse import TerminalMouse

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_COPY_KEYS = ("ctrl+shift+c", "super+c")
PAUSE = 1.0
"""Seconds without a key after which what is typed is meant for the shell that is there now."""
_STOP_KEYS = ("escape", "ctrl+c")
_PROGRESS_SECONDS = 0.1


class TerminalView(TerminalCopyMode, LinkedTerminal, can_focus=True):
    """Shows one session. Every key goes to the remote, but for `prefix` where one is given."""

    takes_every_key = True

    class ReopenRequested(Message):
        """Enter was pressed in a terminal whose session has ended."""

        def __init__(self, session: "ShellSession") -> None:
            super().__init__()
            self.session = session

    class PasteAsked(Message):
        """A paste would be run as it arrives; `answer` sends what was decided."""

        def __init__(self, view: "TerminalView", text: str, detail: str) -> None:
            super().__init__()
            self.view = view
            self.text = text
            self.detail = detail
            self._shell = view.session.ended_at

        def answer(self, text: str) -> None:
            """Send `text`, unless the shell that was asked about is not there any more."""
            if self.view.is_attached and self.view.session.ended_at == self._shell:
                self.view.paste(text)

    def __init__(
        self,
        session: "ShellSession",
        *,
        prefix: str = "",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(session, name=name, id=id, classes=classes)
        self.prefix = prefix
        self.followers: Callable[[], Iterable[TerminalView]] = tuple
        """Other terminals that receive what is typed here."""
        self._mouse = TerminalMouse(session)
        self._autoscroll = Autoscroll(self, self._scroll_selecting)
        self._refused = -math.inf
        """When a key was refused last, by the monotonic clock."""

    # -- focus

    def on_focus(self) -> None:
        """Draw the cursor as the one that types; tell the program if it asked."""
        if self.bar_open:
            self.open_bar(upwards=True)  # what is typed is meant for the search
            return
        self._place_hosting_cursor()
        self._focus_changed(True)

    def on_blur(self) -> None:
        """Draw the cursor as one that waits."""
        self._focus_changed(False)

    def _focus_changed(self, gained: bool) -> None:
        self.refresh_rows([self._cursor.y])
        if self.session.emulator.modes.focus_reporting:
            self.session.write(b"\x1b[I" if gained else b"\x1b[O")

    # -- keys

    def take_key(self, event: events.Key) -> bool:
        """Take a key at once, unless it is not for the shell or something came before it."""
        reading = self.bar_open or self.copying is not None
        return not reading and take_straight(self, self.on_key, event)

    def on_key(self, event: events.Key) -> None:
        """Send every key to the remote but the cockpit's own."""
        if event.key == self.prefix or not self.has_focus:
            return  # the second is the search bar's
        event.stop()
        event.prevent_default()
        if self.key_to_bar(event):
            return  # it came while the focus was on its way there
        self.press(event.key, event.character)

    def press(self, key: str, character: str | None) -> None:
        """Do what a key means to whoever reads the pane, or send it."""
        if self.session.pasting is not None and key in _STOP_KEYS:
            self.session.pasting.stop()
        elif self.copying is not None:
            self.copy_mode_key(key, character or "")
        elif self._own_key(key):
            return
        elif self.ended and key == "enter":
            self.post_message(self.ReopenRequested(self.session))
        elif self.takes_typing():
            self.type_key(key, character)

    def takes_typing(self) -> bool:
        """Return whether what is typed goes to a shell now; say so where it does not."""
        if self.copying is not None or self.bar_open:
            self.say("not sent: this pane is being read back")
            return False
        return not self._refuses()

    def type_key(self, key: str, character: str | None) -> None:
        """Send a key to the remote, and to those of the followers that take it.

        Each has asked for modes of its own, so each has the key encoded for itself.
        """
        for view in self._receivers():
            if data := view.session.keyboard.encode(key, character):
                view._before_input()
                view.session.write(data)

    def _receivers(self) -> "list[TerminalView]":
        return [self, *(view for view in self.followers() if view.takes_typing())]

    def _refuses(self) -> bool:
        """Refuse what is typed while there is no shell to read it, and say so.

        Who types on into the next shell would run the end of what was meant for the last one:
        it gets nothing until the typing has paused.
        """
        now = time.monotonic()
        if self.session.state is SessionState.RUNNING and now - self._refused > PAUSE:
            return False
        if self.session.state is not SessionState.EXITED:
            self._refused = now
            new = self.session.state is SessionState.RUNNING
            self.say("not sent: this is a new shell" if new else "not sent")
        return True

    def _own_key(self, key: str) -> bool:
        """Do what a key means to the terminal itself; return whether it means anything."""
        if key in _COPY_KEYS and self.session.selection.active:
            self.post_message(self.CopyRequested(self.session.selection.text()))
            return True
        if self.session.emulator.modes.alternate_screen:
            return False
        return self.scroll_key(key)

    def _before_input(self) -> None:
        """Go back to where the typing happens, and forget the selection."""
        if self.session.emulator.scroll.from_bottom:
            self.session.emulator.scroll_to_bottom()
            self.redraw()
        if self.session.selection.active:
            self.session.selection.clear()
            self.redraw()

    # -- commands

    def action_terminal_copy(self) -> None:
        """Copy what is selected, or the whole viewport."""
        text = self.session.selection.text()
        shown = "\n".join(self.session.emulator.screen_text()).rstrip("\n")
        self.post_message(self.CopyRequested(text or shown + "\n"))

    def action_terminal_paste(self) -> None:
        """Paste what sshdash copied last."""
        if not self.app.clipboard:
            self.say("nothing was copied yet")
        else:
            self.insert(self.app.clipboard)

    # -- pastes

    def on_paste(self, event: events.Paste) -> None:
        """Send a paste of the terminal we are in."""
        if self.has_focus:
            event.stop()
            event.prevent_default()
            self.insert(event.text)

    def insert(self, text: str) -> None:
        """Send a paste, asking first where each of its lines would be run as it arrives."""
        if not text or self._refuses():
            return
        if self.session.pasting is not None:
            self.say("not pasted: the paste before is not through")
            return
        if self.copying is not None:
            self.leave_copy_mode()
        inner = text.rstrip("\r\n")
        views = self._receivers()
        runs = sum(not view.session.emulator.modes.bracketed_paste for view in views)
        if runs and ("\n" in inner or "\r" in inner):
            where = "" if len(views) == 1 else f" in {runs} of {len(views)} panes"
            self.post_message(self.PasteAsked(self, text, f"Each line is run as it arrives{where}"))
        else:
            self.paste(text)

    def paste(self, text: str) -> None:
        """Send `text` as pasted, to whoever receives; say how far a long one is."""
        for view in self._receivers():
            view._before_input()
            view.session.paste(text)
            if view.session.pasting is not None:
                view._follow_pasting()

    def _follow_pasting(self) -> None:
        """Show how much of a long paste was sent, until it was."""
        pasting = self.session.pasting
        if pasting is None:
            self._silence()
            return
        share = f"{size_text(pasting.sent)} of {size_text(pasting.total)}"
        self.notice = f"pasting {share} · Esc stops"
        self.refresh()
        self.set_timer(_PROGRESS_SECONDS, self._follow_pasting)

    # -- mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press for the program, begin to select, stretch the selection, or paste."""
        if self.clicked_link(event, self._row(event)):
            return
        self._mouse.down(event, self._row(event), ours=self.copying is not None)
        if self._mouse.dragging:
            self.capture_mouse()
        elif self._mouse.pastes(event):
            self.action_terminal_paste()
        self.redraw()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move for the program, or stretch the selection, scrolling beyond the edges."""
        if self._mouse.selecting:
            self._autoscroll.pull(min(0, event.y) + max(0, event.y - self.size.height + 1))
        if self._mouse.move(event, self._row(event)):
            self.redraw()

    def _scroll_selecting(self, rows: int) -> None:
        """Scroll as the pointer is held beyond an edge, and select what comes in view."""
        self.scroll_rows(rows)
        self._mouse.stretch(0 if rows < 0 else self.session.emulator.rows - 1)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release for the program, or copy what was selected."""
        self.release_mouse()
        self._autoscroll.stop()
        text = self._mouse.up(event, self._row(event))
        if text:
            self.post_message(self.CopyRequested(text))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back, or let the program."""
        self._wheel(event, "up")

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll forward, or let the program."""
        self._wheel(event, "down")

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Let the program scroll to the left."""
        self._wheel(event, "left")

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Let the program scroll to the right."""
        self._wheel(event, "right")

    def _wheel(self, event: events.MouseEvent, direction: str) -> None:
        event.stop()
        event.prevent_default()
        ours = self.copying is not None or self.bar_open
        self.scroll_rows(self._mouse.wheel(event, self._row(event), direction, ours=ours))

    def _row(self, event: events.MouseEvent) -> int:
        """Return the row of the viewport under the pointer."""
        return min(max(0, event.y + self.lift), self.session.emulator.rows - 1)
