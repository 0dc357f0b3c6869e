"""Names, paths and counts as the dialogs about files ask for them and say them."""

from collections.abc import Sequence

from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.entries import NAME_MAX, Entry, Kind, is_plain_name, join, normalize
from sshdash.sftp.trees import Census
from sshdash.sftp.turns import Turns
from sshdash.ui.format import count_text, number_text, size_text
from sshdash.ui.widgets.file_row_text import shorten, shorten_middle
from sshdash.untrusted import clean

_TITLE = 40
"""Cells of a name in the title of a dialog."""
_AT_ONCE = 1_000
"""Entries whose paths are made without a pause."""
_LINE = 66
"""Cells of a name on a line of a dialog."""


def encode(text: str) -> bytes:
    """Return what a person typed as bytes of a name or a path."""
    return text.encode("utf-8", "surrogateescape")


def text(path: bytes) -> str:
    """Return a path as the argument of a command line."""
    return path.decode("utf-8", "surrogateescape")


def editable(name: bytes) -> str:
    """Return a name or a path as a field can show it; the cleaned form where it is not text."""
    return clean(name, 4096)


def problem(text: str) -> str:
    """Return what is wrong with a new name, an empty string for nothing."""
    name = encode(text)
    if not text.strip():
        return "Type a name"
    if not is_plain_name(name):
        return "A name cannot hold / and cannot be . or .."
    if len(name) > NAME_MAX:
        return f"A name has at most {NAME_MAX} bytes; this one has {len(name)}"
    return ""


def problem_of_path(text: str) -> str:
    """Return what is wrong with the names of new folders, one in the other."""
    if text.startswith("/"):
        return "The path begins in this folder: without a slash before it"
    parts = text.rstrip("/").split("/")
    return next((said for part in parts if (said := problem(part))), "")


def path_from(text: str, folder: bytes, home: bytes) -> bytes:
    """Return the absolute path that was typed: ``~`` is home, others begin at `folder`."""
    path = encode(text.strip())
    if path == b"~" or path.startswith(b"~/"):
        return normalize(join(home, path[2:]))
    return normalize(path if path.startswith(b"/") else join(folder, path))


async def paths(folder: bytes, entries: Sequence[Entry]) -> tuple[bytes, ...]:
    """Return the paths of entries of a folder, of very many in turns with everybody else."""
    start, found, turns = join(folder, b""), list[bytes](), Turns()
    for at in range(0, len(entries), _AT_ONCE):
        await turns.take()
        found += [start + entry.name for entry in entries[at : at + _AT_ONCE]]
    return tuple(found)


def short(path: bytes) -> str:
    """Return a name or a path as a sentence can hold it."""
    return shorten_middle(clean(path, 4096), _TITLE)


def count(entries: Sequence[Entry]) -> str:
    """Return how many entries these are, or the name of the only one."""
    if len(entries) == 1:
        return shorten(entries[0].label, _TITLE)
    return count_text(len(entries), "item")


def listing(entries: Sequence[Entry], limit: int) -> str:
    """Return the first names, one on a line."""
    shown = entries if len(entries) <= limit else entries[: limit - 1]
    lines = [
        shorten(entry.label, _LINE) + ("/" if entry.kind is Kind.DIRECTORY else "")
        for entry in shown
    ]
    if more := len(entries) - len(shown):
        lines.append(f"… and {number_text(more)} more")
    return "\n".join(lines)


def place(label: str, folder: bytes) -> str:
    """Return a folder with whose it is, ``web:/srv``, on two lines of a dialog at most."""
    return shorten_middle(f"{label}:{clean(folder, 4096)}", 2 * _LINE)


def _sum(census: Census) -> str:
    parts = [count_text(census.folders, "folder")] if census.folders else []
    parts.append(count_text(census.files, "file"))
    words = f"{' and '.join(parts)}, {size_text(census.size)}"
    return words if census.complete else f"At least {words}"


def delete_question(
    entries: Sequence[Entry], census: Census, where: str, *, to_trash: bool = False
) -> ConfirmQuestion:
    """Return the question before a deletion, with everything that would go."""
    lines = [listing(entries, 8), "", f"in {where}", ""]
    many = f"{_sum(census)} in all. " if census.folders or len(entries) > 1 else ""
    if to_trash:
        lines.append(f"{many}It can be taken out of the trash again.")
        title = f"Move {count(entries)} to the trash?"
        return ConfirmQuestion(title, "\n".join(lines), action="Move to trash")
    lines.append(f"{many}It cannot be undone.")
    title = f"Delete {count(entries)}?"
    return ConfirmQuestion(title, "\n".join(lines), action="Delete", danger=True)


def change_question(
    entries: Sequence[Entry], census: Census, where: str, what: str
) -> ConfirmQuestion:
    """Return the question before all below some entries is changed, with how much that is."""
    lines = [listing(entries, 8), "", f"in {where}", ""]
    lines.append(f"{_sum(census)} in all. Symbolic links stay as they are. It cannot be undone.")
    title = f"Change {what} of {count(entries)} and all below?"
    return ConfirmQuestion(title, "\n".join(lines), action="Change", danger=True)


def trash_question(refused: Sequence[bytes], reason: str) -> ConfirmQuestion:
    """Return the question about what the trash of this machine does not take."""
    listed = "\n".join(clean(path, 60) for path in refused[:8])
    return ConfirmQuestion(
        "The trash cannot take this. Delete it for good?",
        f"{listed}\n\n{reason}\n\nIt cannot be undone.",
        action="Delete for good",
        danger=True,
    )
