"""What the configuration says of a host and why, in the words of the screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from sshdash.config.advice import Advice
from sshdash.config.explain import Explained
from sshdash.config.options import Origin
from sshdash.config.spelling import SPELLING
from sshdash.paths import home, system_ssh_config
from sshdash.untrusted import clean

_MOST = 4
"""Warnings that the card has room for."""
_VALUE = 400


@dataclass(frozen=True, slots=True)
class Value:
    """One value, and those that came too late. All cleaned."""

    line: int
    """The line that set it, 0 where none did."""
    keyword: str
    value: str
    no_effect: str = ""
    """Why it has no effect in sshdash."""
    lost: tuple[tuple[str, str], ...] = ()
    """Values without effect and their places."""


@dataclass(frozen=True, slots=True)
class Group:
    """The values that one block of a file set, in the order of its lines."""

    block: str
    """``Host web``; what stands there above the first block."""
    file: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the explain screen shows of a host."""

    host: str
    advices: tuple[Advice, ...]
    groups: tuple[Group, ...]
    """What the command line, the user's files and the system's set, in that order."""
    defaults: tuple[Value, ...]


def explanation(host: str, entries: Sequence[Explained], advices: Sequence[Advice]) -> Explanation:
    """Return the explanation of a host."""
    members: dict[tuple[str, str], list[Value]] = {}
    for entry in entries:
        if not entry.is_default and entry.keyword != "host":
            origin = entry.origin
            place = (origin.file, origin.block) if origin.file else ("", str(origin))
            members.setdefault(place, []).append(_value(entry))
    for values in members.values():
        values.sort(key=lambda value: value.line)
    order = sorted(
        members, key=lambda place: (_is_system(place[0]), place[0], members[place][0].line)
    )
    return Explanation(
        clean(host),
        tuple(advices),
        tuple(
            Group(
                clean(block, 80) or "above the first block", short_path(file), tuple(members[key])
            )
            for key in order
            for file, block in (key,)
        ),
        tuple(_value(entry) for entry in entries if entry.is_default),
    )


def _is_system(file: str) -> bool:
    """Return whether ssh reads a file after all of the user's."""
    return file.startswith(f"{system_ssh_config().parent}/")


def short_path(path: str) -> str:
    """Return a path with ``~`` for the home folder."""
    folder = f"{home()}/"
    return clean(f"~/{path[len(folder) :]}" if path.startswith(folder) else path, 200)


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
    key = entry.keyword.lower()
    lost = tuple(
        (
            one.value if one.keyword == key else f"{_spelled(one.keyword)} {one.value}",
            place_of(one.origin),
        )
        for one in entry.shadowed
    )
    return Value(
        entry.origin.line if entry.origin.file else 0,
        _spelled(key),
        clean(entry.value, _VALUE),
        entry.no_effect,
        tuple((clean(value, _VALUE), place) for value, place in lost),
    )


def _spelled(keyword: str) -> str:
    return clean(SPELLING.get(keyword, keyword))


def place_of(origin: Origin) -> str:
    """Return file, line and block of a value, cleaned."""
    block = f", {clean(origin.block, 60)}" if origin.block else ""
    where = f"{short_path(origin.file)}:{origin.line}" if origin.file else str(origin)
    return f"{where}{block}"
