"""README's table of failures: ``python -m tests.failures_table``.

It is made of ``tests/data/failures.json``, to which the live tests hold every failure. With
``--run`` each failure is made to happen again first, and what was told is written down anew:
read the difference before you commit it.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from tests.live.failures.catalogue import FILE, Case, all_cases, expected
from tests.live.failures.scene import Scene, Told

README = Path(__file__).parents[1] / "README.md"
_BEGIN = "<!-- made by: python -m tests.failures_table -->"
_END = "<!-- end of what is made -->"


def main() -> None:
    """Write the table into README, after running every failure where that is asked for."""
    parser = argparse.ArgumentParser(prog="tests.failures_table", description=__doc__)
    parser.add_argument("--run", action="store_true", help="make every failure happen again")
    parser.add_argument("names", nargs="*", help="with --run: only these")
    arguments = parser.parse_args()
    if arguments.run:
        asyncio.run(_write_down(arguments.names))
    README.write_text(with_table(README.read_text()))


def with_table(text: str) -> str:
    """Return README's `text` with the table as the written-down failures have it."""
    before, found, rest = text.partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    if not (found and ended):
        raise SystemExit(f"README has no place for the table: {_BEGIN} … {_END}")
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


def table() -> str:
    """Return the table in Markdown, folded away."""
    told = expected()
    cases = [case for case in all_cases().values() if case.name in told]
    lines = [f"<details><summary>{len(cases)} failures, and what is said of each</summary>", ""]
    for group, members in groupby(cases, key=lambda case: case.group):
        lines += [f"**{group}**", "", "| what happens | what sshdash says | what to do |"]
        lines += ["| --- | --- | --- |", *_rows(members, told), ""]
    return "\n".join([*lines, "</details>"])


def _rows(cases: Iterator[Case], told: dict[str, Told]) -> Iterator[str]:
    for case in cases:
        said = told[case.name]
        detail = "<br>".join(_cell(line) for line in said.detail.splitlines())
        words = f"**{_cell(said.title)}**" + (f"<br>{detail}" if detail else "")
        yield f"| {_cell(case.what)} | {words} | {_cell(said.hint)} |"


def _cell(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    for special in "\\|*_`[]<>":
        text = text.replace(special, f"&#{ord(special)};")
    return text


async def _write_down(names: list[str]) -> None:
    before = expected() if FILE.exists() else {}
    rows = []
    for case in all_cases().values():
        told = before.get(case.name)
        possible = not (case.needs_root and os.getuid())
        if told is None or (possible and (not names or case.name in names)):
            sys.stderr.write(f"{case.name}\n")
            told = await _run(case)
        rows.append({"name": case.name, "told": asdict(told)})
    FILE.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


async def _run(case: Case) -> Told:
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as folder:
        (Path(home) / ".ssh").mkdir(mode=0o700)
        os.environ["HOME"] = home
        os.environ.pop("SSH_AUTH_SOCK", None)
        async with AsyncExitStack() as stack:
            return await case.act(Scene(Path(folder), stack))


if __name__ == "__main__":
    main()
