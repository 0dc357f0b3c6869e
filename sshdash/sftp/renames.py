"""Several renames at once: an order in which none is in another's way, and taking them back."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.names import part_name
from sshdash.sftp.tasks import each, undivided

Told = Callable[[int], None]
"""Hears how many are done."""
_PATIENCE = 60.0
"""Seconds that whoever cancels waits for renames under way."""
_WIDTH = 32
"""Paths that are looked at, or renamed, at the same time."""


class HalfRenamedError(FileError):
    """Some have their new names and could not be given the old ones back; the detail says which."""


@dataclass(frozen=True, slots=True)
class Rename:
    """One path that gets another name, or another folder of the same file system."""

    old: bytes
    new: bytes

    @property
    def back(self) -> "Rename":
        """What takes it back."""
        return Rename(self.new, self.old)


def renames_of(pairs: Iterable[tuple[bytes, bytes]], old: bytes, new: bytes) -> list[Rename]:
    """Return what gives names of the folder `old` others in the folder `new`; all that differ."""
    return [
        Rename(join(old, before), join(new, after))
        for before, after in pairs
        if (old, before) != (new, after)
    ]


def in_order(renames: Sequence[Rename]) -> list[list[Rename]]:
    """Return `renames` in waves, of which each is onto names that are free after those before it.

    Where names go round in a circle, one of them steps aside under a temporary name.
    """
    waiting = {one.old: one.new for one in renames if one.old != one.new}
    awaited: dict[bytes, list[bytes]] = {}
    for old, new in waiting.items():
        awaited.setdefault(new, []).append(old)
    rest = iter(tuple(waiting))
    free = [old for old, new in waiting.items() if new not in waiting]
    waves: list[list[Rename]] = []
    while waiting:
        if free:
            waves.append([Rename(old, waiting.pop(old)) for old in free])
        else:
            old = next(one for one in rest if one in waiting)
            aside = join(parent_of(old), part_name(name_of(old), secrets.token_hex(4)))
            waves.append([Rename(old, aside)])
            new = waiting[aside] = waiting.pop(old)
            awaited[new].append(aside)
        freed = [step.old for step in waves[-1]]
        free = [one for name in freed for one in awaited.get(name, ()) if one in waiting]
    return waves


async def rename_all(
    filesystem: Filesystem, renames: Sequence[Rename], told: Told = lambda _: None
) -> None:
    """Carry out all of `renames`, or none of them; `told` hears how many are done.

    Where one fails, those before it get their old names back. What cannot be taken back is
    told. A caller that is cancelled waits until it is one or the other.
    """
    waves = await asyncio.to_thread(in_order, renames)
    await undivided(_rename_all(filesystem, waves, told), _PATIENCE)


async def _rename_all(
    filesystem: Filesystem, waves: Sequence[Sequence[Rename]], told: Told
) -> None:
    done: list[Rename] = []
    failures: list[SSHDashError] = []

    async def rename(step: Rename) -> None:
        if failures:
            return
        try:
            await filesystem.rename(step.old, step.new)
        except SSHDashError as error:
            failures.append(error)  # what is under way beside it is waited for: it may be done
        else:
            done.append(step)
            told(len(done))

    for wave in waves:
        await each(wave, min(_WIDTH, len(wave)), rename)
        if failures:
            await _take_back(filesystem, done, failures[0])
            raise failures[0]


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
            raise HalfRenamedError(
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
    there = await _look(filesystem, [one.new for one in renames])
    return await asyncio.to_thread(_journalled, endpoint, renames, there)


def _journalled(
    endpoint: str, renames: Sequence[Rename], there: dict[bytes, Entry | None]
) -> Journalled:
    kept = [one for one in renames if there[one.new] is not None]
    left = [entry for one in kept if (entry := there[one.new]) is not None]
    return Journalled(endpoint, tuple(kept), tuple(left))


async def take_back(filesystem: Filesystem, done: Journalled, told: Told = lambda _: None) -> None:
    """Give everything its old name again; `told` hears how many have it.

    Raises FileError where something came in between.
    """
    news = dict.fromkeys(one.new for one in done.renames)
    olds = [one.old for one in done.renames if one.old not in news]
    there = await _look(filesystem, [*news, *olds])
    await asyncio.to_thread(_ensure_left, there, done, olds)
    back = await asyncio.to_thread(_backwards, done.renames)
    await rename_all(filesystem, back, told)


def _backwards(renames: Sequence[Rename]) -> list[Rename]:
    return [one.back for one in renames]


def _ensure_left(there: dict[bytes, Entry | None], done: Journalled, olds: Sequence[bytes]) -> None:
    """Raise FileError where anything is not as the renames left it."""
    for one, left in zip(done.renames, done.left, strict=True):
        now = there[one.new]
        if now is None:
            raise FileError("cannot undo", shown(one.new), "it is not there any more")
        if not _same(now, left):
            raise FileError("cannot undo", shown(one.new), "it has changed since")
    for path in olds:
        if there[path] is not None:
            raise FileError("cannot undo", shown(path), "something else has that name by now")


async def _look(filesystem: Filesystem, paths: Sequence[bytes]) -> dict[bytes, Entry | None]:
    """Return what there is under each path, None for nothing."""
    found: dict[bytes, Entry | None] = {}

    async def look(path: bytes) -> None:
        found[path] = await filesystem.exists(path)

    await each(paths, min(_WIDTH, len(paths)), look)
    return found


def _same(one: Entry, other: Entry) -> bool:
    if one.kind is Kind.DIRECTORY:  # what is in it may change, it is the same one still
        return other.kind is Kind.DIRECTORY
    return (one.kind, one.size, one.mtime_ns) == (other.kind, other.size, other.mtime_ns)
