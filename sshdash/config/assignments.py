"""What a line sets, and the words it is read from."""

Assignments = tuple[tuple[str, tuple[str, ...]], ...]
"""Pairs of key and values."""
NOTHING: Assignments = ()


class BadValue(ValueError):
    """A value that OpenSSH refuses; the text says why."""


def take(words: list[str], problem: str = "missing argument") -> str:
    """Remove and return the next word. Raises BadValue where there is none."""
    word = words.pop(0) if words else ""
    if not word:
        raise BadValue(problem)
    return word
