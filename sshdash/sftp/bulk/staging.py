"""A folder of our own beside the target, which gets its name once all that is in it is whole."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Self

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.bulk.tree import Tree
from sshdash.sftp.copier import Copier
from sshdash.sftp.directories import is_changeable
from sshdash.sftp.entries import join
from sshdash.sftp.filesystem import Filesystem, Finish
from sshdash.sftp.ledger import Ledger, Track
from sshdash.sftp.partial import remove_parts
from sshdash.sftp.tasks import finish, together, undivided
from sshdash.sftp.turns import Turns
from sshdash.sftp.under_way import FileCopy
from sshdash.sftp.walk import Source

_PATIENCE = 10.0
"""Seconds for cleaning up."""
_AGAIN = 0.1, 0.3, 1.0, 3.0
"""Seconds between attempts: tar goes on for a moment with what it has got already."""
_READABLE = 0o400
_COUNTED = 64
"""Files that are counted in one go."""
_FINISHED = 1000
"""Folders at most that are finished together with the new name."""


class Staging:
    """The place where one tree is filled; leaving it removes what did not get its name.

    Whoever enters it makes the folder.
    """

    def __init__(
        self, tree: Tree, target: Filesystem, folder: bytes, ledger: Ledger, copier: Copier
    ) -> None:
        """`folder` is where all places are, on `target`."""
        self._tree = tree
        self._target = target
        self._ledger = ledger
        self._copier = copier
        self._place = join(folder, tree.top.place)
        copy = FileCopy(tree.top.path, self._place, tree.top.entry)
        self._under_way, _ = copier.planned(copy)
        self._turns = Turns()
        self.finished: set[bytes] = set()
        """Places of folders that have their mode and time."""

    def __repr__(self) -> str:
        return f"<Staging {self.path!r}>"

    @property
    def path(self) -> bytes:
        """Where it is."""
        return self._under_way.part

    async def __aenter__(self) -> Self:
        """Have it known to whoever cleans up after a crash."""
        self._copier.leftovers.add(self.path)
        await self._copier.recorded()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Remove it unless it has its name; where that cannot be, it is remembered."""
        self._copier.under_way.pop(self._place, None)
        if self.path in self._copier.leftovers:
            with self._ledger.discarding(len(self._tree.files)):
                await self._remove()

    async def place(self, arrived: set[bytes], track: Track, whole: bool = False) -> None:
        """Give it its name and note all that it holds, of which `arrived` gets the places.

        What `track` counted until then is counted by file. Where it is the `whole` of what goes
        there, its folders get mode and time meanwhile, if that can be.
        """
        # Whoever goes on after a crash looks whether it has got its name.
        self._copier.under_way[self._place] = self._under_way
        self._under_way.placing = True
        await undivided(self._rename(arrived, track, whole), _PATIENCE)

    async def _rename(self, arrived: set[bytes], track: Track, whole: bool) -> None:
        folders = list(self._tree.folders.values())
        await self._ledger.make(folders)
        finished: set[bytes] = set()
        work = self._finishing(finished) if whole else []
        try:
            await together(*work, self._target.rename(self.path, self._place))
        except (ConnectionLost, asyncio.CancelledError):  # nobody heard whether it has its name
            if self._copier.partials is not None:
                self._copier.partials[self._place] = self._under_way.so_far()
                self._ledger.created.update({one.place: one for one in folders})
            raise
        self.finished |= finished
        self._copier.leftovers.discard(self.path)
        for folder in folders:
            if folder.place not in finished:
                self._ledger.created[folder.place] = folder
            arrived.add(folder.place)
        async for some in self._turns.slices(self._tree.files.values(), _COUNTED):
            track.advance(-self._ledger.arrive(*some))
            arrived.update([file.place for file in some])

    def _finishing(self, finished: set[bytes]) -> list[Coroutine[None, None, None]]:
        """Return what gives the folders mode and time, the deepest first.

        It is asked in the same turn as the new name, and before it: what is there by that name
        could be another's. There is nothing where one could not be removed any more with all it
        holds, should it not get that name.
        """
        folders = [*self._tree.folders.items()][::-1]  # they were added from the top down
        if not self._target.limits.in_order or len(folders) > _FINISHED:
            return []
        wanted = [self._copier.finish(folder.entry) for _, folder in folders]
        modes = [one.mode or 0 for one in wanted]
        if not all(is_changeable(mode) and mode & _READABLE for mode in modes):
            return []

        async def finish(name: bytes, folder: Source, to: Finish) -> None:
            path = join(self.path, name) if name else self.path
            with suppress(FileError):  # it is tried again, and reported then
                await self._target.set_attributes(path, to.mode, to.mtime_ns, to.owner)
                finished.add(folder.place)

        return [finish(*one, to) for one, to in zip(folders, wanted, strict=True)]

    async def _remove(self) -> None:
        parts = {self.path}

        async def remove() -> None:
            await remove_parts(self._target, parts)
            for pause in _AGAIN:
                if not parts:
                    break
                await asyncio.sleep(pause)
                await remove_parts(self._target, parts)
            if not parts:
                self._copier.leftovers.discard(self.path)

        cancelled = False
        with suppress(SSHDashError):
            cancelled = await finish(remove(), _PATIENCE)
        if cancelled:
            raise asyncio.CancelledError
