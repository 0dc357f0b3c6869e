"""How the rows of a pane are ordered and filtered. Pure."""

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from sshdash.sftp.entries import Entry

_DIGITS = re.compile(r"\d+")
_COUNTS = [f"{size:03d}" for size in range(100)]
_RUN = 1_000
"""Entries that are sorted in less than the time nobody else should have to wait."""
_SAMPLE = 100
"""Of how many keys of a run one tells where to divide it."""


def natural_key(label: str) -> str:
    """Return a sort key that puts ``file9`` before ``file10`` and ignores case."""
    return _DIGITS.sub(_padded, label.casefold())


class Sorter:
    """Orders entries by `key` as they come, so that little is left to do after the last.

    One sort of very many would not let any other thread run until it is done. So they are sorted
    in small runs. To join these, each is cut where the same keys divide all of them evenly.
    """

    def __init__(self, key: Callable[[Entry], Any]) -> None:
        self._key = key
        self._entries: list[Entry] = []
        self._keys: list[Any] = []
        self._runs: list[list[int]] = []
        """Places in `entries`, each run in order."""
        self._sorted = 0
        """How many entries are in runs."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Take more entries; so many that it takes long should come in a thread."""
        source = iter(entries)
        while batch := list(islice(source, _RUN)):
            self._entries += batch
            self._keys += map(self._key, batch)
            if len(self._keys) - self._sorted >= _RUN:
                self._end_run()
                time.sleep(0)  # lets the thread of the screen have the interpreter

    def all(self) -> list[Entry]:
        """Return all entries in order, equal ones as they came."""
        if len(self._keys) > self._sorted:
            self._end_run()
        at = self._keys.__getitem__
        ordered: list[Entry] = []
        for bucket, alike in self._buckets():
            if not alike:
                bucket.sort(key=at)
            ordered += [self._entries[place] for place in bucket]
            time.sleep(0)  # as above
        return ordered

    def _end_run(self) -> None:
        fresh = range(self._sorted, len(self._keys))
        self._runs.append(sorted(fresh, key=self._keys.__getitem__))
        self._sorted = len(self._keys)

    def _buckets(self) -> Iterator[tuple[list[int], bool]]:
        """Yield what is between the same keys in all runs, and what is alike with one of them."""
        at = self._keys.__getitem__
        if len(self._runs) < 2:
            yield from ((run, True) for run in self._runs)
            return
        samples = sorted(at(run[i]) for run in self._runs for i in range(0, len(run), _SAMPLE))
        starts = [0] * len(self._runs)
        for divider in dict.fromkeys(samples[:: max(_RUN // _SAMPLE, 1)]):
            for bisect in (bisect_left, bisect_right):
                ends = [
                    bisect(run, divider, start, key=at)
                    for run, start in zip(self._runs, starts, strict=True)
                ]
                parts = zip(self._runs, starts, ends, strict=True)
                yield [one for run, a, b in parts for one in run[a:b]], bisect is bisect_right
                starts = ends
        rests = zip(self._runs, starts, strict=True)
        yield [one for run, start in rests for one in run[start:]], False


def sorted_in_turns(entries: Iterable[Entry], key: Callable[[Entry], Any]) -> list[Entry]:
    """Return `entries` ordered by `key`, equal ones as they were, letting others have turns."""
    sorter = Sorter(key)
    sorter.add(entries)
    return sorter.all()


def matches(label: str, pattern: str) -> bool:
    """Return whether a label contains `pattern`, or matches it where it is a glob."""
    if not pattern:
        return True
    label, pattern = label.casefold(), pattern.casefold()
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(label, pattern)
    return pattern in label


def natural(entry: Entry) -> str:
    """Return the sort key of an entry's name."""
    # What a name reads like is enough for its place; to have it cleaned takes longer.
    return natural_key(entry.name.decode("utf-8", "surrogateescape"))


def _padded(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0") or "0"
    # The count of digits first, so that longer numbers come later, whatever their length.
    size = len(digits)
    return _COUNTS[size] + digits if size < 100 else f"{size:03d}{digits}"


def suffix_of(entry: Entry) -> tuple[str, str]:
    """Return the sort key of an entry's type: its kind, then what stands behind the last dot."""
    stem, dot, suffix = entry.label.rpartition(".")
    return entry.kind.value, suffix.casefold() if dot and stem else ""
