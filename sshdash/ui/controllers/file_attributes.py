"""Changes modes and owners: of what is marked, or of all below it after asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sshdash.errors import FileError, UsageError
from sshdash.sftp.entries import Kind
from sshdash.sftp.owners import number_of
from sshdash.sftp.tree_changes import Change, Changed, ModeChange, OwnerChange, TreeChange
from sshdash.sftp.trees import Stop, count_trees
from sshdash.ui.arranging import aside
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import count_text, number_text
from sshdash.ui.screens.chmod import ChmodDialog
from sshdash.ui.screens.fields import Field, FieldsDialog
from sshdash.ui.widgets import file_messages as ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sshdash.sftp.entries import Entry
    from sshdash.sftp.filesystem import Filesystem
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.controllers.file_stops import Stops

_SHOWN = 5
"""Failures that are told with their paths."""


class FileAttributes:
    """One change of a tree at a time for each pane; Esc there ends it."""

    def __init__(self, cockpit: Cockpit, listings: Listings, stops: Stops) -> None:
        self.cockpit = cockpit
        self.listings = listings
        self.stops = stops

    async def change_mode(self, request: ask.ChangeMode) -> None:
        """Ask for permission bits and set them."""
        what = names.listing(request.entries, 3)
        modes, folders = await aside(_modes_of, request.entries)
        answer = await self.cockpit.show(ChmodDialog(what, modes, folders))
        if answer is not None:
            mode, below = answer
            await self._change(request, ModeChange(mode, below), below, "the permissions")

    async def change_owner(self, request: ask.ChangeOwner) -> None:
        """Ask for a user, a group or both, and give the entries to them."""
        first = request.entries[0]
        _, folders = await aside(_modes_of, request.entries)
        now = f"{first.owner or first.uid}:{first.group or first.gid}"
        dialog = FieldsDialog(
            "Owner",
            f"user, user:group or :group of {names.count(request.entries)}; names or numbers",
            [Field("owner", names.editable(now.encode()))],
            action="Set",
            tick="with everything below" if folders else "",
            ticked=False,
            check=lambda values: _owner_problem(values[0]),
        )
        answer = await self.cockpit.show(dialog)
        if answer is None:
            return
        (typed,), below = answer
        if typed == now and not below:
            return
        user, _, group = typed.strip().partition(":")
        filesystem = await self.listings.filesystem(request.pane)
        uid = await number_of(filesystem, user) if user else None
        gid = await number_of(filesystem, group, group=True) if group else None
        await self._change(request, OwnerChange(uid, gid), below, "the owner")

    async def _change(
        self, request: ask.FilesAction, change: Change, below: bool, what: str
    ) -> None:
        """Change the entries, with all below them where asked; what fails is told at the end."""
        pane, stop = request.pane, Stop()
        if pane in self.stops:
            raise UsageError("Something goes on here already", hint="Esc stops it")

        def end() -> None:
            stop.ask()
            pane.wait("stopping…")

        def told(count: int) -> None:
            done = number_text(count)
            pane.wait(f"stopping… {done}" if stop.asked else f"changing… {done}, Esc stops")

        with self.stops.going_on(pane, "counting…" if below else "changing…", end):
            filesystem = await self.cockpit.backend.filesystem(pane.endpoint)
            try:
                if below and not await self._agreed(request, filesystem, stop, what):
                    return
                pane.wait("changing…")
                work = TreeChange(filesystem, change, told, stop, below=below)
                changed = await work.run(request.folder, request.entries)
            finally:
                await filesystem.close()
                self.listings.changed(pane, request.folder)
        self._tell(changed, stop, what, many=below or len(request.entries) > 1)

    async def _agreed(
        self, request: ask.FilesAction, filesystem: Filesystem, stop: Stop, what: str
    ) -> bool:
        census = await count_trees(filesystem, request.folder, request.entries, stop=stop)
        request.pane.wait("")
        if stop.asked:
            return False
        where = names.place(request.pane.label, request.folder)
        question = names.change_question(request.entries, census, where, what)
        agreed = await self.cockpit.prompter.ask(question)
        return agreed is True

    def _tell(self, changed: Changed, stop: Stop, what: str, many: bool) -> None:
        if changed.failed:
            total = changed.done + changed.failed
            first = changed.failures[0]
            if not many:
                raise first
            listed = [f"{one.path}: {one.title}" for one in changed.failures[:_SHOWN]]
            if changed.failed > _SHOWN:
                listed.append(f"and {number_text(changed.failed - _SHOWN)} more")
            title = f"{first.title} ({number_text(changed.failed)} of {number_text(total)})"
            raise FileError(title, detail="\n".join(listed), hint=first.hint)
        if stop.asked:
            done = f"{count_text(changed.done, 'item')} changed, the rest is as it was"
            self.cockpit.tell("Stopped", done, severity="warning")


def _modes_of(entries: Sequence[Entry]) -> tuple[list[int], bool]:
    """Return the different modes, that of the first before the others, and if any is a folder's."""
    # Each loop lets others have their turn, which `map` would not.
    modes = {entry.mode: None for entry in entries}
    return list(modes), any(entry.kind is Kind.DIRECTORY for entry in entries)


def _owner_problem(typed: str) -> str:
    user, colon, group = typed.strip().partition(":")
    if not user and not group:
        return "Type a user, a group, or both"
    if colon and not group and not user:
        return "Type a group behind the colon"
    if any(char.isspace() or char == "/" for char in user + group) or ":" in group:
        return "That is no name of a user or group"
    return ""
