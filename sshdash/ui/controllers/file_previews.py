"""Looks into files: in a screen of their own, or beside the pane, following its cursor."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.peek import Peek
from sshdash.sftp.preview import HEAD, ZIP_TAIL, PreviewKind, is_zip, kind_of, text_of
from sshdash.ui.format import size_text
from sshdash.ui.screens.viewer import ViewerScreen
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.preview_body import Language, Preview
from sshdash.ui.workbench import Contents, Draw, Look, Open, Outcome, Picture, Syntax, Task

if TYPE_CHECKING:
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.widgets.file_pane import FilePane
    from sshdash.ui.widgets.picture import Pixels

PICTURE_LIMIT = 8 * 1024 * 1024
"""Bytes of a picture that are read to show it."""
_LOOK_LIMIT = 256 * 1024
"""Characters of a text whose syntax is shown."""


class FilePreviews:
    """Every look is at a file of its own channel, closed with the look."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend

    def follow(self, request: ask.PreviewFile) -> None:
        """Show beside a pane what its cursor is on now, in place of what it was on."""
        self.cockpit.start(self._follow(request), following(request.pane), aside=True)

    def cease(self, pane: FilePane) -> None:
        """Look at nothing beside a pane."""
        self.cockpit.screen.workers.cancel_group(self.cockpit.screen, following(pane))

    async def view(self, request: ask.ViewFile) -> None:
        """Show a file until the person goes back."""
        pane = request.pane
        pane.wait("reading…")
        peek = None
        try:
            peek = await self._peek(request, request.entries[0])
            preview = await make_preview(peek, request.entries[0])
        except BaseException:
            if peek is not None:
                await peek.close()
            raise
        finally:
            pane.wait("")
        try:
            await self.cockpit.show(ViewerScreen(preview))
        finally:
            await peek.close()

    async def _follow(self, request: ask.PreviewFile) -> None:
        beside, entry = request.beside, request.entries[0] if request.entries else None
        if entry is None:
            await beside.say("", "Nothing under the cursor")
            return
        if request.pane.filesystem is None:
            # Looking around must not connect, or ask for a password.
            await beside.say(entry.label, "Not connected")
            return
        if entry.kind not in (Kind.FILE, Kind.SYMLINK) or entry.leads_to_directory:
            kind = "folder" if entry.leads_to_directory else entry.kind.value
            await beside.say(entry.label, f"A {kind}")
            return
        peek = None
        try:
            peek = await self._peek(request, entry)
            await beside.show(await make_preview(peek, entry))
            await asyncio.Event().wait()  # until something else takes the place of this
        except SSHDashError as error:
            await beside.say(entry.label, f"{error.title}: {error.detail}")
        finally:
            if peek is not None:
                await peek.close()

    async def _peek(self, request: ask.FilesAction, entry: Entry) -> Peek:
        filesystem = await self.backend.filesystem(request.pane.endpoint)
        return await Peek.open(filesystem, join(request.folder, entry.name))


async def make_preview(peek: Peek, entry: Entry) -> Preview:
    """Return what there is to show of a file. Raises SSHDashError."""
    head = await peek.read(0, HEAD)
    size = max(peek.entry.size, len(head))
    kind = kind_of(head)
    plain = Preview(entry.label, size, kind, peek.read)
    if kind is PreviewKind.TEXT:
        text = await asyncio.to_thread(partial(text_of, head, whole=len(head) >= size))
        seen = sum(map(len, text.lines))
        look = Look(entry.label, list(text.lines)) if seen <= _LOOK_LIMIT else None

        async def syntax() -> Language | None:
            found = await _outcome(look) if look is not None else None
            return (found.language, found.lines) if isinstance(found, Syntax) else None

        return replace(plain, text=text, shown=len(head), syntax=syntax)
    if kind is PreviewKind.IMAGE:
        return await _picture(plain, head, peek)
    if kind is PreviewKind.ARCHIVE:
        return await _archive(plain, head, peek)
    return plain


async def _picture(plain: Preview, head: bytes, peek: Peek) -> Preview:
    if plain.size > PICTURE_LIMIT:
        words = f"a picture of more than {size_text(PICTURE_LIMIT)}"
        return replace(plain, kind=PreviewKind.BINARY, words=words)
    data = head
    if len(head) < plain.size:
        data += await peek.read(len(head), plain.size - len(head))
    probe = await _outcome(Draw(data, 8, 8, (0, 0, 0)))
    if not isinstance(probe, Picture):
        return replace(plain, kind=PreviewKind.BINARY, words=getattr(probe, "reason", ""))

    async def draw(width: int, height: int, ground: tuple[int, int, int]) -> Pixels | None:
        drawn = await _outcome(Draw(data, width, height, ground))
        return (drawn.width, drawn.height, drawn.pixels) if isinstance(drawn, Picture) else None

    return replace(plain, draw=draw, words=probe.words)


async def _archive(plain: Preview, head: bytes, peek: Peek) -> Preview:
    zipped = is_zip(head)
    data = head
    if zipped:
        start = max(plain.size - ZIP_TAIL, 0)
        data = await peek.read(start, plain.size - start)
    found = await _outcome(Open(data, plain.size, zipped))
    if not isinstance(found, Contents):
        return replace(plain, kind=PreviewKind.BINARY, words=getattr(found, "reason", ""))
    words = f"{found.form}, {found.note}" if found.note else found.form
    if not found.members:
        words = f"{found.form}, nothing in it"
    return replace(plain, members=found.members, words=words)


async def _outcome(task: Task) -> Outcome:
    from sshdash.ui.workshop import outcome_of

    return await outcome_of(task)


def following(pane: FilePane) -> str:
    """Return the group of the looks beside a pane, of which only the newest runs."""
    return f"follow {id(pane)}"
