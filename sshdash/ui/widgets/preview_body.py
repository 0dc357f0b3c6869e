"""The content of a file as it is shown best, or its bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from sshdash.errors import SSHDashError
from sshdash.sftp.byte_search import Sought, find_bytes
from sshdash.sftp.preview import PreviewKind, Text, text_of
from sshdash.ui.format import count_text, size_text
from sshdash.ui.widgets.picture import PictureView, Pixels
from sshdash.ui.widgets.preview_rows import BLOCK, ContentRows, DumpRows, MemberRows, TextRows

_MATCHES = 50
"""Matches that are marked on one line."""

Language = tuple[str, Sequence[str]]
"""Its name, and the looks of each line as a `Syntax` has them."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What there is to show of a file. Its texts are cleaned."""

    title: str
    size: int
    """Bytes of the whole file."""
    kind: PreviewKind
    read: Callable[[int, int], Awaitable[bytes]]
    """Returns bytes from an offset. Raises SSHDashError."""
    shown: int = 0
    """Bytes of it that a text was made of."""
    text: Text | None = None
    syntax: Callable[[], Awaitable[Language | None]] | None = None
    draw: Callable[[int, int, tuple[int, int, int]], Awaitable[Pixels | None]] | None = None
    members: Sequence[tuple[str, int, str]] = ()
    words: str = ""
    """What else is to be said: the form of an archive, why a picture is not shown."""


class PreviewBody(Vertical):
    """Shows a preview; a person may search it, fold its lines, look at its bytes."""

    class Changed(Message):
        """What is said of the content is another."""

    def __init__(self) -> None:
        super().__init__()
        self._preview: Preview | None = None
        self._dumps = False
        self._wraps = False
        self._language = ""
        self._problem = ""
        self._tail: Text | None = None
        """The end of a text, where that is what is in sight of it."""

    @property
    def rows(self) -> ContentRows | None:
        """The lines, None for a picture or an empty file."""
        return next(iter(self.query(ContentRows)), None)

    @property
    def title(self) -> str:
        """The name of what is shown."""
        return self._preview.title if self._preview else ""

    @property
    def words(self) -> str:
        """What is said of the content, on one line."""
        preview = self._preview
        if preview is None:
            return ""
        if self._problem:
            return self._problem
        parts = [preview.words] if preview.words else []
        if self._dumps or preview.kind is PreviewKind.BINARY:
            parts.append("bytes")
        elif preview.text is not None:
            text = self._tail or preview.text
            parts += [count_text(len(text.lines), "line"), text.encoding]
            parts += [self._language] if self._language else []
            if self._is_cut(preview.text):
                which = "last" if self._tail else "first"
                parts.append(f"the {which} {size_text(preview.shown)}")
        elif preview.members:
            parts.append(count_text(len(preview.members), "member"))
        parts.append(size_text(preview.size))
        return ", ".join(parts)

    @property
    def keys(self) -> str:
        """The keys that do something with the content, in a few words."""
        rows = self.rows
        parts = ["/ search"] if rows is not None else []
        parts += ["w wrap"] if isinstance(rows, TextRows) else []
        parts += ["G end"] if rows is not None else []
        if self._preview is not None and self._preview.kind is not PreviewKind.BINARY:
            parts += ["x bytes"] if self._preview.size else []
        return "  ".join(parts)

    async def show(self, preview: Preview) -> None:
        """Show another file."""
        focused = self.has_focus_within
        self._preview, self._dumps, self._tail = preview, False, None
        self._language = self._problem = ""
        await self._fill(focused)
        if preview.syntax is not None:
            self.run_worker(self._colour(preview), group="colour", exclusive=True)

    async def clear(self, words: str) -> None:
        """Show nothing but why."""
        self._preview = None
        self.workers.cancel_node(self)
        await self.remove_children()
        await self.mount(Static(words, classes="viewer-empty", markup=False))
        self.post_message(self.Changed())

    async def toggle_dump(self) -> None:
        """Show the bytes, or no longer."""
        if self._preview is not None and self._preview.size:
            self._dumps = not self._dumps
            await self._fill(focus=True)
            if not self._dumps and self._preview.syntax is not None:
                self.run_worker(self._colour(self._preview), group="colour", exclusive=True)

    def toggle_wrap(self) -> None:
        """Fold long lines, or cut them off."""
        self._wraps = not self._wraps
        if isinstance(self.rows, TextRows):
            self.rows.wrap(self._wraps)

    async def find(self, pattern: re.Pattern[str], back: bool = False) -> bool:
        """Go to the next match; return whether there is one."""

        def matches(line: str) -> list[tuple[int, int]]:
            found: list[tuple[int, int]] = []
            for match in pattern.finditer(line):
                if match.end() > match.start() and len(found) < _MATCHES:
                    found.append(match.span())
            return found

        return self.rows is not None and await self.rows.find(matches, back)

    async def find_bytes(self, what: Sought, back: bool, told: Callable[[int], None]) -> int | None:
        """Go to the next match among the bytes; return its offset. Raises SSHDashError."""
        rows, preview = self.rows, self._preview
        if preview is None or not isinstance(rows, DumpRows):
            return None
        start = rows.place + (rows.is_on_match and not back)
        found = await find_bytes(preview.read, preview.size, what, start, back=back, told=told)
        if found is not None and rows is self.rows:
            rows.show_match(found, what.length)
        return found

    async def _fill(self, focus: bool) -> None:
        await self.remove_children()
        content = self._content()
        await self.mount(content)
        if isinstance(content, TextRows) and self._wraps:
            self.call_after_refresh(content.wrap, True)
        if focus and content.can_focus:
            content.focus()
        self.post_message(self.Changed())

    def _content(self) -> Widget:
        preview = self._preview
        assert preview is not None
        if preview.kind is PreviewKind.EMPTY:
            return Static("The file is empty", classes="viewer-empty", markup=False)
        if not self._dumps and preview.draw is not None:
            return PictureView(preview.draw)
        if not self._dumps and preview.members:
            return MemberRows(preview.members)
        if not self._dumps and preview.text is not None:
            if self._tail is not None:
                return TextRows(self._tail.lines, cut_above=True)
            return TextRows(preview.text.lines, cut_below=self._is_cut(preview.text))
        return DumpRows(preview.size)

    def _is_cut(self, text: Text) -> bool:
        return self._preview is not None and (
            self._preview.shown < self._preview.size or text.is_cut
        )

    @on(TextRows.OtherEnd)
    def _go_to_end(self, event: TextRows.OtherEnd) -> None:
        event.stop()
        if self._preview is not None:
            work = self._show_end(self._preview, event.end)
            self.run_worker(work, group="end", exclusive=True)

    async def _show_end(self, preview: Preview, end: bool) -> None:
        tail = None
        if end:
            try:
                data = await preview.read(max(preview.size - preview.shown, 0), preview.shown)
            except SSHDashError as error:
                self._fail(error)
                return
            whole_lines = data[data.find(b"\n") + 1 :] or data
            tail = await asyncio.to_thread(partial(text_of, whole_lines, last=True))
        if self._preview is preview:
            self._tail = tail
            await self._fill(focus=True)
            rows = self.rows
            if end and rows is not None:
                self.call_after_refresh(rows.action_last)
            elif preview.syntax is not None:
                self.run_worker(self._colour(preview), group="colour", exclusive=True)

    def _fail(self, error: SSHDashError) -> None:
        self._problem = f"{error.title}: {error.detail}" if error.detail else error.title
        self.post_message(self.Changed())

    async def _colour(self, preview: Preview) -> None:
        assert preview.syntax is not None
        language = await preview.syntax()
        if language is None or self._preview is not preview or self._tail is not None:
            return
        if isinstance(self.rows, TextRows):
            self._language = language[0]
            self.rows.colour(language[1])
            self.post_message(self.Changed())

    @on(DumpRows.Wanted)
    def _want(self, event: DumpRows.Wanted) -> None:
        event.stop()
        if self._preview is not None:
            self.run_worker(self._read(self._preview, event.rows, event.block), group="read")

    async def _read(self, preview: Preview, rows: DumpRows, block: int) -> None:
        try:
            data = await preview.read(block * BLOCK, BLOCK)
        except SSHDashError as error:
            self._fail(error)
        else:
            rows.put(block, data)
