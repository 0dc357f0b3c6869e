"""`sshdash resolve DEST`: what ``ssh -G DEST`` prints; with ``--explain``, why it is so."""

import argparse
import json
import os
import sys

from sshdash.cli.context import source, tell
from sshdash.cli.ssh_options import SHORT_FORMS, add_short_forms, add_ssh_options
from sshdash.config.advice import Advice, advise
from sshdash.config.explain import Explained, explain
from sshdash.config.options import Origin
from sshdash.config.resolver import ResolvedHost, Resolver, dump
from sshdash.errors import ConfigError, UsageError
from sshdash.untrusted import clean

_WIDEST = 60
"""Columns that places may take before the values are no longer aligned."""
_LONGEST = 4_000


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "resolve",
        help="print the configuration of a host, as ssh -G",
        description="Print the configuration of a host, byte for byte as ssh -G does.",
    )
    add_ssh_options(parser)
    add_short_forms(parser, SHORT_FORMS)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="tell for every value which line set it, and which lines it left without effect",
    )
    parser.add_argument("--json", action="store_true", help="explain as one JSON object")
    parser.add_argument("destination", metavar="DEST", help="[user@]host[:port] or ssh://…")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the values; return 255 where the configuration is refused, as ssh."""
    resolver = Resolver(source(arguments))
    try:
        resolved = resolver.resolve(arguments.destination)
    except (ConfigError, UsageError) as error:
        print(f"sshdash: {clean(str(error), 2000)}", file=sys.stderr)
        return 255
    if arguments.json:
        print(json.dumps(_document(resolved, advise(resolved, resolver)), indent=2))
    elif arguments.explain:
        _print_explained(explain(resolved))
        for advice in advise(resolved, resolver):
            tell(f"sshdash: {advice}")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(dump(resolved)))
        sys.stdout.buffer.flush()
    return 0


def _print_explained(entries: tuple[Explained, ...]) -> None:
    places = [_place(entry.origin) for entry in entries]
    width = min(max(map(len, places)), _WIDEST)
    for place, entry in zip(places, entries, strict=True):
        value = clean(f"{entry.keyword} {entry.value}", _LONGEST)
        print(f"{place:<{width}}  {value}")
        if entry.no_effect:
            print(f"{'':<{width}}    without effect in sshdash: {entry.no_effect}")
        for lost in entry.shadowed:
            text = clean(f"{lost.keyword} {lost.value}", _LONGEST)
            print(f"{'':<{width}}    not {text}, from {_place(lost.origin)}")


def _place(origin: Origin) -> str:
    block = f" ({clean(origin.block, 40)})" if origin.block else ""
    return f"{clean(str(origin), 200)}{block}"


def _document(resolved: ResolvedHost, advices: tuple[Advice, ...]) -> dict[str, object]:
    return {
        "host": resolved.alias,
        "values": [
            {
                "keyword": entry.keyword,
                "value": entry.value,
                "origin": _origin(entry.origin),
                "no_effect": entry.no_effect,
                "shadowed": [
                    {"keyword": lost.keyword, "value": lost.value, "origin": _origin(lost.origin)}
                    for lost in entry.shadowed
                ],
            }
            for entry in explain(resolved)
        ],
        "warnings": [
            {
                "kind": advice.kind,
                "text": advice.text,
                "hint": advice.hint,
                "origin": _origin(advice.origin),
            }
            for advice in advices
        ],
    }


def _origin(origin: Origin) -> dict[str, object]:
    if not origin.file:
        return {"from": str(origin)}
    return {"from": "file", "file": origin.file, "line": origin.line, "block": origin.block}
