"""The questions of the backend on the screen, one after the other; none takes a key typed on.

Some come by themselves: a host key, a password, a program that wants the clipboard. Whoever
types in a shell or a field then has not read them, and must neither answer them nor lose what
was typed.
"""

import time
from typing import TYPE_CHECKING, Any

from textual import events
from textual._time import get_time
from textual.widget import Widget

from sshdash.prompts import ConfirmQuestion
from sshdash.states import SessionState
from sshdash.ui.messages import Asked
from sshdash.ui.typing_ahead import HASTE, Typed

if TYPE_CHECKING:
    from sshdash.ui.app import SSHDashApp
    from sshdash.ui.screens.dialog import Dialog
    from sshdash.ui.widgets.terminal_view import TerminalView

PAUSE = 1.0
"""Seconds without a key in a terminal until a question that comes by itself is put up."""
UNREAD = 0.7
"""Seconds that nobody has read it in: what is typed in them is meant for what is beneath."""
_IN_USE = 10.0
"""Seconds since the last key in a field in which one may be about to type on in it."""


class Questions:
    """Puts the questions of an app's bridge up, and knows which keys are not for them."""

    def __init__(self, app: "SSHDashApp") -> None:
        self._app = app
        self._asking: Asked | None = None
        self._dialog: Dialog[Any] | None = None
        self._last_typed = -_IN_USE
        self._terminal: TerminalView | None = None
        """Where what is typed on goes, while it does."""
        self._over_field = False
        """A field is beneath that one may be typing in."""
        self._unread_until = 0.0

    def __repr__(self) -> str:
        return f"<Questions asking={self._asking}>"

    def typed(self) -> None:
        """Note that a key went to a terminal."""
        self._last_typed = time.monotonic()

    def note(self, event: Typed) -> None:
        """Note a key, if it goes to a field: Enter and Escape end the typing there."""
        if self._app.screen is not self._dialog and _is_field(self._app.focused):
            ends = isinstance(event, events.Key) and event.key in ("enter", "escape")
            self._last_typed = -_IN_USE if ends else time.monotonic()

    def ask_next(self) -> None:
        """Put the next question up; one that comes by itself once nobody is typing."""
        asked = None if self._asking else self._app.bridge.next_question()
        if asked is None:
            return
        unbidden = _is_unbidden(asked)
        wait = self._last_typed + PAUSE - time.monotonic()
        if unbidden and wait > 0:
            self._app.set_timer(wait, self.ask_next)
            return
        self._asking = asked
        self._terminal = self._typed_in() if unbidden else None
        in_use = time.monotonic() - self._last_typed < _IN_USE
        self._over_field = unbidden and in_use and _is_field(self._app.focused)
        self._put_up(asked)

    def _put_up(self, asked: Asked) -> None:
        from sshdash.ui.dialogs import dialog_for

        self._app.workspace.shells.forget_typed()
        dialog = self._dialog = dialog_for(asked.question)

        def answered(answer: Any) -> None:
            if self._dialog is not dialog:
                return  # it was set aside, and is asked again
            self._forget()
            if not asked.answer.done():
                asked.answer.set_result(answer)
            self._app.call_later(self.ask_next)

        def withdrawn(_: object) -> None:
            if self._dialog is dialog and dialog.is_running:
                dialog.withdraw()

        self._unread_until = float("inf")  # until it is drawn
        self._app.push_screen(dialog, answered)
        dialog.call_after_refresh(self._seen, dialog)
        asked.answer.add_done_callback(withdrawn)

    def _seen(self, dialog: "Dialog[Any]") -> None:
        if self._dialog is dialog:
            self._unread_until = min(self._unread_until, get_time() + UNREAD)

    def take_typed_on(self, event: Typed) -> bool:
        """Give what was typed on under a question to its terminal; return whether it was that."""
        if self._terminal is None or self._app.screen is not self._dialog:
            return False
        if event.time > self._unread_until or not self._terminal.is_attached:
            self._terminal = None
            return False
        self._unread_until = max(self._unread_until, event.time + HASTE)
        self.typed()
        if isinstance(event, events.Paste):
            self._terminal.insert(event.text)
        else:
            self._terminal.press(event.key, event.character)
        return True

    def set_aside(self, event: Typed) -> bool:
        """Take an unread question away until typing pauses; return whether there was one.

        The key, one for a field or the cockpit's own, has to be given again.
        """
        dialog = self._dialog
        guarded = self._terminal is not None or self._over_field
        unread = guarded and event.time <= self._unread_until
        if dialog is None or not unread or self._app.screen is not dialog:
            return False
        self._forget()
        self.typed()
        dialog.withdraw()
        self._app.set_timer(PAUSE, self.ask_next)
        return True

    def _forget(self) -> None:
        self._asking = self._dialog = self._terminal = None
        self._over_field = False

    def _typed_in(self) -> "TerminalView | None":
        """Return the terminal with the focus, where its shell takes what is typed."""
        view: Any = self._app.focused
        here = self._app.screen is self._app.workspace and hasattr(view, "press")
        return view if here and view.session.state is SessionState.RUNNING else None


def _is_field(widget: Widget | None) -> bool:
    """Return whether one types text in a widget: of both kinds one is seldom loaded."""
    return hasattr(widget, "cursor_blink")


def _is_unbidden(asked: Asked) -> bool:
    """Return whether a question comes by itself; most that only confirm follow a command."""
    question = asked.question
    return not isinstance(question, ConfirmQuestion) or question.unbidden
