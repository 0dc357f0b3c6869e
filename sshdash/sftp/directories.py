"""The directories that a copy makes: before anything goes into them, and finished afterwards."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from sshdash.errors import FileError
from sshdash.sftp.confusions import Confusions
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import Entry, join, parent_of
from sshdash.sftp.failures import ExistsError, MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.tasks import each
from sshdash.sftp.walk import Source

_OWN = 0o700
_OTHERS_WRITE = 0o7022
"""What a directory gets only once it is filled, with the bits that go with it."""
_LOST = "its directory could not be made"


class NoFolder(FileError):
    """The folder that something goes into could not be made."""


class Directories:
    """Those of one run; `reason` says why something failed there."""

    def __init__(
        self,
        target: Filesystem,
        folder: bytes,
        ledger: Ledger,
        confusions: Confusions,
        reason: Callable[[FileError], str],
    ) -> None:
        self._target = target
        self._folder = folder
        self._ledger = ledger
        self._confusions = confusions
        self._reason = reason
        self._mode: Callable[[Entry], int] = lambda entry: 0
        self._broken: set[bytes] = set()
        """Places of those that could not be made."""
        self._lost: set[bytes] = set()
        """Their paths, once all of the others are made."""
        self._made = asyncio.Event()
        self._strays: list[bytes] = []
        """Places of those that were made where they do not belong."""
        self._ends: dict[bytes, asyncio.Event] = {}
        """By place, set once it is known what came of one that was asked for."""

    async def make(self, folders: Iterable[Source], mode: Callable[[Entry], int]) -> None:
        """Make the missing ones: level by level, or all at once where the target keeps order.

        They are made for what is to be their `mode`, in case nobody comes to finish them.
        """
        self._mode = mode
        missing = [folder for folder in folders if folder.existing is None]
        if missing:
            await self._ledger.make(missing)
        levels: dict[int, list[Source]] = {}
        for folder in sorted(missing, key=_depth):
            depth = 0 if self._target.limits.in_order else _depth(folder)
            levels.setdefault(depth, []).append(folder)
        for level in levels.values():
            await each(level, min(self._target.limits.files, len(level)), self._make)
        for place in sorted(self._strays, key=len, reverse=True):
            with suppress(FileError):
                await self._target.rmdir(join(self._folder, place))
        self._lost = {join(self._folder, place) for place in self._broken}
        self._made.set()

    async def ready(self, target: bytes) -> None:
        """Return once the folder of a target is there. Raises NoFolder where it is not made."""
        await self._made.wait()
        if parent_of(target) in self._lost:
            raise NoFolder(_LOST)

    def reachable(self, files: list[Source]) -> list[Source]:
        """Return the files whose directories are there; the others are told as failures."""
        if not self._broken:
            return files
        return [file for file in files if not self._is_lost(file)]

    async def finish(self, copier: Copier, preserve: bool) -> None:
        """Give new directories their mode and time, which filling them would have changed."""
        created = sorted(self._ledger.created.items(), key=lambda item: -item[0].count(b"/"))

        async def finish(item: tuple[bytes, Source]) -> None:
            place, folder = item
            try:
                await self._target.set_attributes(
                    join(self._folder, place),
                    copier.mode(folder.entry),
                    folder.entry.mtime_ns if preserve else None,
                    copier.owner_of(folder.entry),
                )
            except FileError as error:
                self._ledger.fail(folder.path, self._reason(error))

        await each(created, min(self._target.limits.files, len(created)), finish)
        self._ledger.created.clear()

    async def _make(self, folder: Source) -> None:
        path, ended = join(self._folder, folder.place), asyncio.Event()
        parent = parent_of(b"/" + folder.place)[1:]
        if parent in self._broken:
            self._broken.add(folder.place)
            return
        above, self._ends[folder.place] = self._ends.get(parent), ended
        try:
            failure = await self._tried(path, folder.entry)
            if above is not None:
                await above.wait()
                if isinstance(failure, MissingError) and parent not in self._broken:
                    # Not in order after all: the one above is there now.
                    failure = await self._tried(path, folder.entry)
            await self._settle(folder, parent, failure)
        finally:
            ended.set()

    async def _tried(self, path: bytes, entry: Entry) -> FileError | None:
        try:
            await self._target.mkdir(path, _OWN | self._mode(entry) & ~_OTHERS_WRITE)
        except FileError as error:
            return error
        return None

    async def _settle(self, folder: Source, parent: bytes, failure: FileError | None) -> None:
        """Note what came of one, once it is known what came of the one above."""
        if parent in self._broken:
            self._broken.add(folder.place)
            self._ledger.created.pop(folder.place, None)
            if failure is None:  # in one that is not ours: it appeared meanwhile
                self._strays.append(folder.place)
        elif failure is not None:
            self._broken.add(folder.place)
            self._ledger.created.pop(folder.place, None)
            exists = isinstance(failure, ExistsError)
            confusion = await self._confusions.explain(folder.place) if exists else ""
            self._ledger.fail(folder.path, confusion or self._reason(failure))
        else:
            self._ledger.created[folder.place] = folder

    def _is_lost(self, file: Source) -> bool:
        lost = parent_of(b"/" + file.place)[1:] in self._broken
        if lost:
            self._ledger.fail(file.path, _LOST, file.entry)
        return lost


def _depth(folder: Source) -> int:
    return folder.place.count(b"/")
