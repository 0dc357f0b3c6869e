"""``sshdash tunnels``: what runs, whichever process has it, and what to do with it."""

import argparse
import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterable

from sshdash import loop
from sshdash.cli.context import report, source, tell
from sshdash.config.equivalent import global_options
from sshdash.errors import SSHDashError, UsageError
from sshdash.paths import runtime_dir
from sshdash.states import TunnelState
from sshdash.tunnels.kept.exports import rule_block, rule_command, systemd_unit
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.rules_file import load_rules, rules_file
from sshdash.tunnels.owners.documents import totals_document
from sshdash.tunnels.owners.neighbours import Neighbour, ask, survey
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.totals import Totals, total
from sshdash.untrusted import clean

_DESCRIPTION = """\
Show the tunnels that run now, of the screen and of every `sshdash forward`, or do something with
them by the name of their rule, or by the name that the table gives to a forward without one."""
_EPILOG = """\
exit status of the table: 0 where one at least runs, and all that do are open; 1 where none runs:
there is none, or all are stopped; 3 where one that runs is not open (it opens, reconnects, is
paused, has failed, or its target refuses). Of the commands: 0; 1 where there is no such tunnel, or
its process refuses. 2 wrong usage."""
_EVERY = 1.0
NOT_OPEN = 3
"""The exit status where a tunnel that runs is not open."""
_ACTS = {
    "stop": "close them; their processes stay, and can open them again",
    "start": "open them again in the process that has them",
    "pause": "carry nobody; the port is kept",
    "resume": "carry clients again",
    "end": "close them for good: a forward that has none left ends",
}
_ASKED = {"end": "let_go"}
"""What a process is asked for, where it is called otherwise."""
_FORMS = {
    "ssh": "the ssh command that does the same",
    "config": "a block for ssh_config",
    "systemd": "a user unit for systemd, which runs the rules with sshdash forward",
}
_HEADS = ("name", "way", "state", "clients", "up", "down", "uptime", "process")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "tunnels",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array of them")
    parser.add_argument(
        "--totals", action="store_true",
        help="with --json, an object of them, the sums of each rule, and of all",
    )  # fmt: skip
    parser.add_argument("--watch", action="store_true", help="print it again every second")
    parser.add_argument("-a", "--all", action="store_true", help="also saved rules that do not run")
    parser.set_defaults(run=run, names=[], what="")
    subs = parser.add_subparsers(dest="what", metavar="COMMAND")
    for what, meaning in _ACTS.items():
        act = subs.add_parser(what, help=meaning, description=meaning.capitalize())
        act.add_argument("names", metavar="NAME", nargs="+")
    export = subs.add_parser(
        "export", help="print rules for others", description="Print saved rules for other programs."
    )
    export.add_argument("names", metavar="NAME", nargs="+")
    forms = export.add_mutually_exclusive_group()
    for form, meaning in _FORMS.items():
        forms.add_argument(
            f"--{form}", dest="form", action="store_const", const=form, default="ssh", help=meaning
        )


def run(arguments: argparse.Namespace) -> int:
    """Do it and return the exit status."""
    if arguments.what == "export":
        return _export(arguments)
    if arguments.what:
        return loop.run(_act(arguments.what, arguments.names))
    if arguments.watch:
        return loop.run(_watch(arguments))
    return loop.run(_show(arguments))


# -- the table


async def _watch(arguments: argparse.Namespace) -> int:
    while True:
        await _show(arguments)
        if not arguments.json:
            print()
        sys.stdout.flush()
        await asyncio.sleep(_EVERY)


async def _show(arguments: argparse.Namespace) -> int:
    neighbours = await survey(runtime_dir())
    for one in neighbours:
        if one.problem:
            tell(f"sshdash: {one.kind} (pid {one.pid}): {one.problem}")
    tunnels = [one for one in _tunnels(neighbours) if _is_shown(one)]
    saved = _idle_rules(tunnels) if arguments.all else []
    if arguments.json:
        idle = [{"name": rule.name, "host": rule.host, "state": "closed"} for rule in saved]
        told = totals_document(tunnels)
        told["tunnels"] += idle
        print(json.dumps(told if arguments.totals else told["tunnels"]))
    elif tunnels or saved:
        several = len(tunnels) + len(saved) > 1
        sums = [_sum_row(total(tunnels), len(saved))] if several else []
        rows = [_HEADS, *map(_row, tunnels), *map(_idle_row, saved), *sums]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
        for row in rows:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())
    else:
        tell("sshdash: no tunnels run")
    return _status(tunnels)


def _status(tunnels: Iterable[TunnelSnapshot]) -> int:
    """Return the exit status that tells a script how tunnels are."""
    wanted = [one.state for one in tunnels if one.state is not TunnelState.CLOSED]
    if not wanted:
        return 1
    return 0 if set(wanted) == {TunnelState.OPEN} else NOT_OPEN


def _tunnels(neighbours: Iterable[Neighbour]) -> list[TunnelSnapshot]:
    return [tunnel for one in neighbours for tunnel in one.tunnels]


def _is_shown(tunnel: TunnelSnapshot) -> bool:
    """Return whether it runs, or is one that its process is there for."""
    return tunnel.state is not TunnelState.CLOSED or tunnel.owner.startswith("forward")


def _idle_rules(tunnels: list[TunnelSnapshot]) -> list[Rule]:
    read = load_rules()
    for problem in read.problems:
        tell(f"sshdash: {problem}")
    running = {one.rule.name for one in tunnels if one.rule}
    return [rule for rule in read.rules if rule.name not in running]


def _row(tunnel: TunnelSnapshot) -> tuple[str, ...]:
    places = " → ".join((tunnel.listen, *tunnel.route, tunnel.target))
    state = tunnel.state.value
    if tunnel.retry_in is not None:
        state += f" in {tunnel.retry_in:.0f} s"
    return (
        _name(tunnel),
        clean(f"{tunnel.kind.value} {places}", 120),
        state,
        f"{tunnel.clients} of {tunnel.clients_total}",
        _size(tunnel.bytes_up),
        _size(tunnel.bytes_down),
        _duration(tunnel.uptime),
        clean(tunnel.owner),
    )


def _sum_row(sums: Totals, saved: int) -> tuple[str, ...]:
    order = [state.value for state in TunnelState]
    each = sorted(sums.states.items(), key=lambda one: order.index(one[0]))
    state = ", ".join(f"{count} {word}" for word, count in each)
    clients = f"{sums.clients} of {sums.clients_total}"
    up, down = _size(sums.bytes_up), _size(sums.bytes_down)
    own = f"{sums.tunnels} {'tunnel' if sums.tunnels == 1 else 'tunnels'}"
    idle = f" and {saved} {'rule' if saved == 1 else 'rules'} at rest" if saved else ""
    return ("total", own + idle, state, clients, up, down, "", "")


def _idle_row(rule: Rule) -> tuple[str, ...]:
    ways = ", ".join(f"-{spec.kind.value} {spec}" for spec in rule.forwards)
    return (clean(rule.name), clean(f"{rule.host} {ways}", 120), "closed", "", "", "", "", "")


def _name(tunnel: TunnelSnapshot) -> str:
    return clean(tunnel.rule.name if tunnel.rule else tunnel.id)


def _size(count: int) -> str:
    from sshdash.cli.copy_report import size_text

    return size_text(count)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"


# -- doing something


async def _act(what: str, names: list[str]) -> int:
    """Ask the processes that have tunnels of these names; 1 where one could not be done."""
    folder = runtime_dir()
    tunnels = _tunnels(await survey(folder))
    status = 0
    for name in dict.fromkeys(names):
        owners = _owners(tunnels, name, what)
        if not owners:
            hint = f"sshdash forward --detach --name {name}" if what == "start" else ""
            report(SSHDashError(f"No process has a tunnel {clean(name)}", hint=hint))
            status = 1
        for pid in owners:
            try:
                asked = _ASKED.get(what, what)
                await ask(folder, pid, asked, name=name, tunnel=name.partition("/")[2])
            except SSHDashError as error:
                report(error)
                status = 1
    if what == "stop":
        _tell_idle(await survey(folder))
    return status


def _tell_idle(neighbours: Iterable[Neighbour]) -> None:
    """Tell of processes that are there for tunnels alone, and have none open any more."""
    for one in neighbours:
        states = {tunnel.state for tunnel in one.tunnels}
        if one.kind == "forward" and states == {TunnelState.CLOSED}:
            names = " ".join(dict.fromkeys(map(_name, one.tunnels)))
            tell(
                f"sshdash: process {one.pid} waits to start them again;"
                f" end it: sshdash tunnels end {names}"
            )


def _owners(tunnels: list[TunnelSnapshot], name: str, what: str) -> list[int]:
    """Return who has tunnels of a name; what is to start, one process is to have."""
    having = [one for one in tunnels if name in (one.id, one.rule.name if one.rule else "")]
    live = [one for one in having if one.state not in (TunnelState.CLOSED, TunnelState.FAILED)]
    pids = list(dict.fromkeys(int(one.id.partition("/")[0]) for one in live or having))
    return pids[:1] if what == "start" else pids


# -- for others


def _export(arguments: argparse.Namespace) -> int:
    """Print rules in the words of others."""
    read = load_rules()
    rules = {rule.name: rule for rule in read.rules}
    for name in arguments.names:
        if name not in rules:
            wrong = next((str(one) for one in read.problems), f"none in {rules_file()}")
            raise UsageError(f"There is no rule {clean(name)}", wrong)
    if arguments.form == "systemd":
        print(systemd_unit(arguments.names, _program(arguments)), end="")
        return 0
    for name in arguments.names:
        if arguments.form == "config":
            print(rule_block(rules[name]), end="")
        else:
            print(rule_command(rules[name], source(arguments)))
    return 0


def _program(arguments: argparse.Namespace) -> list[str]:
    """Return how sshdash is called by whoever has no PATH of ours, with the same files."""
    installed = shutil.which("sshdash")
    program = [installed] if installed else [sys.executable, "-m", "sshdash"]
    options = global_options(source(arguments), "")
    if options[:1] == ["-F"] and options[1].lower() != "none":
        options[1] = os.path.abspath(options[1])
    return [*program, *options]
