"""Gives files other names and other folders, and takes that back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import accumulate
from typing import TYPE_CHECKING

from sshdash.errors import FileError, SSHDashError, UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.entries import Kind, join, name_of, parent_of
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.renames import (
    HalfRenamedError,
    Journalled,
    Rename,
    describe,
    rename_all,
    renames_of,
    take_back,
)
from sshdash.ui.arranging import aside
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import count_text
from sshdash.ui.screens.bulk_rename import BulkRenameDialog
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.inline_name import InlineName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from sshdash.sftp.entries import Entry
    from sshdash.sftp.filesystem import Filesystem
    from sshdash.sftp.rows import Rows
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.widgets.file_pane import FilePane

_KEPT = 100
"""Renames that can be taken back, the oldest forgotten first."""
_MOST = 200_000
"""Names that all of them may be about; of the newest there may be more."""


class FileRenames:
    """Renames, moves, and the journal of them for this run."""

    def __init__(
        self,
        cockpit: Cockpit,
        listings: Listings,
        submit: Callable[[ask.FilesAction, CopyRequest], None],
    ) -> None:
        """`submit` queues what cannot be done by renames."""
        self.cockpit = cockpit
        self.listings = listings
        self._submit = submit
        self._journal: list[Journalled] = []
        self._under_way = 0
        """How many bulk renames, moves and undoings go on."""

    async def rename(self, request: ask.RenameFile) -> None:
        """Let the person type another name over the row of one entry."""
        pane, entry = request.pane, request.entries[0]
        old = names.editable(entry.name)
        field = InlineName(old, names.problem, select_stem=entry.kind is not Kind.DIRECTORY)
        answer = await field.ask(pane, self.cockpit.rest)
        if answer and answer != old:
            path = join(request.folder, names.encode(answer))
            filesystem = await self.listings.filesystem(pane)
            one = Rename(join(request.folder, entry.name), path)
            await filesystem.rename(one.old, one.new)
            await self._keep(filesystem, pane.endpoint, [one])
            self.listings.changed(pane, request.folder, name_of(path))

    async def rename_many(self, request: ask.RenameMany) -> None:
        """Ask for a pattern that gives many entries other names."""
        pane, endpoint = request.pane, request.pane.endpoint
        held = pane.browser.held
        old, others = await aside(_parted, request.entries, held)
        where = names.place(pane.label, request.folder)
        new = await self.cockpit.show(BulkRenameDialog(old, others, where))
        if new is None:
            return
        pairs, folder = zip(old, new, strict=True), request.folder
        renames = await asyncio.to_thread(renames_of, pairs, folder, folder)
        try:
            async with self._opened(endpoint) as filesystem:
                with self._going_on(pane, folder, "renaming") as told:
                    await rename_all(filesystem, renames, told)
                    await self._keep(filesystem, endpoint, renames)
            pane.unmark(folder, request.entries)
        finally:
            self.listings.refresh_folder(endpoint, folder)

    async def move(self, request: ask.MoveFiles) -> None:
        """Move entries into another folder of the same endpoint, after asking.

        What a rename does not do, the queue does: it asks about targets that exist, and copies
        to another file system.
        """
        pane, endpoint = request.pane, request.pane.endpoint
        question = ConfirmQuestion(
            f"Move {names.count(request.entries)}?",
            f"{names.listing(request.entries, 8)}\n\nto {names.place(pane.label, request.into)}",
            action="Move",
        )
        if not await self.cockpit.prompter.ask(question):
            return
        pairs = [(entry.name, entry.name) for entry in request.entries]
        renames = await asyncio.to_thread(renames_of, pairs, request.folder, request.into)
        paths = tuple([one.old for one in renames])
        try:
            async with self._opened(endpoint) as filesystem:
                with self._going_on(pane, request.folder, "moving") as told:
                    await rename_all(filesystem, renames, told)
                    await self._keep(filesystem, endpoint, renames)
            pane.unmark(request.folder, request.entries)
        except HalfRenamedError:
            raise
        except FileError:
            copy = CopyRequest(endpoint, paths, endpoint, request.into, move=True)
            self._submit(request, copy)
            return
        finally:
            self.listings.refresh_folder(endpoint, request.folder)
            self.listings.refresh_folder(endpoint, request.into)

    async def undo(self, request: ask.UndoRename) -> None:
        """Take back the last rename or move of this run, wherever it was."""
        if self._under_way:  # the same one twice would be in its own way
            raise UsageError("Names are still being changed", hint="undo it once that is done")
        if not self._journal:
            self.cockpit.tell("Nothing to undo", "no rename, or move on one disk, in this run")
            return
        last = self._journal[-1]
        pane = request.pane
        with self._going_on(pane, pane.browser.path, "undoing") as told:
            await self._take_back(last, told)
        if last in self._journal:
            self._journal.remove(last)
        self.cockpit.tell("Undone", _said(last.renames, back=True), host=last.endpoint)
        for folder in await asyncio.to_thread(_folders, last.renames):
            self.listings.refresh_folder(last.endpoint, folder)

    async def _take_back(self, last: Journalled, told: Callable[[int], None]) -> None:
        async with self._opened(last.endpoint) as filesystem:
            try:
                await take_back(filesystem, last, told)
            except FileError:
                self._journal.remove(last)  # nothing would make it possible again
                raise

    @asynccontextmanager
    async def _opened(self, endpoint: str) -> AsyncIterator[Filesystem]:
        """Yield a file system of its own: that of a pane ends as the pane goes elsewhere."""
        filesystem = await self.cockpit.backend.filesystem(endpoint)
        try:
            yield filesystem
        finally:
            await filesystem.close()

    async def _keep(self, filesystem: Filesystem, endpoint: str, renames: Sequence[Rename]) -> None:
        """Note what was done, and say how it is undone."""
        if not renames:
            return
        with suppress(SSHDashError):  # it was done all the same; it only cannot be taken back
            done = await describe(filesystem, endpoint, renames)
            if not done.renames:  # somebody has removed it all since
                return
            self._journal.append(done)
            del self._journal[: _forgotten([len(one.renames) for one in self._journal])]
            # It is read when other things may have been done, which u does not undo.
            self.cockpit.tell(_said(renames), f"u undoes the {_word(renames)}", host=endpoint)

    @contextmanager
    def _going_on(
        self, pane: FilePane, folder: bytes, what: str
    ) -> Iterator[Callable[[int], None]]:
        """Yield what tells in a pane how far something is, as long as it shows that folder."""

        def say(words: str) -> None:
            if pane.is_attached and pane.browser.path == folder:
                pane.wait(words)

        self._under_way += 1
        say(f"{what}…")
        try:
            yield lambda count: say(f"{what}… {count_text(count, 'item')}")
        finally:
            self._under_way -= 1
            say("")


def _forgotten(sizes: Sequence[int]) -> int:
    """Return how many of the oldest have to go, of what had these sizes; the newest never."""
    sums = enumerate(accumulate(reversed(sizes)))
    return len(sizes) - sum(not at or (at < _KEPT and count <= _MOST) for at, count in sums)


def _parted(entries: Sequence[Entry], held: Rows) -> tuple[list[bytes], set[bytes]]:
    """Return the names of some entries, and those of all others in their folder."""
    own = [entry.name for entry in entries]
    return own, held.names_but(own)


def _folders(renames: Sequence[Rename]) -> set[bytes]:
    return {parent_of(path) for one in renames for path in (one.old, one.new)}


def _word(renames: Sequence[Rename]) -> str:
    one = renames[0]
    return "move" if parent_of(one.old) != parent_of(one.new) else "rename"


def _said(renames: Sequence[Rename], *, back: bool = False) -> str:
    one = renames[0].back if back else renames[0]
    if len(renames) > 1:
        return f"{count_text(len(renames), 'item')} {_word(renames)}d{' back' if back else ''}"
    old, new = names.short(name_of(one.old)), names.short(name_of(one.new))
    if parent_of(one.old) != parent_of(one.new):
        return f"{old} moved to {names.short(parent_of(one.new))}"
    return f"{old} renamed to {new}"
