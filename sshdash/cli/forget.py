"""``sshdash forget``: remove what is saved for a host from the system's keyring."""

import argparse

from sshdash import loop
from sshdash.cli.context import source, tell
from sshdash.config.resolver import Resolver
from sshdash.untrusted import clean


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "forget",
        help="remove a host's secrets from the system keyring",
        description="Remove the password of a host and the passphrases of its keys from the "
        "system keyring, where they were saved by your choice. What was removed is printed.",
        epilog="Exit status: 0 where something was removed, 1 where nothing was saved.",
    )
    parser.add_argument("host", metavar="DEST", help="an alias or [user@]host[:port]")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Forget, and print what was forgotten."""
    from sshdash.connections.login.account import forget_secrets

    resolved = Resolver(source(arguments)).resolve(arguments.host)
    gone = loop.run(forget_secrets(resolved))
    for what in gone:
        print(clean(what, 1000))
    if not gone:
        tell(f"sshdash: nothing is saved for {arguments.host}")
    return 0 if gone else 1
