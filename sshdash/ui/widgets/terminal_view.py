"""A terminal on the screen: draws a session's emulator, and sends it keys, mouse and pastes."""

import asyncio
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sshdash.states import SessionState
from sshdash.terminal.cells import Cursor, CursorShape, Line
from sshdash.ui.widgets.terminal_frames import FrameClock, paint_now
from sshdash.ui.widgets.terminal_keys import keep_alt_keys
from sshdash.ui.widgets.terminal_mouse import TerminalMouse
from sshdash.ui.widgets.terminal_paint import Painter, named_colours

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)
_COPY_KEYS = ("ctrl+shift+c", "super+c")
_PAGE_KEYS = {"shift+pageup": -1, "shift+pagedown": 1}


class TerminalView(Widget, can_focus=True):
    """Shows one session. Every key but `prefix` goes to the remote."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"terminal--selection", "terminal--rule"}

    class TitleChanged(Message):
        """The program set another title."""

        def __init__(self, session: "ShellSession", title: str) -> None:
            super().__init__()
            self.session = session
            self.title = title

    class BellRang(Message):
        """The program rang the bell."""

        def __init__(self, session: "ShellSession") -> None:
            super().__init__()
            self.session = session

    class SessionEnded(Message):
        """The shell exited, was lost or could not be opened again."""

        def __init__(self, session: "ShellSession") -> None:
            super().__init__()
            self.session = session

    class ReopenRequested(Message):
        """Enter was pressed in a terminal whose session has ended."""

        def __init__(self, session: "ShellSession") -> None:
            super().__init__()
            self.session = session

    class CopyRequested(Message):
        """Text was selected and is to go to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        session: "ShellSession",
        *,
        prefix: str = "ctrl+g",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.session = session
        self.prefix = prefix
        self.frames = 0
        """Frames drawn so far."""
        self._lines: list[Line] = []
        self._strips: dict[int, Strip] = {}
        self._cursor = Cursor(0, 0, visible=False)
        self._painter: Painter | None = None
        self._told_title = session.title
        self._told_state = session.state
        self._mouse = TerminalMouse(session)
        self._drawing_context: Context | None = None
        self._clock: FrameClock | None = None

    # -- life

    def on_mount(self) -> None:
        """Start listening to the session."""
        keep_alt_keys()
        self._drawing_context = copy_context()
        self._clock = FrameClock(self._frame, self._drawing_context)
        self.session.on_output = self._clock.request
        self.session.on_change = self._session_changed
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)
        self._theme_changed()

    def on_unmount(self) -> None:
        """Stop listening; the session goes on without a view."""
        if self._clock is not None:
            self._clock.stop()
            if self.session.on_output == self._clock.request:
                self.session.on_output = None
        if self.session.on_change == self._session_changed:
            self.session.on_change = None

    def on_resize(self, event: events.Resize) -> None:
        """Give the remote the size of the widget."""
        if event.size.width and event.size.height:
            self.session.resize(event.size.width, event.size.height)
            self._draw_all()

    def on_show(self) -> None:
        """Draw what happened while out of sight."""
        self._draw_all()

    def on_focus(self) -> None:
        """Draw the cursor as the one that types; tell the program if it asked."""
        self._focus_changed(True)

    def on_blur(self) -> None:
        """Draw the cursor as one that waits."""
        self._focus_changed(False)

    def _focus_changed(self, gained: bool) -> None:
        self._strips.pop(self._cursor.y, None)
        self._refresh_rows([self._cursor.y])
        if self.session.emulator.modes.focus_reporting:
            self.session.write(b"\x1b[I" if gained else b"\x1b[O")

    def _theme_changed(self, _theme: object = None) -> None:
        self.session.emulator.set_palette(named_colours(self.app.current_theme))
        self._draw_all()

    def _session_changed(self) -> None:
        if self._drawing_context is not None:
            asyncio.get_running_loop().call_soon(self._tell, context=self._drawing_context)

    def _tell(self) -> None:
        """Post what changed in the session since the last time."""
        if not self.is_attached:
            return
        session = self.session
        if session.title != self._told_title:
            self._told_title = session.title
            self.post_message(self.TitleChanged(session, session.title))
        if session.state is not self._told_state:
            self._told_state = session.state
            self._draw_all()
            if session.state in _ENDED:
                self.post_message(self.SessionEnded(session))

    # -- drawing

    def _frame(self) -> None:
        """Draw what changed, now."""
        if not self.is_attached or not self.display or not self.size:
            return
        emulator = self.session.emulator
        if emulator.take_bell():
            self.post_message(self.BellRang(self.session))
        if self._clock is not None and self._clock.hold(emulator.modes.synchronized):
            return
        rows = self._update()
        if rows:
            self._refresh_rows(rows)
            paint_now(self)
            self.frames += 1

    def _draw_all(self) -> None:
        self._strips.clear()
        self._painter = None
        self._update()
        self.refresh()

    def _update(self) -> set[int]:
        """Take the changes from the emulator and return the rows of the widget to draw again."""
        emulator = self.session.emulator
        damage = emulator.take_damage()
        rows = set(damage.lines)
        if len(self._lines) != emulator.rows:
            self._lines = (self._lines + [Line(())] * emulator.rows)[: emulator.rows]
        for y, line in damage.lines.items():
            self._lines[y] = line
        cursor = emulator.cursor
        if cursor != self._cursor:
            rows |= {cursor.y, self._cursor.y}
            self._cursor = cursor
        for y in rows:
            self._strips.pop(y, None)
        return rows

    def _refresh_rows(self, rows: "set[int] | list[int]") -> None:
        width = self.size.width
        lift = self._lift()
        self.refresh(*(Region(0, y - lift, width, 1) for y in rows if y >= lift))

    def render_line(self, y: int) -> Strip:
        """Return one row of the widget."""
        width = self.size.width
        painter = self._get_painter()
        if self._rule_row() == y:
            return self._rule(width)
        y += self._lift()
        strip = self._strips.get(y)
        if strip is None:
            if y >= len(self._lines):
                return painter.blank(width)
            strip = painter.line(self._lines[y], width, self._cursor_at(y))
            self._strips[y] = strip
        return strip if strip.cell_length == width else strip.adjust_cell_length(width)

    def _cursor_at(self, y: int) -> Cursor | None:
        cursor = self._cursor
        if y != cursor.y or not cursor.visible or self._ended:
            return None
        if not self.has_focus:
            return Cursor(cursor.x, y, visible=True, shape=CursorShape.HOLLOW)
        return cursor

    def _get_painter(self) -> Painter:
        if self._painter is None:
            self._painter = Painter(
                self.session.emulator.palette,
                self.rich_style,
                self.get_component_rich_style("terminal--selection", partial=True),
            )
        return self._painter

    # -- the end of a session

    @property
    def _ended(self) -> bool:
        return self.session.state in _ENDED

    def _rule_row(self) -> int | None:
        """Return the row of the widget that tells how the session ended."""
        if not self._ended or self.session.emulator.scroll.from_bottom:
            return None
        if self.session.emulator.modes.alternate_screen:
            return self.size.height - 1
        return min(self._cursor.y + 1, self.size.height - 1)

    def _lift(self) -> int:
        """Return by how many rows the screen is moved up to make room for the rule."""
        if self._rule_row() is None or self.session.emulator.modes.alternate_screen:
            return 0
        return 1 if self._cursor.y >= self.size.height - 1 else 0

    def _rule(self, width: int) -> Strip:
        text = f"── {self.session.exit_text or 'ended'} — Enter reconnects "
        style = self.get_component_rich_style("terminal--rule")
        strip = Strip([Segment(text, style)])
        missing = max(0, width - strip.cell_length)
        return Strip([Segment(text, style), Segment("─" * missing, style)]).crop(0, width)

    # -- input

    def on_key(self, event: events.Key) -> None:
        """Send every key to the remote but the cockpit's own."""
        if event.key == self.prefix:
            return
        event.stop()
        event.prevent_default()
        if self._own_key(event.key):
            return
        if self._ended:
            if event.key == "enter":
                self.post_message(self.ReopenRequested(self.session))
            return
        data = self.session.keyboard.encode(event.key, event.character)
        if data:
            self._before_input()
            self.session.write(data)

    def _own_key(self, key: str) -> bool:
        """Do what a key means to the terminal itself; return whether it means anything."""
        emulator = self.session.emulator
        if key in _COPY_KEYS and self.session.selection.active:
            self.post_message(self.CopyRequested(self.session.selection.text()))
            return True
        if key not in _PAGE_KEYS or emulator.modes.alternate_screen:
            return False
        self._scroll(_PAGE_KEYS[key] * max(1, emulator.rows - 1))
        return True

    def on_paste(self, event: events.Paste) -> None:
        """Send a paste to the remote."""
        event.stop()
        event.prevent_default()
        if event.text and not self._ended:
            self._before_input()
            self.session.paste(event.text)

    def _before_input(self) -> None:
        """Go back to where the typing happens, and forget the selection."""
        emulator = self.session.emulator
        if emulator.scroll.from_bottom:
            emulator.scroll_to_bottom()
            self._redraw()
        if self.session.selection.active:
            self.session.selection.clear()
            self._redraw()

    def _scroll(self, rows: int) -> None:
        self.session.emulator.scroll_by(rows)
        self._redraw()

    def _redraw(self) -> None:
        if self._clock is not None:
            self._clock.request()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press for the program, or begin to select."""
        self._mouse.down(event, self._row(event))
        if self._mouse.selecting:
            self.capture_mouse()
        self._redraw()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move for the program, or stretch the selection, scrolling at the edges."""
        if self._mouse.selecting and not 0 <= event.y < self.size.height:
            self.session.emulator.scroll_by(-1 if event.y < 0 else 1)
        if self._mouse.move(event, self._row(event)):
            self._redraw()

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
        self._redraw()

    def _row(self, event: events.MouseEvent) -> int:
        """Return the row of the viewport under the pointer."""
        return min(max(0, event.y + self._lift()), self.session.emulator.rows - 1)
