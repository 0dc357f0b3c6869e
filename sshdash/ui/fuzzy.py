"""Fuzzy matching of names: the letters of the query in order, the closer together the better.

Linear in the length of the name, so that a thousand hosts are filtered between two key presses;
Textual's own matcher tries every way to match, which takes exponentially long on repeated letters.
"""

from typing import NamedTuple

_IN_ONE_PIECE = 100.0
_WORD_START = 8.0
_ADJACENT = 4.0
_SPREAD = 0.2
_LENGTH = 0.05


class Match(NamedTuple):
    """How well a name matches, and where its letters are."""

    score: float
    """The higher the better; only for comparing."""
    places: tuple[int, ...]


def match(query: str, name: str) -> Match | None:
    """Return how `query` matches `name`, None where it does not. Case and spaces do not count."""
    wanted = "".join(query.lower().split())
    text = name.lower()
    if not wanted:
        return Match(0.0, ())
    places = _one_piece(wanted, text)
    bonus = _IN_ONE_PIECE
    if places is None:
        places, bonus = _scattered(wanted, text), 0.0
    if places is None:
        return None
    return Match(bonus + _closeness(places, text) - _LENGTH * len(text), places)


def _one_piece(wanted: str, text: str) -> tuple[int, ...] | None:
    """Return the places of `wanted` as it stands, at the start of a word if it is at one."""
    first = start = text.find(wanted)
    while start > 0 and text[start - 1].isalnum():
        start = text.find(wanted, start + 1)
    start = first if start < 0 else start
    return tuple(range(start, start + len(wanted))) if start >= 0 else None


def _scattered(wanted: str, text: str) -> tuple[int, ...] | None:
    """Return the places of the letters: the earliest end, then from there as close as possible."""
    end = -1
    for letter in wanted:
        end = text.find(letter, end + 1)
        if end < 0:
            return None
    places = []
    end += 1
    for letter in reversed(wanted):
        end = text.rfind(letter, 0, end)
        places.append(end)
    return tuple(reversed(places))


def _closeness(places: tuple[int, ...], text: str) -> float:
    score = 0.0
    for before, place in zip((-2, *places), places, strict=False):
        if place == 0 or not text[place - 1].isalnum():
            score += _WORD_START
        if place == before + 1:
            score += _ADJACENT
    return score - _SPREAD * (places[-1] - places[0])
