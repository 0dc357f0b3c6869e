"""How the rows of a pane are ordered and filtered. Pure."""

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Self

from sshdash.sftp.entries import Entry

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
    in small runs. To join these, each is cut where the same keys divide all of them evenly.
    """

    def __init__(self, key: Callable[[Entry], Any]) -> None:
        self._key = key
        self._fresh: list[Entry] = []
        """Entries that are in no run yet."""
        self._runs: list[_Run] = []

    def add(self, entries: Iterable[Entry]) -> None:
        """Take more entries; so many that it takes long should come in a thread."""
        source = iter(entries)
        while batch := list(islice(source, _RUN)):
            self._fresh += batch
            if len(self._fresh) >= _RUN:
                self._end_run()
                time.sleep(0)  # lets the thread of the screen have the interpreter

    def all(self) -> list[Entry]:
        """Return all entries in order, equal ones as they came, and forget them."""
        if self._fresh:
            self._end_run()
        while len(self._runs) > 1:
            together = range(0, len(self._runs), _TOGETHER)
            self._runs = [_joined(self._runs[start : start + _TOGETHER]) for start in together]
        return self._runs.pop().entries if self._runs else []

    def _end_run(self) -> None:
        self._runs.append(_Run.of([*map(self._key, self._fresh)], self._fresh))
        self._fresh = []


@dataclass(slots=True)
class _Run:
    """Entries in order, and their keys."""

    keys: list[Any]
    entries: list[Entry]

    @classmethod
    def of(cls, keys: list[Any], entries: list[Entry]) -> Self:
        """Return them in order, equal ones as they are."""
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return cls([keys[place] for place in order], [entries[place] for place in order])


def _joined(runs: list[_Run]) -> _Run:
    """Return some runs as one, letting others have turns."""
    if len(runs) == 1:
        return runs[0]
    whole = _Run([], [])
    for part, alike in _buckets(runs):
        ordered = part if alike else _Run.of(part.keys, part.entries)
        whole.keys += ordered.keys
        whole.entries += ordered.entries
        time.sleep(0)  # as above
    return whole


def _buckets(runs: list[_Run]) -> Iterator[tuple[_Run, bool]]:
    """Yield what is between the same keys in all runs, and what is alike with one of them."""
    samples = sorted(key for run in runs for key in run.keys[::_SAMPLE])
    starts = [0] * len(runs)
    for divider in dict.fromkeys(samples[:: max(_RUN // _SAMPLE, 1)]):
        for bisect in (bisect_left, bisect_right):
            parts = zip(runs, starts, strict=True)
            ends = [bisect(run.keys, divider, start) for run, start in parts]
            yield _cut(runs, starts, ends), bisect is bisect_right
            starts = ends
    yield _cut(runs, starts, [len(run.keys) for run in runs]), False


def _cut(runs: list[_Run], starts: list[int], ends: list[int]) -> _Run:
    """Return what of each run is between two places, one behind the other."""
    parts = [*zip(runs, starts, ends, strict=True)]
    return _Run(
        [key for run, start, end in parts for key in run.keys[start:end]],
        [entry for run, start, end in parts for entry in run.entries[start:end]],
    )


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
