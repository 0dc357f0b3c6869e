"""A terminal that a person uses: keys, mouse and pastes go to the session it draws."""

import math
import time
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message
from textual.timer import Timer

from sshdash.states import SessionState
from sshdash.ui.format import size_text
from sshdash.ui.widgets.terminal_mouse import TerminalMouse
from sshdash.ui.widgets.terminal_screen import TerminalScreen

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_COPY_KEYS = ("ctrl+shift+c", "super+c")
PAUSE = 1.0
"""Seconds without a key after which what is typed is meant for the shell that is there now."""
_STOP_KEYS = ("escape", "ctrl+c")
_PROGRESS_SECONDS = 0.1
_PAGE_KEYS = {"shift+pageup": -1, "shift+pagedown": 1}


class TerminalView(TerminalScreen, can_focus=True):
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

    class CopyRequested(Message):
        """Text was selected and is to go to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

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
        self._mouse = TerminalMouse(session)
        self._refused = -math.inf
        """When a key was refused last, by the monotonic clock."""
        self._silencing: Timer | None = None

    # -- focus

    def on_focus(self) -> None:
        """Draw the cursor as the one that types; tell the program if it asked."""
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

    def on_key(self, event: events.Key) -> None:
        """Send every key to the remote but the cockpit's own."""
        if event.key == self.prefix:
            return
        event.stop()
        event.prevent_default()
        if self.session.pasting is not None and event.key in _STOP_KEYS:
            self.session.pasting.stop()
        elif self._own_key(event.key):
            return
        elif self.ended and event.key == "enter":
            self.post_message(self.ReopenRequested(self.session))
        elif self._refuses():
            return
        elif data := self.session.keyboard.encode(event.key, event.character):
            self._before_input()
            self.session.write(data)

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
            self._say("not sent: this is a new shell" if new else "not sent")
        return True

    def _say(self, words: str) -> None:
        """Show a few words until the typing has paused."""
        self.notice = words
        self.refresh()
        if self._silencing is not None:
            self._silencing.stop()
        self._silencing = self.set_timer(PAUSE, self._silence)

    def _silence(self) -> None:
        self.notice = ""
        self.refresh()

    def _own_key(self, key: str) -> bool:
        """Do what a key means to the terminal itself; return whether it means anything."""
        emulator = self.session.emulator
        if key in _COPY_KEYS and self.session.selection.active:
            self.post_message(self.CopyRequested(self.session.selection.text()))
            return True
        if key not in _PAGE_KEYS or emulator.modes.alternate_screen:
            return False
        self._scroll_pages(_PAGE_KEYS[key])
        return True

    def _scroll_pages(self, pages: int) -> None:
        emulator = self.session.emulator
        emulator.scroll_by(pages * max(1, emulator.rows - 1))
        self.redraw()

    def _before_input(self) -> None:
        """Go back to where the typing happens, and forget the selection."""
        if self.session.emulator.scroll.from_bottom:
            self.session.emulator.scroll_to_bottom()
            self.redraw()
        if self.session.selection.active:
            self.session.selection.clear()
            self.redraw()

    # -- commands

    def action_terminal_scroll_up(self) -> None:
        """Go a page back."""
        self._scroll_pages(-1)

    def action_terminal_scroll_down(self) -> None:
        """Go a page forward."""
        self._scroll_pages(1)

    def action_terminal_copy(self) -> None:
        """Copy what is selected, or the whole viewport."""
        text = self.session.selection.text()
        shown = "\n".join(self.session.emulator.screen_text()).rstrip("\n")
        self.post_message(self.CopyRequested(text or shown + "\n"))

    # -- pastes

    def on_paste(self, event: events.Paste) -> None:
        """Send a paste, asking first where each of its lines would be run as it arrives."""
        event.stop()
        event.prevent_default()
        if not event.text or self._refuses():
            return
        if self.session.pasting is not None:
            self._say("not pasted: the paste before is not through")
            return
        inner = event.text.rstrip("\r\n")
        several = "\n" in inner or "\r" in inner
        if several and not self.session.emulator.modes.bracketed_paste:
            self.post_message(self.PasteAsked(self, event.text, "Each line is run as it arrives"))
        else:
            self.paste(event.text)

    def paste(self, text: str) -> None:
        """Send `text` as pasted; while a long one is on its way, say how far it is."""
        self._before_input()
        self.session.paste(text)
        if self.session.pasting is not None:
            self._follow_pasting()

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
        """Press for the program, or begin to select."""
        self._mouse.down(event, self._row(event))
        if self._mouse.dragging:
            self.capture_mouse()
        self.redraw()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move for the program, or stretch the selection, scrolling at the edges."""
        if self._mouse.selecting and not 0 <= event.y < self.size.height:
            self.session.emulator.scroll_by(-1 if event.y < 0 else 1)
        if self._mouse.move(event, self._row(event)):
            self.redraw()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Release for the program, or copy what was selected."""
        self.release_mouse()
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
        self._mouse.wheel(event, self._row(event), direction)
        self.redraw()

    def _row(self, event: events.MouseEvent) -> int:
        """Return the row of the viewport under the pointer."""
        return min(max(0, event.y + self.lift), self.session.emulator.rows - 1)
