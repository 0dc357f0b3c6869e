"""`sshdash resolve DEST`: what ``ssh -G DEST`` prints."""

import argparse
import os
import sys

from sshdash.cli.context import source
from sshdash.config.resolver import Resolver, dump
from sshdash.errors import ConfigError, UsageError
from sshdash.untrusted import clean


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("resolve", help="print the configuration of a host, as ssh -G")
    parser.add_argument("destination", metavar="DEST", help="[user@]host[:port] or ssh://…")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the values, byte for byte; return 255 where the configuration is refused, as ssh."""
    try:
        resolved = Resolver(source(arguments)).resolve(arguments.destination)
    except (ConfigError, UsageError) as error:
        print(f"sshdash: {clean(str(error), 2000)}", file=sys.stderr)
        return 255
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(dump(resolved)))
    sys.stdout.buffer.flush()
    return 0
