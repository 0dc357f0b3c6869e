"""``sshdash audit``: read the audit log."""

import argparse
import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from sshdash.audit_file import audit_files
from sshdash.cli.context import tell
from sshdash.config.patterns import matches_host
from sshdash.errors import UsageError
from sshdash.paths import audit_log
from sshdash.settings import load_settings
from sshdash.untrusted import clean

_DESCRIPTION = """\
Print the audit log: attempts to connect, sessions, recordings, tunnels and copies, the oldest
first. It is written by every sshdash unless the setting `audit` is false."""
_HOSTS = ("host", "source", "target")
_LONGEST = 1_000_000
_SHOWN_FIRST = ("time", "event", "pid", *_HOSTS[:1])


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("audit", description=_DESCRIPTION)
    parser.add_argument("host", metavar="HOST", nargs="?", help="a host, or a pattern of hosts")
    parser.add_argument("-n", dest="last", metavar="N", type=int, help="only the last N lines")
    parser.add_argument("--json", action="store_true", help="print the lines as they are")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is asked for; 1 where there is nothing."""
    if arguments.last is not None and arguments.last < 1:
        raise UsageError("Nothing to print", "-n takes a number from 1")
    rows: Iterable[tuple[str, dict[str, Any]]] = _rows(arguments.host)
    if arguments.last is not None:
        rows = deque(rows, arguments.last)
    found = False
    for line, entry in rows:
        found = True
        print(line if arguments.json else _row(entry))
    if not found:
        off = "" if load_settings().audit else " (the setting audit is false)"
        tell(f"sshdash: nothing in {audit_log()}{off}")
    return 0 if found else 1


def _rows(host: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in audit_files(audit_log()):
        with file.open(encoding="utf-8", errors="backslashreplace") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    entry = json.loads(line[:_LONGEST])
                    if not isinstance(entry, dict):
                        raise ValueError("not an object")
                except (ValueError, RecursionError) as error:
                    tell(f"sshdash: {file}:{number}: {error}")
                    continue
                if host is None or _is_about(entry, host):
                    yield line.rstrip("\n"), entry


def _is_about(entry: dict[str, Any], pattern: str) -> bool:
    names = (entry.get(name) for name in _HOSTS)
    return any(isinstance(name, str) and matches_host(name, pattern) for name in names)


def _row(entry: dict[str, Any]) -> str:
    moment = str(entry.get("time", ""))[:19].replace("T", " ")
    ends = f"{entry.get('source', '')} → {entry.get('target', '')}"
    about = str(entry.get("host") or (ends if "source" in entry else ""))
    rest = (
        f"{name}={_value(value)}"
        for name, value in entry.items()
        if name not in _SHOWN_FIRST and not (name in ("source", "target") and "host" not in entry)
    )
    head = f"{moment}  {entry.get('event', '')!s:<18} {about:<16}"
    return clean(f"{head} {' '.join(rest)}".rstrip(), 4000)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    text = str(value)
    return f'"{text}"' if " " in text else text
