"""Deletes files: those of this machine go to its trash, a host's are gone for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sshdash.errors import FileError
from sshdash.sftp.failures import MissingError
from sshdash.sftp.trash import move_to_trash
from sshdash.sftp.trees import Census, Stop, count_trees, remove_trees
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import count_text, number_text
from sshdash.ui.widgets import file_messages as ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from sshdash.sftp.filesystem import Filesystem
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.controllers.file_stops import Stops
    from sshdash.ui.widgets.file_pane import FilePane


class FileRemovals:
    """One deletion at a time for each pane; Esc there ends it."""

    def __init__(self, cockpit: Cockpit, listings: Listings, stops: Stops) -> None:
        self.cockpit = cockpit
        self.listings = listings
        self.stops = stops

    def delete(self, request: ask.DeleteFiles) -> None:
        """Count what would go, ask, and delete it.

        Esc ends it with what is under way done and all counted; pressed again, at once.
        """
        pane, stop = request.pane, Stop()
        if pane in self.stops:
            self.cockpit.tell("Something goes on here already", "Esc stops it")
            return

        def end() -> None:
            if stop.asked:
                worker.cancel()
            stop.ask()
            pane.wait("stopping…")

        worker = self.cockpit.start(self._delete(request, stop, end))

    async def _delete(self, request: ask.DeleteFiles, stop: Stop, end: Callable[[], None]) -> None:
        pane, endpoint = request.pane, request.pane.endpoint
        with self.stops.going_on(pane, "counting…", end):
            filesystem = await self.cockpit.backend.filesystem(endpoint)
            try:
                census = await count_trees(filesystem, request.folder, request.entries, stop=stop)
                pane.wait("")
                if not stop.asked:
                    await self._ask_and_delete(request, filesystem, census, stop)
            finally:
                await filesystem.close()
                self.listings.refresh_folder(endpoint, request.folder)

    async def _ask_and_delete(
        self, request: ask.DeleteFiles, filesystem: Filesystem, census: Census, stop: Stop
    ) -> None:
        pane = request.pane
        where = names.place(pane.label, request.folder)
        to_trash = not pane.endpoint
        question = names.delete_question(request.entries, census, where, to_trash=to_trash)
        if not await self.cockpit.prompter.ask(question):
            return
        paths = list(await names.paths(request.folder, request.entries))
        if to_trash:
            paths = await self._trash(pane, paths, stop)
        if paths and not stop.asked:
            pane.wait("deleting…")
            gone = 0

            def removed(count: int) -> None:
                nonlocal gone
                gone = count
                done = number_text(count)
                pane.wait(f"stopping… {done}" if stop.asked else f"deleting… {done}, Esc stops")

            try:
                await remove_trees(filesystem, paths, removed, stop)
            finally:
                if stop.asked:
                    self._tell_stopped(pane, gone, census)

    def _tell_stopped(self, pane: FilePane, count: int, census: Census) -> None:
        total = census.files + census.folders
        of_all = f" of {number_text(total)}" if census.complete else ""
        gone = f"{count_text(count, 'item')}{of_all} are gone, the rest is there"
        self.cockpit.tell("Deletion stopped", gone, host=pane.endpoint, severity="warning")

    async def _trash(self, pane: FilePane, paths: list[bytes], stop: Stop) -> list[bytes]:
        """Move paths to the trash; return those to delete for good, which was agreed to."""
        refused: list[bytes] = []
        gone: list[bytes] = []
        reason = ""
        for number, path in enumerate(paths, 1):
            if stop.asked:
                done, total = number_text(number - 1), number_text(len(paths))
                told = f"{done} of {total} are in the trash, the rest is where it was"
                self.cockpit.tell("Deletion stopped", told, severity="warning")
                return []
            pane.wait(f"to the trash… {number_text(number)}")
            try:
                await move_to_trash(path)
            except MissingError:
                gone.append(path)  # whoever removes these tells that they are not there
            except FileError as error:
                refused.append(path)
                reason = reason or error.detail
        if moved := len(paths) - len(refused) - len(gone):
            self.cockpit.tell("Moved to the trash", count_text(moved, "item"))
        if not refused:
            return gone
        question = names.trash_question(refused, reason)
        return [*refused, *gone] if await self.cockpit.prompter.ask(question) else gone
