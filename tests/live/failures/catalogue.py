"""The list of failures: what happens, how it is made to happen, and what must be told of it.

What must be told is in ``tests/data/failures.json``; the tests hold every failure to it, and
``python -m tests.failures_table`` makes README's table of it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.live.failures.scene import Scene, Told

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
