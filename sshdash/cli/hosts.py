"""`sshdash hosts`: the hosts of the configuration, as a table or as JSON."""

import argparse
import json
import sys

from sshdash.cli.context import source
from sshdash.cli.hosts_edit import add_parsers
from sshdash.config.catalog import Catalog, HostEntry, HostSummary, load_catalog, summarize
from sshdash.config.resolver import Resolver
from sshdash.errors import SSHDashError
from sshdash.untrusted import clean

Row = tuple[HostEntry, HostSummary | None, str]
"""A host, what it resolves to, and why it does not."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command and those that edit."""
    parser = commands.add_parser("hosts", help="list the hosts of ssh_config, or edit them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)
    add_parsers(parser.add_subparsers(metavar="COMMAND", title="to edit"))


def run(arguments: argparse.Namespace) -> int:
    """List the hosts; what is wrong with the files goes to stderr. Return 1 where something is."""
    files = source(arguments)
    resolver = Resolver(files)
    catalog = load_catalog(files, resolver.cache)
    with resolver.cache.held():
        rows = [_row(entry, resolver) for entry in catalog.hosts]
    if arguments.json:
        print(json.dumps(_document(rows, catalog), indent=2, ensure_ascii=True))
    else:
        _print_table(rows)
    if not rows and not catalog.problems and not arguments.json:
        print("sshdash: no hosts yet", file=sys.stderr)
        print("  → sshdash hosts add NAME --hostname HOST adds one", file=sys.stderr)
    for problem in catalog.problems:
        print(f"sshdash: {clean(str(problem), 1000)}", file=sys.stderr)
    return 1 if catalog.problems else 0


def _row(entry: HostEntry, resolver: Resolver) -> Row:
    try:
        return entry, summarize(resolver.resolve(entry.alias)), ""
    except SSHDashError as error:
        return entry, None, str(error)


def _document(rows: list[Row], catalog: Catalog) -> dict[str, object]:
    return {
        "hosts": [_host(*row) for row in rows],
        "problems": [
            {"file": problem.file, "line": problem.line, "message": problem.message}
            for problem in catalog.problems
        ],
    }


def _host(entry: HostEntry, summary: HostSummary | None, error: str) -> dict[str, object]:
    host: dict[str, object] = {
        "alias": entry.alias,
        "file": entry.file,
        "line": entry.line,
        "group": entry.group,
    }
    if summary is None:
        return {**host, "error": error}
    return {
        **host,
        "user": summary.user,
        "hostname": summary.hostname,
        "port": summary.port,
        "route": list(summary.route),
        "forwards": list(summary.forwards),
        "identity": summary.identity,
    }


def _print_table(rows: list[Row]) -> None:
    table = [_cells(*row) for row in rows]
    widths = [max((len(cells[at]) for cells in table), default=0) for at in range(3)]
    for cells in table:
        shown = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
        print("  ".join([*shown, *cells[3:]]).rstrip())


def _cells(entry: HostEntry, summary: HostSummary | None, error: str) -> list[str]:
    alias = clean(entry.alias)
    if summary is None:
        return [alias, "-", "", f"✖ {clean(error, 1000)}"]
    host = f"[{summary.hostname}]" if ":" in summary.hostname else summary.hostname
    route = f"via {' → '.join(summary.route)}" if summary.route else ""
    address = f"{summary.user}@{host}:{summary.port}"
    return [alias, address, route, *summary.forwards]
