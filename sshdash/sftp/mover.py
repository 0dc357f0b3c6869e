"""Moves: renames where one file system has both ends, else the source goes after its copy.

A source is removed only once all of it is safe under its final name, and is still what was
copied; a directory only once nothing is left in it.
"""

import asyncio
import secrets
from collections.abc import Awaitable
from contextlib import suppress

from sshdash.errors import FileError
from sshdash.sftp.entries import PERMISSIONS, Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import ExistsError, RefusedError, shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.names import named_by, part_name
from sshdash.sftp.plan import SAME
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.tasks import CancelledTooLate, each, undivided
from sshdash.sftp.two_steps import swap
from sshdash.sftp.under_way import Progress
from sshdash.sftp.walk import Source, reason_of

_PATIENCE = 10.0
"""Seconds that whoever cancels waits for what is under way."""
_ONE_FILE = "it and what is there are names of one file, and both stay"


class Mover:
    """Does for one job what a move does beyond a copy; nothing where the job is a copy."""

    def __init__(
        self,
        source: Filesystem,
        target: Filesystem,
        target_dir: bytes,
        ledger: Ledger,
        wanted: bool,
    ) -> None:
        self._source = source
        self._target = target
        self._target_dir = target_dir
        self._ledger = ledger
        self._wanted = wanted
        self._one_end = source is target or (source.is_local and target.is_local)
        self._renames = wanted and self._one_end

    async def rename_roots(self, roots: list[Source]) -> list[Source]:
        """Rename with one call what has no target yet, and return the others."""
        if not self._renames:
            return roots
        others: list[Source] = []

        async def rename(root: Source) -> None:
            if root.existing is not None or not await self._rename_root(root):
                others.append(root)

        await each(roots, min(self._source.limits.files, len(roots)), rename)
        return others

    async def _rename_root(self, root: Source) -> bool:
        def count(size: int) -> None:
            self._ledger.found(root.entry)
            with self._ledger.tracking(root) as track:
                track.advance(size)

        try:
            if not await self.rename(root, count):
                return False
        except ExistsError:
            return False  # it appeared meanwhile: whoever looks again sees what it is
        except RefusedError as error:
            self._ledger.found(root.entry)
            self._ledger.fail(root.path, reason_of(error), root.entry)
            return True
        await self._ledger.recorded()  # whoever goes on after a crash finds it gone
        return True

    def is_moved(self, path: bytes, place: bytes) -> bool:
        """Return whether a source that is not there any more was moved by an earlier run."""
        return self._wanted and (path, place) in self._ledger.done

    async def rename(self, file: Source, progress: Progress) -> bool:
        """Rename onto the target and return whether that could be done, which `progress` is told.

        What exists there is replaced only where it was known, which means agreed to. Raises
        ExistsError, ConnectionLost, CancelledTooLate, and RefusedError: whoever may not rename
        could not remove the source of a copy either.
        """
        if not self._renames:
            return False
        target = join(self._target_dir, file.place)
        move = self._target.rename if file.existing is None else self._replace
        size = file.entry.size if file.entry.kind is Kind.FILE else 0
        try:
            await undivided(move(file.path, target), _PATIENCE)
        except CancelledTooLate:
            progress(size)
            raise
        except (ExistsError, RefusedError):
            raise
        except FileError:
            return False  # another disk, or a server that cannot: the copy tells what is wrong
        if file.existing is not None and file.path.lower() != target.lower():
            await self._ensure_gone(file)
        progress(size)
        return True

    async def _replace(self, path: bytes, target: bytes) -> None:
        """Rename onto what is there, which no process that is killed leaves under another name.

        Where a server needs two steps, whoever comes after knows of them by a temporary file that
        there is none of. Raises FileError where no name of one tells whose it is: a copy can do it.
        """
        if not isinstance(self._target, RemoteFilesystem) or self._target.replaces_at_once:
            await self._target.replace(path, target)
            return
        part = join(parent_of(target), part_name(name_of(target), secrets.token_hex(4)))
        if named_by(name_of(part)) is None:
            raise FileError("cannot put in place", shown(target), "the name is too long")
        self._ledger.leftovers.add(part)
        await self._ledger.recorded()
        await swap(self._target, path, target, part)
        self._ledger.leftovers.discard(part)

    async def _ensure_gone(self, file: Source) -> None:
        """Raise FileError where a rename did nothing: of two names of one file both stay."""
        if await self._source.exists(file.path) is not None:
            host = "" if self._source.is_local else self._source.label
            raise FileError("not moved", shown(file.path), _ONE_FILE, host=host)

    async def ensure_other(self, file: Source) -> None:
        """Raise FileError where a file is to replace itself, or a link what it leads to.

        Of two names of one file that are moved, `rename` tells.
        """
        if file.existing is None or not self._one_end:
            return
        linked = file.entry.linked
        same = linked is not None and linked == file.existing.linked and not self._wanted
        if file.entry.kind is Kind.SYMLINK:
            with suppress(FileError):  # it leads nowhere, or round: so not to what is there
                target = join(self._target_dir, file.place)
                same = await self._source.realpath(file.path) == target
        if same:
            host = "" if self._source.is_local else self._source.label
            raise FileError(SAME, shown(file.path), host=host)

    async def ensure_apart(self, path: bytes, part: bytes) -> None:
        """Raise FileError where a source is in the folder of its own copy, under the same name.

        By another name of the host, a mount or a link it may be; removing it would lose both. It
        shows the temporary file `part` of the copy then.
        """
        beside = join(parent_of(path), name_of(part))
        if self._wanted and await self._source.exists(beside) is not None:
            host = "" if self._source.is_local else self._source.label
            raise FileError(SAME, shown(path), host=host)

    async def after(self, copying: Awaitable[str], file: Source) -> str:
        """Return what a copy complains of; where that is nothing, its source goes.

        Raises what both do.
        """
        try:
            complaint = await copying
        except CancelledTooLate:
            if self._wanted:
                raise asyncio.CancelledError from None  # the source is still there
            raise
        if not complaint:
            await self.remove(file)
        return complaint

    async def remove(self, file: Source) -> None:
        """Remove a source whose copy is in place.

        Raises FileError where it stays, and CancelledTooLate.
        """
        if not self._wanted:
            return
        try:
            if isinstance(self._target, LocalFilesystem):
                # The content is on the disk; its name, too, has to outlast a power cut.
                await self._target.sync_folder(parent_of(join(self._target_dir, file.place)))
            if _differs(await self._source.lstat(file.path), file.entry):
                raise FileError("the source has changed since")
            await undivided(self._source.unlink(file.path), _PATIENCE)
        except FileError as error:
            detail = f"{error.title}: {error.detail}" if error.detail else error.title
            host = "" if self._source.is_local else self._source.label
            raise FileError("copied, but the source stays", "", detail, host=host) from error

    async def remove_folders(self, folders: list[Source]) -> None:
        """Remove the source directories that are empty now, the deepest first."""
        if not self._wanted:
            return
        levels: dict[int, list[Source]] = {}
        for folder in folders:
            levels.setdefault(folder.place.count(b"/"), []).append(folder)
        for _, level in sorted(levels.items(), reverse=True):
            await each(level, min(self._source.limits.files, len(level)), self._remove_folder)

    async def _remove_folder(self, folder: Source) -> None:
        try:
            await self._source.rmdir(folder.path)
            await self._ensure_still_there(folder)
            self._ledger.settle(folder)
        except FileError as error:
            if not self._is_explained(folder):
                reason = f"moved, but the directory stays: {reason_of(error)}"
                self._ledger.fail(folder.path, reason)

    async def _ensure_still_there(self, folder: Source) -> None:
        """Make a target anew that went with its source, as that was itself. Raises FileError."""
        target = join(self._target_dir, folder.place)
        if folder.existing is not None and await self._target.exists(target) is None:
            await self._target.mkdir(target, folder.entry.mode & PERMISSIONS)
            raise FileError(SAME)

    def _is_explained(self, folder: Source) -> bool:
        """Return whether something in a directory is known to stay, and told as that."""
        start = join(folder.path, b"")
        ledger = self._ledger
        stays = (*ledger.failures, *ledger.left_out)
        return bool(ledger.skipped) or any(path.startswith(start) for path in stays)


def _differs(now: Entry, was: Entry) -> bool:
    if was.kind is not Kind.FILE:
        return now.kind is not was.kind
    return (now.kind, now.size, now.mtime_ns) != (was.kind, was.size, was.mtime_ns)
