"""The command line: ``sshdash``, ``sshdash HOST`` and the commands."""

import argparse
import errno
import gc
import importlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from sshdash import __version__
from sshdash.cli.ssh_options import add_ssh_options
from sshdash.cli.stdio import hold_standard_streams, print_anything
from sshdash.errors import SSHDashError, UsageError

log = logging.getLogger(__name__)

COMMANDS = (
    "hosts",
    "resolve",
    "exec",
    "cp",
    "sync",
    "mv",
    "ls",
    "du",
    "rm",
    "mkdir",
    "forward",
    "tunnels",
    "play",
    "audit",
    "forget",
    "doctor",
    "demo",
)
"""Each is a module of this package with `add_parser` and `run`."""

_ON_FILES = frozenset({"cp", "sync", "mv", "ls", "du", "rm", "mkdir"})
"""Commands whose options may stand among the files, as with those of a shell."""
_CONNECTING = _ON_FILES | {"exec", "forward"}
"""Commands that speak SSH."""
_LOADED = 1_000_000
"""Objects that are loaded at most, among which there is no garbage to look for."""
_DISK_FAILURES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What is left to be met by printing: whoever writes to files tells it in words of its own."""
_SUMMARIES = {
    "hosts": "list the hosts of ssh_config, or edit them",
    "resolve": "print the configuration of a destination, as ssh -G does",
    "exec": "run a command on a host",
    "cp": "copy files between here and hosts, or between hosts",
    "sync": "make a folder like another, here or on hosts",
    "mv": "move files here, on hosts, or between them",
    "ls": "list files here and on hosts",
    "du": "sum up trees here and on hosts",
    "rm": "remove files and trees here and on hosts",
    "mkdir": "make directories here and on hosts",
    "forward": "run tunnels without the screen",
    "tunnels": "show the tunnels that run, stop and pause them, export rules",
    "play": "play a recording of a session",
    "audit": "read the log of connections, sessions, tunnels and copies",
    "forget": "remove a host's secrets from the system keyring",
    "doctor": "check this machine's set-up",
    "demo": "try it on servers of its own",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    hold_standard_streams()
    print_anything()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _told(words)
        if not getattr(arguments, "own_log", False):
            _start_log(arguments.verbose)
        status = int(arguments.run(arguments))
        sys.stdout.flush()  # what fails at exit alone is told by nobody
        return status
    except SSHDashError as error:
        from sshdash.cli.context import exit_status, report

        report(error)
        return exit_status(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing.
        _drop_output()
        return 141
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK_FAILURES:
            print(f"sshdash: cannot write the output: {error.strerror}", file=sys.stderr)
            _drop_output()
            return 1
        # A defect of ours. Its traceback may quote what a server sent, so it goes to the log.
        if not logging.getLogger("sshdash").handlers:
            _start_log(0)  # else the traceback would go to stderr
        log.exception("unexpected failure")
        _report_defect(error)
        return 1


def _told(words: list[str]) -> argparse.Namespace:
    """Parse the command line, or print what it asks for and raise SystemExit."""
    try:
        return _parse(words)
    except SystemExit:
        sys.stdout.flush()  # the help: whoever reads it may be gone, as with any output
        raise


def _drop_output() -> None:
    """Let nothing be flushed at exit any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_defect(error: Exception) -> None:
    from sshdash.untrusted import clean

    said = clean(f"{type(error).__name__}: {error}", 1000)
    print(f"sshdash: unexpected failure: {said}\n  → the log has the details", file=sys.stderr)


def _parse(words: list[str]) -> argparse.Namespace:
    """Parse the global options first: what follows them is a command, a host or nothing."""
    options = _global_options()
    arguments, rest = options.parse_known_args(words)
    if arguments.rest and arguments.rest[0] in COMMANDS:
        return _parse_command(arguments, words)
    if rest:
        options.error(f"unknown option: {rest[0]}")
    if len(arguments.rest) > 1:
        raise UsageError(
            f"Unknown command: {arguments.rest[0]}",
            f"commands are {', '.join(COMMANDS)}",
            f"to run a command on a host: sshdash exec {arguments.rest[0]} -- …",
        )
    arguments.host = arguments.rest[0] if arguments.rest else None
    arguments.run = _open_screen
    return arguments


def _global_options() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:<9} {_SUMMARIES[name]}" for name in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="sshdash",
        usage="sshdash [-F FILE] [-o KEY=VALUE] [-v] [[-l -p -i -J …] HOST | COMMAND …]",
        description="Open the cockpit on the hosts of ssh_config; HOST gets a shell at once.",
        epilog=f"commands (sshdash COMMAND --help tells more):\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"sshdash {__version__}")
    _add_globals(parser)
    add_ssh_options(parser, dest="option")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _add_globals(parser: argparse.ArgumentParser, suppress: bool = False) -> None:
    """Add the options that stand before or after a command.

    After it they are suppressed by default, so that the earlier ones keep their values.
    """

    def default(value: object) -> object:
        return argparse.SUPPRESS if suppress else value

    parser.add_argument(
        "-F",
        dest="config",
        metavar="FILE",
        default=default(None),
        help="use FILE, not ~/.ssh/config",
    )
    parser.add_argument(
        "-o",
        dest="option" if not suppress else "late_option",
        metavar="KEY=VALUE",
        action="append",
        default=default(None),
        help="set an ssh_config keyword; it wins over the files",
    )
    parser.add_argument(
        "-v",
        dest="verbose" if not suppress else "late_verbose",
        action="count",
        default=default(0),
        help="log more; twice for debugging",
    )


def _parse_command(before: argparse.Namespace, words: list[str]) -> argparse.Namespace:
    name = before.rest[0]
    parser = argparse.ArgumentParser(prog="sshdash")
    commands = parser.add_subparsers(dest="command", required=True)
    if name in _CONNECTING:
        gc.set_threshold(_LOADED)
        # While it is imported, the SSH library may wait for programs that look for another one.
        threading.Thread(target=_import_library, name="sshdash-library").start()
    module = importlib.import_module(f"sshdash.cli.{name}")
    module.add_parser(commands)
    _add_globals(commands.choices[name], suppress=True)
    if name in _ON_FILES and "--" not in before.rest:  # which argparse forgets there
        command = commands.choices[name]
        arguments = command.parse_intermixed_args(before.rest[1:], argparse.Namespace(command=name))
    else:
        try:
            given = module.marked(before.rest) if name == "exec" else before.rest
            arguments = parser.parse_args(given)
        except SystemExit as end:
            # The status is the remote command's own; where none is run it is 255, as with ssh.
            raise SystemExit(255 if name == "exec" and end.code else end.code) from None
    arguments.given = words[: -len(before.rest)], before.rest[1:]
    arguments.config = getattr(arguments, "config", before.config)
    arguments.option = [*(before.option or ()), *(getattr(arguments, "late_option", None) or ())]
    arguments.verbose = before.verbose + getattr(arguments, "late_verbose", 0)
    return arguments


def _import_library() -> None:
    from sshdash.connections.liboqs import unsearched
    from sshdash.connections.pyopenssl import unloaded

    with suppress(Exception), unsearched(), unloaded():  # whoever needs it will see the same
        importlib.import_module("asyncssh")


def _start_log(verbosity: int) -> None:
    from sshdash.logs import start_log

    try:
        start_log(verbosity)
    except OSError as error:
        print(f"sshdash: no log is kept: {error}", file=sys.stderr)
        logging.getLogger("sshdash").addHandler(logging.NullHandler())


def _open_screen(arguments: argparse.Namespace) -> int:
    from sshdash.cli.context import run_screen, screen_source

    arguments.option = arguments.option or []
    return run_screen(screen_source(arguments), arguments.host)
