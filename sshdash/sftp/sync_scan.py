"""Looks through two trees at the same time and tells where they differ.

Folder by folder, many at once; what a folder holds is forgotten once it is compared, so that only
differences take memory. A folder that cannot be listed on one end is left out on both.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from sshdash.errors import FileError
from sshdash.sftp.case_folding import folds_case
from sshdash.sftp.compare import (
    Criteria,
    Findings,
    Folder,
    Pair,
    Relation,
    case_clashes,
    compare_names,
)
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Digest, Filesystem
from sshdash.sftp.find import Lines, TreeIndex, entries_of, is_alike
from sshdash.sftp.sync_past import Past, Present
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.tasks import each, end, together
from sshdash.sftp.turns import Turns, in_order
from sshdash.sftp.walk import reason_of

_WIDTH = 32
"""Folders that are looked into at the same time."""
_LOOKS = 64
"""Links that are read at the same time."""
_FEW = 4
"""Folders on one level up to which SFTP has listed them before find has even begun."""
_BATCH = 500
"""Names that are compared without a pause."""
_MAX_ITEMS = 5_000_000
_MAX_DEPTH = 256
_SIDES = attrgetter("left"), attrgetter("right")

Digests = Callable[
    [Filesystem, Mapping[bytes, int], bool], Coroutine[Any, Any, dict[bytes, Digest]]
]
"""Returns what stands for the content of files, by path; those that cannot be read are missing.

It is told their sizes, and whether they must be read rather than asked about.
"""


@dataclass(frozen=True, slots=True)
class End:
    """One of the two trees."""

    filesystem: Filesystem
    root: bytes
    exists: bool = True
    """Where it does not exist it is compared as an empty one."""
    index: Callable[[Callable[[int], None]], Coroutine[Any, Any, TreeIndex | None]] | None = None
    """Lists the whole tree at once, where that may be possible."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place that could not be compared."""

    place: bytes
    right: bool
    """Whether it was the right end's fault."""
    reason: str


@dataclass(slots=True)
class Comparison:
    """Where two trees differ, in the order of their places."""

    pairs: list[Pair] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    same: int = 0
    excluded: int = 0
    keeping: set[bytes] = field(default_factory=set)
    """Folders that must stay: something in them was left out, or could not be looked at."""
    present: Present | None = None
    """What is alike, and what is remembered of the last time, where that was given."""
    stale: list[bytes] = field(default_factory=list)
    """Places of folders and links that are the same but for their time."""


class Scan:
    """One comparison; `progress` is told how many names were seen.

    With a `past`, what is alike is noted to be remembered.
    """

    def __init__(
        self,
        left: End,
        right: End,
        rules: Rules,
        criteria: Criteria,
        digests: Digests,
        progress: Callable[[int], None] = lambda _: None,
        past: Past | None = None,
    ) -> None:
        self._ends = left, right
        self._present = None if past is None else Present(past)
        self._rules = rules
        self._criteria = criteria
        self._digests = digests
        self._progress = progress
        self._pace = Turns()
        self._findings = Findings(alike=None if self._present is None else self._present.alike)
        self._problems: list[Problem] = []
        self._folds = False
        self._seen = 0
        self._indexes: list[TreeIndex | None] = [None, None]
        self._roots: list[set[bytes]] = [set(), set()]
        """What SFTP lists in both roots: find has to say the same."""
        self._turns = tuple(asyncio.Semaphore(_turns(end)) for end in self._ends)

    async def everything(self) -> Comparison:
        """Compare the trees whole. Raises ConnectionLost, and FileError for too many names."""
        root = Folder(b"", self._ends[0].exists, self._ends[1].exists)
        indexing = [
            asyncio.ensure_future(end.index(self._progress))
            for end in self._ends
            if end.index is not None and end.exists
        ]
        if len(indexing) < len(self._ends):
            indexing = []
        try:
            return await self._compare([root], whole=True, indexing=indexing)
        finally:
            await end(indexing)

    async def these(self, places: Iterable[bytes]) -> Comparison:
        """Compare what is in these folders, and in folders below that are on one end only.

        Where a folder is not on both ends, the nearest above it that is takes its place.
        """
        folders: set[bytes] = set()

        async def find(place: bytes) -> None:
            folders.add(await self._common(place))

        wanted = set(places)
        await each(wanted, min(_WIDTH, len(wanted)), find)
        return await self._compare([Folder(place, True, True) for place in folders], whole=False)

    async def _compare(
        self,
        level: list[Folder],
        whole: bool,
        indexing: "Sequence[asyncio.Future[TreeIndex | None]]" = (),
    ) -> Comparison:
        """Compare `level` and what is below it; not `whole` goes into one-sided folders alone.

        Where there turns out to be much below, `indexing` is waited for.
        """
        if self._present is not None:
            await asyncio.to_thread(self._present.begin)
        self._folds = any(
            await together(
                *(folds_case(end.filesystem, end.root) for end in self._ends if end.exists)
            )
        )
        findings = self._findings
        depth = 0
        while level:
            depth += 1
            if depth > _MAX_DEPTH:
                raise FileError("too deep", detail=f"more than {_MAX_DEPTH} directories")
            await each(level, min(_WIDTH, len(level)), self._look)
            level = [one for one in findings.below if whole or not (one.left and one.right)]
            findings.below = []
            if indexing and len(level) > _FEW:
                self._indexes = [await one for one in indexing]
                self._doubt_indexes()
                indexing = ()
        await self._settle()
        return Comparison(
            await in_order(findings.pairs, _reading_order),
            sorted(self._problems, key=lambda problem: problem.place),
            findings.same,
            findings.excluded,
            findings.keeping,
            self._present,
            findings.stale,
        )

    def _doubt_indexes(self) -> None:
        """Drop an index that does not begin as SFTP says: its paths may be others than here."""
        for side, index in enumerate(self._indexes):
            if index is not None and {*(index.take(b"") or ())} != self._roots[side]:
                self._indexes[side] = None

    async def _common(self, place: bytes) -> bytes:
        """Return the place of the nearest folder at or above `place` that both ends have."""
        while place:
            found = await together(
                *(end.filesystem.exists(join(end.root, place)) for end in self._ends)
            )
            if all(one is not None and one.kind is Kind.DIRECTORY for one in found):
                break
            place = place.rpartition(b"/")[0]
        return place

    # -- folders

    async def _look(self, folder: Folder) -> None:
        """Compare what is in one folder."""
        left, right = await self._both(folder)
        if left is None or right is None:
            self._findings.keep(folder.place)
            return
        self._seen += len(left) + len(right)
        self._progress(self._seen)
        if self._seen > _MAX_ITEMS:
            raise FileError("too many files", detail=f"more than {_MAX_ITEMS:,}")
        if self._folds:
            self._set_clashes_apart(folder, left, right)
        names = chain(left, (name for name in right if name not in left))
        while batch := list(islice(names, _BATCH)):
            await self._pace.take()
            compare_names(folder, batch, left, right, self._rules, self._criteria, self._findings)

    async def _list(self, folder: Folder, side: int) -> dict[bytes, Entry] | None:
        """Return what is in a folder on one end; None where that cannot be told, which is noted."""
        found: dict[bytes, Entry] = {}
        if not (folder.right if side else folder.left):
            return found
        end = self._ends[side]
        path = join(end.root, folder.place) if folder.place else end.root
        refused: list[bytes] = []
        try:
            async with self._turns[side]:
                async for batch in end.filesystem.scandir(path, refused):
                    found.update((entry.name, entry) for entry in batch)
        except FileError as error:
            self._problem(folder.place, side, reason_of(error))
            return None
        for name in refused:
            place = join(folder.place, name) if folder.place else name
            self._problem(place, side, "the server lists an unsafe name")
        if not folder.place:
            self._roots[side] = set(found)
        return found

    async def _both(self, folder: Folder) -> tuple[dict[bytes, Entry] | None, ...]:
        """Return what is in a folder on both ends, without what indexes tell to be alike."""
        lines = [index.take(folder.place) if index else None for index in self._indexes]
        before = self._findings.same
        if lines[0] and lines[1]:
            await self._drop_alike(folder, lines[0], lines[1])
        try:
            found = [
                None if known is None else await _entries(known, self._pace) for known in lines
            ]
        except ValueError:
            self._findings.same, found = before, [None, None]  # what was dropped is in neither
        missing = [side for side in (0, 1) if found[side] is None]
        listed = await together(*(self._list(folder, side) for side in missing))
        for side, entries in zip(missing, listed, strict=True):
            found[side] = entries
        return tuple(found)

    async def _drop_alike(self, folder: Folder, left: Lines, right: Lines) -> None:
        """Count what is alike by the words of find, so that nobody has to read them."""
        if self._folds or self._criteria.checksum or self._present is not None:
            return
        plain = not self._rules.lines
        names = iter(tuple(left))
        while batch := list(islice(names, _BATCH)):
            await self._pace.take()
            for name in batch:
                line = right.get(name)
                if line is None or not is_alike(left[name], line):
                    continue
                if (plain and b"sshdash-" not in name) or not self._rules.excludes(
                    join(folder.place, name), False
                ):
                    del left[name], right[name]
                    self._findings.same += 1
                    self._seen += 2

    def _problem(self, place: bytes, side: int, reason: str) -> None:
        self._problems.append(Problem(place, bool(side), reason))

    def _set_clashes_apart(
        self, folder: Folder, left: dict[bytes, Entry], right: dict[bytes, Entry]
    ) -> None:
        """Take out what one end does not tell apart: one would replace the other."""
        clashes = case_clashes(dict.fromkeys((*left, *right)))
        for name, other in clashes.items():
            place = join(folder.place, name) if folder.place else name
            why = f"only its case tells it from {other.decode(errors='replace')}"
            pair = Pair(place, left.pop(name, None), right.pop(name, None), Relation.UNLIKE, why)
            self._findings.pairs.append(pair)
            self._findings.keep(place)

    # -- what only a closer look decides

    async def _settle(self) -> None:
        """Decide about links by where they lead, about files by their content."""
        doubtful, self._findings.doubtful = self._findings.doubtful, []
        links = [pair for pair in doubtful if pair.left and pair.left.kind is Kind.SYMLINK]
        files = [pair for pair in doubtful if pair.left and pair.left.kind is Kind.FILE]
        await each(links, min(_LOOKS, len(links)), self._read_links)
        if files:
            await self._compare_contents(files)

    async def _read_links(self, pair: Pair) -> None:
        try:
            targets = await together(
                self._target(pair.left, pair.place, 0), self._target(pair.right, pair.place, 1)
            )
        except FileError as error:
            self._problem(pair.place, 0, reason_of(error))
            return
        self._found(pair, targets[0] == targets[1])

    async def _target(self, link: Entry | None, place: bytes, side: int) -> bytes:
        """Return where a link leads."""
        if link is not None and link.target is not None:
            return link.target
        end = self._ends[side]
        return await end.filesystem.readlink(join(end.root, place))

    async def _compare_contents(self, files: list[Pair]) -> None:
        """Compare by digests; a host's word that files differ is looked into once more.

        A command there may see other files than SFTP does.
        """
        for reading in (False, True):
            sizes = [
                {join(end.root, pair.place): side(pair).size for pair in files}
                for end, side in zip(self._ends, _SIDES, strict=True)
            ]
            left, right = await together(
                *(
                    self._digests(end.filesystem, of_end, reading)
                    for end, of_end in zip(self._ends, sizes, strict=True)
                )
            )
            again: list[Pair] = []
            for pair, here, there in zip(files, *sizes, strict=True):
                if here not in left or there not in right:
                    self._problem(pair.place, int(here in left), "its content could not be read")
                elif (value := left[here].value) == right[there].value:
                    self._found(pair, same=True, digest=value)
                elif reading or (left[here].was_read and right[there].was_read):
                    self._found(replace(pair, sums=(value, right[there].value)), same=False)
                else:
                    again.append(pair)
            if not (files := again):
                return

    def _found(self, pair: Pair, same: bool, digest: bytes = b"") -> None:
        if not same:
            self._findings.pairs.append(pair)
            return
        self._findings.same += 1
        if pair.left is None or pair.right is None:
            return
        self._findings.look_at_times(pair.place, pair.left, pair.right)
        if self._present is not None:
            self._present.alike(pair.place, pair.left, pair.right, digest)


async def _entries(lines: Lines, turns: Turns) -> dict[bytes, Entry]:
    """Return what find says as entries. Raises ValueError for what no find prints."""
    found: dict[bytes, Entry] = {}
    said = iter(lines.items())
    while batch := dict(islice(said, _BATCH)):
        await turns.take()
        found.update(entries_of(batch))
    return found


def _turns(end: End) -> int:
    """Return how many folders are listed at once: threads here would only wait for each other."""
    return 2 if end.filesystem.is_local else _WIDTH


def _reading_order(pair: Pair) -> bytes:
    return pair.place.replace(b"/", b"\0")
