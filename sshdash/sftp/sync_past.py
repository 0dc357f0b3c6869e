"""What two trees had in common after they were last synchronised, and what that tells: pure.

With it, what was deleted on one end is told from what was made on the other, and what changed on
both ends from what changed on one. Each end is compared with what it was itself: clocks, and the
seconds that file systems round times to, may differ between them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from sshdash.sftp.compare import Pair, Relation, is_common
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.seen import Seen, seen_of
from sshdash.sftp.sync_rules import Rules

MOST_GONE = 50
"""Percent of what was there the last time: where more is gone, that is rather a mistake."""
_FOLDER: Seen = (0, 0)
"""Stands for every folder: its size and time are of no interest."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """What was at one place on both ends; there may be 10^5 of them."""

    kind: Kind
    left: Seen
    right: Seen
    digest: bytes = b""
    """The SHA-256 of its content, empty where nobody asked for it."""

    @property
    def turned(self) -> "Record":
        """The same with the ends exchanged."""
        return Record(self.kind, self.right, self.left, self.digest)


def record_of(left: Entry, right: Entry, digest: bytes = b"") -> Record:
    """Return what is to be remembered of what both ends have."""
    if left.kind is Kind.DIRECTORY:
        return Record(left.kind, _FOLDER, _FOLDER)
    return Record(left.kind, seen_of(left), seen_of(right), digest)


class Fate(Enum):
    """What happened to a place since the last time."""

    UNKNOWN = "not known from the last time"
    LEFT = "changed or deleted on the left alone"
    RIGHT = "changed or deleted on the right alone"
    BOTH = "changed or deleted on both"
    NEITHER = "not touched"


class Loss(NamedTuple):
    """What is gone from one end."""

    right: bool
    places: int
    known: int
    """How much there was of what is still on either end."""

    @property
    def percent(self) -> float:
        """How much of it is gone."""
        return 100 * self.places / self.known


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered, by place."""

    records: Mapping[bytes, Record]
    by_content: bool = False
    """Whether files are compared by their content now."""
    doomed: Mapping[bytes, bool] = field(default_factory=dict)
    """Places at which a run that was cut short was about to delete; whether on the right."""

    def known(self, pair: Pair) -> Record | None:
        """Return what is remembered of a place, None where that is over.

        What a run deleted is gone from there by that alone: what the other end has, is new.
        """
        to_right = self.doomed.get(pair.place)
        if to_right is not None and (pair.right if to_right else pair.left) is None:
            return None
        return self.records.get(pair.place)

    def fate(self, pair: Pair) -> Fate:
        """Return what happened to a place at which the ends differ."""
        record = self.known(pair)
        if record is None:
            return Fate.UNKNOWN
        sums = pair.sums or (b"", b"")
        left = _is_other(pair.left, record, record.left, sums[0])
        right = _is_other(pair.right, record, record.right, sums[1])
        if left:
            return Fate.BOTH if right else Fate.LEFT
        return Fate.RIGHT if right else Fate.NEITHER

    def losses(self, pairs: Iterable[Pair], same: int) -> tuple[Loss, Loss]:
        """Return what is gone from the left and from the right; `same` places are alike."""
        gone = [0, 0]
        known = same
        for pair in pairs:
            if self.known(pair) is not None:
                known += 1
                if pair.left is None or pair.right is None:
                    gone[pair.right is None] += 1
        return Loss(False, gone[0], max(known, 1)), Loss(True, gone[1], max(known, 1))


def _is_other(entry: Entry | None, record: Record, then: Seen, digest: bytes) -> bool:
    """Return whether what one end has is not what it was."""
    if entry is None or entry.kind is not record.kind:
        return True
    if entry.kind is Kind.DIRECTORY:
        return False
    if digest and record.digest:
        return digest != record.digest
    return seen_of(entry) != then


@dataclass(slots=True)
class Present:
    """What a comparison finds alike, as far as it is not remembered so already."""

    past: Past
    fresh: dict[bytes, Record] = field(default_factory=dict)
    unseen: set[bytes] = field(default_factory=set)
    """What is remembered of places that were not come across, alike or different."""

    def begin(self) -> None:
        """Begin with all that is remembered; of 10^5, call it in a thread."""
        self.unseen = set(self.past.records)

    def alike(self, place: bytes, left: Entry, right: Entry, digest: bytes = b"") -> None:
        """Take a place at which both ends are alike."""
        self.unseen.discard(place)
        if not is_common(left):
            return
        now, then = record_of(left, right, digest), self.past.records.get(place)
        if then is not None and not digest and then == _with(now, then.digest):
            now = then
        # What a run was about to delete and is there again has to be told from that.
        if now != then or place in self.past.doomed:
            self.fresh[place] = now

    def gone(self, pairs: Iterable[Pair], hidden: Iterable[bytes], rules: Rules) -> list[bytes]:
        """Return places that are remembered and on neither end any more.

        Of `hidden` places, of what the rules leave out, and of all below, nothing is known.
        """
        secret, over = set(hidden), []
        for pair in pairs:
            self.unseen.discard(pair.place)
            if pair.relation is Relation.UNLIKE:
                secret.add(pair.place)
            if pair.place in self.past.doomed and self.past.known(pair) is None:
                over.append(pair.place)
        seen = [place for place in self.unseen if not self._is_hidden(place, secret, rules)]
        return over + seen

    def _is_hidden(self, place: bytes, secret: Collection[bytes], rules: Rules) -> bool:
        folder = self.past.records[place].kind is Kind.DIRECTORY
        above = place
        while above:
            if above in secret or rules.excludes(above, folder):
                return True
            above, folder = above.rpartition(b"/")[0], True
        return b"" in secret


def _with(record: Record, digest: bytes) -> Record:
    return Record(record.kind, record.left, record.right, digest)
