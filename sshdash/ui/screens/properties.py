"""All that is known of one file or folder."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from sshdash.errors import SSHDashError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.trees import Census
from sshdash.ui.format import count_text, number_text, size_text
from sshdash.ui.screens.dialog import Dialog, choice, fact, text
from sshdash.untrusted import clean

Count = Callable[[Callable[[Census], None]], Awaitable[Census]]
"""Counts what is in a folder, and tells how far it is."""


class PropertiesDialog(Dialog[None]):
    """Shows them; `s` counts what a folder holds."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "count", "Count", show=False)]

    def __init__(self, entry: Entry, where: str, count: Count) -> None:
        super().__init__("Properties")
        self._entry = entry
        self._where = where
        self._count = count

    def body(self) -> Iterable[Widget]:
        """Return a line for each."""
        entry = self._entry
        yield text(clean(entry.name, 400), "properties-name")
        yield fact("in", self._where)
        yield fact("kind", kind_words(entry))
        if entry.kind is not Kind.DIRECTORY:
            yield fact("size", size_words(entry.size))
        yield fact("mode", mode_words(entry), "-warning" if entry.has_acl else "")
        yield fact("owner", owner_words(entry.owner, entry.uid))
        yield fact("group", owner_words(entry.group, entry.gid))
        yield fact("modified", time_words(entry.mtime_ns))
        if entry.links:
            yield fact("names", count_text(entry.links, "hard link"))
        if entry.kind is Kind.DIRECTORY:
            yield fact("holds", Content.styled("s counts it", "$muted"), "properties-sum")

    def buttons(self) -> Iterable[Button]:
        """Return what closes it, and for a folder what counts it."""
        yield choice("Close", "cancel")
        if self._entry.kind is Kind.DIRECTORY:
            yield choice("Count", "count")

    def on_choice(self, name: str) -> None:
        """Count."""
        self.action_count()

    def action_count(self) -> None:
        """Count what the folder holds; closing the dialog ends it."""
        if self._entry.kind is Kind.DIRECTORY:
            self.run_worker(self._sum(), exclusive=True)

    async def _sum(self) -> None:
        self._show("counting…")
        try:
            census = await self._count(lambda so_far: self._show(f"{_held(so_far)} …"))
        except SSHDashError as error:
            self._show(f"{error.title}: {error.detail}")
        else:
            self._show(_held(census) if census.complete else f"at least {_held(census)}")

    def _show(self, words: str) -> None:
        self.query_one(".properties-sum", Static).update(Content(words))


def _held(census: Census) -> str:
    parts = [
        count_text(max(census.folders - 1, 0), "folder"),
        count_text(census.files, "file"),
        size_words(census.size),
    ]
    return ", ".join(parts)


def kind_words(entry: Entry) -> str:
    """Return the kind, and where a link points."""
    if entry.kind is not Kind.SYMLINK or entry.target is None:
        return entry.kind.value
    leads = f" ({entry.target_kind.value})" if entry.target_kind else " (nothing there)"
    return f"symlink → {clean(entry.target, 400)}{leads}"


def size_words(size: int) -> str:
    """Return a size to the byte."""
    exact = "1 byte" if size == 1 else f"{number_text(size)} bytes"
    return f"{size_text(size)} ({exact})" if size >= 1000 else exact


def mode_words(entry: Entry) -> str:
    """Return the mode as ls and as chmod write it, and what an access list is about."""
    plus = "+" if entry.has_acl else ""
    words = f"{entry.permissions}{plus}  {entry.mode:04o}"
    return f"{words}  an access list says more (getfacl)" if entry.has_acl else words


def owner_words(name: str, number: int) -> str:
    """Return a name with its number."""
    if number < 0:
        return name or "not told"
    return f"{name} ({number})" if name and name != str(number) else str(number)


def time_words(mtime_ns: int) -> str:
    """Return a time to the second, and how far it is from UTC."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(mtime_ns // 10**9))
    except (ValueError, OverflowError, OSError):
        return "not a time"
