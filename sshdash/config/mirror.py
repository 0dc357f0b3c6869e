"""The configuration with one file replaced, in a private folder, to be asked before it is real.

Only that file and those whose Include lines lead to it are copied. Line numbers stay, so what is
said of a copy holds for the file it stands for.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from sshdash.config.document import RawLine, split_lines
from sshdash.config.includes import include_pattern, matches_path
from sshdash.config.lexer import LexError, split_words
from sshdash.config.reader import DEPTH_LIMIT, included_files
from sshdash.config.saving import write_new
from sshdash.config.spelling import quoted
from sshdash.errors import UsageError

_PREFIX = "mirror-"
_SPECIAL = re.compile(r"([*?\[\]\\])")


class Mirror:
    """Copies of the files from `main` to the one at `target`, which holds `data` (None: gone).

    They lie in a folder of their own in `within`, which must be private.
    """

    def __init__(self, main: Path, target: str, data: bytes | None, within: Path) -> None:
        self._within = within
        self._target = target
        self._data = data
        self._copies: dict[str, str | None] = {}
        self._folder = ""
        self._first = str(main)
        self.main = str(main)
        """The copy to ask, the original where no copy was needed."""

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix=_PREFIX, dir=self._within)
        try:
            copy = self._copy(self._first, 0)
        except BaseException:
            self._remove()
            raise
        if copy is not None:
            self.main = copy
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    @property
    def reached(self) -> bool:
        """Return whether the file is part of the configuration."""
        return any(os.path.realpath(path) == self._target for path in self._copies)

    def original(self, path: str) -> str:
        """Return the file that a copy stands for."""
        found = [name for name, copy in self._copies.items() if copy == path]
        return found[0] if found else path

    def with_originals(self, text: str) -> str:
        """Return a text in which the files have their own names."""
        for name, copy in self._copies.items():
            if copy:
                text = text.replace(copy, name)
        return text

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _copy(self, path: str, depth: int) -> str | None:
        """Copy a file where it is, or leads to, the one that changes; return the copy."""
        if path in self._copies:
            return self._copies[path]
        self._copies[path] = None
        if depth > DEPTH_LIMIT:
            return None
        changed = os.path.realpath(path) == self._target
        data = self._data if changed else _read(path)
        if changed and data is None:
            data = b""
        lines = split_lines(data or b"")
        if data and b"include" in data.lower():
            followed = [self._followed(raw, depth) for raw in lines]
            changed = changed or followed != lines
            lines = followed
        if not changed:
            return None
        copy = os.path.join(self._folder, f"{len(self._copies)}-{os.path.basename(path)}")
        write_new(copy, b"".join(lines), sync=False)
        self._copies[path] = copy
        return copy

    def _followed(self, raw: bytes, depth: int) -> bytes:
        """Return a line, an Include of what was copied naming the copies."""
        line = RawLine.of(raw)
        if line.keyword != "include":
            return raw
        try:
            words = split_words(line.value)
        except LexError:
            return raw
        found = [path for word in words for path in self._named(word)]
        copies = [self._copy(path, depth + 1) for path in found]
        if not any(copies):
            return raw
        listed = [copy or path for copy, path in zip(copies, found, strict=True)]
        try:
            text = " ".join(quoted(_SPECIAL.sub(r"\\\1", path)) for path in listed)
        except UsageError:
            return raw
        return line.with_value(text).raw

    def _named(self, word: str) -> list[str]:
        """Return the files that an argument of Include names, the new one among them."""
        found = included_files(word, user=True)
        new = self._target
        if not os.path.lexists(new) and self._data is not None and would_include(word, new):
            found = sorted({*found, new}, key=os.fsencode)
        return found


def remove_mirrors(within: Path) -> None:
    """Remove what those left behind that were killed."""
    for folder in within.glob(f"{_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def would_include(word: str, path: str) -> bool:
    """Return whether an argument of the user's Include names a file that does not exist yet."""
    return matches_path(include_pattern(word, user=True), path)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return file.read()
    except OSError:
        return None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
