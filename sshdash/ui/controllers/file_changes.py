"""Makes folders and links, sets times, and shows what is known of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdash.errors import FileError, UsageError
from sshdash.sftp.entries import Kind, join, name_of
from sshdash.sftp.making import make_file, make_folders, relative_target, time_from
from sshdash.sftp.names import free_name
from sshdash.sftp.tasks import each
from sshdash.sftp.trees import Census, count_trees
from sshdash.ui.controllers import file_names as names
from sshdash.ui.screens.fields import Field, FieldsDialog
from sshdash.ui.screens.properties import PropertiesDialog
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.widgets import file_messages as ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from sshdash.sftp.filesystem import Filesystem
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings

_COUNTING = 600.0
"""Seconds that counting a folder may take; whoever asked can end it before."""
_WIDTH = 32
"""Files that are changed at the same time."""


class FileChanges:
    """What is asked for and done in one pane's folder."""

    def __init__(self, cockpit: Cockpit, listings: Listings) -> None:
        self.cockpit = cockpit
        self.listings = listings

    async def make_folder(self, request: ask.MakeFolder) -> None:
        """Make a folder, with those on the way to it."""
        pane = request.pane
        folder = pane.browser.path
        dialog = TextInputDialog(
            "New folder",
            f"In {names.place(pane.label, folder)}; a/b/c makes all three",
            action="Make",
            check=names.problem_of_path,
        )
        if answer := await self.cockpit.show(dialog):
            parts = [part for part in names.encode(answer).split(b"/") if part]
            filesystem = await self.listings.filesystem(pane)
            try:
                await make_folders(filesystem, folder, parts)
            finally:
                self.listings.changed(pane, folder, parts[0])

    async def make_link(self, request: ask.MakeLink) -> None:
        """Make a symbolic link here."""
        pane, folder = request.pane, request.folder
        entry = request.entries[0] if request.entries else None
        suggested = names.editable(entry.name) if entry else ""
        taken = {one.name for one in pane.browser.entries}
        name = names.editable(free_name(entry.name, taken)) if entry else ""
        dialog = FieldsDialog(
            "Symbolic link",
            f"In {names.place(pane.label, folder)}",
            [Field("points to", suggested, "a path, as seen from here"), Field("name", name)],
            action="Make",
            tick="relative, even where an absolute path is typed",
            check=lambda values: names.problem(values[1]) if values[0] else "Type a target",
        )
        if answer := await self.cockpit.show(dialog):
            (target, name), relative = answer
            pointed = names.encode(target)
            if relative:
                pointed = relative_target(pointed, folder)
            filesystem = await self.listings.filesystem(pane)
            made = names.encode(name)
            await filesystem.symlink(pointed, join(folder, made))
            self.listings.changed(pane, folder, made)
            if await _leads_nowhere(filesystem, join(folder, made)):
                detail = f"{names.short(made)} → {names.short(pointed)}"
                self.cockpit.tell("The link leads nowhere yet", detail, severity="warning")

    async def touch(self, request: ask.TouchFiles) -> None:
        """Set the time of entries, or make an empty file."""
        pane, folder, many = request.pane, request.folder, len(request.entries) > 1
        first = request.entries[0] if request.entries else None
        shown = names.count(request.entries) if many else ""
        value = shown or (names.editable(first.name) if first else "")
        dialog = FieldsDialog(
            "Touch",
            "A name that is not there becomes an empty file" if not many else "Sets their time",
            [
                Field("files" if many else "name", value, disabled=many),
                Field("time", "now", "2026-01-31 12:00, a date, a clock, or now"),
            ],
            action="Touch",
            check=lambda values: _touch_problem(values, many),
        )
        answer = await self.cockpit.show(dialog)
        if answer is None:
            return
        (name, moment), _ = answer
        mtime_ns = time_from(moment)
        filesystem = await self.listings.filesystem(pane)
        paths = [join(folder, entry.name) for entry in request.entries]
        if not many and (first is None or name != value):
            paths = [join(folder, names.encode(name))]

        async def touch(path: bytes) -> None:
            if await filesystem.exists(path) is None:
                await make_file(filesystem, path, mtime_ns)
            else:
                await filesystem.set_time(path, mtime_ns)

        try:
            await each(paths, min(_WIDTH, len(paths)), touch)
        finally:
            self.listings.changed(pane, folder, name_of(paths[0]))

    async def properties(self, request: ask.ShowProperties) -> None:
        """Show all that is known of one entry."""
        pane, listed = request.pane, request.entries[0]
        path = join(request.folder, listed.name)
        pane.wait("reading…")
        try:
            filesystem = await self.listings.filesystem(pane)
            entry = await filesystem.describe(path)
            if entry.kind is Kind.SYMLINK:
                entry = (await filesystem.resolve_links(request.folder, [entry]))[0]
        finally:
            pane.wait("")
        # SFTP version 3 tells these only in a listing, in the line that ls would print.
        entry = replace(
            entry,
            links=entry.links or listed.links,
            has_acl=entry.has_acl or listed.has_acl,
            owner=listed.owner if entry.owner == str(entry.uid) else entry.owner,
            group=listed.group if entry.group == str(entry.gid) else entry.group,
        )

        async def count(told: Callable[[Census], None]) -> Census:
            return await count_trees(filesystem, request.folder, [entry], _COUNTING, told=told)

        where = names.place(pane.label, request.folder)
        await self.cockpit.show(PropertiesDialog(entry, where, count))


async def _leads_nowhere(filesystem: Filesystem, path: bytes) -> bool:
    try:
        await filesystem.stat(path)
    except FileError:
        return True
    return False


def _touch_problem(values: tuple[str, ...], many: bool) -> str:
    name, moment = values
    if not many and (problem := names.problem(name)):
        return problem
    try:
        time_from(moment)
    except UsageError as error:
        return f"{error.title}: {error.hint}"
    return ""
