"""``sshdash rm``: remove files and trees, here and on hosts. No link is ever followed."""

import argparse
import sys
from itertools import groupby

from sshdash.backend import Backend
from sshdash.cli.copy_report import size_text
from sshdash.cli.named_files import Named, add_file_options, run_on_files, tell_failure
from sshdash.errors import FileError, UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.entries import Entry, Kind, is_inside, join, name_of, parent_of
from sshdash.sftp.failures import MissingError, shown
from sshdash.sftp.trees import Census, count_trees, remove_trees

_ROOT = "--no-preserve-root"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "rm",
        help="remove files and trees here and on hosts",
        description="Remove files, links (never what they point to) and, with -r, directories "
        "with all they hold. The root, the home folder and what holds it are refused.",
        epilog="Exits with 0 where everything is gone, 1 where not, 255 where there is no "
        "connection.",
    )
    parser.add_argument("-r", dest="recursive", action="store_true", help="remove directories too")
    parser.add_argument("-f", dest="force", action="store_true", help="say nothing of what is not")
    parser.add_argument("-I", dest="ask", action="store_true", help="count first, and ask once")
    parser.add_argument(
        _ROOT, dest="everything", action="store_true", help="let / and the home folder go, too"
    )
    add_file_options(parser, 0)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Remove and return the exit status."""
    if not arguments.operands and not arguments.force:
        raise UsageError("Nothing to remove", "name files, or directories with -r")
    return run_on_files(arguments, _remove_all)


async def _remove_all(arguments: argparse.Namespace, named: list[Named], backend: Backend) -> bool:
    removed_all = True
    doomed: list[tuple[Named, Entry]] = []
    for one in named:
        try:
            doomed.append((one, await _checked(arguments, one)))
        except MissingError as error:
            if not arguments.force:
                tell_failure(error)
                removed_all = False
        except FileError as error:
            tell_failure(error)
            removed_all = False
    for _, group in groupby(doomed, key=lambda item: item[0].operand.endpoint):
        together = _apart(list(group))
        if arguments.ask and not await _agreed(together, backend):
            print("sshdash: nothing was removed", file=sys.stderr)
            removed_all = False
            continue
        try:
            paths = [one.path for one, _ in together]
            await remove_trees(together[0][0].filesystem, paths)
        except FileError as error:
            tell_failure(error)
            removed_all = False
    return removed_all


async def _checked(arguments: argparse.Namespace, one: Named) -> Entry:
    """Return what is to be removed. Raises FileError where that must not or cannot be."""
    host = one.operand.endpoint
    if one.operand.path.rstrip(b"/").rpartition(b"/")[2] in (b".", b".."):
        raise FileError("refused to remove", str(one.operand), "'.' and '..' are no names", host="")
    entry = await one.filesystem.lstat(one.path)
    if entry.kind is not Kind.DIRECTORY:
        if one.operand.path.endswith(b"/"):  # as for rm, what has a slash is a folder or nothing
            raise FileError("cannot remove", shown(one.path), "not a directory", "", host)
        return entry
    if not arguments.recursive:
        hint = "-r removes it with all it holds"
        raise FileError("cannot remove", shown(one.path), "it is a directory", hint, host)
    if not arguments.everything:
        above = await one.filesystem.realpath(parent_of(one.path))
        real = join(above, name_of(one.path)) if name_of(one.path) else b"/"
        if is_inside(await one.filesystem.realpath(one.filesystem.home()), real):
            detail = "it is the home folder, or holds it"
            raise FileError("refused to remove", shown(one.path), detail, f"{_ROOT} does", host)
    return entry


def _apart(doomed: list[tuple[Named, Entry]]) -> list[tuple[Named, Entry]]:
    """Return what is in nothing else of it: that goes with what holds it."""
    kept: list[tuple[Named, Entry]] = []
    for one, entry in sorted(doomed, key=lambda item: item[0].path.split(b"/")):
        if not kept or not is_inside(one.path, kept[-1][0].path):
            kept.append((one, entry))
    return kept


async def _agreed(doomed: list[tuple[Named, Entry]], backend: Backend) -> bool:
    """Ask whether to remove what was counted; no answer is no."""
    census = Census()
    for one, entry in doomed:
        counted = await count_trees(one.filesystem, parent_of(one.path), [entry])
        census.files += counted.files
        census.folders += counted.folders
        census.size += counted.size
        census.complete = census.complete and counted.complete
    least = "" if census.complete else "at least "
    what = f"{least}{_count(census.files, 'file')} and {_count(census.folders, 'folder')}"
    question = ConfirmQuestion(
        title=f"Remove {what} ({size_text(census.size)})?",
        detail="\n".join(shown(one.written) for one, _ in doomed[:20]),
        action="Remove",
        danger=True,
    )
    answer: bool | None = await backend.prompter.ask(question)
    return answer is True


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
