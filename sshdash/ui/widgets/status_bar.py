"""The line at the top (what is live) and the line at the bottom (keys and transfers)."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import RenderResult
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from sshdash.ui.format import bar_text, count_text, end_text, number_text, percent_text, rate_text


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What the header tells."""

    hosts: int = 0
    """How many are connected."""
    listed: int = 0
    shells: int = 0
    tunnels: int = 0
    rate_up: float = 0
    rate_down: float = 0
    unread: int = 0
    """Errors and warnings nobody has looked at."""
    badge: str = ""
    """A word beside the name, such as ``demo``."""


class HeaderBar(Widget):
    """The name on the left, the live counts and rates on the right."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.auto_links = False  # the words keep their own look under the mouse
        self.figures = LiveFigures()

    def show(self, figures: LiveFigures) -> None:
        """Show other figures."""
        if figures != self.figures:
            self.figures = figures
            self.refresh()

    def render(self) -> RenderResult:
        """Draw both sides, the right one shortened where they do not fit."""
        figures = self.figures
        left = Content.assemble(
            Content.styled(" sshdash", "bold $accent"),
            Content.styled(f"  {figures.badge}" if figures.badge else "", "$warning"),
        )
        right = Content.assemble(self._alarm(), self._counts(), self._rates(), " ")
        return _apart(left, right, self.size.width)

    def _alarm(self) -> Content:
        unread = self.figures.unread
        if not unread:
            return Content("")
        style = Style.parse("$error") + Style.from_meta({"@click": "app.command('view.log')"})
        return Content.styled(f"✖ {count_text(unread, 'message')}   ", style)

    def _counts(self) -> Content:
        figures = self.figures
        connected = f"{number_text(figures.hosts)}/{number_text(figures.listed)}"
        counts = (
            (figures.hosts, f"{connected} connected"),
            (figures.shells, count_text(figures.shells, "shell")),
            (figures.tunnels, count_text(figures.tunnels, "tunnel")),
        )
        parts = [
            Content.styled(words, "$foreground" if count else "$faint") for count, words in counts
        ]
        return Content("  ").join(parts)

    def _rates(self) -> Content:
        figures = self.figures
        if not (figures.rate_up or figures.rate_down):
            return Content("")
        text = f"  ↑ {rate_text(figures.rate_up)} ↓ {rate_text(figures.rate_down)}"
        return Content.styled(text, "$accent")


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key of the footer."""

    key: str
    title: str
    command: str = ""
    """The command a click runs, empty where a click does nothing."""


@dataclass(frozen=True, slots=True)
class TransferFigures:
    """All transfers together."""

    running: int = 0
    done: int = 0
    """Bytes, or files where none of them holds any."""
    total: int = 0
    rate: float = 0
    eta: float | None = None
    at_least: bool = False
    """Whether it is more than that: of some that wait nobody knows how much they are."""
    failed: int = 0
    kept: str = ""
    """How the trees stand that are kept up to date."""
    kept_well: bool = True
    paused: int = 0


class StatusBar(Widget):
    """The keys that are valid here on the left, the transfers on the right."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.auto_links = False  # the words keep their own look under the mouse
        self.hints: tuple[KeyHint, ...] = ()
        self.fixed: tuple[KeyHint, ...] = ()
        self.transfers = TransferFigures()
        self.lead = ""
        self.alarm = KeyHint("", "")

    def show_keys(self, hints: Sequence[KeyHint], fixed: Sequence[KeyHint], lead: str = "") -> None:
        """Show the keys of a place, then those that are always valid; `lead` names the place."""
        wanted = (tuple(hints), tuple(fixed), lead)
        if wanted != (self.hints, self.fixed, self.lead):
            self.hints, self.fixed, self.lead = wanted
            self.refresh()

    def show_alarm(self, alarm: KeyHint) -> None:
        """Show before everything else what nobody may overlook, and the key that ends it."""
        if alarm != self.alarm:
            self.alarm = alarm
            self.refresh()

    def show_transfers(self, transfers: TransferFigures) -> None:
        """Show other figures of the transfers."""
        if transfers != self.transfers:
            self.transfers = transfers
            self.refresh()

    def render(self) -> RenderResult:
        """Draw as many keys as fit beside the transfers, the least useful left out first."""
        right = self._transfers()
        fixed = [_hint(hint) for hint in self.fixed]
        lead = Content.styled(f" {self.lead}   ", "bold $accent") if self.lead else Content(" ")
        lead = Content.assemble(self._alarm(), lead)
        room = self.size.width - right.cell_length - lead.cell_length - 1
        room -= sum(part.cell_length for part in fixed)
        shown: list[Content] = []
        for part in map(_hint, self.hints):
            if part.cell_length > room:
                break
            room -= part.cell_length
            shown.append(part)
        return _apart(Content.assemble(lead, *shown, *fixed), right, self.size.width)

    def _alarm(self) -> Content:
        if not self.alarm.title:
            return Content("")
        click = Style.from_meta({"@click": f"app.command('{self.alarm.command}')"})
        style = Style.parse("bold $background on $warning") + click
        return Content.styled(f" {self.alarm.title} · {self.alarm.key} off ", style)

    def _transfers(self) -> Content:
        figures = self.transfers
        click = Style.from_meta({"@click": "app.command('view.transfers')"})
        error, warning = Style.parse("$error") + click, Style.parse("$warning") + click
        parts = []
        if figures.failed:
            told = f"✖ {count_text(figures.failed, 'copy', 'copies')} failed "
            parts.append(Content.styled(told, error))
        if figures.paused:
            parts.append(Content.styled(f"‖ {number_text(figures.paused)} paused ", warning))
        if figures.kept:
            colour = "$success" if figures.kept_well else "$warning"
            parts.append(Content.styled(f"⟳ {figures.kept} ", colour))
        stopped = Content.assemble(*parts)
        if not figures.running:
            return stopped
        done, total = figures.done, figures.total
        wide = self.size.width >= 100
        end = end_text(figures.eta, figures.at_least)
        words = (
            "transfers " if wide else "",
            bar_text(done, total, 10 if wide else 6),
            f" {percent_text(done, total)}  {rate_text(figures.rate)}",
            f"  {end}" if end and wide else "",
            " ",
        )
        return Content.assemble(
            stopped,
            Content.styled(words[0], Style.parse("$muted") + click),
            Content.styled(words[1], Style.parse("$accent") + click),
            Content.styled("".join(words[2:]), Style.parse("$foreground") + click),
        )


def _hint(hint: KeyHint) -> Content:
    click = Style.null()
    if hint.command:
        click = Style.from_meta({"@click": f"app.command('{hint.command}')"})
    return Content.assemble(
        Content.styled(hint.key, Style.parse("bold $foreground") + click),
        Content.styled(f" {hint.title}", Style.parse("$muted") + click),
        "   ",
    )


def _apart(left: Content, right: Content, width: int) -> Content:
    """Return two contents at the two ends of a line; the left one gives way."""
    space = width - right.cell_length
    if left.cell_length > space:
        left = left.truncate(max(space - 1, 0), ellipsis=True)
    gap = max(width - left.cell_length - right.cell_length, 0)
    return Content.assemble(left, " " * gap, right)
