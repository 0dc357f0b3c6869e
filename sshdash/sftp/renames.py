"""Several renames at once: an order in which none is in another's way, and taking them back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.names import part_name
from sshdash.sftp.tasks import undivided

_PATIENCE = 60.0
"""Seconds that whoever cancels waits for renames under way."""


@dataclass(frozen=True, slots=True)
class Rename:
    """One path that gets another name, or another folder of the same file system."""

    old: bytes
    new: bytes

    @property
    def back(self) -> "Rename":
        """What takes it back."""
        return Rename(self.new, self.old)


def in_order(renames: Sequence[Rename]) -> list[Rename]:
    """Return the steps of `renames`, each onto a name that is free by then.

    Where names go round in a circle, one of them steps aside under a temporary name.
    """
    waiting = {one.old: one.new for one in renames if one.old != one.new}
    steps: list[Rename] = []
    while waiting:
        free = [old for old, new in waiting.items() if new not in waiting]
        steps += [Rename(old, waiting.pop(old)) for old in free]
        if not free:
            old, new = next(iter(waiting.items()))
            aside = join(parent_of(old), part_name(name_of(old), secrets.token_hex(4)))
            steps.append(Rename(old, aside))
            del waiting[old]
            waiting[aside] = new
    return steps


async def rename_all(filesystem: Filesystem, renames: Sequence[Rename]) -> None:
    """Carry out all of `renames`, or none of them.

    Where one fails, those before it get their old names back. What cannot be taken back is
    told. A caller that is cancelled waits until it is one or the other.
    """
    await undivided(_rename_all(filesystem, in_order(renames)), _PATIENCE)


async def _rename_all(filesystem: Filesystem, steps: Sequence[Rename]) -> None:
    done: list[Rename] = []
    try:
        for step in steps:
            await filesystem.rename(step.old, step.new)
            done.append(step)
    except SSHDashError as error:
        await _take_back(filesystem, done, error)
        raise


async def _take_back(filesystem: Filesystem, done: list[Rename], error: SSHDashError) -> None:
    """Undo what is done; where that fails too, raise what tells which names are left."""
    if isinstance(error, ConnectionLost) and done:
        raise ConnectionLost(error.title, _said(done), error.hint, error.host) from error
    while done:
        step = done.pop()
        try:
            await filesystem.rename(step.new, step.old)
        except SSHDashError:
            done.append(step)
            raise FileError(
                error.title, getattr(error, "path", ""), f"{error.detail}; {_said(done)}"
            ) from error


def _said(done: Sequence[Rename]) -> str:
    words = [f"{shown(name_of(one.old))} is now {shown(name_of(one.new))}" for one in done[:8]]
    more = f", and {len(done) - 8} more" if len(done) > 8 else ""
    return ", ".join(words) + more


@dataclass(frozen=True, slots=True)
class Journalled:
    """Renames that were carried out, with what they left."""

    endpoint: str
    renames: tuple[Rename, ...]
    left: tuple[Entry, ...]
    """What was at each new path right afterwards."""


async def describe(filesystem: Filesystem, endpoint: str, renames: Sequence[Rename]) -> Journalled:
    """Return what is needed to take `renames` back, which have just been carried out."""
    left = [await filesystem.lstat(one.new) for one in renames]
    return Journalled(endpoint, tuple(renames), tuple(left))


async def take_back(filesystem: Filesystem, done: Journalled) -> None:
    """Give everything its old name again. Raises FileError where something came in between."""
    olds = {one.old for one in done.renames}
    news = {one.new for one in done.renames}
    for one, left in zip(done.renames, done.left, strict=True):
        there = await filesystem.exists(one.new)
        if there is None:
            raise FileError("cannot undo", shown(one.new), "it is not there any more")
        if not _same(there, left):
            raise FileError("cannot undo", shown(one.new), "it has changed since")
    for path in olds - news:
        if await filesystem.exists(path) is not None:
            raise FileError("cannot undo", shown(path), "something else has that name by now")
    await rename_all(filesystem, [one.back for one in done.renames])


def _same(one: Entry, other: Entry) -> bool:
    if one.kind is Kind.DIRECTORY:  # what is in it may change, it is the same one still
        return other.kind is Kind.DIRECTORY
    return (one.kind, one.size, one.mtime_ns) == (other.kind, other.size, other.mtime_ns)
