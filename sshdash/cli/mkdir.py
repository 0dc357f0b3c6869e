"""``sshdash mkdir``: make directories here and on hosts."""

import argparse
import re

from sshdash.backend import Backend
from sshdash.cli.named_files import Named, add_file_options, run_on_files, tell_failure
from sshdash.errors import FileError
from sshdash.sftp.failures import MissingError
from sshdash.sftp.trees import make_folders

_ALL = 0o777
_OCTAL = re.compile("0*[0-7]{1,4}")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "mkdir",
        help="make directories here and on hosts",
        description="Make directories.",
        epilog="Exits with 0 where all were made, 1 where not, 255 where there is no connection.",
    )
    parser.add_argument(
        "-p", dest="parents", action="store_true", help="those above too; existing ones are right"
    )
    parser.add_argument(
        "-m", dest="mode", metavar="MODE", type=_mode, help="permissions in octal, such as 700"
    )
    add_file_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the directories and return the exit status."""
    return run_on_files(arguments, _make_all, patterns=False)


async def _make_all(arguments: argparse.Namespace, named: list[Named], _: Backend) -> bool:
    made_all = True
    for one in named:
        try:
            await _make(arguments, one)
        except FileError as error:
            tell_failure(error)
            made_all = False
    return made_all


async def _make(arguments: argparse.Namespace, one: Named) -> None:
    # At no moment may anybody do there what the mode forbids.
    mode = _ALL if arguments.mode is None else arguments.mode & _ALL
    if arguments.parents:
        made = await make_folders(one.filesystem, one.path, mode)
    else:
        try:
            await one.filesystem.mkdir(one.path, mode)
        except MissingError as error:
            error.hint = "-p makes the directories above too"
            raise
        made = True
    if arguments.mode is not None and made:
        await one.filesystem.chmod(one.path, arguments.mode)


def _mode(text: str) -> int:
    if not _OCTAL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number in octal, such as 700")
    return int(text, 8)
