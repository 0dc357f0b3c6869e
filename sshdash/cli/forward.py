"""``sshdash forward``: tunnels without the screen."""

import argparse
import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sshdash import loop
from sshdash.cli.context import open_backend, report, tell, tell_ignored
from sshdash.cli.endings import TERMINATED, cancelled_by_signals
from sshdash.cli.forward_run import NOT_READY, Policy, Run
from sshdash.cli.readiness import Readiness
from sshdash.cli.ssh_options import add_forward_options, add_ssh_options
from sshdash.errors import ForwardError, UsageError
from sshdash.tunnels.forwards.options import with_tokens
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward

if TYPE_CHECKING:
    from sshdash.backend import Backend

_DESCRIPTION = """\
Run forwards until interrupted (SIGINT, SIGTERM or SIGHUP), with a line on stdout for every change
of state: those given with -L, -R and -D for DEST, which mean what they mean to ssh and may be
repeated; with none of them those that ssh_config has for DEST; and saved rules by their names,
on as many hosts as they have. Listening is on loopback unless a bind address, or GatewayPorts,
says otherwise; port 0 takes a free one, which the line names. In the place of a port, or of host
and port, the path of a Unix socket may stand. -R with nothing but where to listen is a SOCKS proxy
there, whose clients are connected from here, as far as PermitRemoteOpen lets them.

A connection that is lost is made again, and the forwards come back on the same ports; meanwhile
local ones stay bound, and clients wait for up to a minute. What happens is told on stderr.

A rule that another process runs is left to it, unless --take-over asks that one to let go first."""
_EPILOG = """\
It is ready once every forward is open or has failed, and one at least is open: systemd is told
(Type=notify, WatchdogSec), and FILE then has a JSON object with pid and tunnels until it ends.
A forward that cannot be established is told, and the others go on, as with ssh; with
--exit-on-failure, or -o ExitOnForwardFailure=yes, it ends them all, and so it does with
--wait-ready as long as not all are open.

exit status, of the first failure where nothing is left to run: 0 after SIGINT, SIGTERM or SIGHUP,
or where all was taken over; 2 wrong usage, or no such rule; 3 the port here is in use, or may not
be used; 4 the server refuses; 5 another process runs the rule; 6 not ready in time, though none
failed; 255 where there is no connection, or none any more, as with ssh; 1 anything else."""

_PATIENCE = 120.0
"""Seconds until a process of its own has to be ready."""
_STARTING = 10.0
"""Seconds that it may take to start: only then it counts its own."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "forward",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_ssh_options(parser)
    add_forward_options(parser)
    parser.add_argument(
        "destination", metavar="DEST", nargs="?", help="[user@]host[:port] or an alias"
    )
    for kind, form, meaning in (
        (Kind.LOCAL, "[BIND:]PORT:HOST:PORT", "listen here, connect from there"),
        (Kind.REMOTE, "[BIND:]PORT[:HOST:PORT]", "listen there, connect from here"),
        (Kind.DYNAMIC, "[BIND:]PORT", "listen here as a SOCKS and HTTP proxy"),
    ):
        parser.add_argument(
            f"-{kind.value}", dest=kind.word, metavar=form, action="append", default=[],
            help=meaning,
        )  # fmt: skip
    parser.add_argument(
        "--name", dest="names", metavar="NAME", nargs="+", action="extend", default=[],
        help="run the saved rules of these names",
    )  # fmt: skip
    parser.add_argument(
        "--all", action="store_true", help="run every saved rule; of a group the first"
    )
    parser.add_argument(
        "--take-over", action="store_true", help="ask who runs one of them to let go of it first"
    )
    parser.add_argument(
        "--detach", action="store_true",
        help="return once they are open, and let a process of their own run them",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument(
        "--no-reconnect", action="store_true", help="end when the connection is lost"
    )
    parser.add_argument(
        "--exit-on-failure", action="store_true", help="end all as soon as one forward fails"
    )
    parser.add_argument(
        "--wait-ready", metavar="SECONDS", type=_seconds,
        help="end where they are not all open by then, and at once where one fails before",
    )  # fmt: skip
    parser.add_argument(
        "--ready-file", dest="ready_files", metavar="FILE", action="append", default=[],
        help="write FILE when it is ready",
    )  # fmt: skip
    parser.add_argument("--bound-log", type=int, default=0, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the forwards until a signal or a failure; return the exit status."""
    specs = [
        parse_forward(kind, text, is_option=True)
        for kind in Kind
        for text in getattr(arguments, kind.word)
    ]
    if arguments.destination is None and (specs or not (arguments.names or arguments.all)):
        raise UsageError("Nothing to forward", "name a host, or saved rules with --name or --all")
    if arguments.detach:
        try:
            return loop.run(_detach(arguments))
        except asyncio.CancelledError:
            return TERMINATED
    readiness = Readiness(arguments.ready_files)
    return loop.run(_forward(arguments, specs, readiness))


async def _forward(
    arguments: argparse.Namespace, specs: list[ForwardSpec], readiness: Readiness
) -> int:
    async with open_backend(
        arguments, reconnect=not arguments.no_reconnect, tunnels=True
    ) as backend:
        tunnels = await _listed(backend, arguments, specs)
        hosts = dict.fromkeys(backend.tunnels.snapshot(one).host for one in tunnels)
        strict = set()
        for host in hosts:
            resolved = backend.resolver.resolve_ahead(host)
            tell_ignored(resolved)
            if resolved.flag("exitonforwardfailure"):
                strict.add(host)
        await backend.household.open("forward", backend.tunnels.remove)
        policy = Policy(
            arguments.json,
            arguments.exit_on_failure,
            frozenset(strict),
            arguments.bound_log,
            arguments.wait_ready,
        )
        if arguments.take_over:
            opening = backend.household.take_over(tunnels)
        else:
            opening = _open(backend, tunnels)
        return await Run(backend, tunnels, policy, readiness).until_over(opening)


async def _open(backend: "Backend", tunnels: list[str]) -> None:
    await asyncio.gather(*map(backend.tunnels.start, tunnels))


async def _listed(
    backend: "Backend", arguments: argparse.Namespace, specs: list[ForwardSpec]
) -> list[str]:
    """Put everything that is asked for on the list of tunnels."""
    add = backend.tunnels.add
    tunnels: list[str] = []
    for rule in await _rules(backend, arguments):
        tunnels += backend.household.rules.enlist(rule)
    host = None if arguments.destination is None else str(arguments.destination)
    if host is not None:
        resolved = backend.resolver.resolve_ahead(host)
        if specs:
            found = [add(host, with_tokens(spec, resolved)) for spec in specs]
        else:
            found = backend.add_config_forwards(host)
        if not found:
            raise UsageError(
                "Nothing to forward",
                f"ssh_config has no forwards for {host}",
                "give -L, -R or -D",
            )
        tunnels += found
    return list(dict.fromkeys(tunnels))


async def _rules(backend: "Backend", arguments: argparse.Namespace) -> list[Rule]:
    """Return the rules asked for; of a group one runs at a time, so of all of them the first."""
    if not (arguments.names or arguments.all):
        return []
    rules = backend.household.rules
    await rules.read()
    wanted = [rules.get(name) for name in dict.fromkeys(arguments.names)]
    groups = {rule.group for rule in wanted if rule.group}
    if len(groups) < len([rule for rule in wanted if rule.group]):
        raise UsageError("Two rules of one group", "of a group one rule runs at a time")
    for rule in rules.all if arguments.all else ():
        if rule not in wanted and rule.group not in groups:
            wanted.append(rule)
            groups |= {rule.group} - {""}
    if not wanted:
        raise UsageError("Nothing to forward", f"there are no rules in {rules.path}")
    return wanted


async def _detach(arguments: argparse.Namespace) -> int:
    """Start a process with the same arguments, and tell what it runs."""
    from sshdash.tunnels.owners.detached import DetachFailed, detach

    options, words = arguments.given
    rest = [word for word in words if word != "--detach"]
    try:
        with cancelled_by_signals():
            patience = arguments.wait_ready + _STARTING if arguments.wait_ready else _PATIENCE
            process = await detach(options, rest, patience)
    except DetachFailed as error:
        report(error)
        return error.status if error.status > 0 else 1
    except ForwardError as error:
        report(error)
        return NOT_READY
    if arguments.json:
        print(json.dumps(asdict(process)))
        return 0
    for tunnel in process.tunnels:
        name = f"{tunnel['name']}: " if tunnel["name"] else ""
        places = " → ".join((tunnel["listen"], *tunnel["route"], tunnel["target"]))
        reason = f": {tunnel['error']}" if tunnel["error"] else ""
        print(f"{tunnel['state']:<8} {name}{tunnel['forward'][1]} {places}{reason}")
    tell(f"sshdash: process {process.pid} runs them; its log: {process.log}")
    return 0


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value
