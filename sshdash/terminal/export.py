"""Writes what a terminal keeps to a file."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sshdash.config.saving import write_new
from sshdash.errors import FileError
from sshdash.terminal.grid import Grid
from sshdash.untrusted import clean

_SLICE = 400
"""Rows read until somebody else gets a turn."""
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "�")
"""No cell should hold one, and the file may be shown by a terminal."""


def kept_lines(grid: Grid) -> Iterator[list[str]]:
    """Return all lines, however they wrap, the oldest first and some at a time.

    Between two of them something else may be done: what is dropped or erased meanwhile is left
    out, what comes meanwhile is not waited for.
    """
    grid.look()
    row, end, epoch = grid.first, grid.end, grid.epoch
    line = ""
    while row < end and grid.epoch == epoch:
        row = max(row, grid.first)
        lines = []
        for text, wraps in grid.rows(row, min(row + _SLICE, end)):
            line += text
            if not wraps:
                lines.append(line.rstrip(" ").translate(_CONTROLS))
                line = ""
        row += _SLICE
        yield lines
        grid.look()
    if line:
        yield [line.rstrip(" ").translate(_CONTROLS)]


def write_lines(path: Path, lines: list[str], *, replace: bool) -> int:
    """Write lines to a file for this user alone, whole or not at all; return how many.

    Blank lines at the end are left out. Raises FileError, also where there is such a file that is
    not to be replaced.
    """
    kept = len(lines)
    while kept and not lines[kept - 1]:
        kept -= 1
    data = "".join(f"{line}\n" for line in lines[:kept]).encode("utf-8", "replace")
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}")
    try:
        write_new(str(beside), data)
        try:
            if not replace and os.path.lexists(path):
                raise FileExistsError(0, "there is such a file")
            os.replace(beside, path)
        except OSError:
            with suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise FileError(
            "Cannot write the scrollback",
            clean(str(path), 400),
            error.strerror or str(error),
            "give another name",
        ) from error
    return kept
