"""Carries out what ``sshdash cp`` and ``mv`` were told, once a host answers.

All that only a copy needs is imported with this module, which takes about as long as to log in:
`sshdash.cli.cp` does both at once.
"""

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from sshdash.backend import Backend
from sshdash.cli import copy_resume
from sshdash.cli.context import CONNECTION_FAILED
from sshdash.cli.copy_report import (
    JsonLines,
    Line,
    Quiet,
    Report,
    is_all_there,
    tell_failures,
)
from sshdash.cli.cp import CHOICES
from sshdash.cli.moving_line import LINE
from sshdash.cli.opened import Opened
from sshdash.cli.operands import Operand
from sshdash.errors import FileError, UsageError
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import MissingError, shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, Endpoint, TransferSnapshot
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.scp_host import ScpHost
from sshdash.sftp.scp_runner import CopyEnd
from sshdash.sftp.spelling import matching

_FRAME = 0.2
"""Seconds between two looks at the progress."""
_LINKS = 40
"""How many may lead to one another, as on Linux."""


async def copy(
    backend: Backend,
    arguments: argparse.Namespace,
    sources: list[Operand],
    target: Operand,
    limit: int,
    opened: Opened[CopyEnd],
) -> int:
    """Copy and return the exit status; `limit` is in bytes per second, 0 for none."""
    requests = await _requests(opened, arguments, sources, target)
    if arguments.resume and not copy_resume.is_left(requests):
        begun = await _requests(opened, arguments, sources, target, made=True)
        requests = begun if copy_resume.is_left(begun) else requests
    report = _report(arguments)
    journal = copy_resume.journal_of(requests, backend.events)
    queue = TransferQueue(opened.take, backend.prompter, backend.events, journal=journal)
    queue.limit(limit)
    cut_short = True
    try:
        backend.events.subscribe(report.changed)
        jobs = await copy_resume.begin(queue, requests, arguments.resume)
        status = await _copy(queue, jobs, report)
        cut_short = False
        return status
    finally:
        await queue.close(lambda job: _is_kept(job, cut_short))
        LINE.clear()
        copy_resume.tell_how_to_go_on(queue.snapshots())


def _is_kept(job: TransferSnapshot, cut_short: bool) -> bool:
    """Return whether a job can be gone on with; what failed in one that is `cut_short` is told."""
    if cut_short and job.errors_total:
        LINE.clear()
        tell_failures(job)
    return copy_resume.is_resumable(job)


async def _copy(queue: TransferQueue, jobs: list[str], report: Report) -> int:
    started = time.monotonic()
    waiting = {asyncio.ensure_future(queue.wait(job)) for job in jobs}
    try:
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=_FRAME)
            report.progress(queue.snapshots())
    finally:
        for task in waiting:
            task.cancel()
    snapshots = queue.snapshots()
    report.finish(snapshots, time.monotonic() - started)
    if any(snapshot.cut_off for snapshot in snapshots):
        return CONNECTION_FAILED
    return 0 if is_all_there(snapshots) else 1


def _report(arguments: argparse.Namespace) -> Report:
    if arguments.json:
        return JsonLines()
    return Line() if sys.stderr.isatty() and not arguments.quiet else Quiet()


class _Target(Struct, frozen=True):
    folder: bytes
    name: bytes | None
    """The name to copy a single source under, None into the folder."""
    is_folder: bool = False
    """Whether what gets that name must be a directory."""


class _Source(Struct, frozen=True):
    endpoint: Endpoint
    path: bytes
    inside: bool = False
    """Whether what is in the directory was named, rather than itself."""
    follow: bool = True
    like: bytes | None = None
    """The directory that it was found in, where all of that was named."""


async def _requests(
    opened: Opened[CopyEnd],
    arguments: argparse.Namespace,
    sources: list[Operand],
    target: Operand,
    made: bool = False,
) -> list[CopyRequest]:
    """Return one request per run of sources that are alike; of `made` see `resolve_target`."""
    named: list[_Source] = []
    for source in sources:
        end = await opened.look(source.endpoint)
        found = await resolve_source(end, source)
        if arguments.move and any(one.inside for one in found):
            hint = "name the folder, or what is in it"
            raise UsageError("Only what has a name can be moved", str(source), hint)
        named += [await _to_move(end, one) for one in found] if arguments.move else found
    end = await opened.look(target.endpoint)
    trees = arguments.recursive or arguments.move
    place = await resolve_target(end, target, len(named) > 1, arguments.move, trees, made)
    if place.is_folder:
        named = [await _folder(await opened.look(named[0].endpoint), named[0], target)]
    found = []
    for one in named:
        if one.inside and arguments.recursive and place.name is None:
            end = await opened.look(one.endpoint)
            found += [one] if isinstance(end, ScpHost) else await _inside(end, one)
        else:
            found.append(one)
    runs = groupby(found, key=lambda one: (one.endpoint, one.follow))
    return [
        CopyRequest(
            endpoint,
            tuple(one.path for one in group if one.path != one.like),
            target.endpoint,
            place.folder,
            recursive=arguments.recursive,
            preserve=arguments.preserve,
            folder_modes=arguments.preserve,
            like=group[-1].like if arguments.preserve else None,
            conflict=CHOICES[arguments.on_conflict],
            follow=follow and not arguments.move,
            move=arguments.move,
            owner=arguments.owner,
            xattrs=arguments.xattrs,
            verify=arguments.checksum,
            in_place=arguments.inplace,
            target_name=place.name,
        )
        for endpoint, follow, group in ((*key, list(run)) for key, run in runs)
    ]


async def resolve_target(
    end: CopyEnd,
    target: Operand,
    many: bool,
    move: bool = False,
    trees: bool = False,
    made: bool = False,
) -> _Target:
    """Return where to copy to, as scp takes it, or where to `move`. Raises FileError, UsageError.

    Where `trees` are copied, a slash may be behind the name that one gets. A folder that is there
    may be `made` by a run before, as what one tree was to be called.
    """
    path = await end.expand(target.path or b".")
    if isinstance(end, ScpHost) and not end.has_shell:
        # Nobody can tell what is there, but a slash says that it is a directory.
        into = many or target.path[-1:] in (b"", b"/", b".")
        return _Target(path, None) if into else _Target(parent_of(path), name_of(path))
    found = await _stat(end, path)
    slash = target.path.endswith(b"/")
    if found is not None and found.kind is Kind.DIRECTORY:
        if made and trees and not many and name_of(path):
            return _Target(parent_of(path), name_of(path), slash)
        return _Target(path, None)
    if many or (slash and (found or not trees or await end.exists(path))):
        raise _no_folder(target, found)
    if not move:
        path = await _written_through(end, path, found)
    return _Target(parent_of(path), name_of(path), is_folder=slash)


async def _written_through(end: CopyEnd, path: bytes, found: Entry | None) -> bytes:
    """Return where a link leads that the person named: scp and cp write through it."""
    if found is not None:
        return await end.realpath(path)
    if isinstance(end, ScpHost):
        return path
    for _ in range(_LINKS):  # to where nothing is yet, which scp makes
        link = await end.exists(path)
        if link is None or link.kind is not Kind.SYMLINK:
            return path
        leads = await end.readlink(path)
        path = await end.expand(leads if leads[:1] == b"/" else join(parent_of(path), leads))
    raise FileError("too many links", shown(path), host="" if end.is_local else end.label)


async def _folder(end: CopyEnd, source: _Source, target: Operand) -> _Source:
    """Return a source that gets a directory's name. Raises UsageError where it is none.

    What cannot be looked at is told by the copy.
    """
    if isinstance(end, ScpHost) and not end.has_shell:
        # With its slash, a name must be a directory's.
        return replace(source, path=source.path.rstrip(b"/") + b"/")
    with suppress(FileError):
        if (await end.stat(source.path)).kind is not Kind.DIRECTORY:
            raise _no_folder(target, None)
    return source


def _no_folder(target: Operand, found: Entry | None) -> UsageError:
    problem = "not a directory" if found else "no such directory"
    return UsageError("The target must be a directory", f"{target}: {problem}")


async def resolve_source(end: CopyEnd, source: Operand) -> list[_Source]:
    """Return what a word names: several on a host where it is a pattern."""
    path = await end.expand(source.path or b".")
    inside = source.path.rstrip(b"/").rpartition(b"/")[2] in (b"", b".", b"..")
    # The shell here has expanded what is local; nobody has for a host.
    paths: list[bytes] = []
    if not (end.is_local or isinstance(end, ScpHost)):
        paths = await matching(end, path, source.path.endswith(b"/"))
    # With its slash, a name must be a directory's.
    slash = b"/" if source.path.endswith(b"/") and name_of(path) else b""
    return [_Source(source.endpoint, one + slash, inside) for one in paths or [path]]


async def _to_move(end: CopyEnd, source: _Source) -> _Source:
    """Return a directory without the slash behind its name: it is the directory that moves.

    Raises UsageError for a link with a slash, which would be what it leads to.
    """
    if not source.path.endswith(b"/") or isinstance(end, ScpHost):
        return source
    path = source.path.rstrip(b"/")
    found = await end.exists(path)
    if found is not None and found.kind is Kind.SYMLINK:
        hint = "leave the slash away to move the link, or name the folder"
        raise UsageError("A link with a slash cannot be moved", shown(source.path), hint)
    is_folder = found is not None and found.kind is Kind.DIRECTORY
    return replace(source, path=path) if is_folder else source


async def _inside(filesystem: Filesystem, source: _Source) -> list[_Source]:
    """Return everything in a directory, its links as they are, and then the directory itself."""
    entries = await filesystem.listdir(source.path)
    paths = [*(join(source.path, entry.name) for entry in entries), source.path]
    return [_Source(source.endpoint, path, follow=False, like=source.path) for path in paths]


async def _stat(end: CopyEnd, path: bytes) -> Entry | None:
    """Return what is at the target, None where nothing is."""
    try:
        return await end.stat(path)
    except MissingError:
        return None  # nothing, or a link that leads nowhere
