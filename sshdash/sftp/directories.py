"""The directories that a copy makes: before anything goes into them, and finished afterwards."""

from collections.abc import Callable, Iterable

from sshdash.errors import FileError
from sshdash.sftp.confusions import Confusions
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import join, parent_of
from sshdash.sftp.failures import ExistsError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.tasks import each
from sshdash.sftp.walk import Source


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
        self._broken: set[bytes] = set()
        """Places of those that could not be made."""

    async def make(self, folders: Iterable[Source]) -> None:
        """Make the missing ones, level by level."""
        levels: dict[int, list[Source]] = {}
        for folder in folders:
            if folder.existing is None:
                levels.setdefault(folder.place.count(b"/"), []).append(folder)
        for _, level in sorted(levels.items()):
            await self._ledger.make(level)
            await each(level, min(self._target.limits.files, len(level)), self._make)

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
        if parent_of(b"/" + folder.place)[1:] in self._broken:
            self._broken.add(folder.place)
            return
        try:
            await self._target.mkdir(join(self._folder, folder.place), 0o700)
        except FileError as error:
            self._broken.add(folder.place)
            self._ledger.created.pop(folder.place, None)
            exists = isinstance(error, ExistsError)
            confusion = await self._confusions.explain(folder.place) if exists else ""
            self._ledger.fail(folder.path, confusion or self._reason(error))
        else:
            self._ledger.created[folder.place] = folder

    def _is_lost(self, file: Source) -> bool:
        lost = parent_of(b"/" + file.place)[1:] in self._broken
        if lost:
            self._ledger.fail(file.path, "its directory could not be made", file.entry)
        return lost
