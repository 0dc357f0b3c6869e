"""``sshdash ls``: list directories here and on hosts."""

import argparse
import errno
import json
import time

from msgspec.structs import replace

from sshdash.backend import Backend
from sshdash.cli.copy_report import size_text
from sshdash.cli.named_files import (
    Named,
    add_file_options,
    name_fields,
    print_name,
    run_on_files,
    tell_failure,
)
from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import failure, shown


def _by_name(entry: Entry) -> tuple[object, ...]:
    return (entry.name,)


def _newest_first(entry: Entry) -> tuple[object, ...]:
    return -entry.mtime_ns, entry.name


def _largest_first(entry: Entry) -> tuple[object, ...]:
    return -entry.size, entry.name


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "ls",
        help="list files here and on hosts",
        description="List directories, and files that are named, sorted by the bytes of their "
        "names, or as -t and -S have it. Names that a terminal would not print as they are come "
        "escaped, unless -0.",
        add_help=False,  # -h is what it is to everybody else who lists files
        epilog="Exits with 0 where everything was listed, 1 where not, 255 where there is no "
        "connection.",
    )
    parser.add_argument("-a", "-A", dest="hidden", action="store_true", help="hidden files too")
    parser.add_argument("-d", dest="itself", action="store_true", help="directories themselves")
    parser.add_argument("-l", dest="long", action="store_true", help="mode, owner, size and time")
    parser.add_argument("-h", "-H", dest="human", action="store_true", help="sizes as 14.2 MB")
    parser.add_argument("-1", dest="rows", action="store_true", help="one name a line, as always")
    parser.add_argument(
        "-t", dest="order", action="store_const", const=_newest_first, default=_by_name,
        help="the newest first",
    )  # fmt: skip
    parser.add_argument(
        "-S", dest="order", action="store_const", const=_largest_first, help="the largest first"
    )
    parser.add_argument("-r", dest="reverse", action="store_true", help="the other way round")
    parser.add_argument("-0", dest="raw", action="store_true", help="names as bytes, ended by NUL")
    parser.add_argument("--help", action="help", help="show this help message and exit")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_file_options(parser, 0, (".",))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List and return the exit status."""
    return run_on_files(arguments, _list_all)


async def _list_all(arguments: argparse.Namespace, named: list[Named], _: Backend) -> bool:
    """List the files that are named, then what is in the directories."""
    listed_all = True
    files: list[tuple[Entry, Named]] = []
    folders: list[tuple[Entry, Named]] = []
    for one in named:
        try:
            entry = await one.filesystem.lstat(one.path)
            # A link with its slash is what it leads to, as to every program.
            if one.operand.path.endswith(b"/") and entry.kind is Kind.SYMLINK:
                entry = await one.filesystem.stat(one.path)
            [entry] = await _with_targets(arguments, one, [entry])
            if one.operand.path.endswith((b"/", b"/.")) and not entry.leads_to_directory:
                raise failure("list", one.operand.path, errno.ENOTDIR, one.operand.host)
            looks_into = entry.leads_to_directory and not arguments.itself
            (folders if looks_into else files).append((replace(entry, name=one.written), one))
        except FileError as error:
            tell_failure(error)
            listed_all = False
    for entry, one in _in_order(arguments, files):
        _print_entry(arguments, entry, one.written, "")
    with_titles = len(named) > 1 and not (arguments.json or arguments.raw)
    for number, (_entry, folder) in enumerate(_in_order(arguments, folders)):
        if with_titles:
            print("\n" * bool(files or number), end="")
            print_name(folder.written, False, tail=":")
        try:
            await _list_folder(arguments, folder)
        except FileError as error:
            tell_failure(error)
            listed_all = False
    return listed_all


def _in_order(
    arguments: argparse.Namespace, named: list[tuple[Entry, Named]]
) -> list[tuple[Entry, Named]]:
    return sorted(named, key=lambda one: arguments.order(one[0]), reverse=arguments.reverse)


async def _list_folder(arguments: argparse.Namespace, folder: Named) -> None:
    refused: list[bytes] = []
    entries: list[Entry] = []
    async for batch in folder.filesystem.scandir(folder.path, refused):
        entries += [entry for entry in batch if arguments.hidden or not entry.is_hidden]
    entries.sort(key=arguments.order, reverse=arguments.reverse)
    if arguments.long or arguments.json:
        entries = await _with_targets(arguments, folder, entries)
    for entry in entries:
        _print_entry(arguments, entry, entry.name, shown(folder.written))
    if refused:
        detail = f"{len(refused)} names are unsafe to use, such as {shown(refused[0])}"
        raise FileError("left out", shown(folder.path), detail, host=folder.operand.endpoint)


async def _with_targets(
    arguments: argparse.Namespace, place: Named, entries: list[Entry]
) -> list[Entry]:
    """Return the entries with what links point to, for which the parent has to be named."""
    folder = place.path
    if len(entries) == 1 and entries[0].name == folder.rpartition(b"/")[2]:
        folder = folder.rpartition(b"/")[0] or b"/"
    return await place.filesystem.resolve_links(folder, entries)


def _print_entry(arguments: argparse.Namespace, entry: Entry, name: bytes, folder: str) -> None:
    if arguments.json:
        print(json.dumps(_document(entry, name, folder)))
        return
    lead = tail = ""
    if arguments.long:
        size = size_text(entry.size) if arguments.human else str(entry.size)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.mtime))
        owners = f"{entry.owner or '?':<8} {entry.group or '?':<8}"
        lead = f"{entry.permissions} {owners} {size:>10} {when} "
        if entry.target is not None:
            tail = f" -> {shown(entry.target)}"
    print_name(name, arguments.raw, lead, tail)


def _document(entry: Entry, name: bytes, folder: str) -> dict[str, object]:
    document: dict[str, object] = {
        **({"folder": folder} if folder else {}),
        **name_fields(name),
        "kind": entry.kind.value,
        "size": entry.size,
        "mode": f"{entry.mode:04o}",
        "mtime": entry.mtime_ns // 10**9,
        "owner": entry.owner,
        "group": entry.group,
    }
    if entry.target is not None:
        document.update(name_fields(entry.target, "target"))
        document["target_kind"] = entry.target_kind.value if entry.target_kind else None
    return document
