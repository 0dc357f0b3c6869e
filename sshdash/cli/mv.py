"""``sshdash mv``: move files and trees here, on a host, or between them.

What one file system holds is renamed; else it is copied, and a source goes once all of it is safe
under its final name. What cannot be moved stays whole where it was.
"""

import argparse

from sshdash.cli import cp
from sshdash.cli.ssh_options import add_ssh_options


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "mv",
        usage="%(prog)s [options] SRC… DST",
        help="move files here, on hosts, or between them",
        description="Move files and directories with times and permissions; links are moved, never "
        "followed. The ends are named as for cp.",
        epilog="Exits with 0 only where everything was moved, 255 where there is no connection or "
        "none any more, 130 when interrupted.",
    )
    add_ssh_options(parser, ("-P", "-i", "-J"))
    cp.add_copy_options(parser)
    parser.set_defaults(
        run=cp.run, recursive=True, preserve=True, move=True, direct=False, inplace=False
    )
