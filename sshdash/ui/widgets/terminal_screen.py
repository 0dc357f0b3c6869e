"""A session's terminal on the screen, as it is drawn; `terminal_view` lets a person use it."""

import asyncio
from collections.abc import Iterable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sshdash.states import SessionState
from sshdash.terminal.cells import Cursor, CursorShape, Line, ScreenColours
from sshdash.terminal.echoes import ECHOES
from sshdash.ui.hosting import Hosting
from sshdash.ui.hosting_cursor import Bar, can_show
from sshdash.ui.widgets.terminal_frames import FrameClock, Throttle, paint_now
from sshdash.ui.widgets.terminal_paint import Painter, named_colours, numbers_of
from sshdash.ui.widgets.terminal_rule import NO_OVERLAY, Overlay, end_words, rule, with_badge

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession
    from sshdash.ui.outlook import Outlook

ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)
_BELL_SECONDS = 0.25
_TITLE_SECONDS = 0.1
NAMESPACE = "terminal_view"
"""The messages below are handled by the name of the class that is put on the screen."""


class TerminalScreen(Widget):
    """Draws one session, row by row, when it changes."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "terminal--selection",
        "terminal--rule",
        "terminal--match",
        "terminal--current",
    }

    class TitleChanged(Message, namespace=NAMESPACE):
        """The program set another title."""

        def __init__(self, session: "ShellSession", title: str) -> None:
            super().__init__()
            self.session = session
            self.title = title

    class BellRang(Message, namespace=NAMESPACE):
        """The program rang the bell."""

        def __init__(self, session: "ShellSession") -> None:
            super().__init__()
            self.session = session

    class SessionEnded(Message, namespace=NAMESPACE):
        """The shell exited, was lost or could not be opened again."""

        def __init__(self, session: "ShellSession") -> None:
            super().__init__()
            self.session = session

    def __init__(
        self,
        session: "ShellSession",
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.session = session
        self.frames = 0
        """Frames drawn so far."""
        self.notice = ""
        """What sshdash says in the last row for a moment."""
        self.blink = True
        """Whether what programs want to blink does."""
        self.hosting = Hosting()
        """What the terminal around draws."""
        self.outlook: Outlook | None = None
        """When a lost shell is expected back."""
        self._lines: list[Line] = []
        self._strips: dict[int, Strip] = {}
        self._cursor = Cursor(0, 0, visible=False)
        self._painter: Painter | None = None
        self._colours = ScreenColours()
        self._told_title = session.title
        self._told_state = session.state
        self._drawing_context: Context | None = None
        self._clock: FrameClock | None = None
        self._overlays: dict[int, Overlay] = {}
        self._drawn_lift = 0
        self._bells = Throttle(_BELL_SECONDS)
        self._titles = Throttle(_TITLE_SECONDS)
        self._title_timer: asyncio.TimerHandle | None = None

    # -- life

    def on_mount(self) -> None:
        """Start listening to the session."""
        self._drawing_context = copy_context()
        emulator = self.session.emulator
        self._clock = FrameClock(
            self._frame, self._drawing_context, lambda: ECHOES.due_elsewhere(emulator)
        )
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
        if self._title_timer is not None:
            self._title_timer.cancel()

    def on_resize(self, event: events.Resize) -> None:
        """Give the remote the size of the widget."""
        if event.size.width and event.size.height:
            self.session.resize(event.size.width, event.size.height)
            self.draw_all()

    def on_show(self) -> None:
        """Draw what happened while out of sight."""
        self.session.activity.sight.look(True)
        self.draw_all()
        if self._clock is not None:
            self._clock.hurry()

    def _theme_changed(self, _theme: object = None) -> None:
        theme = self.app.current_theme
        colours = self.session.emulator.colours
        colours.set_palette(named_colours(theme))
        colours.set_theme(numbers_of(self.rich_style.color), numbers_of(self.rich_style.bgcolor))
        emulator = self.session.emulator
        if emulator.effects.dark != theme.dark:
            emulator.effects.dark = theme.dark
            if emulator.reports_colour_scheme:
                self.session.write(b"\x1b[?997;%dn" % (1 if theme.dark else 2))
        self.draw_all()

    def _session_changed(self) -> None:
        if self._drawing_context is not None:
            asyncio.get_running_loop().call_soon(self._tell, context=self._drawing_context)

    def _tell(self) -> None:
        """Post what changed in the session since the last time."""
        if not self.is_attached:
            return
        session = self.session
        if session.title != self._told_title:
            self._tell_title()
        if session.state is not self._told_state:
            self._told_state = session.state
            self.draw_all()
            if session.state in ENDED:
                self.post_message(self.SessionEnded(session))

    def _tell_title(self) -> None:
        if self._titles.allows():
            self._told_title = self.session.title
            self.post_message(self.TitleChanged(self.session, self.session.title))
        elif self._title_timer is None:
            loop = asyncio.get_running_loop()
            wait = self._titles.wait()
            self._title_timer = loop.call_later(wait, self._tell_late, context=copy_context())

    def _tell_late(self) -> None:
        self._title_timer = None
        self._tell()

    # -- drawing

    def redraw(self) -> None:
        """Draw what changed in the emulator, soon."""
        if self._clock is not None:
            self._clock.request()

    def draw_all(self) -> None:
        """Draw every row again."""
        self._strips.clear()
        self._painter = None
        self._update()
        self.refresh()

    def _frame(self) -> bool:
        """Draw what changed, now; return whether it is in sight."""
        seen = self.is_on_screen
        self.session.activity.sight.look(seen)
        if not self.is_attached or not self.size:
            return False
        emulator = self.session.emulator
        if emulator.take_bell() and self._bells.allows():
            self.post_message(self.BellRang(self.session))
        if not seen:
            return False
        if self._clock is not None and self._clock.tires_of(emulator.hold):
            emulator.end_hold()
        rows = self._update()
        if rows:
            self.refresh_rows(rows)
            paint_now(self)
            self.frames += 1
            ECHOES.drawn(emulator)
        return True

    def _update(self) -> set[int]:
        """Take the changes from the emulator and return the rows to draw again."""
        emulator = self.session.emulator
        self.settle_view()
        damage = emulator.take_damage()
        rows = set(damage.lines)
        if len(self._lines) != emulator.rows:
            self._lines = (self._lines + [Line(())] * emulator.rows)[: emulator.rows]
        for y, line in damage.lines.items():
            self._lines[y] = line
        cursor = self.cursor_to_draw()
        if cursor != self._cursor:
            rows |= {cursor.y, self._cursor.y}
            self._cursor = cursor
            self._place_hosting_cursor()
        rows |= self._changed_overlays()
        for y in rows:
            self._strips.pop(y, None)
        colours = emulator.colours.screen
        if colours != self._colours:
            self._colours = colours
            self._painter = None
            rows = set(range(emulator.rows))
            self._strips.clear()
        elif damage.full and self._painter and self._painter.palette != emulator.colours.palette:
            self._painter = None
        return rows

    def settle_view(self) -> None:
        """Have in view what is to be drawn; by default where the emulator is."""

    def cursor_to_draw(self) -> Cursor:
        """Return the cursor; by default the program's."""
        return self.session.emulator.cursor

    def overlays(self) -> dict[int, Overlay]:
        """Return what is drawn over the rows of the viewport; by default nothing."""
        return {}

    def _changed_overlays(self) -> set[int]:
        before, self._overlays = self._overlays, self.overlays()
        changed = {
            y
            for y in before.keys() | self._overlays.keys()
            if before.get(y) != self._overlays.get(y)
        }
        lift = self.lift
        if lift != self._drawn_lift:
            self._drawn_lift = lift
            changed.update(range(len(self._lines)))
        return {y for y in changed if 0 <= y < len(self._lines)}

    def refresh_rows(self, rows: Iterable[int]) -> None:
        """Have Textual draw these rows of the emulator's viewport again."""
        width = self.size.width
        lift = self.lift
        for y in rows:
            self._strips.pop(y, None)
        self.refresh(*(Region(0, y - lift, width, 1) for y in rows if y >= lift))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the rows in `crop`.

        A terminal has no borders, padding or tint of its own, so its rows need not go through
        what Textual does about these. Filters, as for NO_COLOR, apply all the same.
        """
        width, rule, lift = self.size.width, self._rule_row(), self.lift
        strips = [self._drawn_row(y, width, rule, lift) for y in crop.line_range]
        _, background = self.background_colors
        for row_filter in self._get_painter().needed(self.get_line_filters()):
            strips = [strip.apply_filter(row_filter, background) for strip in strips]
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Return one row of the widget."""
        return self._drawn_row(y, self.size.width, self._rule_row(), self.lift)

    def _drawn_row(self, y: int, width: int, rule: int | None, lift: int) -> Strip:
        if y == rule:
            return self._rule(width)
        y += lift
        strip = self._strips.get(y)
        if strip is None:
            painter = self._get_painter()
            if y >= len(self._lines):
                return painter.blank(width)
            overlay = self._overlays.get(y, NO_OVERLAY)
            strip = painter.line(self._lines[y], width, self._cursor_at(y), overlay.marks)
            if overlay.badge:
                style = self.get_component_rich_style("terminal--rule")
                strip = with_badge(strip, width, overlay.badge, style)
            self._strips[y] = strip
        return strip if strip.cell_length == width else strip.adjust_cell_length(width)

    def _cursor_at(self, y: int) -> Cursor | None:
        cursor = self._cursor
        if y != cursor.y or not cursor.visible or self.ended:
            return None
        if not self.has_focus:
            return Cursor(cursor.x, y, visible=True, shape=CursorShape.HOLLOW)
        return None if self.bar else cursor

    @property
    def bar(self) -> Bar | None:
        """Return where the hosting terminal is to show its cursor, as a bar."""
        cursor = self._cursor
        if not (cursor.visible and cursor.shape is CursorShape.BAR and can_show(self.app)):
            return None
        if self.ended or not self.has_focus:
            return None
        here = self.content_region.offset + Offset(cursor.x, cursor.y)
        return Bar(here, cursor.blinking and self.blink)

    def _place_hosting_cursor(self) -> None:
        """Put the unseen cursor of the terminal we are in here: input methods open beside it."""
        if self.has_focus and self._cursor.visible:
            here = Offset(self._cursor.x, self._cursor.y)
            self.app.cursor_position = self.content_region.offset + here

    def _get_painter(self) -> Painter:
        if self._painter is None:
            self._painter = Painter(
                self.session.emulator.colours.palette,
                self.rich_style,
                self.get_component_rich_style("terminal--selection", partial=True),
                self._colours,
                direct=self.app.console.color_system == "truecolor",
                blink=self.blink,
                hosting=self.hosting,
            )
        return self._painter

    # -- the row that is ours

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self.session.state in ENDED

    @property
    def lift(self) -> int:
        """By how many rows the viewport is moved up to make room for the rule."""
        row = self._rule_row()
        if row is None or self.notice or self.session.emulator.modes.alternate_screen:
            return 0
        return max(0, self._end_row() - row)

    def _end_row(self) -> int:
        """Return the row below what the program wrote last."""
        return self._cursor.y + (self._cursor.x > 0)

    def _rule_row(self) -> int | None:
        """Return the row of the widget in which sshdash itself says something."""
        last = self.size.height - 1
        if self.notice and not self.ended:
            return last
        if not self.ended or self.session.emulator.scroll.from_bottom:
            return None
        if self.session.emulator.modes.alternate_screen:
            return last
        return min(self._end_row(), last)

    @property
    def _after_the_end(self) -> str:
        """Say what Enter does: a shell that exited has left its connection up."""
        if self.session.state is SessionState.EXITED:
            return "Enter starts another shell"
        if self.outlook is None or self.session.state is not SessionState.LOST:
            return "Enter reconnects"
        return f"{self.outlook.words} · Enter tries now"

    def _rule(self, width: int) -> Strip:
        words = self.notice
        if self.ended:
            # What a key came to is worth more than what is known for a while already.
            reason = self.session.exit_text or "ended"
            after = self._after_the_end
            words = f"{words} — {after}" if words else end_words(reason, after, width)
        return rule(words, width, self.get_component_rich_style("terminal--rule"))
