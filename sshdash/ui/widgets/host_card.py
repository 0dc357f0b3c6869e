"""What is known of the selected host: where it is, how it is reached, what runs, what failed."""

from collections.abc import Iterator
from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

from sshdash.ui.format import clip
from sshdash.ui.theme import AGENT_MARK, Mark

Line = tuple[Mark, str]
"""A state and cleaned text."""

_MOST = 4
"""Forwards on the card; the tunnels have all of them."""
_IDENTITY = 50
"""Cells of the names of the keys."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The lines of the card; the texts are cleaned."""

    host: str
    address: str = ""
    """``user@addr:port``"""
    route: tuple[str, ...] = ()
    """The hops from here, itself last."""
    forwards: tuple[Line, ...] = ()
    identity: str = ""
    state: Line = (Mark.IDLE, "")
    agent_forwarded: bool = False
    problem: str = ""
    """The last error: what happened."""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    """What to know of the host's configuration."""


class HostCard(Static):
    """The card of one host, nothing where none is selected."""

    DEFAULT_CLASSES = "card"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.facts: HostFacts | None = None

    def show(self, facts: HostFacts | None) -> None:
        """Show another host, or the same one as it is now."""
        if facts == self.facts:
            return
        self.facts = facts
        self.display = facts is not None
        if facts is not None:
            self.update(card_text(facts))


def card_text(facts: HostFacts) -> Content:
    """Return the card as lines of text."""
    lines = [Content.styled(facts.host, "bold $foreground")]
    if facts.address:
        lines.append(Content.styled(facts.address, "$foreground"))
    if facts.route:
        lines.append(_route(facts.route))
    # What is the matter comes first: a small screen cuts the end off.
    mark, text = facts.state
    if text:
        lines.append(_marked(mark, text))
    if facts.agent_forwarded:
        lines.append(Content.styled(f"{AGENT_MARK} it may use your agent's keys", "$warning"))
    if facts.problem:
        lines.append(Content.styled(facts.problem, "$error"))
    if facts.hint:
        lines.append(Content.styled(f"→ {facts.hint}", "$muted"))
    lines += _forwards(facts.forwards)
    if facts.identity:
        lines.append(_labelled("key", clip(facts.identity, _IDENTITY)))
    lines += [_marked(Mark.DEGRADED, warning) for warning in facts.warnings]
    return Content("\n").join(lines)


def _forwards(forwards: tuple[Line, ...]) -> Iterator[Content]:
    """Return those that are at work first, and of many only some."""
    shown = sorted(forwards, key=lambda one: one[0] is Mark.IDLE)
    kept = shown if len(shown) <= _MOST else shown[: _MOST - 1]
    for mark, text in kept:
        yield _marked(mark, text)
    if more := len(shown) - len(kept):
        yield Content.styled(f"  and {more} more", "$faint")


def _route(route: tuple[str, ...]) -> Content:
    arrow = Content.styled(" → ", "$faint")
    hops = [Content.styled("you", "$muted"), *(Content.styled(hop, "$muted") for hop in route)]
    return arrow.join(hops)


def _marked(mark: Mark, text: str) -> Content:
    shape = Content.styled(f"{mark.shape} ", f"${mark.colour}")
    return Content.assemble(shape, Content.styled(text, "$muted"))


def _labelled(label: str, text: str) -> Content:
    return Content.assemble(Content.styled(f"{label} ", "$faint"), Content.styled(text, "$muted"))
