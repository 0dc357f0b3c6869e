"""Which names a comparison leaves out: patterns in the words of ``.gitignore``."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sshdash.errors import UsageError
from sshdash.sftp.entries import name_of
from sshdash.sftp.names import is_temporary
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Rules:
    """Lines as in ``.gitignore``, of which the last that matches decides.

    Unfinished files of copies are left out always. Raises UsageError for a line that is no pattern.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = tuple(lines)
        self._spec: GitIgnoreSpec | None = _parse(self.lines) if self.lines else None

    def __repr__(self) -> str:
        return f"<Rules {list(self.lines)}>"

    def excludes(self, place: bytes, is_folder: bool) -> bool:
        """Return whether what is at `place`, and below it, is left out."""
        if self._spec is not None:
            path = os.fsdecode(place)
            if self._spec.check_file(f"{path}/" if is_folder else path).include:
                return True
        return b"sshdash-" in place and is_temporary(name_of(place))


def including(pattern: str) -> str:
    """Return the line that takes in again what an earlier one leaves out."""
    return f"!{pattern}"


def _parse(lines: tuple[str, ...]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise UsageError(
            "Not a pattern", clean(str(error)), "patterns are those of .gitignore"
        ) from error
