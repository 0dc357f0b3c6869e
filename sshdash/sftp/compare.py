"""What is different between two trees, folder by folder: pure, and the same for either direction.

Files are alike where size and time are; times in whole seconds, which is what SFTP tells.
Permissions and owners are not compared.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.sync_rules import Rules

_SECOND = 10**9
_LAST_SECOND = 2**32 - 1
"""In 2106; the first one is in 1970."""
_COMMON = frozenset({Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK})

Alike = Callable[[bytes, Entry, Entry], None]
"""Told a place at which both ends have the same."""


class Relation(Enum):
    """How what is on the left stands to what is on the right."""

    LEFT_ONLY = "only left"
    RIGHT_ONLY = "only right"
    DIFFERENT = "different"
    """Files of different content, or links to different targets."""
    UNLIKE = "unlike"
    """Of different kinds, or names that one end does not tell apart."""


class Pair(msgspec.Struct, frozen=True, gc=False):
    """One place at which the trees differ; as with `Entry`, there may be 10^5 of them."""

    place: bytes
    """Relative to both trees."""
    left: Entry | None
    right: Entry | None
    relation: Relation
    why: str = ""
    sums: tuple[bytes, bytes] | None = None
    """What stands for the content of both, where that was compared."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory on the only side it is on."""
        one = self.left or self.right
        return one is not None and one.kind is Kind.DIRECTORY


class Folder(NamedTuple):
    """A folder to look into."""

    place: bytes
    left: bool
    """Whether it is there on the left."""
    right: bool


@dataclass(frozen=True, slots=True)
class Criteria:
    """What counts as different, and what is looked at."""

    window: int = 0
    """Seconds by which times may differ; FAT keeps them to 2."""
    checksum: bool = False
    """Whether content decides rather than time."""
    left_only: bool = True
    """Whether it is of interest what is on the left alone, and all below it."""
    right_only: bool = True
    purge: bool = False
    """Whether what is left out is taken for something that is on the right alone."""


@dataclass(slots=True)
class Findings:
    """What was found so far; what is alike is only counted."""

    pairs: list[Pair] = field(default_factory=list)
    below: list[Folder] = field(default_factory=list)
    """Folders that are not looked into yet."""
    doubtful: list[Pair] = field(default_factory=list)
    """Pairs that only a closer look decides: links, and files whose content is to be compared."""
    same: int = 0
    excluded: int = 0
    keeping: set[bytes] = field(default_factory=set)
    """Folders that hold something that was left out, and must therefore stay."""
    alike: Alike | None = None
    """Told of each of those that are the same."""
    stale: list[bytes] = field(default_factory=list)
    """Places of folders and links that are the same but for their time."""

    def match(self, place: bytes, left: Entry, right: Entry) -> None:
        """Count what is the same on both ends."""
        self.same += 1
        self.look_at_times(place, left, right)
        if self.alike is not None:
            self.alike(place, left, right)

    def look_at_times(self, place: bytes, left: Entry, right: Entry) -> None:
        """Note a folder or a link that has another time on the other end."""
        if left.kind in (Kind.DIRECTORY, Kind.SYMLINK) and later(left, right):
            self.stale.append(place)

    def keep(self, place: bytes) -> None:
        """Note that a folder, and so those above it, holds what nobody looked at."""
        while place not in self.keeping:
            self.keeping.add(place)
            place = place.rpartition(b"/")[0]


def compare_names(
    folder: Folder,
    names: Iterable[bytes],
    left: Mapping[bytes, Entry],
    right: Mapping[bytes, Entry],
    rules: Rules,
    criteria: Criteria,
    findings: Findings,
) -> None:
    """Compare some of the names in a folder; `left` and `right` are all that it holds."""
    above = folder.place
    for name in names:
        here, there = left.get(name), right.get(name)
        place = join(above, name) if above else name
        is_folder = Kind.DIRECTORY in (here and here.kind, there and there.kind)
        if rules.excludes(place, is_folder):
            findings.excluded += 1
            if criteria.purge:
                _only_one(place, None, there, criteria, findings)
            else:
                findings.keep(above)
        elif here is None or there is None:
            _only_one(place, here, there, criteria, findings)
        elif here.kind is Kind.FILE and there.kind is Kind.FILE:
            _files(place, here, there, criteria, findings)
        else:
            _others(place, here, there, findings)


def _only_one(
    place: bytes, left: Entry | None, right: Entry | None, criteria: Criteria, findings: Findings
) -> None:
    relation = Relation.RIGHT_ONLY if left is None else Relation.LEFT_ONLY
    wanted = criteria.right_only if left is None else criteria.left_only
    if not wanted or left is right:  # both are nothing
        return
    pair = Pair(place, left, right, relation)
    findings.pairs.append(pair)
    if pair.is_folder:
        findings.below.append(Folder(place, left is not None, right is not None))


def _files(place: bytes, left: Entry, right: Entry, criteria: Criteria, findings: Findings) -> None:
    if left.size != right.size:
        findings.pairs.append(Pair(place, left, right, Relation.DIFFERENT))
    elif criteria.checksum:
        findings.doubtful.append(Pair(place, left, right, Relation.DIFFERENT))
    elif later(left, right, criteria.window):
        findings.pairs.append(Pair(place, left, right, Relation.DIFFERENT))
    else:
        findings.match(place, left, right)


def _others(place: bytes, left: Entry, right: Entry, findings: Findings) -> None:
    if left.kind is right.kind is Kind.DIRECTORY:
        findings.match(place, left, right)
        findings.below.append(Folder(place, True, True))
    elif left.kind is right.kind is Kind.SYMLINK:
        findings.doubtful.append(Pair(place, left, right, Relation.DIFFERENT))
    elif left.kind is right.kind:
        findings.match(
            place, left, right
        )  # sockets, pipes and devices are nothing that a copy is for
    else:
        why = f"a {left.kind.value} on one side, a {right.kind.value} on the other"
        findings.pairs.append(Pair(place, left, right, Relation.UNLIKE, why))
        if Kind.DIRECTORY in (left.kind, right.kind):
            findings.keep(place)


def later(one: Entry, other: Entry, window: int = 0) -> int:
    """Return by how many seconds `one` is later than `other`, 0 for no more than `window`."""
    seconds = _told(one.mtime_ns) - _told(other.mtime_ns)
    return seconds if abs(seconds) > window else 0


def _told(mtime_ns: int) -> int:
    """Return the seconds that SFTP tells of a time: what it cannot hold would never agree."""
    return min(max(mtime_ns // _SECOND, 0), _LAST_SECOND)


def is_common(entry: Entry) -> bool:
    """Return whether a copy is for such things: files, directories and links."""
    return entry.kind in _COMMON


def case_clashes(names: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the names that only case tells from others, each with the other one."""
    first: dict[str, bytes] = {}
    clashes: dict[bytes, bytes] = {}
    for name in names:
        other = first.setdefault(name.decode("utf-8", "surrogateescape").casefold(), name)
        if other != name:
            clashes[name] = other
            clashes.setdefault(other, name)
    return clashes
