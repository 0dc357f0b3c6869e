"""The smallest configuration that still tells a difference, and where such are kept."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from tests.live.config_oracle import Case

KEPT = Path(__file__).parent.parent / "data" / "configurations"
"""Configurations that once told a difference; a test asks each of them again."""
_TRIALS = 400


def kept_cases() -> dict[str, Case]:
    """Return the kept configurations by name."""
    return {path.stem: load_case(path) for path in sorted(KEPT.glob("*.json"))}


def load_case(path: Path) -> Case:
    """Return the configuration in a file."""
    found = json.loads(path.read_text(encoding="ascii"))
    return Case(
        found["text"],
        tuple(found["hosts"]),
        dict(found["includes"]),
        tuple(found["options"]),
        tuple((option, value) for option, value in found["short"]),
    )


def keep_case(case: Case, name: str) -> Path:
    """Write a configuration to a file of its own; bytes that are no text stay as they are."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{name}.json"
    path.write_text(json.dumps(asdict(case), indent=1) + "\n", encoding="ascii")
    return path


def shrink(case: Case, differs: Callable[[Case], bool]) -> Case:
    """Return a smaller case for which `differs` holds, taking away what it can do without."""
    trials = _TRIALS
    progress = True
    while progress and trials > 0:
        progress = False
        for smaller in _smaller(case):
            trials -= 1
            if trials < 0:
                break
            if differs(smaller):
                case, progress = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Give the cases that lack one thing, the largest things first."""
    if len(case.hosts) > 1:
        yield from (replace(case, hosts=(host,)) for host in case.hosts)
    for at in range(len(case.options)):
        yield replace(case, options=(*case.options[:at], *case.options[at + 1 :]))
    for at in range(len(case.short)):
        yield replace(case, short=(*case.short[:at], *case.short[at + 1 :]))
    for name in case.includes:
        left = {other: text for other, text in case.includes.items() if other != name}
        yield replace(case, includes=left)
        yield replace(case, text=case.includes[name], includes=left)
    yield from (replace(case, text=text) for text in _shorter(case.text))
    for name, text in case.includes.items():
        for shorter in _shorter(text):
            yield replace(case, includes={**case.includes, name: shorter})


def _shorter(text: str) -> Iterator[str]:
    """Give a text without runs of its lines, then without words of them."""
    lines = text.split("\n")
    size = len(lines) // 2
    while size:
        for at in range(0, len(lines), size):
            yield "\n".join(lines[:at] + lines[at + size :])
        size //= 2
    for at, line in enumerate(lines):
        words = line.split(" ")
        for word in range(len(words) if len(words) > 1 else 0):
            fewer = " ".join(words[:word] + words[word + 1 :])
            yield "\n".join([*lines[:at], fewer, *lines[at + 1 :]])
