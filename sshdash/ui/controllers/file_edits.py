"""Edits files where they are: fetched, edited, and saved whole where nobody else changed them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import shutil
import tempfile
from functools import partial
from typing import TYPE_CHECKING

from sshdash.config.diff import shown, unified
from sshdash.errors import Cancelled, SSHDashError, UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.entries import Entry, join, name_of
from sshdash.sftp.failures import MissingError
from sshdash.sftp.preview import is_binary
from sshdash.sftp.saving import OwnerNotKept, Taken, look_again, save, save_in_place, save_new, take
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import size_text
from sshdash.ui.screens.changed_edit import ChangedEditDialog, EditStep
from sshdash.ui.screens.save_way import SaveWay, SaveWayDialog, losses_of
from sshdash.ui.screens.text_editor import TextEditor, why_not_here
from sshdash.ui.widgets import file_messages as ask
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from sshdash.sftp.filesystem import Filesystem
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.controllers.file_stops import Stops

log = logging.getLogger(__name__)

LIMIT = 64 * 1024 * 1024
"""Bytes of a file that can be edited."""
HERE_LIMIT = 256 * 1024
"""Bytes of a file that can be edited on this screen."""
_LARGE = 1024 * 1024
"""Bytes from which on it is asked for before they are fetched."""
_LINES = 10_000
"""Lines that are compared."""
_SHOWN = 400
"""Lines of a difference that are shown."""


class FileEdits:
    """Several files may be edited at the same time, each from the pane it was chosen in."""

    def __init__(self, cockpit: Cockpit, listings: Listings, stops: Stops) -> None:
        self.cockpit = cockpit
        self.listings = listings
        self.stops = stops

    def edit(self, request: ask.EditFile) -> None:
        """Let the person edit a file, and save it where it changed."""
        worker = self.cockpit.start(self._edit(request, lambda: worker.cancel()))

    async def _edit(self, request: ask.EditFile, stop: Callable[[], None]) -> None:
        pane, entry = request.pane, request.entries[0]
        limit = HERE_LIMIT if request.here else LIMIT
        if not pane.endpoint and not request.here:
            await self._edit_local(request)
            return
        if entry.size > limit:
            hint = "e opens it in your editor" if entry.size <= LIMIT and request.here else ""
            raise UsageError(f"More than {size_text(limit)} cannot be edited", hint=hint)
        if entry.size > _LARGE and not await self._sure(entry, f"It has {size_text(entry.size)}."):
            return
        with self.stops.going_on(pane, "reading…", stop):
            filesystem = await self.cockpit.backend.filesystem(pane.endpoint)
            try:
                taken, data = await take(filesystem, join(request.folder, entry.name), limit)
            finally:
                await filesystem.close()
        if request.here:
            if reason := why_not_here(data):
                hint = "e opens it in your editor"
                raise UsageError("It cannot be edited on this screen", reason, hint)
        elif is_binary(data) and not await self._sure(entry, "It is not text."):
            return
        edit = _Edit(self.cockpit, pane.endpoint, taken, data)
        try:
            await (edit.here() if request.here else edit.outside())
        finally:
            self.listings.refresh_folder(pane.endpoint, request.folder)

    async def _edit_local(self, request: ask.EditFile) -> None:
        """Give a file of this machine itself to the editor, as one would in a shell."""
        from sshdash.ui.outside import editor_command, run_outside

        path = os.fsdecode(join(request.folder, request.entries[0].name))
        status = await run_outside(self.cockpit.screen.app, editor_command(path, 1))
        self.listings.refresh_folder("", request.folder)
        if status:
            raise SSHDashError("Your editor ended with a failure", f"exit status {status}")

    async def _sure(self, entry: Entry, why: str) -> bool:
        question = ConfirmQuestion(f"Edit {names.count([entry])}?", why, action="Edit")
        return await self.cockpit.prompter.ask(question) is True


class _Edit:
    """One file being edited."""

    def __init__(self, cockpit: Cockpit, endpoint: str, taken: Taken, data: bytes) -> None:
        self.cockpit = cockpit
        self.endpoint = endpoint
        self.taken = taken
        self.data = data
        self.name = names.short(name_of(taken.path))
        self._keep = False
        """Whether the copy in the editor has what is nowhere else."""

    async def here(self) -> None:
        """Edit it on this screen."""
        before = self.data.decode("utf-8")
        text = before
        while True:
            answer = await self.cockpit.show(TextEditor(self.name, text, before))
            if answer is None:
                return
            text = answer
            edited = text.encode("utf-8")
            try:
                step = await self._save(edited)
            except SSHDashError as error:
                path = await asyncio.to_thread(_kept_copy, self.taken.path, edited)
                raise _with_copy(error, path) from error
            except asyncio.CancelledError:
                _note_left(await asyncio.to_thread(_kept_copy, self.taken.path, edited))
                raise
            if step is None:
                return
            if step is EditStep.KEEP:
                path = await asyncio.to_thread(_kept_copy, self.taken.path, edited)
                self._tell_kept(path)
                return

    async def outside(self) -> None:
        """Edit a copy of it in the person's editor; what was not saved stays there."""
        path = await asyncio.to_thread(_kept_copy, self.taken.path, self.data)
        try:
            await self._edit_copy(path)
        except asyncio.CancelledError:
            self._keep = True  # the editor may still run, and save it
            _note_left(path)
            raise
        except OSError as error:
            raise SSHDashError("Nothing was saved", f"{path}: {error.strerror}") from error
        except SSHDashError as error:
            raise (_with_copy(error, path) if self._keep else error) from error
        finally:
            if not self._keep:
                await asyncio.to_thread(shutil.rmtree, os.path.dirname(path), True)

    async def _edit_copy(self, path: str) -> None:
        from sshdash.ui.outside import editor_command, run_outside

        command = editor_command(path, 1)
        while True:
            status = await run_outside(self.cockpit.screen.app, command)
            edited = await asyncio.to_thread(_read, path)
            if edited == self.data:
                if status:
                    raise SSHDashError("Your editor ended with a failure", f"exit status {status}")
                return
            self._keep = True  # from here on there is something to lose
            if status:
                raise SSHDashError("Nothing was saved", f"your editor ended with {status}")
            step = await self._save(edited)
            if step is EditStep.KEEP:
                self._tell_kept(path)
                return
            if step is None:
                self._keep = False
                return

    def _tell_kept(self, path: str) -> None:
        self.cockpit.tell("Nothing was saved", f"your edit is kept in {path}", severity="warning")

    async def _save(self, edited: bytes) -> EditStep | None:
        """Save; return what the person wants where that cannot be, None where it is saved."""
        filesystem = await self.cockpit.backend.filesystem(self.endpoint)
        try:
            try:
                now, there = await look_again(filesystem, self.taken, LIMIT)
            except MissingError:
                return await self._save_anew(filesystem, edited)
            if there != edited and hashlib.sha256(there).digest() != self.taken.digest:
                lead = "Nothing was saved. Saving would change it, as it is now, like this:"
                difference = await asyncio.to_thread(_difference, there, edited)
                step = await self._choose(lead, difference)
                if step is not EditStep.OVERWRITE:
                    return step
            if there != edited and not await self._put(filesystem, edited, now, there):
                return EditStep.KEEP
        finally:
            await filesystem.close()
        self.cockpit.tell("Saved", self.name, host=self.endpoint)
        return None

    async def _save_anew(self, filesystem: Filesystem, edited: bytes) -> EditStep | None:
        step = await self._choose("Nothing was saved: the file is not there any more.", [])
        if step is not EditStep.OVERWRITE:
            return step
        await save_new(filesystem, self.taken.path, edited, self.taken.entry)
        self.cockpit.tell("Saved", self.name, host=self.endpoint)
        return None

    async def _put(self, filesystem: Filesystem, edited: bytes, now: Entry, there: bytes) -> bool:
        """Save it by replacing the file, or in place where the person wants; return whether."""
        losses = losses_of(await filesystem.describe(self.taken.path))
        if losses:
            way = await self.cockpit.show(SaveWayDialog(self.name, losses))
            if way is SaveWay.IN_PLACE:
                await save_in_place(filesystem, self.taken.path, edited, there)
            if way is not SaveWay.REPLACE:
                return way is SaveWay.IN_PLACE
        guarding = partial(self.cockpit.backend.transfers.guarding, self.endpoint)
        try:
            await save(filesystem, self.taken.path, edited, now, guarding=guarding)
        except OwnerNotKept as error:
            detail = f"{self.name}: {error.detail}, and would be yours. Its mode is kept."
            question = ConfirmQuestion(
                "Save it as your own?", detail, action="Save as mine", unbidden=True
            )
            if not await self.cockpit.prompter.ask(question):
                return False
            await save(filesystem, self.taken.path, edited, now, anyone=True, guarding=guarding)
        return True

    async def _choose(self, lead: str, difference: list[str]) -> EditStep:
        dialog = ChangedEditDialog(self.name, lead, difference)
        return await self.cockpit.show(dialog) or EditStep.KEEP


def _kept_copy(path: bytes, data: bytes) -> str:
    """Write a copy for the person alone, called as the file is, and return where."""
    folder = tempfile.mkdtemp(prefix="sshdash-edit-")
    name = re.sub(r"[^\w.+-]", "_", os.fsdecode(name_of(path)).encode(errors="replace").decode())
    copy = os.path.join(folder, name.lstrip("-")[-120:] or "file")
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
    return copy


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _difference(there: bytes, edited: bytes) -> list[str]:
    if is_binary(there) or is_binary(edited):
        return []
    if there.count(b"\n") + edited.count(b"\n") > _LINES:
        return ["too many lines to compare"]
    lines = shown(unified(there, edited, "file"))
    more = [f"… and {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
    return lines[:_SHOWN] + more


def _note_left(path: str) -> None:
    """Say in the log where an edit is that the end of the screen cut short."""
    log.warning("an edit was not saved; it is in %s", clean(path, 1000))


def _with_copy(error: SSHDashError, path: str) -> SSHDashError:
    """Return the error with where the edit is kept."""
    hint = f"your edit is kept in {path}"
    error.hint = f"{error.hint}; {hint}" if error.hint else hint
    if isinstance(error, Cancelled):  # told, though it was the person's own doing
        return SSHDashError(error.title, error.detail, error.hint)
    return error
