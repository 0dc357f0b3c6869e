"""What a host gets for a keyword that its own block does not set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sshdash.config.explain import Explained, explain
from sshdash.config.options import DEFAULT, Origin
from sshdash.config.resolved import ResolvedHost


@dataclass(frozen=True, slots=True)
class Inherited:
    """A value that another block or the command line sets, and where. Nothing is cleaned."""

    value: str
    origin: Origin


def inherited(
    resolved: ResolvedHost, keywords: Sequence[str], is_own: Callable[[Origin], bool]
) -> Mapping[str, Inherited]:
    """Return what each canonical keyword would be without the lines that are the host's own.

    Keywords that nothing else sets are left out.
    """
    found: dict[str, Inherited] = {}
    for entry in explain(resolved):
        if entry.keyword not in keywords or entry.keyword in found:
            continue
        others = (one for one in _candidates(entry) if one.origin != DEFAULT)
        first = next((one for one in others if not is_own(one.origin)), None)
        if first is not None:
            found[entry.keyword] = first
    return found


def _candidates(entry: Explained) -> Iterator[Inherited]:
    """Give the values of a keyword in the order in which they count."""
    yield Inherited(entry.value, entry.origin)
    for lost in entry.shadowed:
        if lost.keyword == entry.keyword:
            yield Inherited(lost.value, lost.origin)
