"""What a synchronisation does about the differences of two trees: pure decisions.

One way, the other end becomes like the first; it loses what is only there where that is asked for.
Both ways, what changed on one end since the last time goes to the other, deletions too; what
changed on both is a conflict, which is shown and left alone. Of what is not known from a last time
nobody can tell whether it was deleted or made: what is only on one end goes to the other, what is
newer replaces what is older, and nothing is deleted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from sshdash.prompts import ConflictChoice
from sshdash.sftp.compare import Pair, Relation, is_common, later
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.job import CopyRequest, Endpoint
from sshdash.sftp.seen import seen_of
from sshdash.sftp.sync_past import Fate, Past


class Way(Enum):
    """Where things go."""

    RIGHT = "→"
    LEFT = "←"
    BOTH = "⇄"

    @property
    def turned(self) -> "Way":
        """The next one, for whoever goes through them."""
        return {Way.RIGHT: Way.LEFT, Way.LEFT: Way.BOTH, Way.BOTH: Way.RIGHT}[self]


class Act(Enum):
    """What is done about one difference."""

    NEW = "new"
    CHANGED = "changed"
    DELETE = "delete"
    CONFLICT = "conflict"
    """Nobody but the person can decide it; it is left alone."""
    LEAVE = "left out"
    """Nothing can be done about it; the reason says why."""


COPIES = frozenset({Act.NEW, Act.CHANGED})
RUNS = COPIES | {Act.DELETE}


class Step(msgspec.Struct, frozen=True, gc=False):
    """One thing to do, or to know of; as with `Entry`, there may be 10^5 of them."""

    act: Act
    place: bytes
    """Relative to both trees."""
    left: Entry | None
    right: Entry | None
    to_right: bool
    """Whether the right end is what changes."""
    why: str = ""

    @property
    def source(self) -> Entry | None:
        """What is copied, where anything is."""
        return self.left if self.to_right else self.right

    @property
    def target(self) -> Entry | None:
        """What is replaced or deleted."""
        return self.right if self.to_right else self.left

    @property
    def is_folder(self) -> bool:
        """Whether it is about a directory."""
        one = self.source if self.act in COPIES else self.target or self.source
        return one is not None and one.kind is Kind.DIRECTORY

    @property
    def size(self) -> int:
        """Bytes that are copied."""
        source = self.source
        moves = self.act in COPIES and source is not None and source.kind is Kind.FILE
        return source.size if moves and source is not None else 0


@dataclass(slots=True)
class Totals:
    """What steps come to."""

    copies: int = 0
    """Files and links."""
    folders: int = 0
    size: int = 0
    deletes: int = 0
    conflicts: int = 0
    left_out: int = 0

    def add(self, step: Step, sign: int = 1) -> None:
        """Count a step, or with -1 take it back."""
        if step.act in COPIES:
            self.size += sign * step.size
            if step.is_folder:
                self.folders += sign
            else:
                self.copies += sign
        elif step.act is Act.DELETE:
            self.deletes += sign
        elif step.act is Act.CONFLICT:
            self.conflicts += sign
        else:
            self.left_out += sign

    def __bool__(self) -> bool:
        """Return whether anything is to be done."""
        return bool(self.copies or self.folders or self.deletes)


def steps(
    pairs: Sequence[Pair],
    way: Way,
    delete: bool = False,
    window: int = 0,
    keeping: "frozenset[bytes] | set[bytes]" = frozenset(),
    past: Past | None = None,
) -> Iterator[Step]:
    """Yield what to do about each pair, in the order of a tree as they are.

    `keeping` are folders that must stay; `past` is what is known from the last time, both ways.
    """
    both = way is Way.BOTH
    needed = _needed(pairs, window, past) if both and past is not None else {}
    for pair in pairs:
        step = _both(pair, window, past) if both else _one_way(pair, way, delete, window)
        if step is None:
            continue
        if step.act in (Act.DELETE, Act.CONFLICT) and step.place in needed:
            step = _kept_folder(pair, needed[step.place])
        if step.act is Act.DELETE and step.is_folder and step.place in keeping:
            why = "it holds what was left out or could not be looked at"
            step = Step(Act.LEAVE, step.place, step.left, step.right, step.to_right, why)
        yield step


def _one_way(pair: Pair, way: Way, delete: bool, window: int) -> Step | None:
    to_right = way is Way.RIGHT
    source, target = (pair.left, pair.right) if to_right else (pair.right, pair.left)
    if pair.relation is Relation.UNLIKE:
        return _step(Act.CONFLICT, pair, to_right, pair.why)
    if source is None:
        return _step(Act.DELETE, pair, to_right) if delete else None
    if target is None:
        return _new(pair, source, to_right)
    newer = later(target, source, window) > 0
    return _step(Act.CHANGED, pair, to_right, "it is newer there" if newer else "")


def _both(pair: Pair, window: int, past: Past | None = None) -> Step | None:
    fate = Fate.UNKNOWN if past is None else past.fate(pair)
    if pair.relation is Relation.UNLIKE:
        return _step(Act.CONFLICT, pair, True, pair.why)
    if pair.right is None or pair.left is None:
        return _one_sided(pair, fate)
    if fate is Fate.UNKNOWN:
        if past is not None and past.records:
            return _step(Act.CONFLICT, pair, True, "made on both since the last time")
        return _newer(pair, pair.left, pair.right, window)
    if fate is Fate.NEITHER:
        # Times that one end rounds, or cannot be set there, make no difference.
        by_content = past is not None and past.by_content
        why = "different contents, and neither has changed since the last time"
        return _step(Act.CONFLICT, pair, True, why) if by_content else None
    if fate is Fate.BOTH:
        return _step(Act.CONFLICT, pair, True, "changed on both since the last time")
    return _step(Act.CHANGED, pair, fate is Fate.LEFT)


def _one_sided(pair: Pair, fate: Fate) -> Step:
    """Return what to do about what is on one end alone: made there, or deleted on the other."""
    there = pair.left or pair.right
    assert there is not None
    here = "left" if pair.left is None else "right"
    if fate is Fate.UNKNOWN:
        return _new(pair, there, pair.right is None)
    if fate is Fate.BOTH:
        other = "right" if pair.left is None else "left"
        why = f"deleted on the {here}, changed on the {other}"
        return _step(Act.CONFLICT, pair, pair.left is None, why)
    return _step(Act.DELETE, pair, pair.left is None, f"deleted on the {here}")


def _needed(pairs: Sequence[Pair], window: int, past: Past) -> dict[bytes, Act]:
    """Return folders that must not go, as something in them is copied, or in conflict."""
    needed: dict[bytes, Act] = {}
    for pair in pairs:
        if pair.left is not None and pair.right is not None:
            continue
        step = _both(pair, window, past)
        if step is None or step.act is Act.DELETE:
            continue
        act = Act.NEW if step.act is Act.NEW else Act.CONFLICT
        place = pair.place
        while (place := place.rpartition(b"/")[0]) and needed.get(place) not in (act, Act.NEW):
            needed[place] = act
    return needed


def _kept_folder(pair: Pair, act: Act) -> Step:
    """Return what to do about a folder that was deleted on one end, but is needed."""
    where = "left" if pair.left is None else "right"
    other = "right" if pair.left is None else "left"
    why = f"deleted on the {where}, but something in it is new on the {other}"
    if act is Act.CONFLICT:
        why = f"deleted on the {where}, but something in it has changed on the {other}"
    return _step(act, pair, pair.right is None, why)


def _newer(pair: Pair, left: Entry, right: Entry, window: int) -> Step:
    seconds = later(left, right, window)
    if left.kind is Kind.SYMLINK:
        return _step(Act.CONFLICT, pair, True, "links to different places")
    if not seconds:
        what = "sizes" if left.size != right.size else "contents"
        return _step(Act.CONFLICT, pair, True, f"the same time and different {what}")
    return _step(Act.CHANGED, pair, seconds > 0)


def _new(pair: Pair, source: Entry, to_right: bool) -> Step:
    if not is_common(source):
        return _step(Act.LEAVE, pair, to_right, f"not a regular file ({source.kind.value})")
    return _step(Act.NEW, pair, to_right)


def _step(act: Act, pair: Pair, to_right: bool, why: str = "") -> Step:
    return Step(act, pair.place, pair.left, pair.right, to_right, why)


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder on this machine or on a host."""

    endpoint: Endpoint
    root: bytes
    """Absolute and normalized."""


def copy_requests(left: Tree, right: Tree, steps: Iterable[Step]) -> list[CopyRequest]:
    """Return the copies that steps ask for: what is new apart from what replaces something.

    What is new is skipped where something has appeared at its target since it was compared, and
    what has changed there since is not overwritten.
    """
    parts: dict[tuple[bool, Act], list[Step]] = {}
    for step in steps:
        if step.act in COPIES:
            parts.setdefault((step.to_right, step.act), []).append(step)
    found = []
    for (to_right, act), part in parts.items():
        source, target = (left, right) if to_right else (right, left)
        choice = ConflictChoice.SKIP if act is Act.NEW else ConflictChoice.OVERWRITE
        found.append(
            CopyRequest(
                source.endpoint,
                tuple(join(source.root, step.place) for step in part),
                target.endpoint,
                target.root,
                conflict=choice,
                base=source.root,
                seen=tuple(seen_of(step.target) for step in part if step.target),
            )
        )
    return found
