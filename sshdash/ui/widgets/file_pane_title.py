"""The title of a file pane: whose files, and the folder as a path one can click."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sshdash.sftp.entries import is_inside
from sshdash.ui.widgets.row_list import Piece, strip_of
from sshdash.untrusted import clean


@dataclass(frozen=True, slots=True)
class Crumb:
    """One part of a path and the folder it stands for."""

    text: str
    path: bytes


def crumbs_of(path: bytes, width: int, home: bytes = b"") -> list[Crumb]:
    """Return the parts of `path` in at most `width` cells.

    Where they are too many, the way to the home folder becomes ``~``, then the first ones are
    left out.
    """
    crumbs = _walk(Crumb("/", b"/"), b"", path)
    if _fits(crumbs, width):
        return crumbs
    if home not in (b"", b"/") and is_inside(path, home):
        rest = path[len(home) :]
        crumbs = _walk(Crumb("~/" if rest.strip(b"/") else "~", home), home, rest)
        if _fits(crumbs, width):
            return crumbs
    kept: list[Crumb] = []
    room = width - 2
    for crumb in reversed(crumbs[1:]):
        room -= cell_len(crumb.text)
        if room < 0 and kept:
            break
        kept.insert(0, crumb)
    cut = Crumb("…/", kept[0].path.rpartition(b"/")[0] or b"/") if kept else crumbs[0]
    return [cut, *kept]


def _walk(first: Crumb, walked: bytes, rest: bytes) -> list[Crumb]:
    crumbs = [first]
    parts = [part for part in rest.split(b"/") if part]
    for position, part in enumerate(parts):
        walked += b"/" + part
        slash = "/" if position < len(parts) - 1 else ""
        crumbs.append(Crumb(clean(part) + slash, walked))
    return crumbs


def _fits(crumbs: list[Crumb], width: int) -> bool:
    return sum(cell_len(crumb.text) for crumb in crumbs) <= width


class PaneTitle(Widget):
    """One line: the endpoint, which opens a chooser, and the crumbs, which open folders."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "title--endpoint",
        "title--crumb",
        "title--leaf",
        "title--hover",
        "title--busy",
    }

    endpoint: reactive[str] = reactive("local")
    """Cleaned."""
    path: reactive[bytes] = reactive(b"")
    home: reactive[bytes] = reactive(b"")
    busy: reactive[str] = reactive("")
    """What is going on, empty for nothing."""
    _hovered: reactive[int] = reactive(-1)

    class EndpointClicked(Message):
        """The endpoint was clicked."""

    class CrumbClicked(Message):
        """A part of the path was clicked."""

        def __init__(self, path: bytes) -> None:
            super().__init__()
            self.path = path

    def _parts(self) -> list[tuple[str, bytes | None]]:
        """Return texts in order, with the folder a click opens; None is the endpoint's."""
        name = f" {self.endpoint} ▾ "
        room = self.size.width - cell_len(name) - 2
        room -= cell_len(self.busy) + 1 if self.busy else 0
        crumbs = crumbs_of(self.path, room, self.home) if self.path else []
        return [(name, None), (" ", b""), *((crumb.text, crumb.path) for crumb in crumbs)]

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        ground = self.rich_style
        parts = self._parts()
        pieces: list[Piece] = []
        for position, (text, path) in enumerate(parts):
            if path is None:
                style = self.get_component_rich_style("title--endpoint")
            elif position == len(parts) - 1:
                style = self.get_component_rich_style("title--leaf", partial=True)
            else:
                style = self.get_component_rich_style("title--crumb", partial=True)
            if position == self._hovered and path != b"":
                style += self.get_component_rich_style("title--hover", partial=True)
            pieces.append((text, style))
        if self.busy:
            used = sum(cell_len(text) for text, _ in pieces)
            gap = self.size.width - used - cell_len(self.busy) - 1
            busy = self.get_component_rich_style("title--busy", partial=True)
            pieces.append((" " * max(gap, 1) + self.busy, busy))
        return strip_of(pieces, self.size.width, ground)

    def _part_at(self, x: int) -> int:
        for position, (text, _) in enumerate(self._parts()):
            x -= cell_len(text)
            if x < 0:
                return position
        return -1

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would take."""
        self._hovered = self._part_at(event.x)

    def on_leave(self) -> None:
        """Show nothing as hovered."""
        self._hovered = -1

    def on_click(self, event: events.Click) -> None:
        """Open what was clicked."""
        event.stop()
        position = self._part_at(event.x)
        if position < 0:
            return
        path = self._parts()[position][1]
        if path is None:
            self.post_message(self.EndpointClicked())
        elif path:
            self.post_message(self.CrumbClicked(path))
