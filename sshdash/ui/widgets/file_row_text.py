"""How one directory entry is written on a line: columns, signs of kind, times and modes."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import islice

from rich.cells import cell_len, set_cell_size

from sshdash.sftp.browser import UP, Column, Measured, SortKey
from sshdash.sftp.entries import Entry, Kind
from sshdash.ui.format import size_text
from sshdash.untrusted import clean

GUTTER = 3
"""Cells left of the name: the mark, the sign of the kind, a space."""
MARK = "✓"
_GAP = 2
_ROOMY = 32
"""Cells for names with which nothing else gives way to names that are longer than any room."""
_LEAST = 12
"""Cells that names have at least."""
_MEASURED = 1_000
"""Names that are measured; later ones must fit, or are cut."""
_SIZE = 8
_MODE = 10
_OWNER = 9
_DAY = 86_400
_YEAR = 365 * _DAY
_SIGNS = {
    Kind.DIRECTORY: "▸",
    Kind.SYMLINK: "↪",
    Kind.FIFO: "|",
    Kind.SOCKET: "=",
    Kind.DEVICE: "#",
    Kind.OTHER: "?",
}


class TimeForm(Enum):
    """How much of a time is written; the value is the width."""

    NONE = 0
    SHORT = 6
    """``14:32`` today, else ``Nov 20``, else ``2023``."""
    MEDIUM = 12
    """``Nov 20 14:32``, or ``Nov 20  2023`` as in ``ls -l``."""
    FULL = 16
    """``2026-11-20 14:32``"""


_SHORTER = (TimeForm.FULL, TimeForm.MEDIUM, TimeForm.SHORT)


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the columns of a pane; 0 leaves a column out."""

    name: int
    size: int
    time: TimeForm
    mode: int
    owner: int

    @classmethod
    @lru_cache(maxsize=64)  # each line of a pane asks for the same
    def fit(
        cls,
        width: int,
        names: int = 0,
        sort: SortKey = SortKey.NAME,
        chosen: frozenset[Column] | None = None,
    ) -> "Columns":
        """Return the columns that fit a pane, the name taking what is left.

        Where that is less than the `names` would like, details give way: the least useful first,
        the size only where all names fit then, and never what orders the rows.
        """
        if chosen is not None:
            return cls._chosen(width, names, chosen)
        form = TimeForm.NONE
        if width >= 78:
            form = TimeForm.FULL
        elif width >= 52:
            form = TimeForm.MEDIUM
        elif width >= 34:
            form = TimeForm.SHORT
        mode = _MODE if width >= 66 else 0
        owner = _OWNER if width >= 96 else 0
        least = TimeForm.SHORT if form.value and sort is SortKey.TIME else TimeForm.NONE
        tries = [cls._of(width, _SIZE, form, mode, owner), cls._of(width, _SIZE, form, mode, 0)]
        tries += [cls._of(width, _SIZE, one, 0, 0) for one in _SHORTER if one.value <= form.value]
        tries.append(cls._of(width, _SIZE, least, 0, 0))
        cramped = tries[0] if tries[0].name >= _ROOMY else tries[-1]
        if sort is not SortKey.SIZE:
            tries.append(cls._of(width, 0, least, 0, 0))
        return next((one for one in tries if one.name >= names), cramped)

    @classmethod
    def _chosen(cls, width: int, names: int, chosen: frozenset[Column]) -> "Columns":
        """Return the columns that a person wants; they give way only where no name has room."""
        size = _SIZE if Column.SIZE in chosen else 0
        mode = _MODE if Column.MODE in chosen else 0
        owner = _OWNER if Column.OWNER in chosen else 0
        forms = _SHORTER if Column.TIME in chosen else (TimeForm.NONE,)
        tries = [cls._of(width, size, form, mode, owner) for form in forms]
        fitting = next((one for one in tries if one.name >= min(names, _ROOMY)), tries[-1])
        fewer = [cls._of(width, size, forms[-1], *rest) for rest in ((mode, 0), (0, 0))]
        fewer += [cls._of(width, size, TimeForm.NONE, 0, 0), cls._of(width, 0, TimeForm.NONE, 0, 0)]
        return next((one for one in (fitting, *fewer) if one.name >= _LEAST), fewer[-1])

    @classmethod
    def _of(cls, width: int, size: int, form: TimeForm, mode: int, owner: int) -> "Columns":
        taken = sum(_GAP + column for column in (size, form.value, mode, owner) if column)
        return cls(max(width - GUTTER - taken - 1, 4), size, form, mode, owner)


def sign_of(entry: Entry) -> str:
    """Return one cell that tells the kind without colour: folders, links, pipes, programs."""
    if entry is UP:
        return "▴"
    if entry.kind is Kind.FILE and entry.mode & 0o111:
        return "*"
    return _SIGNS.get(entry.kind, " ")


def role_of(entry: Entry) -> str:
    """Return which look an entry has: folder, link, broken, program, special, hidden or file."""
    if entry.kind is Kind.SYMLINK:
        return "link" if entry.target_kind or entry.target is None else "broken"
    if entry.kind is Kind.DIRECTORY:
        return "folder"
    if entry.kind is not Kind.FILE:
        return "special"
    if entry.mode & 0o111:
        return "program"
    return "hidden" if entry.is_hidden else "file"


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, cut in the middle so that the suffix stays."""
    if cell_len(text) <= width:
        return text
    if width < 8:
        return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"
    room = min(width // 3, 12)
    suffix = cell_len(_suffix(text))
    if suffix <= min(width // 2, 12):
        room = max(room, suffix)
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > room:
            break
        tail = char + tail
    return set_cell_size(text, width - 1 - cell_len(tail)).rstrip() + "…" + tail


def _suffix(name: str) -> str:
    """Return what tells the type: ``.txt``, ``.tar.gz``."""
    stem, dot, last = name.rpartition(".")
    double = ".tar" if stem.endswith(".tar") else ""
    return double + dot + last if dot else ""


def names_width(entries: Iterable[Entry]) -> int:
    """Return the cells of the widest name, of the first thousand."""
    return max((cell_len(entry.label) for entry in islice(entries, _MEASURED)), default=0)


def shorten_start(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, cut at the start: of a path the end tells most."""
    if cell_len(text) <= width:
        return text
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > width - 1:
            break
        tail = char + tail
    return f"…{tail}"


def shorten_middle(text: str, width: int) -> str:
    """Return `text` in at most `width` cells: where a path begins, and twice as much of its end."""
    if cell_len(text) <= width or width < 8:
        return shorten_start(text, width)
    head = set_cell_size(text, width // 3).rstrip()
    return head + shorten_start(text, width - cell_len(head))


def name_cell(entry: Entry, width: int) -> tuple[str, str]:
    """Return the name and, for a link with room beside it, where it leads; `width` in sum."""
    name = shorten(entry.label, width)
    free = width - cell_len(name)
    if not entry.target or free < 8:
        return name + " " * free, ""
    target = shorten(f" → {clean(entry.target)}", free)
    return name, target + " " * (free - cell_len(target))


def size_cell(entry: Entry, measured: Measured | None = None) -> str:
    """Return the size as the pane shows it: of files, and of folders that were `measured`."""
    if measured is not None:
        return f"{'' if measured.final else '≥'}{size_text(measured.size)}"
    return size_text(entry.size) if entry.kind is Kind.FILE else ""


def time_cell(entry: Entry, form: TimeForm, now: float) -> str:
    """Return the modification time in local time; nonsense from a server shows as ``?``."""
    if entry is UP or form is TimeForm.NONE:
        return ""
    try:
        when = time.localtime(entry.mtime)
    except (OverflowError, ValueError, OSError):
        return "?"
    age = now - entry.mtime
    if form is TimeForm.FULL:
        pattern = "%Y-%m-%d %H:%M"
    elif form is TimeForm.MEDIUM:
        pattern = "%b %e %H:%M" if -_DAY < age < _YEAR / 2 else "%b %e  %Y"
    elif -60 < age < _DAY / 2:
        pattern = "%H:%M"
    else:
        pattern = "%b %e" if -_DAY < age < _YEAR else "%Y"
    return time.strftime(pattern, when)


def mode_cell(entry: Entry) -> str:
    """Return the permissions as ``ls -l`` writes them."""
    return "" if entry is UP else entry.permissions


def owner_cell(entry: Entry, width: int) -> str:
    """Return the owner's name, else the number."""
    if entry is UP:
        return ""
    return shorten(entry.owner or (str(entry.uid) if entry.uid >= 0 else ""), width)
