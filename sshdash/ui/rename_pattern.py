"""Other names for many files: what is found in each is replaced, counted, set in another case."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from sshdash.errors import UsageError
from sshdash.sftp.entries import NAME_MAX, is_plain_name

_FIELD = re.compile(r"\{(n|name|ext)(?::(0?)(\d{1,2}))?\}")
_GROUP = re.compile(r"\\(\d{1,2})")


class Case(Enum):
    """How letters are set in the end."""

    AS_IS = "as they are"
    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class RenamePattern:
    """What is done to each name.

    In `replacement`, ``{n}`` counts (``{n:03}`` with three digits), ``{name}`` and ``{ext}`` are
    the parts of the old name, ``\\1`` what a group of the expression found.
    """

    find: "re.Pattern[str] | None" = None
    """Replaced wherever it is found; None replaces the whole name."""
    replacement: str = ""
    case: Case = Case.AS_IS
    first: int = 1
    """What counting begins with."""

    def apply(self, name: bytes, number: int) -> bytes:
        """Return the other name of the file that is the `number`-th, from 0. Raises UsageError."""
        old = name.decode("utf-8", "surrogateescape")
        if self.find is not None:
            new = self.find.sub(lambda found: self._filled(old, number, found), old)
        else:
            new = self._filled(old, number, None) if self.replacement else old
        if self.case is not Case.AS_IS:
            new = new.lower() if self.case is Case.LOWER else new.upper()
        return new.encode("utf-8", "surrogateescape")

    def _filled(self, old: str, number: int, found: "re.Match[str] | None") -> str:
        stem, dot, ext = old.rpartition(".")
        if not stem:
            stem, dot, ext = old, "", ""

        def field(part: "re.Match[str]") -> str:
            kind, zero, width = part.groups()
            if kind == "n":
                return f"{self.first + number:{zero or ''}{width or ''}}"
            return stem if kind == "name" else dot + ext

        def group(part: "re.Match[str]") -> str:
            assert found is not None
            index = int(part[1])
            if index > found.re.groups:
                raise UsageError(f"The expression has no group {index}")
            return found[index] or ""

        # Piece by piece, so that what a name holds is never taken for a field.
        pieces = re.split(r"(\{[^{}]*\}|\\\d{1,2})", self.replacement)
        return "".join(
            field(part)
            if (part := _FIELD.fullmatch(piece))
            else group(part)
            if found is not None and found.re.groups and (part := _GROUP.fullmatch(piece))
            else piece
            for piece in pieces
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say of new names."""

    wrong: Sequence[str]
    """What is wrong with each of them, an empty string for nothing."""
    bad: int
    """How many cannot be given."""
    changed: int
    """How many are other names than the old ones."""
    first_wrong: int | None = None
    """The place of the first that cannot be given."""


def verdict(old: Sequence[bytes], new: Sequence[bytes], others: Collection[bytes]) -> Verdict:
    """Return what there is to say of new names; of 10^5, ask for it in a thread.

    `others` are the names in the folder that stay.
    """
    counts: dict[bytes, int] = {}
    for name in new:
        counts[name] = counts.get(name, 0) + 1
    wrong = [_problem(name, counts[name], others) for name in new]
    places = [place for place, one in enumerate(wrong) if one]
    changed = [name for before, name in zip(old, new, strict=True) if name != before]
    return Verdict(wrong, len(places), len(changed), places[0] if places else None)


def _problem(name: bytes, count: int, others: Collection[bytes]) -> str:
    if not name.strip():
        return "no name"
    if not is_plain_name(name):
        return "not a name"
    if len(name) > NAME_MAX:
        return "too long"
    if count > 1:
        return "twice"
    return "exists" if name in others else ""
