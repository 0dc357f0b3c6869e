"""How the rows of a pane are ordered and filtered. Pure."""

import re
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from sshdash.sftp.entries import Entry

_DIGITS = re.compile(r"\d+")
_COUNTS = [f"{size:03d}" for size in range(100)]
_RUN = 2_000
"""Entries that are sorted in less than the time nobody else should have to wait."""


def natural_key(label: str) -> str:
    """Return a sort key that puts ``file9`` before ``file10`` and ignores case."""
    return _DIGITS.sub(_padded, label.casefold())


def sorted_in_turns(entries: list[Entry], key: Callable[[Entry], Any]) -> list[Entry]:
    """Return `entries` ordered by `key`, equal ones as they were.

    One sort of very many would not let any other thread run until it is done. So they are sorted
    in small runs, which are then merged: on runs that are in order, sorting is quick.
    """
    if len(entries) <= _RUN:
        return sorted(entries, key=key)
    keys: list[Any] = []
    runs: list[list[int]] = []
    for start in range(0, len(entries), _RUN):
        keys += map(key, entries[start : start + _RUN])
        runs.append(sorted(range(start, len(keys)), key=keys.__getitem__))
        time.sleep(0)
    while len(runs) > 1:
        pairs = zip(runs[::2], [*runs[1::2], []], strict=False)
        runs = [_merged(first, second, keys) for first, second in pairs]
    return [entries[place] for place in runs[0]]


def _merged(first: list[int], second: list[int], keys: list[Any]) -> list[int]:
    both = first + second
    both.sort(key=keys.__getitem__)
    time.sleep(0)
    return both


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
