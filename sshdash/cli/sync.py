"""``sshdash sync``: make one folder like another, here or on hosts, as ``rsync -a SRC/ DST/``.

What is in SRC goes into DST, with a slash at the end or without. The differences are printed one
a line; nothing is deleted unless ``--delete`` says so.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sshdash import loop
from sshdash.backend import Backend
from sshdash.cli.context import CONNECTION_FAILED, open_backend, tell, tell_ignored
from sshdash.cli.copy_report import Line, Quiet
from sshdash.cli.copy_report import Report as CopyReport
from sshdash.cli.copy_resume import is_resumable, journal_of_sync
from sshdash.cli.endings import TERMINATED, cancelled_by_signals
from sshdash.cli.operands import Operand, parse_operand
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.cli.sync_report import JsonSteps, Report, Steps
from sshdash.errors import FileError, SSHDashError, UsageError
from sshdash.paths import sync_dir
from sshdash.sftp.compare import Criteria
from sshdash.sftp.entries import Kind, join, name_of, parent_of
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.find import index_tree
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.sync_after import look_again
from sshdash.sftp.sync_identity import identity, refuse_overlap
from sshdash.sftp.sync_memory import SyncMemory
from sshdash.sftp.sync_past import MOST_GONE, Past
from sshdash.sftp.sync_plan import Step, Totals, Tree, Way, steps
from sshdash.sftp.sync_rules import Rules, including
from sshdash.sftp.sync_run import Outcome, Synchronisation, make_root
from sshdash.sftp.sync_scan import Comparison, End, Scan
from sshdash.sftp.sync_sums import digests

_RESYNC = "make it anew, or begin anew with --resync"
_TOO_MUCH = "look with -n --max-delete 100; --max-delete 100 deletes, --resync brings it back"
_FRAME = 0.2
"""Seconds between two looks at the progress."""
_EPILOG = """\
SRC and DST are folders: [user@]host:path, scp://[user@]host[:port]/path, or a path here. The
contents of SRC go into DST, whether or not a slash ends its name, as with rsync -a SRC/ DST/ and
rclone sync. DST is made where only it itself is missing.

Files are alike where size and time (in whole seconds) are. Permissions and times are copied with
a file; a difference in permissions alone is not looked for.

A folder that cannot be listed is left out on both ends. Nothing is deleted where anything went
wrong before, unless --ignore-errors says so.

With --both, what both folders had in common is remembered after each run. What was deleted on one
end since is deleted on the other; what changed on one end goes to the other; what changed on both
is a conflict. The first time, and with --resync, nothing is deleted: what is on one end alone goes
to the other, and the newer wins. Where what is remembered is there and cannot be read, the run is
refused; --resync puts it aside and begins anew. Where more than half of what was there is gone from
one end, the run is refused: --max-delete says how much may be.

Exits with 0 where everything is in step, or, with -n, could be compared; 1 where something could
not be copied, deleted or compared, or is a conflict; 2 for a wrong command line; 255 where there is
no connection or none any more; 130 when interrupted.
"""


_MAX_DELETE = f"with --both, refuse if more is gone from an end (default {MOST_GONE})"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "sync",
        help="make a folder like another, here or on hosts",
        description="Copy into DST what is new or changed in SRC.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("-n", "--dry-run", dest="dry", action="store_true", help="only tell what would be done")
    add("--delete", action="store_true", help="delete what is not in SRC, for good")
    add("--both", action="store_true", help="both ways: what changed on either end since last time")
    add("--resync", action="store_true", help="with --both, as the first time: delete nothing")
    add("--max-delete", metavar="PERCENT", type=int, default=MOST_GONE, help=_MAX_DELETE)
    add("--exclude", metavar="PATTERN", action=_Exclude, help="leave out, as in .gitignore")
    add("--include", metavar="PATTERN", action=_Include, help="take in what is left out so far")
    add("--exclude-from", metavar="FILE", action=_ExcludeFrom, help="patterns from a .gitignore")
    add("--delete-excluded", action="store_true", help="delete what is left out, too")
    add("--checksum", action="store_true", help="compare the content of files of the same size")
    add("--modify-window", metavar="SECONDS", type=int, default=0, help="times may differ by this")
    add("--ignore-errors", action="store_true", help="delete even where something went wrong")
    add("--watch", action="store_true", help="go on: upload what changes in SRC, a folder here")
    add("--json", action="store_true", help="tell everything as JSON lines")
    add("-q", dest="quiet", action="store_true", help="print no list and no progress")
    add_ssh_options(parser, ("-P", "-i", "-J"))
    add("source", metavar="SRC", help="the folder to copy from")
    add("target", metavar="DST", help="the folder to make like it")
    parser.set_defaults(run=run, lines=())


class _Exclude(argparse.Action):
    """Patterns in the order they are given: the last that matches decides."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        namespace.lines = (*namespace.lines, *self.lines(str(values)))

    def lines(self, value: str) -> Sequence[str]:
        """Return the lines that an option stands for."""
        return (value,)


class _Include(_Exclude):
    def lines(self, value: str) -> Sequence[str]:
        """Return the pattern turned round."""
        return (including(value),)


class _ExcludeFrom(_Exclude):
    def lines(self, value: str) -> Sequence[str]:
        """Return the lines of the file."""
        try:
            with open(value, encoding="utf-8", errors="surrogateescape") as file:
                return file.read().splitlines()
        except OSError as error:
            raise UsageError("Cannot read the patterns", f"{value}: {error.strerror}") from error


def run(arguments: argparse.Namespace) -> int:
    """Synchronise and return the exit status."""
    if arguments.delete_excluded:
        arguments.delete = True
    if arguments.both and arguments.delete:
        hint = "leave out --delete, or say which way with SRC and DST"
        detail = "--both and --delete do not go together"
        raise UsageError("Both ways delete what either end deleted", detail, hint)
    if arguments.resync and not arguments.both:
        raise UsageError("Nothing is remembered of one way", "--resync goes with --both")
    source, target = parse_operand(arguments.source), parse_operand(arguments.target)
    if arguments.watch and (source.endpoint or arguments.both or arguments.dry):
        raise UsageError(
            "Only a folder here can be watched",
            "--watch needs a local SRC, and neither --both nor --dry-run",
        )
    rules = Rules(arguments.lines)
    try:
        return loop.run(_main(arguments, rules, source, target))
    except asyncio.CancelledError:
        return TERMINATED


async def _main(
    arguments: argparse.Namespace, rules: Rules, source: Operand, target: Operand
) -> int:
    report = JsonSteps() if arguments.json else Steps(arguments.quiet, arguments.both)
    first = source.host or target.host
    with cancelled_by_signals():
        async with open_backend(arguments, reconnect=arguments.watch, first=first) as backend:
            for host in dict.fromkeys(end.endpoint for end in (source, target) if end.endpoint):
                tell_ignored(backend.resolver.resolve_ahead(host))
            if arguments.watch:
                from sshdash.cli.sync_watch import watch

                return await watch(backend, arguments, rules, source, target, report)
            return await Sync(backend, arguments, rules, report).run(source, target)


@dataclass(frozen=True, slots=True)
class Ends:
    """Both folders, opened."""

    left: End
    right: End
    trees: tuple[Tree, Tree]


class Sync:
    """One run of the command."""

    def __init__(
        self, backend: Backend, arguments: argparse.Namespace, rules: Rules, report: Report
    ) -> None:
        self._backend = backend
        self._arguments = arguments
        self._rules = rules
        self._report = report
        self._memory = SyncMemory(sync_dir(), backend.events)

    async def run(self, source: Operand, target: Operand) -> int:
        """Compare, tell, and unless it is a dry run do it; return the exit status."""
        async with ends(self._backend, source, target, self._arguments.both) as found:
            past = await self._past(found)
            comparison = await self._compare(found, past)
            self._refuse_losses(comparison, past)
            todo = await self._steps(comparison, past)
            if not self._arguments.dry:
                for end in (found.left, found.right):
                    if not end.exists:
                        await make_root(end.filesystem, end.root)
            outcome = Outcome() if self._arguments.dry else await self._do(found, comparison, todo)
            done = not self._arguments.dry and outcome.error is None
            if comparison.present is not None and done:
                await self._remember(found, comparison.present.past, todo, outcome)
        totals = Totals()
        for step in todo:
            totals.add(step)
        self._report.failures(outcome)
        self._report.finish(comparison, totals, outcome, self._arguments.dry)
        if outcome.error is not None:
            raise outcome.error
        if any(copy.cut_off for copy in outcome.copies):
            return CONNECTION_FAILED
        if comparison.problems or not outcome.is_whole:
            return 1
        undecided = totals.conflicts or totals.left_out
        return 1 if undecided and not self._arguments.dry else 0

    async def _past(self, found: Ends) -> Past | None:
        """Return what is known from the last time, where that counts."""
        if not self._arguments.both:
            return None
        arguments, pair = self._arguments, self._pair(found)
        past = await self._memory.recall(pair, arguments.checksum, arguments.resync)
        if arguments.resync and not arguments.dry:
            await self._memory.begin_anew(pair)
        for end in (found.left, found.right):
            if past.records and not end.exists and not arguments.resync:
                host = "" if end.filesystem.is_local else end.filesystem.label
                detail = "it was there the last time, and an empty folder would delete everything"
                raise FileError("not there any more", shown(end.root), detail, _RESYNC, host)
        return past

    def _refuse_losses(self, comparison: Comparison, past: Past | None) -> None:
        """Raise SSHDashError where so much is gone from one end that it is rather a mistake."""
        if past is None or self._arguments.resync:
            return
        for loss in past.losses(comparison.pairs, comparison.same):
            if loss.percent > self._arguments.max_delete:
                end = "DST" if loss.right else "SRC"
                gone = f"{loss.places:,} of {loss.known:,} are gone from {end} since the last time"
                raise SSHDashError("Too much would be deleted", gone, _TOO_MUCH)

    async def _remember(self, found: Ends, past: Past, todo: list[Step], outcome: Outcome) -> None:
        """Note for the next time what both ends have in common now."""
        ends = (replace(found.left, exists=True), replace(found.right, exists=True))
        window = self._arguments.modify_window
        try:
            learned = await look_again(ends, self._rules, past, todo, outcome, window)
        except SSHDashError as error:
            # What is alike is seen so the next time; what was deleted is on neither end then.
            tell(f"sshdash: not looked at again: {error}")
        else:
            await self._memory.note(self._pair(found), *learned)

    def _pair(self, found: Ends) -> tuple[str, str]:
        left, right = (identity(tree, self._backend.resolve) for tree in found.trees)
        return left, right

    async def _compare(self, found: Ends, past: Past | None) -> Comparison:
        criteria = Criteria(
            window=self._arguments.modify_window,
            checksum=self._arguments.checksum,
            right_only=self._arguments.both or self._arguments.delete,
            purge=self._arguments.delete_excluded,
        )
        scan = Scan(found.left, found.right, self._rules, criteria, digests, past=past)
        return await scan.everything()

    async def _steps(self, comparison: Comparison, past: Past | None) -> list[Step]:
        way = Way.BOTH if self._arguments.both else Way.RIGHT
        window, delete = self._arguments.modify_window, self._arguments.delete
        known = None if self._arguments.resync else past
        todo = list(steps(comparison.pairs, way, delete, window, comparison.keeping, known))
        self._report.begin(comparison, todo)
        return todo

    async def _do(self, found: Ends, comparison: Comparison, todo: list[Step]) -> Outcome:
        backend = self._backend
        if comparison.present is not None:
            await self._memory.settle(self._pair(found), comparison, self._rules)
        journal = journal_of_sync(found.trees, backend.events)
        queue = TransferQueue(backend.filesystem, backend.prompter, backend.events, journal=journal)
        before = await queue.restore()
        purges = self._arguments.delete_excluded
        doom = partial(self._memory.doom, self._pair(found)) if self._arguments.both else None
        synchronisation = Synchronisation(
            *found.trees, queue, backend.filesystem, purges=purges, deleting=doom
        )
        may_delete = not comparison.problems or self._arguments.ignore_errors
        stale = None if self._arguments.both else comparison.stale
        show: CopyReport = Line() if self._shows_progress else Quiet()
        running = asyncio.create_task(
            synchronisation.run(todo, may_delete, self._arguments.ignore_errors, stale)
        )
        try:
            while not running.done():
                await asyncio.wait((running,), timeout=_FRAME)
                if snapshots := [one for one in queue.snapshots() if one.id not in before]:
                    show.progress(snapshots)
            outcome = running.result()
            show.finish(outcome.copies, 0.0)
            return outcome
        finally:
            running.cancel()
            await queue.close(lambda job: job.id not in before and is_resumable(job))
            await asyncio.wait((running,))
            if any(map(is_resumable, queue.snapshots())):
                tell("sshdash: what has arrived is kept, and the same command goes on with it")

    @property
    def _shows_progress(self) -> bool:
        hidden = self._arguments.quiet or self._arguments.json
        return sys.stderr.isatty() and not hidden


@asynccontextmanager
async def ends(
    backend: Backend, source: Operand, target: Operand, both: bool = False
) -> AsyncIterator[Ends]:
    """Open both folders. Raises UsageError where they are none, or one is inside the other."""
    left = await backend.filesystem(source.endpoint)
    try:
        right = await backend.filesystem(target.endpoint)
        try:
            ends = (
                await _end(left, source, must_exist=not both),
                await _end(right, target, must_exist=False),
            )
            if not any(end.exists for end in ends):
                raise UsageError("There is nothing to compare", "neither folder exists")
            trees = Tree(source.endpoint, ends[0].root), Tree(target.endpoint, ends[1].root)
            refuse_overlap(trees, backend.resolve)
            lease = backend.connections.lease
            left_end, right_end = (
                replace(end, index=partial(index_tree, lease, tree.endpoint, tree.root))
                for end, tree in zip(ends, trees, strict=True)
            )
            yield Ends(left_end, right_end, trees)
        finally:
            await right.close()
    finally:
        await left.close()


async def _end(filesystem: Filesystem, operand: Operand, must_exist: bool) -> End:
    path = await filesystem.expand(operand.path or b".")
    if not must_exist and await filesystem.exists(path) is None:
        with suppress(FileError):  # what it is known by once it exists
            path = join(await filesystem.realpath(parent_of(path)), name_of(path))
        return End(filesystem, path, exists=False)
    if (await filesystem.stat(path)).kind is not Kind.DIRECTORY:
        host = "" if filesystem.is_local else filesystem.label
        raise FileError("not a directory", shown(path), "sync is between folders", host=host)
    return End(filesystem, await filesystem.realpath(path))
