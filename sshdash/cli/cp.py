"""``sshdash cp``: copy files between here and hosts, or between hosts, as scp does.

Existing files are overwritten, as scp does, unless ``--on-conflict`` says otherwise; each is
whole, old or new, at every moment. The exit status is 0 only where everything is there.
"""

import argparse
import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sshdash import loop
from sshdash.cli.context import open_backend, settle_memory, tell_ignored
from sshdash.cli.endings import TERMINATED, cancelled_by_signals
from sshdash.cli.opened import Opened
from sshdash.cli.operands import Operand, parse_operands
from sshdash.cli.ssh_options import add_short_forms, add_ssh_options, add_user_options
from sshdash.errors import UsageError
from sshdash.modules import Modules
from sshdash.prompts import CONFLICT_POLICIES, ConflictChoice
from sshdash.sftp.bulk.command import Command, unpack
from sshdash.sftp.job import Endpoint
from sshdash.sftp.looks import Look, may_hold_many, of_source, of_target
from sshdash.sftp.tasks import end as end_all
from sshdash.sftp.throttle import Pace, Throttle, parse_scp_limit

if TYPE_CHECKING:
    from sshdash.sftp.scp_runner import CopyEnd

_MOST_LOOKS = 32
"""Requests that leave with the greeting."""

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
    add_short_forms(parser, ("-4", "-6", "-B", "-C", "-c"))
    parser.add_argument(
        "-3", dest="through", action="store_true", help="from host to host through here, as always"
    )
    parser.add_argument(
        "-O", "-s", "-T", dest="as_always", action="store_true",
        help="as always: by SFTP, by scp where a server has none, and only what was asked for",
    )  # fmt: skip
    add_copy_options(parser)
    parser.add_argument(
        "--inplace",
        action="store_true",
        help="write into files that exist, where their folder may not be changed: not whole until "
        "the end, and neither old nor new where that is interrupted",
    )
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
    parser.add_argument(
        "-q", dest="quiet", action="store_true", help="show no progress, banners and warnings"
    )
    parser.add_argument("operands", metavar="SRC… DST", nargs="+", help="what, and where to")


def run(arguments: argparse.Namespace) -> int:
    """Copy and return the exit status."""
    if len(arguments.operands) < 2:
        raise UsageError(
            "No target",
            "there must be at least one source and a target",
            "to copy into this folder: sshdash cp host:path .",
        )
    if arguments.quiet:
        arguments.option = [*arguments.option, "LogLevel=QUIET"]
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
        return loop.run(main(arguments, operands[:-1], operands[-1], limit))
    except asyncio.CancelledError:
        return TERMINATED


def looks_ahead(
    arguments: argparse.Namespace, sources: Sequence[Operand], target: Operand
) -> dict[Endpoint, tuple[Look, ...]]:
    """Return what is going to be asked of a host first.

    Of two hosts nothing is: one could be kept waiting by questions that the other asks.
    """
    if len({end.endpoint for end in (*sources, target)}) != 2:
        return {}
    local = [source.path for source in sources if not source.endpoint]
    if not target.endpoint and not local:
        walks = arguments.recursive and not arguments.move
        options = {"follow": not arguments.move, "recursive": walks}
        looks = [look for source in sources for look in of_source(source.path, **options)]
        return {sources[0].endpoint: tuple(looks[:_MOST_LOOKS])}
    if target.endpoint and len(local) == len(sources):
        return {target.endpoint: of_target(target.path, local)}
    return {}


def command_ahead(
    arguments: argparse.Namespace, sources: Sequence[Operand], target: Operand
) -> Command | None:
    """Return what is likely to be run on the host of the target, for very many small files."""
    asks_more = arguments.move or arguments.checksum or arguments.owner or arguments.limit
    if asks_more or not arguments.recursive or not target.endpoint or len(sources) != 1:
        return None
    (source,) = sources
    if source.endpoint or not source.path or not _looks_large(source.path):
        return None
    return unpack(timed=arguments.preserve)


def _looks_large(path: bytes) -> bool:
    folders = 0
    with suppress(OSError, ValueError), os.scandir(path) as found:  # who walks it tells why not
        for entries, entry in enumerate(found, start=1):
            folders += entry.is_dir(follow_symlinks=False)
            if may_hold_many(folders, entries):
                return True
    return False


async def _read_ahead(opened: "Opened[CopyEnd]", source: Operand) -> None:
    """Have a large folder listed while its target's host is being reached."""
    from sshdash.sftp.local import LocalFilesystem

    end = await opened.look(source.endpoint)
    if isinstance(end, LocalFilesystem):
        end.read_ahead(await end.expand(source.path))


def is_device(target: Operand) -> bool:
    """Return whether a target here is a device or a FIFO, which is written into as scp does."""
    if target.endpoint or target.is_stream:
        return False
    try:
        mode = os.stat(target.path).st_mode
    except (OSError, ValueError):
        return False  # whoever copies to it tells why not
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode)


async def _main(
    arguments: argparse.Namespace, sources: list[Operand], target: Operand, limit: int
) -> int:
    ends = (*sources, target)
    streams = any(end.is_stream for end in ends) or (len(sources) == 1 and is_device(target))
    streams = streams and not arguments.move
    first = next((end.host for end in ends if end.host), "")
    with cancelled_by_signals():
        async with open_backend(arguments, first=first) as backend:
            for host in dict.fromkeys(end.host for end in ends if end.host):
                tell_ignored(backend.resolver.resolve_ahead(host))
            if streams:
                from sshdash.cli.cp_streams import copy_stream

                return await copy_stream(backend, arguments, sources, target, Pace(Throttle(limit)))
            looks = looks_ahead(arguments, sources, target)
            commands = {target.endpoint: command_ahead(arguments, sources, target)}

            def open_end(endpoint: Endpoint) -> "Awaitable[CopyEnd]":
                ahead = looks.pop(endpoint, ()), commands.pop(endpoint, None)
                return backend.copy_end(endpoint, *ahead)

            modules, opened = Modules(), Opened(open_end)
            loading = asyncio.create_task(modules.load("cli.copying"))  # while a host answers
            try:
                if commands[target.endpoint] is not None:
                    await _read_ahead(opened, sources[0])
                for endpoint in [end.endpoint for end in ends if end.endpoint][:1]:
                    await opened.look(endpoint)
                await loading
                settle_memory()
                copy: Callable[..., Awaitable[int]] = modules["cli.copying"].copy
                return await copy(backend, arguments, sources, target, limit, opened)
            finally:
                await opened.close()
                await end_all((loading,))
