"""Patterns of host and user names (PATTERNS in ssh_config(5))."""

from collections.abc import Mapping
from typing import TypeVar

from sshdash.config.lexer import lower

Value = TypeVar("Value")


def matches(text: str, pattern: str) -> bool:
    """Return whether `text` matches `pattern`, in which ``*`` and ``?`` are wildcards.

    ``?`` stands for one byte, as in OpenSSH.
    """
    if "*" not in pattern and "?" not in pattern:
        return text == pattern
    while "**" in pattern:
        pattern = pattern.replace("**", "*")
    if pattern == "*":
        return True
    if not (text.isascii() and pattern.isascii()):
        text, pattern = _as_bytes(text), _as_bytes(pattern)
    if "?" not in pattern and pattern.count("*") == 1:
        head, _, tail = pattern.partition("*")
        long_enough = len(text) >= len(head) + len(tail)
        return long_enough and text.startswith(head) and text.endswith(tail)
    return _search(text, pattern)


def matches_list(text: str, patterns: str, *, fold: bool = False) -> bool:
    """Return whether `text` matches a comma-separated list in which ``!`` negates.

    A negated match makes the whole list fail. `fold` lowers the patterns, not the text.
    """
    return match_list(text, patterns, fold=fold) == 1


def match_list(text: str, patterns: str, *, fold: bool = False) -> int:
    """Return 1 where a pattern of the list matches, -1 where a negated one does, else 0."""
    found = 0
    if patterns.endswith(","):
        patterns = patterns[:-1]
    for item in patterns.split(",") if patterns else ():
        negated = item.startswith("!")
        pattern = lower(item[negated:]) if fold else item[negated:]
        if len(pattern) >= 1023:
            return 0
        if matches(text, pattern):
            if negated:
                return -1
            found = 1
    return found


def matches_host(host: str, patterns: str) -> bool:
    """Return whether a host name matches a list, without regard to case."""
    return match_list(lower(host), patterns, fold=True) == 1


def first_for_host(host: str, by_pattern: Mapping[str, Value]) -> Value | None:
    """Return the value of the first pattern list that matches a host, which may have a user."""
    name = host.rpartition("@")[2]
    for patterns, value in by_pattern.items():
        if matches_host(host, patterns) or matches_host(name, patterns):
            return value
    return None


def is_pattern(text: str) -> bool:
    """Return whether an argument of Host is a pattern or a negation, not a name."""
    return "*" in text or "?" in text or text.startswith("!")


def _as_bytes(text: str) -> str:
    """Return `text` with one character per byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _search(text: str, pattern: str) -> bool:
    """Match in linear memory, going back to the last star where the rest does not fit."""
    at = index = 0
    star = -1
    resume = 0
    while at < len(text):
        wanted = pattern[index] if index < len(pattern) else ""
        if wanted == "*":
            star, resume = index, at
            index += 1
        elif wanted and wanted in ("?", text[at]):
            at += 1
            index += 1
        elif star >= 0:
            index = star + 1
            resume += 1
            at = resume
        else:
            return False
    return not pattern[index:].strip("*")
