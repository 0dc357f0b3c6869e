"""The list of failures: what happens, how it is made to happen, and what must be told of it.

What must be told is in ``tests/data/failures.json``; the tests hold every failure to it, and
``python -m tests.failures_table`` makes README's table of it.
"""

import importlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.live.failures.scene import Scene, Told

FILE = Path(__file__).parents[2] / "data" / "failures.json"
_CHAPTERS = (
    "network", "greeting", "key_exchange", "host_keys", "login", "jumps", "sessions", "loss",
)  # fmt: skip

Act = Callable[[Scene], Awaitable[Told]]


@dataclass(frozen=True)
class Case:
    """One failure."""

    name: str
    group: str
    what: str
    act: Act

    @property
    def needs_root(self) -> bool:
        """Return whether only root can make it happen."""
        return self.name in _ROOT


CASES: dict[str, Case] = {}
_ROOT: set[str] = set()


def all_cases() -> dict[str, Case]:
    """Return every failure, in the order of a connection's phases."""
    for chapter in _CHAPTERS:
        importlib.import_module(f"tests.live.failures.{chapter}")
    return CASES


def expected() -> dict[str, Told]:
    """Return what must be told of each, as it was written down."""
    rows = json.loads(FILE.read_text())
    return {row["name"]: Told(**row["told"]) for row in rows}


def failure(group: str, what: str, root: bool = False) -> Callable[[Act], Act]:
    """Add the decorated function to the list: it makes `what` happen and returns what was told."""

    def add(act: Act) -> Act:
        name = act.__name__
        assert name not in CASES, name
        CASES[name] = Case(name, group, what, act)
        if root:
            _ROOT.add(name)
        return act

    return add
