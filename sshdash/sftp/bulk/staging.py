"""A folder of our own beside the target, which gets its name once all that is in it is whole."""

import asyncio
from contextlib import suppress
from typing import Self

from sshdash.errors import ConnectionLost, SSHDashError
from sshdash.sftp.bulk.tree import Tree
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger, Track
from sshdash.sftp.partial import remove_parts
from sshdash.sftp.tasks import finish, undivided
from sshdash.sftp.turns import Turns
from sshdash.sftp.under_way import FileCopy

_PATIENCE = 10.0
"""Seconds for cleaning up."""
_AGAIN = 0.1, 0.3, 1.0, 3.0
"""Seconds between attempts: tar goes on for a moment with what it has got already."""


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
            await self._remove()

    async def place(self, arrived: set[bytes], track: Track) -> None:
        """Give it its name and note all that it holds, of which `arrived` gets the places.

        What `track` counted until then is counted by file.
        """
        # Whoever goes on after a crash looks whether it has got its name.
        self._copier.under_way[self._place] = self._under_way
        self._under_way.placing = True
        await undivided(self._rename(arrived, track), _PATIENCE)

    async def _rename(self, arrived: set[bytes], track: Track) -> None:
        folders = list(self._tree.folders.values())
        await self._ledger.make(folders)
        try:
            await self._target.rename(self.path, self._place)
        except (ConnectionLost, asyncio.CancelledError):  # nobody heard whether it has its name
            if self._copier.partials is not None:
                self._copier.partials[self._place] = self._under_way.so_far()
                self._ledger.created.update({one.place: one for one in folders})
            raise
        self._copier.leftovers.discard(self.path)
        for folder in folders:
            self._ledger.created[folder.place] = folder
            arrived.add(folder.place)
        for file in self._tree.files.values():
            await self._turns.take()
            track.advance(-file.entry.size)
            self._ledger.arrive(file)
            arrived.add(file.place)

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
