"""Takes the file panes elsewhere, and marks, measures and copies what is there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.message import Message

from sshdash.errors import UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.bookmarks import keep_bookmark, load_bookmarks
from sshdash.sftp.browser import Column, Measured
from sshdash.sftp.entries import Entry, name_of, parent_of
from sshdash.sftp.history import Spot
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.pasted import Paths, readings_of
from sshdash.sftp.sizes import measure
from sshdash.sftp.trees import Census
from sshdash.ui.controllers import file_names as names
from sshdash.ui.controllers.file_finding import find
from sshdash.ui.controllers.file_listings import Listings
from sshdash.ui.controllers.file_shells import FileShells
from sshdash.ui.format import count_text
from sshdash.ui.screens.bookmarks import ADD, BookmarkPicker
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.theme import Mark
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.cockpit import Cockpit

_SHOWN = 8
"""Names that a question shows."""


class FileNavigation:
    """What the commands of `commands_navigation` do."""

    def __init__(
        self, cockpit: Cockpit, listings: Listings, submit: Callable[[CopyRequest], None]
    ) -> None:
        self.cockpit = cockpit
        self.submit = submit
        self.listings = listings
        self.shells = FileShells(cockpit, listings)
        self.handlers: dict[type[Message], Callable[[Any], object]] = {
            ask.GoToSpot: lambda m: listings.go_to(m.pane, m.spot),
            ask.TabShown: lambda m: listings.show_tab(m.pane, m.elsewhere),
            ask.FindFile: lambda m: cockpit.start(find(cockpit, listings, m.pane)),
            ask.ShowBookmarks: lambda m: cockpit.start(self._bookmarks(m.pane)),
            ask.MarkMatching: lambda m: cockpit.start(self._mark(m.pane, m.marked)),
            ask.MeasureFolders: self._toggle_measure,
            ask.ChooseColumns: lambda m: cockpit.start(self._columns(m.pane)),
            ask.TakePasted: lambda m: cockpit.start(self._take_pasted(m)),
            ask.GoToShell: lambda m: cockpit.start(self.shells.go_to_shell(m.pane)),
            ask.SendShell: lambda m: cockpit.start(self.shells.send_shell(m.pane)),
        }

    # Bookmarks

    async def _keep(self, spot: Spot, wanted: bool = True) -> None:
        """Add a bookmark, or take it away."""
        kept = await asyncio.to_thread(keep_bookmark, spot.endpoint, spot.path, wanted)
        for pane in self.listings.showing(spot.endpoint):
            pane.bookmarks = kept.get(spot.endpoint, ())

    async def _bookmarks(self, pane: FilePane) -> None:
        while True:
            kept = await asyncio.to_thread(load_bookmarks)
            here = pane.spot if pane.listed else None
            answer = await self.cockpit.show(BookmarkPicker(kept, pane.endpoint, here))
            if answer is None:
                return
            if answer.removed is not None:
                await self._keep(answer.removed, wanted=False)
                continue
            if answer.chosen is ADD and here is not None:
                await self._keep(here)
                self.cockpit.tell("Kept as a bookmark", names.place(pane.label, here.path))
            elif isinstance(answer.chosen, Spot):
                self.listings.go_to(pane, answer.chosen)
            return

    # Marks, columns

    async def _mark(self, pane: FilePane, marked: bool) -> None:
        verb = "Mark" if marked else "Unmark"
        dialog = TextInputDialog(
            f"{verb} by pattern",
            "Part of a name, or a pattern with * and ?",
            value="*.",
            action=verb,
        )
        pattern = await self.cockpit.show(dialog)
        if not pattern:
            return
        found = await asyncio.to_thread(pane.browser.matching, pattern)
        changed = pane.browser.mark_matching(pattern, marked, found)
        pane.refresh_view()
        if not changed:
            self.cockpit.tell(f"No row matches {clean(pattern, 200)}")

    async def _columns(self, pane: FilePane) -> None:
        picked: str | None = None
        while True:
            view = pane.browser.view
            chosen = frozenset(Column) if view.columns is None else view.columns
            choices = [
                Choice(
                    one.value,
                    one.value,
                    "shown" if one in chosen else "not shown",
                    mark=Mark.UP if one in chosen else Mark.IDLE,
                )
                for one in Column
            ]
            note = "in use" if view.columns is None else ""
            choices.append(Choice("", "as there is room", note))
            picker = Picker("Columns", choices, "Enter shows or hides, Esc ends", first=picked)
            picked = await self.cockpit.show(picker)
            if picked is None:
                return
            columns = None if not picked else chosen ^ {Column(picked)}
            pane.change_view(replace(pane.browser.view, columns=columns))

    # Sizes of folders

    def _toggle_measure(self, request: ask.MeasureFolders) -> None:
        """Begin to count, or stop where it is being done."""
        group = f"measure {id(request.pane)}"
        workers = self.cockpit.screen.workers
        if any(worker.group == group and worker.is_running for worker in workers):
            workers.cancel_group(self.cockpit.screen, group)
            request.pane.wait("")
            return
        self.cockpit.start(self._measure(request), group, aside=True)

    async def _measure(self, request: ask.MeasureFolders) -> None:
        pane, spot = request.pane, request.pane.spot
        filesystem = await self.cockpit.backend.filesystem(pane.endpoint)

        def told(entry: Entry, census: Census) -> None:
            if not pane.is_attached or pane.spot != spot:
                return
            pane.wait(f"counting… {count_text(census.files, 'file')} · z stops")
            pane.browser.measure(entry.name, Measured(census.size, final=False))
            pane.rows.refresh()

        def ended(entry: Entry, census: Census) -> None:
            told(entry, census)
            if pane.spot == spot:
                pane.browser.measure(entry.name, Measured(census.size, census.complete))

        try:
            await measure(filesystem, request.folder, request.entries, told, ended)
        finally:
            if pane.is_attached and pane.spot == spot:
                pane.wait("")
                pane.refresh_view()
            await filesystem.close()

    # What the hosting terminal pastes

    async def _take_pasted(self, request: ask.TakePasted) -> None:
        pane, folder = request.pane, request.pane.browser.path
        paths = await asyncio.to_thread(_existing, readings_of(request.text))
        if not paths:
            self.cockpit.tell(
                "Nothing to copy in what was pasted",
                "Paths of files on this machine, one on a line, are copied to the pane's folder.",
            )
            return
        if not pane.listed:
            raise UsageError("The folder is not listed yet")
        if not pane.endpoint and all(parent_of(path) == folder for path in paths):
            raise UsageError("They are here already", names.place(pane.label, folder))
        shown = [clean(path, 200) for path in paths[:_SHOWN]]
        if len(paths) > _SHOWN:
            shown.append(f"… and {len(paths) - _SHOWN} more")
        verb = "Upload" if pane.endpoint else "Copy"
        what = clean(name_of(paths[0]), 60) if len(paths) == 1 else count_text(len(paths), "file")
        question = ConfirmQuestion(
            f"{verb} {what} here?",
            "\n".join([*shown, "", f"to {names.place(pane.label, folder)}"]),
            action=verb,
        )
        endpoint = pane.endpoint
        if await self.cockpit.prompter.ask(question):
            self.submit(CopyRequest("", paths, endpoint, folder))


def _existing(readings: list[Paths]) -> Paths:
    """Return the first reading of a paste of which every path is there."""
    return next((paths for paths in readings if all(map(os.path.lexists, paths))), ())
