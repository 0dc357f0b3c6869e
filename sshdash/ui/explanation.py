"""What the configuration says of a host and why, in the words of the screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from sshdash.config.advice import Advice
from sshdash.config.explain import Explained
from sshdash.config.options import Origin
from sshdash.untrusted import clean

_MOST = 4
"""Warnings that the card has room for."""
_VALUE = 400


@dataclass(frozen=True, slots=True)
class Value:
    """One value with the place that set it, and those that came too late. All cleaned."""

    text: str
    place: str
    lost: tuple[tuple[str, str], ...] = ()
    """Values without effect and their places."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the explain screen shows of a host."""

    host: str
    advices: tuple[Advice, ...]
    chosen: tuple[Value, ...]
    """What a line or the command line set."""
    defaults: tuple[str, ...]
    """Keywords and values that nothing set."""


def explanation(host: str, entries: Sequence[Explained], advices: Sequence[Advice]) -> Explanation:
    """Return the explanation of a host."""
    return Explanation(
        clean(host),
        tuple(advices),
        tuple(_value(entry) for entry in entries if not entry.is_default),
        tuple(_text(entry.keyword, entry.value) for entry in entries if entry.is_default),
    )


def card_warnings(advices: Sequence[Advice]) -> tuple[str, ...]:
    """Return the warnings in few words: those that change what happens first, then the rest."""
    told = [advice.short for advice in advices if advice.kind not in ("security", "ignored")]
    for kind, label in (("security", "ignored"), ("ignored", "without effect")):
        words = [advice.short for advice in advices if advice.kind == kind]
        if words:
            told.append(f"{label}: {', '.join(words)}")
    if len(told) > _MOST:
        told[_MOST - 1 :] = [f"{len(told) - _MOST + 1} more warnings"]
    return tuple(told)


def _value(entry: Explained) -> Value:
    lost = tuple((_text(one.keyword, one.value), _place(one.origin)) for one in entry.shadowed)
    return Value(_text(entry.keyword, entry.value), _place(entry.origin), lost)


def _text(keyword: str, value: str) -> str:
    return clean(f"{keyword} {value}", _VALUE)


def _place(origin: Origin) -> str:
    block = f", {clean(origin.block, 60)}" if origin.block else ""
    return f"{clean(str(origin), 200)}{block}"
