"""The model of one file pane: what is listed, in which order, where the cursor is, what is marked.

Pure: whoever lists directories puts the entries in; whoever draws reads `rows`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import compress, filterfalse, islice
from operator import attrgetter

from sshdash.sftp.entries import Entry, Kind, join, name_of, normalize, parent_of
from sshdash.sftp.order import matches, natural, sorted_in_turns, suffix_of
from sshdash.sftp.rows import UP as UP
from sshdash.sftp.rows import Rows, is_folder

_FEW = 10
"""Where so many times the marks are less than the rows, they are sorted by themselves."""


class SortKey(Enum):
    """What the rows are ordered by. Directories always come before files."""

    NAME = "name"
    SIZE = "size"
    TIME = "time"
    TYPE = "type"


class Column(Enum):
    """What may be shown beside a name."""

    SIZE = "size"
    TIME = "time"
    MODE = "mode"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Measured:
    """How much a folder holds."""

    size: int
    """Bytes of the files in it."""
    final: bool
    """Whether all of it was counted."""


@dataclass(frozen=True, slots=True)
class View:
    """Which entries are shown, and in which order."""

    sort: SortKey = SortKey.NAME
    reverse: bool = False
    show_hidden: bool = False
    text: str = ""
    """Only labels that contain this, whatever the case; a glob where it has ``*`` or ``?``."""
    columns: frozenset[Column] | None = None
    """What is shown beside the names; None for what there is room for."""

    def rows(self, path: bytes, entries: Iterable[Entry], natural_order: bool = False) -> Rows:
        """Return the rows of the directory `path`: ``..`` first (but in the root), then these.

        `natural_order` tells that the entries are in that of names. Takes some tenths of a second
        for 10^5 entries, so call it in a thread for many: it lets the others have their turn all
        the time.
        """
        rows = Rows(() if path == b"/" else (UP,))
        ordered, rows.others = self._parted(entries)
        if not natural_order:
            ordered = sorted_in_turns(ordered, natural)
        if self.sort is SortKey.SIZE:
            ordered = sorted_in_turns(ordered, attrgetter("size"))
        elif self.sort is SortKey.TIME:
            ordered = sorted_in_turns(ordered, attrgetter("mtime_ns"))
        elif self.sort is SortKey.TYPE:
            ordered = sorted_in_turns(ordered, suffix_of)
        if self.reverse:
            ordered.reverse()
        rows.extend(filter(is_folder, ordered))
        rows.extend(filterfalse(is_folder, ordered))
        return rows

    def _parted(self, entries: Iterable[Entry]) -> tuple[list[Entry], dict[bytes, Entry]]:
        """Return what is shown, and what is not, by name."""
        shown: list[Entry] = []
        others: dict[bytes, Entry] = {}
        hides = not self.show_hidden and not self.text.startswith(".")
        for entry in entries:
            hidden = hides and entry.name[:1] == b"."
            if hidden or (self.text and not matches(entry.label, self.text)):
                others[entry.name] = entry
            else:
                shown.append(entry)
        return shown, others


class Browser:
    """One pane's directory, view, cursor and marks."""

    def __init__(self, path: bytes = b"/", view: View | None = None) -> None:
        self.path = normalize(path)
        self.view = view or View()
        self.loading = False
        """Whether more entries are to come."""
        self.cursor = 0
        """The index in `rows`."""
        self.marks: set[bytes] = set()
        """Names that are marked, shown or not."""
        self.measured: dict[bytes, Measured] = {}
        """What was counted of folders, by name."""
        self._rows = Rows()

    def __repr__(self) -> str:
        """Return path, counts and cursor."""
        counts = f"{self._count} entries, {len(self.rows)} rows, {len(self.marks)} marked"
        return f"<Browser {self.path!r} [{counts}, cursor {self.cursor}]>"

    # -- what there is

    @property
    def rows(self) -> Sequence[Entry]:
        """The rows to draw: ``..`` first (but in the root), then the arranged entries."""
        return self._rows.entries

    @property
    def entries(self) -> Iterable[Entry]:
        """Everything in the directory: what is shown, then the rest."""
        return self._rows.all()

    @property
    def current(self) -> Entry | None:
        """The entry at the cursor, None on ``..`` or in an empty pane."""
        row = self.row(self.cursor)
        return None if row is UP else row

    @property
    def selection(self) -> tuple[Entry, ...]:
        """What an action is about: the marked entries in view order, else the current one."""
        if self.marks:
            places, rows, others = self._rows.places, self._rows.entries, self._rows.others
            if len(self.marks) == self._count and not others:
                return tuple(islice(rows, self._has_up, None))
            if len(self.marks) * _FEW > len(rows):  # the names of `places` are in the order of rows
                shown = tuple(compress(rows, map(self.marks.__contains__, places)))
            else:
                found = sorted(places[name] for name in self.marks if name in places)
                shown = tuple(rows[place] for place in found)
            if len(shown) == len(self.marks):
                return shown
            return (*shown, *(entry for name, entry in others.items() if name in self.marks))
        return (self.current,) if self.current else ()

    @property
    def has_selection(self) -> bool:
        """Whether there is anything that an action could be about."""
        return bool(self.marks) or self.current is not None

    @property
    def marked_bytes(self) -> int:
        """The sizes of what is marked in sum; of very many, ask for parts of it."""
        return self.marked_bytes_among(filter(None, map(self._rows.entry, self.marks)))

    def marked_bytes_among(self, entries: Iterable[Entry]) -> int:
        """Return the sizes in sum of those that are marked: files, and folders as measured."""
        marked = [entry for entry in entries if entry.name in self.marks]
        size = sum([entry.size for entry in marked if entry.kind is Kind.FILE])
        if self.measured:
            size += sum(
                [self.measured[one.name].size for one in marked if one.name in self.measured]
            )
        return size

    @property
    def shown_bytes(self) -> int:
        """The sizes of the files among the rows in sum."""
        return self._rows.size

    @property
    def folders(self) -> list[Entry]:
        """The rows that lead to directories of this one: they stand before all files."""
        if self.loading:  # each part that came in has its own before its files
            return list(filter(is_folder, islice(self.rows, self._has_up, None)))
        return list(self.rows[self._has_up : self._has_up + self.shown_folders])

    @property
    def shown_folders(self) -> int:
        """How many rows lead to a directory of this one."""
        return self._rows.folders

    @property
    def hidden_count(self) -> int:
        """How many entries the view leaves out."""
        return len(self._rows.others)

    @property
    def parent(self) -> bytes:
        """The path above."""
        return parent_of(self.path)

    def row(self, index: int) -> Entry | None:
        """Return the row at `index`, None where there is none."""
        return self.rows[index] if 0 <= index < len(self._rows) else None

    def path_of(self, entry: Entry) -> bytes:
        """Return the absolute path of an entry or of ``..``."""
        return self.parent if entry is UP else join(self.path, entry.name)

    def index_of(self, name: bytes) -> int | None:
        """Return the row of `name`, None where it is not shown."""
        return self._rows.places.get(name)

    # -- what is listed

    def show(
        self,
        path: bytes,
        entries: Iterable[Entry],
        arranged: Rows | None = None,
        loading: bool = False,
        gone: Iterable[bytes] | None = None,
    ) -> None:
        """Show the directory `path` with `entries`.

        The cursor stays on its name in the same directory, and goes to the directory just left
        on the way up. `arranged` is the result of ``view.rows(path, entries)``, and `gone` has
        what is marked and not among them, where these were made ahead in a thread.
        """
        path = normalize(path)
        keep = self._name_at_cursor()
        old_cursor = self.cursor
        if path != self.path:
            self.marks.clear()
            self.measured.clear()
            keep = name_of(self.path) if parent_of(self.path) == path else None
            old_cursor = 0
            self.view = replace(self.view, text="")
            arranged = None
        self.path = path
        self.loading = loading
        self._rows = self.view.rows(path, entries) if arranged is None else arranged
        if gone is None:
            self.marks = self._rows.known(self.marks)
        else:
            self.marks.difference_update(gone)
        self._place(keep, old_cursor)

    @property
    def held(self) -> Rows:
        """What holds the entries now, for `let_go` once they are replaced."""
        return self._rows

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add entries of the same directory, as a long listing comes in.

        They are put at the end; `finish` arranges them all once.
        """
        more = self.view.rows(b"/", [one for one in entries if one.name not in self._rows])
        self._rows.extend(more.entries)
        self._rows.others |= more.others

    def finish(self, arranged: Rows | None = None) -> None:
        """Arrange everything, now that the listing is complete."""
        self.loading = False
        self.rearrange(arranged)

    def measure(self, name: bytes, measured: Measured) -> None:
        """Take down how much a folder holds."""
        if name in self._rows:
            self.measured[name] = measured

    def rearrange(self, arranged: Rows | None = None) -> None:
        """Order the rows anew, with the cursor on the same name."""
        keep, cursor = self._name_at_cursor(), self.cursor
        self._rows = self.view.rows(self.path, self.entries) if arranged is None else arranged
        self._place(keep, cursor)

    # -- how it is viewed

    def set_view(self, view: View, arranged: Rows | None = None) -> None:
        """Change the order or the filter, with the cursor on the same name."""
        self.view = view
        self.rearrange(arranged)

    def sort_by(self, key: SortKey) -> None:
        """Order by `key`; by the same key again, the other way round.

        Sizes and times begin with the largest and the newest.
        """
        if key is self.view.sort:
            reverse = not self.view.reverse
        else:
            reverse = key in (SortKey.SIZE, SortKey.TIME)
        self.set_view(replace(self.view, sort=key, reverse=reverse))

    def filter(self, text: str) -> None:
        """Show only what matches `text`."""
        self.set_view(replace(self.view, text=text))

    # -- where the cursor is

    def move(self, delta: int) -> None:
        """Move the cursor by rows, stopping at the ends."""
        self.move_to(self.cursor + delta)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, the nearest where there is none such."""
        self.cursor = max(0, min(index, len(self._rows) - 1))

    def find(self, prefix: str, start: int = 0, step: int = 1) -> bool:
        """Move to the next row whose name begins with `prefix`, whatever the case.

        It is looked for from `start` rows behind the cursor on, around the ends, downward or, with
        a `step` of -1, upward.
        """
        if not self._rows:
            return False
        found = self._rows.find(prefix, (self.cursor + start) % len(self._rows), step)
        if found is None:
            return False
        self.cursor = found
        return True

    # -- what is marked

    def toggle_mark(self, index: int | None = None) -> None:
        """Mark or unmark a row, the cursor's by default."""
        entry = self.row(self.cursor if index is None else index)
        if entry is not None and entry is not UP:
            self.marks ^= {entry.name}

    def mark_range(self, first: int, last: int) -> None:
        """Mark the rows from `first` to `last`, both included, either way round."""
        low, high = sorted((max(first, 0), max(last, 0)))
        self.marks.update(islice(self._rows.places, low, high + 1))
        self.marks.discard(UP.name)

    def mark_all(self) -> None:
        """Mark every shown row."""
        marks = set(self._rows.places)  # as large at once as it must be
        marks.update(self.marks)
        marks.discard(UP.name)
        self.marks = marks

    def invert_marks(self) -> None:
        """Mark the shown rows that are not marked, unmark the others."""
        self.marks.symmetric_difference_update(self._rows.places)
        self.marks.discard(UP.name)

    def matching(self, pattern: str) -> set[bytes]:
        """Return the names of the rows that match; of many, ask for them in a thread."""
        return {
            one.name for one in tuple(self.rows) if one is not UP and matches(one.label, pattern)
        }

    def mark_matching(
        self, pattern: str, marked: bool = True, found: set[bytes] | None = None
    ) -> int:
        """Mark, or unmark, the shown rows that match; return how many changed.

        `found` is the result of ``matching(pattern)``, where that was asked for ahead.
        """
        if found is None:
            found = self.matching(pattern)
        else:
            found = {name for name in found if name in self._rows}
        before = len(self.marks)
        self.marks = self.marks | found if marked else self.marks - found
        return abs(len(self.marks) - before)

    def unmark(self, entries: Iterable[Entry]) -> None:
        """Unmark what was acted on, and nothing that was marked since."""
        self.marks.difference_update(map(attrgetter("name"), entries))

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.marks.clear()

    # -- inside

    @property
    def _count(self) -> int:
        """How many entries there are, shown or not."""
        return len(self._rows) - self._has_up + len(self._rows.others)

    @property
    def _has_up(self) -> int:
        return int(self._rows.has_up)

    def _name_at_cursor(self) -> bytes | None:
        row = self.row(self.cursor)
        return row.name if row else None

    def _place(self, name: bytes | None, fallback: int) -> None:
        index = None if name is None else self.index_of(name)
        self.move_to(fallback if index is None else index)
