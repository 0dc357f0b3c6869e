"""Modes and owners of whole trees: each entry by itself, links neither changed nor followed."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import confined
from sshdash.sftp.tasks import each
from sshdash.sftp.trees import Stop
from sshdash.untrusted import clean

_WIDTH = 32
"""Directories, or entries of each, that are worked on at the same time."""
_DEEPEST = 256
_KEPT = 100
"""Failures that are kept with their words; more are counted."""
_READ, _OWNER_ENTERS = 0o444, 0o500


Item = tuple[bytes, Entry]
"""A path and what is there."""


class Change(Protocol):
    """What is done to each entry."""

    def opens(self, entry: Entry) -> bool:
        """Return whether a directory is to be changed before it is looked into."""
        ...

    async def apply(
        self, filesystem: Filesystem, path: bytes, entry: Entry, itself: bool = False
    ) -> None:
        """Change what a path leads to, or only what has it `itself`. Raises FileError."""
        ...


@dataclass(frozen=True, slots=True)
class ModeChange:
    """Gives permission bits; folders may be entered by whoever may read them, as with ``X``."""

    mode: int
    enters: bool = True
    """Whether folders get that, or the very bits."""

    def mode_of(self, entry: Entry) -> int:
        """Return the bits that an entry gets."""
        enters = (self.mode & _READ) >> 2 if self.enters and entry.kind is Kind.DIRECTORY else 0
        return self.mode | enters

    def opens(self, entry: Entry) -> bool:
        """Return whether its owner may look into it afterwards."""
        return self.mode_of(entry) & _OWNER_ENTERS == _OWNER_ENTERS

    async def apply(
        self, filesystem: Filesystem, path: bytes, entry: Entry, itself: bool = False
    ) -> None:
        """Set the bits."""
        if itself:
            await filesystem.set_itself(path, self.mode_of(entry))
        else:
            await filesystem.chmod(path, self.mode_of(entry))


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """Gives away to a user, a group or both; None leaves what an entry has."""

    uid: int | None
    gid: int | None

    def opens(self, entry: Entry) -> bool:
        """Return that a directory is given away last: it is looked into before."""
        return False

    async def apply(
        self, filesystem: Filesystem, path: bytes, entry: Entry, itself: bool = False
    ) -> None:
        """Set user and group. Raises FileError, also where one to be kept is not told."""
        uid = entry.uid if self.uid is None else self.uid
        gid = entry.gid if self.gid is None else self.gid
        if min(uid, gid) < 0:
            raise FileError(
                "the server does not tell the owner", clean(path), hint="type user and group"
            )
        try:
            if itself:
                await filesystem.set_itself(path, None, (uid, gid))
            else:
                await filesystem.chown(path, uid, gid)
        except FileError as error:
            error.hint = "only root may give files away; a group must be one of your own"
            raise


@dataclass(slots=True)
class Changed:
    """What became of a change."""

    done: int = 0
    links: int = 0
    """Symbolic links, which were left as they are."""
    failed: int = 0
    failures: list[FileError] = field(default_factory=list)
    """The first of them, with their paths."""

    def fail(self, path: bytes, error: SSHDashError) -> None:
        """Count what could not be changed, or looked into."""
        self.failed += 1
        if len(self.failures) < _KEPT:
            where = getattr(error, "path", "") or clean(path, 1024)
            self.failures.append(FileError(error.title, where, error.detail, error.hint))


class TreeChange:
    """One change of what was chosen and all below it; the rest goes on where something fails.

    `told` hears how many were changed. A lost connection raises; nothing is taken back.
    """

    def __init__(
        self,
        filesystem: Filesystem,
        change: Change,
        told: Callable[[int], None] = lambda _: None,
        stop: Stop | None = None,
        below: bool = True,
    ) -> None:
        self._filesystem = filesystem
        self._change = change
        self._told = told
        self._stop = stop or Stop()
        self._below = below
        self.changed = Changed()

    async def run(self, folder: bytes, entries: Iterable[Entry]) -> Changed:
        """Change `entries` of `folder` and everything below. Raises FileError, ConnectionLost."""
        if self._below:
            folder = await confined(self._filesystem, folder)
        level = [(join(folder, entry.name), entry) for entry in entries]
        last: list[list[Item]] = []
        depth = 0
        while level and not self._stop.asked:
            folders = [one for one in level if one[1].kind is Kind.DIRECTORY]
            later = [one for one in folders if not self._change.opens(one[1])]
            put_off = {path for path, _ in later}
            last.append(later)
            await self._each([one for one in level if one[0] not in put_off], self._apply)
            if not self._below:
                break
            below: list[Item] = []
            depth += 1
            if depth > _DEEPEST:
                for path, _ in folders:
                    self.changed.fail(path, FileError(f"more than {_DEEPEST} directories deep"))
                break

            async def look(one: Item, found: list[Item] = below) -> None:
                await self._look(one[0], found)

            await self._each(folders, look)
            level = below
        for later in reversed(last):
            await self._each(later, self._apply)
        return self.changed

    async def _apply(self, one: Item) -> None:
        path, entry = one
        if entry.kind is Kind.SYMLINK and self._below:
            self.changed.links += 1
            return
        try:
            await self._change.apply(self._filesystem, path, entry, itself=self._below)
        except ConnectionLost:
            raise
        except SSHDashError as error:
            self.changed.fail(path, error)
        else:
            self.changed.done += 1
            self._told(self.changed.done)

    async def _look(self, folder: bytes, found: list[Item]) -> None:
        try:
            async for batch in self._filesystem.scandir(folder):
                found += [(join(folder, entry.name), entry) for entry in batch]
        except ConnectionLost:
            raise
        except SSHDashError as error:
            self.changed.fail(folder, error)

    async def _each(self, items: list[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        async def one(item: Item) -> None:
            if not self._stop.asked:
                await work(item)

        await each(items, min(_WIDTH, len(items)), one)
