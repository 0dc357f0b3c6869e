"""What listens on a host, to be forwarded by Enter: typing filters, what comes in is shown."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from sshdash.errors import SSHDashError
from sshdash.tunnels.discover.listening import Discovered
from sshdash.tunnels.discover.offers import Offer
from sshdash.ui.format import clip, count_text
from sshdash.ui.fuzzy import match
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.untrusted import clean

_NAME, _PROCESS = 15, 22
_KEYS = " Enter forwards · ctrl+o browser · ctrl+y copy · ctrl+r asks again "


Labelled = tuple[str, Offer]
"""An offer with its port, name, process and address in columns."""


class Then(Enum):
    """What follows once it is forwarded."""

    LOOK = "look"
    OPEN = "open"
    """It is opened in the browser."""
    COPY = "copy"
    """Its address is copied."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What was picked, and what for."""

    offer: Offer
    then: Then


class OfferList(RowList):
    """What is offered and matches: by port, or the best match first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "choice--match",
        "choice--note",
        "choice--off",
        "choice--success",
    }

    def __init__(self) -> None:
        super().__init__()
        self.can_focus = False
        self._all: list[Labelled] = []
        self._shown: list[Labelled] = []
        self._query = ""

    def show(self, offers: Sequence[Labelled]) -> None:
        """Show these; the cursor stays on what it is on."""
        at = self.current
        self._all = list(offers)
        self.filter(self._query)
        same = [place for place, (_, one) in enumerate(self._shown) if at and _is_same(one, at)]
        if same:
            self.cursor = same[0]

    def filter(self, query: str) -> None:
        """Show what matches; all of it, by port, for an empty query."""
        self._query = query
        found = [(match(query, one[0]), one) for one in self._all]
        matching = [(one_match.score, one) for one_match, one in found if one_match is not None]
        if query:
            matching.sort(key=lambda pair: -pair[0])
        self._shown = [one for _, one in matching]
        self.reset_lines()
        self.cursor = 0

    @property
    def current(self) -> Offer | None:
        """Return what is under the cursor."""
        return self._shown[self.cursor][1] if self._shown else None

    @property
    def total(self) -> int:
        """Return how many there are, whether they match or not."""
        return len(self._all)

    @property
    def labels(self) -> list[str]:
        """Return the lines in the order shown, with single spaces."""
        return [" ".join(label.split()) for label, _ in self._shown]

    def item_count(self) -> int:
        """Return how many match."""
        return len(self._shown)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return one on a line: mark, port, name, process, address, and what is known of it."""
        label, one = self._shown[line]
        mark = Mark.UP if one.tunnel_listens else Mark.IDLE if one.tunnel else None
        note = f" {_note(one)} "
        room = max(width - 3 - cell_len(note), 0)
        label = clip(label, room)
        found = match(self._query, label) if self._query else None
        places = frozenset(found.places) if found else frozenset()
        hit = self.look("choice--match")
        plain = self.look("choice--off") if one.listening.carries_us else self.look()
        return [
            (f" {mark.shape} " if mark else "   ", self.look("choice--success")),
            *((char, hit if place in places else plain) for place, char in enumerate(label)),
            (" " * (room - cell_len(label)), Style.null()),
            (note, self.look("choice--success" if one.tunnel_listens else "choice--note")),
        ]


def labelled(offers: Sequence[Offer]) -> list[Labelled]:
    """Return offers with their lines, which take longer than a frame for very many."""
    return [(_label(one), one) for one in offers]


def _label(offer: Offer) -> str:
    """Return port, name, process and address in columns; cleaned."""
    one = offer.listening
    port = f"{one.port}" if one.port else "unix"
    name = offer.service.name if offer.service is not None else ""
    process = one.process if one.pid is None else f"{one.process} ({one.pid})"
    return (
        f"{port:>5}  {_cell(name, _NAME)}  {_cell(process, _PROCESS)}  {clean(one.where, 300)}"
    ).rstrip()


def _cell(text: str, width: int) -> str:
    shown = clip(text, width)
    return shown + " " * (width - cell_len(shown))


def _note(offer: Offer) -> str:
    if offer.tunnel_listens:
        return f"⇄ {clean(offer.tunnel_listens.removeprefix('localhost'), 40)}"
    if offer.tunnel_state is not None:
        return f"listed, {offer.tunnel_state.value}"
    return "this connection" if offer.listening.carries_us else ""


def _is_same(one: Offer, other: Offer) -> bool:
    mine, its = one.listening, other.listening
    return (mine.port, mine.where) == (its.port, its.where)


class DiscoveryScreen(Overlay[Picked]):
    """A field and what listens on a host; answers what is picked, or None.

    Who shows it asks the host whenever `again` is set, which it is as it comes up.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("ctrl+o", "pick('open')", "Open in the browser", show=False, priority=True),
        Binding("ctrl+y", "pick('copy')", "Copy the address", show=False, priority=True),
        Binding("ctrl+r", "ask_again", "Ask again", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False),
        Binding("down,ctrl+n", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
    ]

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = clean(host, 60)
        self.again = asyncio.Event()
        self._list = OfferList()
        self._words = Static(classes="discovery-words", markup=False)
        self._command = Static(classes="finder-foot", markup=False)
        self._foot = Static(classes="finder-foot", markup=False)
        self._told = ""

    def compose(self) -> ComposeResult:
        """Lay out the field above the list, and below it what Enter does."""
        with Vertical(classes="picker finder") as frame:
            frame.border_title = Content(f" Listening on {self.host} ")
            frame.border_subtitle = Content(_KEYS)
            yield Input(
                placeholder="a port, a name or a process", compact=True, classes="picker-field"
            )
            yield self._list
            yield self._words
            yield self._command
            yield self._foot

    def on_mount(self) -> None:
        """Have the host asked."""
        self.again.set()

    # What the host tells

    def ask(self) -> None:
        """Show that the host is being asked."""
        if self._list.total:
            self._foot.update(Content(f"{self._told} · asking again…"))
        else:
            self._say(Content.styled(f"asking {self.host}…", "$muted"))

    def show(self, offers: Sequence[Labelled], found: Discovered) -> None:
        """Show what listens."""
        if not self.is_attached:
            return
        words = [count_text(len(offers), "listener")]
        if found.via:
            words.append(f"by {', '.join(found.via)}")
        if not found.complete:
            words.append("too much to read: the rest is left out")
        elif found.hides_processes:
            words.append("not all processes are shown to this user")
        self._told = " · ".join(words)
        self._foot.update(Content(self._told))
        self._list.show(offers)
        self._draw()

    def fail(self, error: SSHDashError) -> None:
        """Show why the host did not tell, and what to do; what it told before stays in sight."""
        if not self.is_attached:
            return
        if self._list.total:
            self._foot.update(Content(f"✖ {clean(error.title, 200)} · ctrl+r asks again"))
            return
        lines = [Content.styled(f"✖ {clean(error.title, 200)}", "$error")]
        lines += [Content(line) for line in error.detail.split("\n") if line]
        if error.hint:
            lines.append(Content.styled(error.hint, "$muted"))
        self._say(Content("\n").join(lines))

    def _say(self, words: Content) -> None:
        """Show words in the place of the list."""
        self._list.display = self._command.display = False
        self._words.display = True
        self._words.update(words)

    def _draw(self) -> None:
        current = self._list.current
        if current is None:
            self._say(Content("nothing matches" if self._list.total else "nothing listens there"))
            return
        self._list.display = self._command.display = True
        self._words.display = False
        self._command.update(self._meaning(current))

    def _meaning(self, offer: Offer) -> Content:
        """Say what Enter does."""
        if offer.tunnel:
            where = clean(offer.tunnel_listens, 60)
            return Content(f"→ {where} leads there" if where else "→ opens the tunnel in the list")
        words = f"→ ssh -L {clean(str(offer.spec), 200)} {self.host}"
        return Content.assemble(words, Content.styled(f"  {offer.page}", "$faint"))

    # What a person does

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._list.filter(event.value.strip())
        if self._list.total:
            self._draw()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._draw()

    @on(Input.Submitted)
    @on(RowList.Chosen)
    def _chosen(self, event: Input.Submitted | RowList.Chosen) -> None:
        event.stop()
        self.action_pick(Then.LOOK.value)

    def action_pick(self, then: str) -> None:
        """Answer what is under the cursor."""
        current = self._list.current
        if current is None or self.app.screen is not self:
            return
        if then == Then.OPEN.value and not current.scheme:
            what = current.service.name if current.service else "this"
            self._command.update(Content(f"{what} is nothing for a browser · Enter forwards it"))
            return
        self.dismiss(Picked(current, Then(then)))

    def action_ask_again(self) -> None:
        """Have the host asked again."""
        self.again.set()

    def action_move(self, delta: int) -> None:
        """Move the cursor of the list while the field keeps the focus."""
        self._list.cursor += delta

    def action_cancel(self) -> None:
        """Pick nothing."""
        if self.app.screen is self:
            self.dismiss(None)
