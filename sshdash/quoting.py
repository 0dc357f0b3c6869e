"""Words for command lines that a host's shell reads, whichever shell that is. Pure."""

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[\w@+:,./-]+", re.ASCII)
_SPECIAL = re.compile(r"['\\]")


def quoted(word: str) -> str:
    r"""Return a word as it is read by the shells of sh, csh and fish alike.

    A backslash stands outside of quotes: in them fish takes it for an escape, so that a name with
    ``\'`` would end them.
    """
    return word if _PLAIN.fullmatch(word) else f"'{_SPECIAL.sub(_outside, word)}'"


def command_line(words: Iterable[bytes]) -> bytes:
    """Return words, of whatever bytes, as one line."""
    return " ".join(quoted(word.decode("latin-1")) for word in words).encode("latin-1")


def _outside(found: re.Match[str]) -> str:
    return rf"'\{found[0]}'"
