"""``sshdash cp``: copy files between here and hosts, or between hosts, as scp does.

Existing files are overwritten, as scp does, unless ``--on-conflict`` says otherwise; each is
whole, old or new, at every moment. The exit status is 0 only where everything is there.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from itertools import groupby

from sshdash.cli import copy_resume
from sshdash.cli.context import CONNECTION_FAILED, open_backend, tell_ignored
from sshdash.cli.copy_report import JsonLines, Line, Quiet, Report, is_all_there
from sshdash.cli.endings import TERMINATED, cancelled_by_signals
from sshdash.cli.named_files import OpenedFiles
from sshdash.cli.operands import Operand, parse_operands
from sshdash.cli.ssh_options import add_ssh_options, add_user_options
from sshdash.errors import UsageError
from sshdash.prompts import CONFLICT_POLICIES, ConflictChoice
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, Endpoint
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.scp_host import ScpHost
from sshdash.sftp.scp_runner import CopyEnd
from sshdash.sftp.spelling import matching
from sshdash.sftp.throttle import Pace, Throttle, parse_scp_limit

_FRAME = 0.2
"""Seconds between two looks at the progress."""
CHOICES = {**CONFLICT_POLICIES, "keep-both": ConflictChoice.RENAME}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "cp",
        usage="%(prog)s [options] SRC… DST",
        help="copy files between here and hosts, or between hosts",
        description="Copy files. A remote end is [user@]host:path or scp://[user@]host[:port]/path;"
        " relative remote paths begin in the home folder. A local name with a colon is ./a:b."
        " - is standard input or output: one file goes in or out.",
        epilog="Exits with 0 only where everything is there, 1 where something is not, 2 where the "
        "words are wrong, 255 where there is no connection or none any more, 130 when interrupted, "
        "141 where whoever read standard output is gone, 143 when terminated; what had arrived is "
        "kept then, for --resume.",
    )
    parser.add_argument("-r", dest="recursive", action="store_true", help="copy directories too")
    parser.add_argument(
        "-p", dest="preserve", action="store_true", help="keep times and permissions"
    )
    add_ssh_options(parser, ("-P", "-i", "-J"))
    add_copy_options(parser)
    parser.add_argument(
        "--direct",
        action="store_true",
        help="from one host straight to another: the first runs scp, and is lent your agent for it",
    )
    parser.set_defaults(run=run, move=False)


def add_copy_options(parser: argparse.ArgumentParser) -> None:
    """Add what copying and moving have in common."""
    add_user_options(parser)
    parser.add_argument(
        "--on-conflict",
        choices=tuple(CHOICES),
        default="overwrite",
        help="what to do with files that exist (default: overwrite)",
    )
    parser.add_argument(
        "--owner", action="store_true", help="keep user and group, by number, where that is allowed"
    )
    parser.add_argument(
        "--xattrs",
        action="store_true",
        help="keep extended attributes and ACLs, where both ends are here",
    )
    parser.add_argument(
        "--checksum",
        action="store_true",
        help="compare the SHA-256 of both ends before a file gets its name",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with what the same command left when it was interrupted",
    )
    parser.add_argument(
        "-l",
        dest="limit",
        metavar="LIMIT",
        help="go no faster: Kbit/s as in scp, or with a unit: 500kB/s, 2.5MB/s, 20Mbit/s",
    )
    parser.add_argument("--json", action="store_true", help="tell the progress as JSON lines")
    parser.add_argument("-q", dest="quiet", action="store_true", help="show no progress")
    parser.add_argument("operands", metavar="SRC… DST", nargs="+", help="what, and where to")


def run(arguments: argparse.Namespace) -> int:
    """Copy and return the exit status."""
    if len(arguments.operands) < 2:
        raise UsageError(
            "No target",
            "there must be at least one source and a target",
            "to copy into this folder: sshdash cp host:path .",
        )
    limit = 0 if arguments.limit is None else parse_scp_limit(arguments.limit)
    operands = parse_operands(arguments.operands, arguments.user)
    if arguments.xattrs and any(end.endpoint or end.is_stream for end in operands):
        raise UsageError("--xattrs is for files here", "SFTP carries no extended attributes")
    main = _main
    if arguments.direct:
        from sshdash.cli import cp_direct

        cp_direct.check(arguments, operands[:-1], operands[-1])
        main = cp_direct.copy_directly
    try:
        return asyncio.run(main(arguments, operands[:-1], operands[-1], limit))
    except asyncio.CancelledError:
        return TERMINATED


async def _main(
    arguments: argparse.Namespace, sources: list[Operand], target: Operand, limit: int
) -> int:
    with cancelled_by_signals():
        async with open_backend(arguments) as backend:
            for host in dict.fromkeys(end.host for end in (*sources, target) if end.host):
                tell_ignored(backend.resolve(host))
            if any(end.is_stream for end in (*sources, target)) and not arguments.move:
                from sshdash.cli.cp_streams import copy_stream

                pace = Pace(Throttle(limit))
                return await copy_stream(backend, arguments, sources, target, pace)
            opened = OpenedFiles(backend.copy_end)
            try:
                requests = await _requests(opened, arguments, sources, target)
                report = _report(arguments)
                journal = copy_resume.journal_of(requests, backend.events)
                queue = TransferQueue(
                    opened.take, backend.prompter, backend.events, journal=journal
                )
                queue.limit(limit)
                try:
                    backend.events.subscribe(report.changed)
                    jobs = await copy_resume.begin(queue, requests, arguments.resume)
                    return await _copy(queue, jobs, report)
                finally:
                    await queue.close(copy_resume.is_resumable)
                    copy_resume.tell_how_to_go_on(queue.snapshots())
            finally:
                await opened.close()


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


@dataclass(frozen=True, slots=True)
class _Target:
    folder: bytes
    name: bytes | None
    """The name to copy a single source under, None into the folder."""


@dataclass(frozen=True, slots=True)
class _Source:
    endpoint: Endpoint
    path: bytes
    inside: bool = False
    """Whether what is in the directory was named, rather than itself."""
    follow: bool = True


async def _requests(
    opened: OpenedFiles[CopyEnd],
    arguments: argparse.Namespace,
    sources: list[Operand],
    target: Operand,
) -> list[CopyRequest]:
    """Return one request per run of sources that are alike."""
    named: list[_Source] = []
    for source in sources:
        named += await resolve_source(await opened.look(source.endpoint), source)
    place = await resolve_target(await opened.look(target.endpoint), target, len(named) > 1)
    found: list[_Source] = []
    for one in named:
        if one.inside and arguments.recursive and place.name is None:
            end = await opened.look(one.endpoint)
            found += [one] if isinstance(end, ScpHost) else await _inside(end, one)
        else:
            found.append(one)
    return [
        CopyRequest(
            endpoint,
            tuple(one.path for one in group),
            target.endpoint,
            place.folder,
            recursive=arguments.recursive,
            preserve=arguments.preserve,
            conflict=CHOICES[arguments.on_conflict],
            follow=follow and not arguments.move,
            move=arguments.move,
            owner=arguments.owner,
            xattrs=arguments.xattrs,
            verify=arguments.checksum,
            target_name=place.name,
        )
        for (endpoint, follow), group in groupby(found, key=lambda one: (one.endpoint, one.follow))
    ]


async def resolve_target(end: CopyEnd, target: Operand, many: bool) -> _Target:
    """Return where to copy to, as scp takes it. Raises FileError and UsageError."""
    path = await end.expand(target.path or b".")
    if isinstance(end, ScpHost) and not end.has_shell:
        # Nobody can tell what is there, but a slash says that it is a directory.
        into = many or target.path[-1:] in (b"", b"/", b".")
        return _Target(path, None) if into else _Target(parent_of(path), name_of(path))
    found = await _stat(end, path)
    if found is not None and found.kind is Kind.DIRECTORY:
        return _Target(path, None)
    if many or target.path.endswith(b"/"):
        problem = "not a directory" if found else "no such directory"
        raise UsageError("The target must be a directory", f"{target}: {problem}")
    if found is not None:
        # A link is written through, as scp and cp do: the target was named by the person.
        path = await end.realpath(path)
    return _Target(parent_of(path), name_of(path))


async def resolve_source(end: CopyEnd, source: Operand) -> list[_Source]:
    """Return what a word names: several on a host where it is a pattern."""
    path = await end.expand(source.path or b".")
    inside = source.path.rstrip(b"/").rpartition(b"/")[2] in (b"", b".")
    # The shell here has expanded what is local; nobody has for a host.
    paths: list[bytes] = []
    if not (end.is_local or isinstance(end, ScpHost)):
        paths = await matching(end, path)
    # With its slash, a name must be a directory's.
    slash = b"/" if source.path.endswith(b"/") and name_of(path) else b""
    return [_Source(source.endpoint, one + slash, inside) for one in paths or [path]]


async def _inside(filesystem: Filesystem, source: _Source) -> list[_Source]:
    """Return everything in a directory, its links as they are."""
    entries = await filesystem.listdir(source.path)
    return [
        _Source(source.endpoint, join(source.path, entry.name), follow=False) for entry in entries
    ]


async def _stat(end: CopyEnd, path: bytes) -> Entry | None:
    """Return what is at the target, None where nothing is."""
    try:
        return await end.stat(path)
    except MissingError:
        return None  # nothing, or a link that leads nowhere: that is replaced
