"""Looks through source trees and, beside each of their directories, through the target's.

Level by level, many directories at the same time; links are never followed.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

import msgspec

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.looks import may_hold_many
from sshdash.sftp.tasks import each, together
from sshdash.sftp.turns import Turns

_WIDTH = 32
_MAX_DEPTH = 256
_MAX_ITEMS = 5_000_000


class Source(msgspec.Struct, frozen=True, gc=False):
    """One thing to copy, delete or count.

    As of an `Entry`, there are 10^5 of them, and nothing in one leads back to it.
    """

    path: bytes
    """Where it is."""
    place: bytes
    """Where it goes, relative to the chosen folder."""
    entry: Entry
    existing: Entry | None = None
    """What is at its target now."""
    beside: bytes | None = None
    """The place it would have gone to, where it is kept beside what is there."""
    resume: bool = False
    """Whether what is there is its beginning, and to be gone on with."""

    @property
    def key(self) -> tuple[bytes, bytes]:
        """What it is known by in every run: where it is, and where it was to go."""
        return self.path, self.place if self.beside is None else self.beside


Problem = Callable[[bytes, str], None]
"""Told a path and why it cannot be looked through, or why it is left out."""
Descend = Callable[[Source], bool]
"""Told each source; says whether to look into it, where it is a directory."""


class Walker:
    """One walk; `problem` is told what could not be listed, `omit` what is unsafe to use.

    The rest goes on.
    """

    def __init__(
        self,
        source: Filesystem,
        target: Filesystem | None,
        visit: Descend,
        problem: Problem,
        omit: Problem,
    ) -> None:
        self._source = source
        self._target = target
        self._target_dir = b""
        self._visit = visit
        self._problem = problem
        self._omit = omit
        self._items = 0
        self._turns = Turns()
        self._ahead: dict[bytes, tuple[list[Entry], list[bytes]]] = {}
        """Listings of directories that were not come to yet."""

    async def look_ahead(self, paths: Collection[bytes]) -> None:
        """List what is about to be walked while something else is asked: that spares waiting.

        Of very many, none is.
        """
        if len(paths) > _WIDTH:
            return

        async def look(path: bytes) -> None:
            refused: list[bytes] = []
            with suppress(FileError):  # it may be no directory; the walk asks again
                self._ahead[path] = await self._list(path, refused), refused

        await each(paths, len(paths), look)

    def looks_large(self, root: Source) -> bool:
        """Return whether a root that was listed ahead may hold very many files."""
        listed, _ = self._ahead.get(root.path, ((), ()))
        folders = sum(entry.kind is Kind.DIRECTORY for entry in listed)
        return may_hold_many(folders, len(listed))

    async def walk(self, roots: Iterable[Source], target_dir: bytes = b"") -> None:
        """Visit the roots and everything below them, parents before children.

        Beside them goes what is in `target_dir`, where there is a target.
        """
        self._target_dir = target_dir
        level: list[Source] = []
        for root in roots:
            await self._turns.take()  # there may be as many as in any directory
            if self._enters(root):
                level.append(root)
        depth = 0
        while level:
            depth += 1
            below: list[Source] = []

            async def look(folder: Source, found: list[Source] = below) -> None:
                found += await self._look(folder)

            if depth > _MAX_DEPTH:
                for folder in level:
                    self._problem(folder.path, f"more than {_MAX_DEPTH} directories deep")
                return
            await each(level, min(_WIDTH, len(level)), look)
            level = below

    async def _look(self, folder: Source) -> list[Source]:
        """Visit what is in a directory and return the directories to look into."""
        refused: list[bytes] = []
        try:
            entries, there = await together(
                self._list(folder.path, refused), self._list_target(folder)
            )
        except FileError as error:
            self._problem(folder.path, reason_of(error))
            return []
        for name in refused:
            self._omit(join(folder.path, name), "the server lists an unsafe name")
        below: list[Source] = []
        above, above_place = join(folder.path, b""), join(folder.place, b"")
        async for some in self._turns.slices(entries):
            for entry in some:
                name = entry.name
                child = Source(above + name, above_place + name, entry, there.get(name))
                if self._enters(child):
                    below.append(child)
        return below

    def _enters(self, source: Source) -> bool:
        self._items += 1
        if self._items > _MAX_ITEMS:
            raise FileError("too many files", detail=f"more than {_MAX_ITEMS:,}")
        return self._visit(source) and source.entry.kind is Kind.DIRECTORY

    async def _list(self, path: bytes, refused: list[bytes]) -> list[Entry]:
        if path in self._ahead:
            listed, unsafe = self._ahead.pop(path)
            refused += unsafe
            return listed
        entries: list[Entry] = []
        async for batch in self._source.scandir(path, refused):
            entries += batch
            await self._turns.take()
        return entries

    async def _list_target(self, folder: Source) -> dict[bytes, Entry]:
        if self._target is None or folder.existing is None:
            return {}
        path = join(self._target_dir, folder.place)
        there: dict[bytes, Entry] = {}
        try:
            async for batch in self._target.scandir(path):
                there.update((entry.name, entry) for entry in batch)
                await self._turns.take()
        except FileError as error:
            title = f"{error.title} at the target"
            raise FileError(title, error.path, error.detail, error.hint, error.host) from error
        return there


def reason_of(error: FileError, place: str = "") -> str:
    """Return a failure's text without its path, which is told beside it.

    `place` says on which end it was, where that is not the path's.
    """
    title = f"{error.title} {place}" if place else error.title
    text = f"{title}: {error.detail}" if error.detail else title
    return f"{text} ({error.hint})" if error.hint else text
