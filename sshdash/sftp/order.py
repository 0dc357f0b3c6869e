"""How the rows of a pane are ordered and filtered. Pure."""

import re
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, TypeAlias

from sshdash.sftp.entries import Entry

_Places: TypeAlias = "array[int]"
_DIGITS = re.compile(r"\d+")
_COUNTS = [f"{size:03d}" for size in range(100)]
_RUN = 1_000
"""Entries that are sorted in less than the time nobody else should have to wait."""
_SAMPLE = 100
"""Of how many keys of a run one tells where to divide it."""
_TOGETHER = 32
"""Runs that are joined at once: to divide more takes longer than to join them twice."""


def natural_key(label: str) -> str:
    """Return a sort key that puts ``file9`` before ``file10`` and ignores case."""
    return _DIGITS.sub(_padded, label.casefold())


class Sorter:
    """Orders entries by `key` as they come, so that little is left to do after the last.

    One sort of very many would not let any other thread run until it is done. So they are sorted
    in small runs. To join these, each is cut where the same keys divide all of them evenly. Runs
    are arrays of places: small, and nothing in which the garbage collector would look for more.
    """

    def __init__(self, key: Callable[[Entry], Any]) -> None:
        self.entries: list[Entry] = []
        """All of them, as they came."""
        self._key = key
        self._keys: list[Any] = []
        self._runs: list[_Places] = []
        self._sorted = 0
        """How many entries are in runs."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Take more entries; so many that it takes long should come in a thread."""
        source = iter(entries)
        batch = list(islice(source, _RUN))
        while batch:
            self.entries += batch
            self._keys += map(self._key, batch)
            if len(self._keys) - self._sorted >= _RUN:
                self._end_run()
            if batch := list(islice(source, _RUN)):
                time.sleep(0)  # lets the thread of the screen have the interpreter

    def order(self) -> _Places:
        """Return the places of all entries in order, equal ones as they came; none may follow."""
        if len(self._keys) > self._sorted:
            self._end_run()
        while len(self._runs) > 1:
            together = range(0, len(self._runs), _TOGETHER)
            self._runs = [self._joined(self._runs[at : at + _TOGETHER]) for at in together]
        self._keys.clear()
        return self._runs[0] if self._runs else _places(())

    def _end_run(self) -> None:
        self._runs.append(self._ordered(range(self._sorted, len(self._keys))))
        self._sorted = len(self._keys)

    def _ordered(self, places: Iterable[int]) -> _Places:
        return _places(sorted(places, key=self._keys.__getitem__))

    def _joined(self, runs: list[_Places]) -> _Places:
        """Return some runs as one, letting others have turns."""
        whole = _places(())
        for bucket, alike in self._buckets(runs):
            whole += bucket if alike else self._ordered(bucket)
            time.sleep(0)  # as above
        return whole

    def _buckets(self, runs: list[_Places]) -> Iterator[tuple[_Places, bool]]:
        """Yield what is between the same keys in all runs, and what is alike with one of them."""
        at = self._keys.__getitem__
        samples = sorted(at(place) for run in runs for place in run[::_SAMPLE])
        starts = [0] * len(runs)
        for divider in dict.fromkeys(samples[:: max(_RUN // _SAMPLE, 1)]):
            for bisect in (bisect_left, bisect_right):
                parts = zip(runs, starts, strict=True)
                ends = [bisect(run, divider, start, key=at) for run, start in parts]
                yield _cut(runs, starts, ends), bisect is bisect_right
                starts = ends
        yield _cut(runs, starts, [*map(len, runs)]), False


def _places(places: Iterable[int]) -> _Places:
    return array("I", places)


def _cut(runs: list[_Places], starts: list[int], ends: list[int]) -> _Places:
    """Return what of each run is between two places, one behind the other."""
    bucket = _places(())
    for run, start, end in zip(runs, starts, ends, strict=True):
        bucket += run[start:end]
    return bucket


def sorted_in_turns(entries: Iterable[Entry], key: Callable[[Entry], Any]) -> list[Entry]:
    """Return `entries` ordered by `key`, equal ones as they were, letting others have turns."""
    sorter = Sorter(key)
    sorter.add(entries)
    return [sorter.entries[place] for place in sorter.order()]


def matches(label: str, pattern: str) -> bool:
    """Return whether a label contains `pattern`, or matches it where it is a glob."""
    if not pattern:
        return True
    label, pattern = label.casefold(), pattern.casefold()
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(label, pattern)
    return pattern in label


def natural(entry: Entry) -> bytes:
    """Return the sort key of an entry's name."""
    # What a name reads like is enough for its place; to have it cleaned takes longer. Bytes are
    # in the same order, and smaller.
    label = entry.name.decode("utf-8", "surrogateescape")
    return natural_key(label).encode("utf-8", "surrogateescape")


def _padded(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0") or "0"
    # The count of digits first, so that longer numbers come later, whatever their length.
    size = len(digits)
    return _COUNTS[size] + digits if size < 100 else f"{size:03d}{digits}"


def suffix_of(entry: Entry) -> tuple[str, str]:
    """Return the sort key of an entry's type: its kind, then what stands behind the last dot."""
    stem, dot, suffix = entry.label.rpartition(".")
    return entry.kind.value, suffix.casefold() if dot and stem else ""
