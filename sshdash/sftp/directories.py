"""The directories that a copy makes: before anything goes into them, and finished afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.confusions import Confusions
from sshdash.sftp.copier import Copier
from sshdash.sftp.countdown import Countdown
from sshdash.sftp.entries import SETGID, Entry, join, parent_of
from sshdash.sftp.failures import ExistsError, MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.tasks import each
from sshdash.sftp.walk import Source

_CHANGEABLE = 0o300
"""What its owner must be allowed to take something out of a directory again."""
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
        merge_modes: bool = False,
    ) -> None:
        """With `merge_modes` those that were there get their source's permissions, too."""
        self._target = target
        self._folder = folder
        self._ledger = ledger
        self._confusions = confusions
        self._reason = reason
        self._merge_modes = merge_modes
        self._merged: dict[bytes, Source] = {}
        """Places of those that were there to their sources."""
        self._mode: Callable[[Entry], int] = lambda entry: 0
        self._broken: set[bytes] = set()
        """Places of those that could not be made."""
        self._lost: set[bytes] = set()
        """Their paths, once all of the others are made."""
        self._unasked = 0
        self._asked = asyncio.Event()
        """All of them are under way, where the target keeps order, else made."""
        self._made = asyncio.Event()
        self._names: Countdown | None = None
        """Of the files in them, where they are finished behind their names."""
        self._strays: list[bytes] = []
        """Places of those that were made where they do not belong."""
        self._finished: set[bytes] = set()
        """Places of those that have their mode and time, unless something failed since."""
        self._failures = 0
        """How many there were then."""
        self._handed_on: dict[bytes, int] = {}
        """The setgid bit that new ones were made with, by place."""
        self._ends: dict[bytes, asyncio.Event] = {}
        """By place, set once it is known what came of one that was asked for."""

    async def make(self, folders: Iterable[Source], mode: Callable[[Entry], int]) -> None:
        """Make the missing ones: level by level, or all at once where the target keeps order.

        They are made for what is to be their `mode`, in case nobody comes to finish them.
        """
        self._mode = mode
        missing: list[Source] = []
        for folder in folders:
            if folder.existing is None:
                missing.append(folder)
            elif (
                folder.place not in self._ledger.created
            ):  # made, but not finished, by a run before
                self._merged[folder.place] = folder
        if missing:
            await self._ledger.make(missing)
        self._unasked = len(missing)
        levels: dict[int, list[Source]] = {}
        for folder in sorted(missing, key=_depth):
            depth = 0 if self._target.limits.in_order else _depth(folder)
            levels.setdefault(depth, []).append(folder)
        for level in levels.values():
            await each(level, min(self._target.limits.files, len(level)), self._make)
        await self._remove_strays()
        self._lost = {join(self._folder, place) for place in self._broken}
        self._asked.set()
        self._made.set()

    def merge(self, folder: Source) -> None:
        """Have one that was there get mode and time, as those do that are among the sources."""
        self._merged[folder.place] = folder

    async def asked(self, target: bytes) -> None:
        """Return once whatever is asked from now on comes behind the folder of a target.

        Raises NoFolder where that is known not to be made.
        """
        await self._asked.wait()
        if self._made.is_set():
            await self.ready(target)

    def placing(self, target: bytes) -> None:
        """Note that a target is getting its name."""
        if self._names is not None:
            self._names.placing(target)

    def ended(self, file: Source) -> None:
        """Note that nothing more is done about a file."""
        if self._names is not None:
            self._names.ended(join(self._folder, file.place))

    async def ready(self, target: bytes) -> None:
        """Return once the folder of a target is there. Raises NoFolder where it is not made."""
        await self._made.wait()
        if self._lost and parent_of(target) in self._lost:
            raise NoFolder(_LOST)

    def reachable(self, files: list[Source]) -> list[Source]:
        """Return the files whose directories are there; the others are told as failures."""
        if not self._broken:
            return files
        return [file for file in files if not self._is_lost(file)]

    async def finish(self, copier: Copier, preserve: bool) -> None:
        """Give directories their mode and time, which filling them would have changed."""
        await self._remove_strays()  # where a file was in the way that was taken away meanwhile
        failed = len(self._ledger.failures) != self._failures
        filled = [
            (place, folder)
            for place, folder in self._filled(preserve)
            if failed or place not in self._finished
        ]

        await self._look_for_groups(filled)

        async def finish(item: tuple[bytes, Source]) -> None:
            try:
                await self._set_attributes(*item, copier, preserve)
            except FileError as error:
                self._ledger.fail(item[1].path, self._reason(error))

        await self._each_deepest_first(filled, finish)
        self._ledger.created.clear()

    async def finish_behind(self, files: int, copier: Copier, preserve: bool) -> None:
        """Do what `finish` does without waiting for the last names of so many files to be there.

        Only where the target keeps order. What fails, or goes wrong with a name, is left to
        `finish`, and so are directories out of which nothing could be taken any more then.
        """
        if not self._target.limits.in_order:
            return
        self._names = Countdown(files)
        await self._names.over()
        await self._made.wait()
        self._failures = len(self._ledger.failures)
        filled = [
            (place, folder)
            for place, folder in self._filled(preserve)
            if is_changeable(copier.mode(folder.entry))
        ]

        async def finish(item: tuple[bytes, Source]) -> None:
            with suppress(FileError):
                await self._set_attributes(*item, copier, preserve)
                self._finished.add(item[0])

        await self._each_deepest_first(filled, finish)

    def _filled(self, preserve: bool) -> list[tuple[bytes, Source]]:
        """Return the places and sources of those that are to be finished."""
        return [*self._ledger.created.items(), *(self._merged.items() if preserve else ())]

    async def _set_attributes(
        self, place: bytes, folder: Source, copier: Copier, preserve: bool
    ) -> None:
        path, entry = join(self._folder, place) if place else self._folder, folder.entry
        mtime = entry.mtime_ns if preserve else None
        if place not in self._merged:
            mode = copier.mode(entry) | self._handed_on.get(place, 0)
            await self._target.set_attributes(path, mode, mtime, copier.owner_of(entry))
        elif self._merge_modes:
            assert folder.existing is not None
            # As cp does: a folder that hands its group on goes on doing so.
            mode = copier.mode(entry) | folder.existing.mode & SETGID
            await self._target.set_attributes(path, mode, mtime, copier.owner_of(entry))
        else:
            with suppress(FileError):  # of others, who let us write there: it stays as it is
                await self._target.set_attributes(path, None, mtime)

    async def _look_for_groups(self, folders: list[tuple[bytes, Source]]) -> None:
        """Note which new folders have the setgid bit of the one they are in: they keep it.

        On this machine they do, as by cp and by scp, which takes it away on a host.
        """
        if not self._target.is_local:
            return
        there = [folder.existing for folder in self._merged.values()]
        there.append(await self._target.exists(self._folder))
        if not any(one is not None and one.mode & SETGID for one in there):
            return

        async def look(item: tuple[bytes, Source]) -> None:
            with suppress(FileError):  # whoever gives it its mode meets that, too
                found = await self._target.lstat(join(self._folder, item[0]))
                self._handed_on[item[0]] = found.mode & SETGID

        new = [item for item in folders if item[0] not in self._merged]
        await each(new, min(self._target.limits.files, len(new)), look)

    async def _each_deepest_first(
        self,
        folders: list[tuple[bytes, Source]],
        work: Callable[[tuple[bytes, Source]], Awaitable[None]],
    ) -> None:
        folders.sort(key=lambda item: -item[0].count(b"/"))
        await each(folders, min(self._target.limits.files, len(folders)), work)

    async def _remove_strays(self) -> None:
        """Remove what was made where it does not belong, as far as it is empty."""
        strays, self._strays = sorted(self._strays, key=len), []
        while strays:
            place = strays.pop()
            try:
                await self._target.rmdir(join(self._folder, place))
            except FileError:
                self._strays.append(place)

    async def _make(self, folder: Source) -> None:
        path, ended = join(self._folder, folder.place), asyncio.Event()
        self._unasked -= 1
        if not self._unasked and self._target.limits.in_order:
            self._asked.set()  # whoever waits goes on after this turn, in which the last is asked
        parent = parent_of(b"/" + folder.place)[1:]
        if parent in self._broken:
            self._broken.add(folder.place)
            return
        above, self._ends[folder.place] = self._ends.get(parent), ended
        try:
            failure = await self._tried(path, folder)
            if above is not None:
                await above.wait()
                if isinstance(failure, MissingError) and parent not in self._broken:
                    # Not in order after all: the one above is there now.
                    failure = await self._tried(path, folder)
            await self._settle(folder, parent, failure)
        finally:
            ended.set()

    async def _tried(self, path: bytes, folder: Source) -> FileError | None:
        try:
            await self._target.mkdir(path, mode_at_first(self._mode(folder.entry)))
        except FileError as error:
            return error
        except (ConnectionLost, asyncio.CancelledError):  # nobody heard whether it is there
            self._ledger.created[folder.place] = folder
            raise
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


def mode_at_first(mode: int) -> int:
    """Return the mode that a directory is made with, whose own is `mode`."""
    return _OWN | mode & ~_OTHERS_WRITE


def is_changeable(mode: int) -> bool:
    """Return whether something can be taken out of a directory by its owner."""
    return mode & _CHANGEABLE == _CHANGEABLE


def _depth(folder: Source) -> int:
    return folder.place.count(b"/")
