"""Files that are named on a command line: here, or on hosts where patterns stand for names."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sshdash import loop
from sshdash.backend import Backend
from sshdash.cli.context import open_backend, report, tell_ignored
from sshdash.cli.endings import TERMINATED, cancelled_by_signals
from sshdash.cli.opened import Opened
from sshdash.cli.operands import Operand, parse_operands
from sshdash.cli.ssh_options import add_ssh_options, add_user_options
from sshdash.errors import FileError
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.spelling import matching
from sshdash.untrusted import clean

_NAME = 4096
"""Characters of one name that are printed."""


@dataclass(frozen=True, slots=True)
class Named:
    """One thing that was named."""

    operand: Operand
    """The word that named it, alone or with others."""
    filesystem: Filesystem
    path: bytes
    is_match: bool = False
    """Whether the word was a pattern that this matched."""

    @property
    def written(self) -> bytes:
        """The name as it is printed: the word where it stands for just this, else the path."""
        name = self.path if self.is_match else self.operand.path or b"."
        return b"%b:%b" % (self.operand.host.encode(), name) if self.operand.host else name


Work = Callable[[argparse.Namespace, list[Named], Backend], Awaitable[bool]]
"""Does what a command is for; returns whether all of it was done."""


def add_file_options(
    parser: argparse.ArgumentParser, least: int = 1, default: Sequence[str] = ()
) -> None:
    """Add what every command that names files takes: `least` paths, `default` where none is."""
    add_ssh_options(parser, ("-P", "-i", "-J"))
    add_user_options(parser)
    parser.add_argument(
        "operands",
        metavar="PATH",
        nargs="+" if least else "*",
        default=list(default),
        help="[user@]host:path, or here",
    )


def run_on_files(arguments: argparse.Namespace, work: Work, patterns: bool = True) -> int:
    """Do `work` on everything that is named and return the exit status.

    What cannot be found is told and the rest is done: that is 1, and 143 where SIGTERM or SIGHUP
    ended it. `patterns` says whether ``*`` on a host stands for names that are there.
    """
    operands = parse_operands(arguments.operands, arguments.user)
    try:
        return loop.run(_main(arguments, operands, work, patterns))
    except asyncio.CancelledError:
        return TERMINATED


async def _main(
    arguments: argparse.Namespace, operands: Sequence[Operand], work: Work, patterns: bool
) -> int:
    first = next((operand.host for operand in operands if operand.host), "")
    with cancelled_by_signals():
        async with open_backend(arguments, first=first) as backend:
            opened = Opened(backend.filesystem)
            try:
                named, found_all = await _find(backend, opened, operands, patterns)
                done_all = await work(arguments, named, backend)
            finally:
                await opened.close()
    return 0 if found_all and done_all else 1


async def _find(
    backend: Backend, opened: Opened[Filesystem], operands: Sequence[Operand], patterns: bool
) -> tuple[list[Named], bool]:
    """Return everything that is named, and whether every word names something."""
    for host in dict.fromkeys(operand.host for operand in operands if operand.host):
        tell_ignored(backend.resolve(host))
    named: list[Named] = []
    found_all = True
    for operand in operands:
        filesystem = await opened.look(operand.endpoint)
        try:
            path = await filesystem.expand(operand.path or b".")
            # The shell here has expanded what is local; nobody has for a host.
            expands = patterns and not filesystem.is_local
            folders = operand.path.endswith(b"/")
            paths = await matching(filesystem, path, folders) if expands else []
        except FileError as error:
            report(error)
            found_all = False
        else:
            named += [Named(operand, filesystem, one, one != path) for one in paths or [path]]
    return named, found_all


def tell_failure(error: FileError) -> None:
    """Tell on stderr what could not be done with one path, on one line."""
    print(f"sshdash: {clean(str(error), 2000)}", file=sys.stderr)


def print_name(name: bytes, raw: bool, lead: str = "", tail: str = "") -> None:
    """Print a line that ends with a name: escaped, or as its bytes and a NUL where `raw`."""
    if raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(lead.encode() + name + b"\0")
    else:
        print(f"{lead}{clean(name, _NAME)}{tail}")


def name_fields(name: bytes, key: str = "name") -> dict[str, str]:
    """Return a name for JSON: as text, and where it is not UTF-8 its bytes in hexadecimal too."""
    try:
        return {key: name.decode()}
    except UnicodeDecodeError:
        return {key: shown(name), f"{key}_hex": name.hex()}
