"""What a file pane says: why there are no rows, what went wrong, how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from sshdash.errors import ConnectionLost, SSHDashError
from sshdash.sftp.browser import UP, Browser
from sshdash.ui.format import clip, count_text, number_text, size_text
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.sftp.filesystem import Space
    from sshdash.ui.outlook import Outlook


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the pane does not show what was asked for."""

    title: str
    detail: str
    hint: str
    lost: bool
    """Whether the connection is gone, so that Enter connects again."""

    @classmethod
    def of(cls, error: SSHDashError, connected: bool, folder: str = "") -> Problem:
        """Return the problem of an error, where a file system is still open or not.

        What is in the `folder` that is in sight goes by its name: a path is wider than a pane.
        """
        lost = isinstance(error, ConnectionLost) or not connected
        path = clean(getattr(error, "path", ""), 400)
        if folder:
            path = path.removeprefix(f"{folder.rstrip('/')}/")
        title = f"{path}: {error.title}" if path else error.title
        return cls(title, error.detail, error.hint, lost)

    def words(self, over_old: bool, outlook: Outlook | None = None) -> Content:
        """Return it on lines; `over_old` tells that an older listing is still in sight.

        `outlook` tells when a lost connection is expected back.
        """
        again = "ctrl+r lists again · Esc hides this" if over_old else "ctrl+r tries again"
        keys = "Enter connects again" if self.lost else again
        mark = "▲" if self.lost and over_old else "✖"
        if self.lost and outlook is not None:
            keys = f"{outlook.words} · Enter tries now"
            mark = mark if outlook.hopeless else "◌"
        more = [line for line in (self.detail, self.hint, keys) if line]
        title = Content.styled(f"{mark} {self.title}", "bold")
        return Content("\n").join([title, *(Content.styled(line, "$muted") for line in more)])


def empty_text(browser: Browser) -> str:
    """Return why a folder that was listed shows no rows, empty where it shows some."""
    if any(entry is not UP for entry in browser.rows):
        return ""
    if browser.view.text:
        return f"No name here matches {clean(browser.view.text)}\nEsc clears the filter"
    if browser.hidden_count:
        hidden = count_text(browser.hidden_count, "hidden entry", "hidden entries")
        return f"{hidden} and nothing else\n. shows hidden files"
    return "This folder is empty"


def counts_text(browser: Browser) -> str:
    """Return what is shown, in numbers."""
    up = browser.path != b"/"
    shown = len(browser.rows) - up
    if browser.view.text:
        return f"{number_text(shown)} of {number_text(shown + browser.hidden_count)} shown"
    folders = browser.shown_folders
    words = [count_text(folders, "folder")] if folders else []
    if shown > folders or not folders:
        words.append(count_text(shown - folders, "file"))
    if size := browser.shown_bytes:
        words.append(size_text(size))
    return ", ".join(words)


def typed_text(typed: str) -> str:
    """Return what is typed ahead, with where more of it goes."""
    return f"' {clean(typed, 200)}▏"


def marked_text(count: int, size: int | None) -> str:
    """Return how many entries are marked, and how much that is where it is known."""
    words = f"✓ {number_text(count)} marked"
    return f"{words}, {size_text(size)}" if size else words


def foot_text(left: str, space: Space | None, width: int) -> str:
    """Return counts on the left, the free space on the right where it fits.

    The sum of the sizes gives way to it: what more there is room for matters most.
    """
    right = f"{size_text(space.free)} free" if space else ""
    for said in (left, left.rpartition(", ")[0]) if right else ():
        gap = width - cell_len(said) - len(right)
        if said and gap >= 2:
            return said + " " * gap + right
    return clip(left, width)
