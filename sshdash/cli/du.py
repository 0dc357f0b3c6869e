"""``sshdash du``: what trees take up, here and on hosts."""

import argparse
import errno
import json

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
from sshdash.sftp.entries import Kind
from sshdash.sftp.failures import failure
from sshdash.sftp.usage import Usage, measure


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "du",
        help="sum up trees here and on hosts",
        description="Sum up the sizes of the files in trees, many directories at the same time. "
        "Sizes are those of the contents; links are not followed; a file with two names counts "
        "twice, for SFTP does not tell.",
        add_help=False,  # -h is what it is to everybody else who lists files
        epilog="Exits with 0 where everything was seen, 1 where not, 255 where there is no "
        "connection.",
    )
    parser.add_argument(
        "-d", dest="depth", metavar="N", type=int, default=0, help="show N levels of directories"
    )
    parser.add_argument(
        "-s", dest="depth", action="store_const", const=0, help="only the sums, as without -d"
    )
    parser.add_argument("-h", "-H", dest="human", action="store_true", help="sizes as 14.2 MB")
    parser.add_argument("-0", dest="raw", action="store_true", help="names as bytes, ended by NUL")
    parser.add_argument("--help", action="help", help="show this help message and exit")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_file_options(parser, 0, (".",))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sum up and return the exit status."""
    return run_on_files(arguments, _measure_all)


async def _measure_all(arguments: argparse.Namespace, named: list[Named], _: Backend) -> bool:
    seen_all = True

    def problem(error: FileError) -> None:
        nonlocal seen_all
        tell_failure(error)
        seen_all = False

    for one in named:
        try:
            path = await _root(one)
            found = await measure(one.filesystem, path, arguments.depth, problem)
        except FileError as error:
            problem(error)
        else:
            for usage in found:
                _print_usage(arguments, usage, one.written, path)
    return seen_all


async def _root(one: Named) -> bytes:
    """Return where the tree is: a link with its slash is what it leads to, as to every program."""
    if not one.operand.path.endswith((b"/", b"/.")):
        return one.path
    if (await one.filesystem.stat(one.path)).kind is not Kind.DIRECTORY:
        raise failure("sum up", one.operand.path, errno.ENOTDIR, one.operand.host)
    return await one.filesystem.realpath(one.path)


def _print_usage(arguments: argparse.Namespace, usage: Usage, written: bytes, path: bytes) -> None:
    below = usage.path[len(path.rstrip(b"/")) :]
    name = written.rstrip(b"/") + below if below else written
    if arguments.json:
        sums = {"size": usage.size, "files": usage.files, "folders": usage.folders}
        print(json.dumps({**name_fields(name), **sums}))
    else:
        size = size_text(usage.size) if arguments.human else str(usage.size)
        print_name(name, arguments.raw, f"{size}\t")
