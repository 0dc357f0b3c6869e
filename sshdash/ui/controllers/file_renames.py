"""Gives files other names and other folders, and takes that back."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
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
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import count_text
from sshdash.ui.screens.bulk_rename import BulkRenameDialog
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.inline_name import InlineName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sshdash.sftp.filesystem import Filesystem
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
        submit: Callable[[FilePane, CopyRequest], None],
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
            await self._keep(filesystem, pane, [one])
            self.listings.changed(pane, request.folder, name_of(path))

    async def rename_many(self, request: ask.RenameMany) -> None:
        """Ask for a pattern that gives many entries other names."""
        pane = request.pane
        old = [entry.name for entry in request.entries]
        others = pane.browser.held.names_but(old)
        where = names.place(pane.label, request.folder)
        new = await self.cockpit.show(BulkRenameDialog(old, others, where))
        if new is None:
            return
        pairs, folder = zip(old, new, strict=True), request.folder
        renames = await asyncio.to_thread(renames_of, pairs, folder, folder)
        filesystem = await self.listings.filesystem(pane)
        try:
            with self._going_on(pane, folder, "renaming") as told:
                await rename_all(filesystem, renames, told)
                await self._keep(filesystem, pane, renames)
        finally:
            pane.browser.clear_marks()
            self.listings.changed(pane, request.folder)

    async def move(self, request: ask.MoveFiles) -> None:
        """Move entries into another folder of the same endpoint, after asking.

        What a rename does not do, the queue does: it asks about targets that exist, and copies
        to another file system.
        """
        pane = request.pane
        question = ConfirmQuestion(
            f"Move {names.count(request.entries)}?",
            f"{names.listing(request.entries, 8)}\n\nto {names.place(pane.label, request.into)}",
            action="Move",
        )
        if not await self.cockpit.prompter.ask(question):
            return
        filesystem = await self.listings.filesystem(pane)
        pairs = [(entry.name, entry.name) for entry in request.entries]
        renames = await asyncio.to_thread(renames_of, pairs, request.folder, request.into)
        paths = tuple([one.old for one in renames])
        try:
            with self._going_on(pane, request.folder, "moving") as told:
                await rename_all(filesystem, renames, told)
                await self._keep(filesystem, pane, renames)
            pane.browser.clear_marks()
        except HalfRenamedError:
            raise
        except FileError:
            ends = pane.endpoint, paths, pane.endpoint, request.into
            self._submit(pane, CopyRequest(*ends, move=True))
            return
        finally:
            self.listings.changed(pane, request.folder)
            self.listings.refresh_folder(pane.endpoint, request.into)

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
        backwards = [one.back for one in last.renames]
        self.cockpit.tell("Undone", _said(backwards), host=last.endpoint)
        for folder in {parent_of(path) for one in backwards for path in (one.old, one.new)}:
            self.listings.refresh_folder(last.endpoint, folder)

    async def _take_back(self, last: Journalled, told: Callable[[int], None]) -> None:
        filesystem = await self.cockpit.backend.filesystem(last.endpoint)
        try:
            await take_back(filesystem, last, told)
        except FileError:
            self._journal.remove(last)  # nothing would make it possible again
            raise
        finally:
            await filesystem.close()

    async def _keep(
        self, filesystem: Filesystem, pane: FilePane, renames: Sequence[Rename]
    ) -> None:
        """Note what was done, and say how it is undone."""
        if not renames:
            return
        with suppress(SSHDashError):  # it was done all the same; it only cannot be taken back
            self._journal.append(await describe(filesystem, pane.endpoint, renames))
            del self._journal[: _forgotten([len(one.renames) for one in self._journal])]
            # It is read when other things may have been done, which u does not undo.
            self.cockpit.tell(_said(renames), f"u undoes the {_word(renames)}", host=pane.endpoint)

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


def _word(renames: Sequence[Rename]) -> str:
    one = renames[0]
    return "move" if parent_of(one.old) != parent_of(one.new) else "rename"


def _said(renames: Sequence[Rename]) -> str:
    one = renames[0]
    if len(renames) > 1:
        return f"{count_text(len(renames), 'item')} {_word(renames)}d"
    old, new = names.short(name_of(one.old)), names.short(name_of(one.new))
    if parent_of(one.old) != parent_of(one.new):
        return f"{old} moved to {names.short(parent_of(one.new))}"
    return f"{old} renamed to {new}"
