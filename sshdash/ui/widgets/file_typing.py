"""Rows that one goes to by typing how they begin, and that take what the terminal pastes."""

from textual import events
from textual.message import Message

from sshdash.sftp.browser import Browser
from sshdash.ui.widgets.row_list import RowList


class TypedRows(RowList):
    """The rows of a `Browser`, found by their first letters."""

    class Typed(Message):
        """What is typed ahead has changed; None once it is over."""

        def __init__(self, text: str | None) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """The hosting terminal pasted a text, as it does when files are dropped on it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, browser: Browser) -> None:
        super().__init__()
        self.browser = browser
        self._typed: str | None = None
        """What was typed ahead so far, None where nothing is."""

    def begin_typing(self) -> None:
        """Go to rows by what is typed from now on, until a key that is no text."""
        self._tell_typed("")

    def on_blur(self) -> None:
        """End typing ahead: keys go elsewhere."""
        if self._typed is not None:
            self._tell_typed(None)

    def take_typed(self, event: events.Key) -> bool:
        """Take a key that is typed ahead; return whether it was one."""
        if self._typed is None:
            return False
        if event.key in ("down", "up"):
            step = 1 if event.key == "down" else -1
            self._find(self._typed, start=step, step=step)
        elif event.key == "backspace":
            self._tell_typed(self._typed[:-1] if self._typed else None)
        elif event.is_printable and event.character:
            if self._find(self._typed + event.character):
                self._tell_typed(self._typed + event.character)
            else:
                self.app.bell()
        else:
            self._tell_typed(None)
            return event.key == "escape"
        return True

    def _find(self, prefix: str, start: int = 0, step: int = 1) -> bool:
        found = self.browser.find(prefix, start, step)
        self.cursor = self.browser.cursor
        return found

    def _tell_typed(self, text: str | None) -> None:
        self._typed = text
        self.post_message(self.Typed(text))

    def on_paste(self, event: events.Paste) -> None:
        """Pass on what is pasted: it may be paths."""
        event.stop()
        self.post_message(self.Pasted(event.text))
