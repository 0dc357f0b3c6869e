"""``sshdash demo``: the cockpit on servers of its own, or the servers alone."""

import argparse
import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sshdash
from sshdash import loop
from sshdash.cli.context import run_screen, source
from sshdash.errors import SSHDashError
from sshdash.logs import start_log

if TYPE_CHECKING:
    from sshdash.demo.fleet import DemoFleet

_PATIENCE = 10.0
"""Seconds the servers may take to end."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "demo",
        help="try it on servers of its own",
        description="Open the cockpit on SSH servers of its own. They listen on loopback only, "
        "and all they need is in a temporary folder that is removed at the end.",
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="run the servers alone and print how to reach them, until SIGINT or SIGTERM",
    )
    parser.add_argument("--json", action="store_true", help="with --serve: print one JSON object")
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)
    # The log of the demo is kept in its own folder, so nothing of the user's is written.
    parser.set_defaults(run=run, own_log=True)


def run(arguments: argparse.Namespace) -> int:
    """Run the servers, with the screen unless ``--serve`` is given."""
    if arguments.serve:
        return loop.run(_serve(arguments.json, arguments.until_eof))
    with _servers() as fleet, chdir(fleet["environment"]["HOME"]):
        os.environ.update(fleet["environment"])
        start_log(arguments.verbose)
        arguments.config = fleet["config"]
        return run_screen(source(arguments), badge="demo")


# -- the servers alone ------------------------------------------------------------------------


async def _serve(as_json: bool, until_eof: bool) -> int:
    from sshdash.demo.fleet import DemoFleet

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    if until_eof:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    async with DemoFleet() as fleet:
        print(json.dumps(_facts(fleet)) if as_json else _text(fleet), flush=True)
        await ended.wait()
        loop.remove_reader(sys.stdin.fileno())
    return 0


def _facts(fleet: "DemoFleet") -> Mapping[str, Any]:
    return {
        "config": str(fleet.config_file),
        "folder": str(fleet.folder),
        "environment": fleet.environment(),
        "hosts": fleet.describe(),
        "services": fleet.services,
    }


def _text(fleet: "DemoFleet") -> str:
    config = shlex.quote(str(fleet.config_file))
    lines = [f"config  {fleet.config_file}", ""]
    for row in fleet.describe():
        via = f" (only through {', '.join(row['route'])})" if row["route"] else ""
        lines.append(f"  {row['host']:<10} {row['user']:<9} {row['about']}{via}")
        if "password" in row:
            lines.append(f"  {'':<10} password {row['password']}   code {row['code']}")
        lines += [f"  {'':<10} {forward}" for forward in row["forwards"]]
    lines += [
        "",
        f"  sshdash -F {config}",
        f"  ssh -F {config} web",
        "",
        "Ctrl-C ends it and removes everything.",
    ]
    return "\n".join(lines)


# -- the servers beside the screen ------------------------------------------------------------


@contextmanager
def _servers() -> Iterator[Mapping[str, Any]]:
    """Run the servers in a process of their own and yield what they say about themselves.

    Their work would slow the screen down if it were done on its loop. They end with their
    standard input, so also when this process is killed. Raises SSHDashError where they do not
    start.
    """
    home = str(Path(sshdash.__file__).parent.parent)
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-P", "-m", "sshdash", "demo", "--serve", "--json", "--until-eof"]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )
        try:
            assert process.stdout
            said = process.stdout.readline()
            if not said:
                process.wait(_PATIENCE)
                complaints.seek(0)
                lines = complaints.read().decode(errors="replace").splitlines()
                raise SSHDashError("The servers of the demo did not start", "".join(lines[-1:]))
            yield json.loads(said)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
