"""The rows of a pane in order, what finds them, and what is not among them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from typing import TypeVar, overload

from sshdash.sftp.entries import Entry, Kind

Item = TypeVar("Item")

UP = Entry(b"..", Kind.DIRECTORY)
"""The row that leads to the parent directory; never part of a selection."""
_PIECE = 1_000
"""Names that are joined at once: meanwhile no other thread can run."""
_END = b"\0"
"""What is between names, as none has it."""


class Numbered(Sequence[Entry]):
    """Entries in order, which the garbage collector does not look through.

    It would look at each entry of a list, and of 10^5 that holds the screen up for a hundredth of a
    second. Not so with a dict of numbers and of entries, in which nothing leads to anything else.
    """

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[int, Entry] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._at)

    def __iter__(self) -> Iterator[Entry]:
        """Yield them in order."""
        return iter(self._at.values())

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        """Return one, or some; of a slice what there still is, as another thread may drop them."""
        size = len(self._at)
        if isinstance(index, slice):
            return [one for one in map(self._at.get, range(*index.indices(size))) if one]
        try:
            return self._at[index if index >= 0 else size + index]
        except KeyError:
            raise IndexError(index) from None

    def extend(self, entries: Iterable[Entry]) -> None:
        """Put more behind the others."""
        self._at.update(zip(count(len(self._at)), entries, strict=False))

    def drop(self, most: int) -> None:
        """Let go of the last ones."""
        for _ in range(min(most, len(self._at))):
            self._at.popitem()


class Rows:
    """Entries in order. Making them takes a while for 10^5, so that all else is quick."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = Numbered()
        self.places: dict[bytes, int] = {}
        """The row of each name."""
        self.others: dict[bytes, Entry] = {}
        """What the view leaves out, by name."""
        self.size = 0
        """Bytes of the files among the rows."""
        self._folders = 0
        self._text = _END
        """All names: to look through it is much faster than through the entries."""
        self.extend(entries)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.entries)

    def __contains__(self, name: bytes) -> bool:
        """Return whether the directory has a name, shown or not."""
        return name in self.places or name in self.others

    def all(self) -> Iterator[Entry]:
        """Yield all that is in the directory, shown or not; in a thread, too, while it changes."""
        for start in range(self.has_up, len(self.entries), _PIECE):
            yield from self.entries[start : start + _PIECE]
        yield from tuple(self.others.values())

    @property
    def has_up(self) -> bool:
        """Whether the first row leads to the parent directory."""
        return bool(self.entries) and self.entries[0] is UP

    @property
    def folders(self) -> int:
        """How many rows lead to a directory, without the one that leads up."""
        return self._folders - self.has_up

    def known(self, names: set[bytes]) -> set[bytes]:
        """Return those of `names` that the directory has, shown or not."""
        if len(self.places) + len(self.others) < len(names):
            return names.intersection(self.places) | names.intersection(self.others)
        shown = set(filter(self.places.__contains__, names))
        return shown.union(filter(self.others.__contains__, names)) if self.others else shown

    def missing(self, names: Iterable[bytes]) -> list[bytes]:
        """Return those of `names` that the directory does not have; in a thread, too."""
        return [name for name in names if name not in self]

    def names_but(self, names: Iterable[bytes]) -> set[bytes]:
        """Return the names of the directory, shown or not, without some; in a thread, too."""
        every = (*self.places, *self.others)  # at once, as another thread may change them
        without = {UP.name}
        for piece in _pieces(names):
            without.update(piece)
        return {name for name in every if name not in without}

    def entry(self, name: bytes) -> Entry | None:
        """Return the entry of a name, shown or not, None where there is none."""
        row = self.places.get(name)
        return self.others.get(name) if row is None else self.entries[row]

    def extend(self, entries: Iterable[Entry]) -> None:
        """Put more rows below the others."""
        texts = [self._text]
        for piece in _pieces(entries):
            names = [entry.name for entry in piece]
            self.places.update(zip(names, count(len(self.entries)), strict=False))
            self.entries.extend(piece)
            self.size += sum([entry.size for entry in piece if entry.kind is Kind.FILE])
            self._folders += sum(map(is_folder, piece))
            texts += (_END.join(names), _END)
        self._text = b"".join(texts)

    def find(self, prefix: str, row: int, step: int = 1) -> int | None:
        """Return the next row from `row` on whose name begins with `prefix`, whatever the case.

        It is looked for around the ends, downward or, with a `step` of -1, upward.
        """
        if not self.entries:
            return None
        plain = prefix.isascii()
        wanted = _END + _folded(prefix.encode("utf-8", "surrogateescape"), plain)
        name = self.entries[row].name
        start = self._text.index(_END + name + _END)
        if step > 0:
            above, below = self._text[: start + 1], _folded(self._text[start:], plain)
            if (found := below.find(wanted)) >= 0:
                return row + below.count(_END, 0, found)
            above = _folded(above, plain)
            found = above.find(wanted)
            return above.count(_END, 0, found) if found >= 0 else None
        end = start + 1 + len(name)
        above = _folded(self._text[:end], plain)
        if (found := above.rfind(wanted)) >= 0:
            return above.count(_END, 0, found)
        below = _folded(self._text[end:], plain)
        found = below.rfind(wanted)
        return row + 1 + below.count(_END, 0, found) if found >= 0 else None


def is_folder(entry: Entry) -> bool:
    """Return whether an entry is a directory, or a link that leads to one."""
    return entry.kind is Kind.DIRECTORY or entry.target_kind is Kind.DIRECTORY


def _pieces(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items, some at a time: in between another thread may run."""
    rest = iter(items)
    while piece := list(islice(rest, _PIECE)):
        yield piece


def _folded(text: bytes, plain: bool) -> bytes:
    """Return a text without its case; `plain` where only ASCII letters matter."""
    if plain:
        return text.lower()
    folded = text.decode("utf-8", "surrogateescape").casefold()
    return folded.encode("utf-8", "surrogateescape")
