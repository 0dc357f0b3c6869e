"""A change of a configuration that has been worked out, to be looked at before it is written."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from sshdash.config.diff import unified
from sshdash.config.document import Block, Document
from sshdash.config.history import Entry
from sshdash.config.proof import Places
from sshdash.config.saving import Version
from sshdash.config.spelling import REPEATED, spelled
from sshdash.paths import home
from sshdash.untrusted import clean


@dataclass(frozen=True, slots=True)
class Found:
    """A block in the file that holds it."""

    version: Version
    document: Document
    index: int

    @property
    def block(self) -> Block:
        """Return the block."""
        return self.document.blocks[self.index]

    @property
    def line(self) -> int:
        """Return the number of its Host line."""
        return self.document.line_of(self.index)

    @property
    def place(self) -> str:
        """Return ``file:line``, cleaned."""
        return f"{short(self.version.path)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that has been worked out and not been written."""

    title: str
    """``web added``, cleaned."""
    version: Version
    after: bytes | None
    """What the file will hold; None where it goes."""
    line: int
    """Where the block stands afterwards, or stood."""
    names: tuple[str, ...] = ()
    """The hosts that the block names afterwards."""
    gone: tuple[str, ...] = ()
    """The names that it had before and has no more."""
    undoes: Entry | None = None

    @property
    def changes(self) -> bool:
        """Return whether it changes anything."""
        return self.after != self.version.data

    @property
    def difference(self) -> bytes:
        """Return the change in the unified form."""
        return unified(self.version.data, self.after, self.version.path)

    @property
    def brief(self) -> bytes:
        """Return the change with one line around it."""
        return unified(self.version.data, self.after, self.version.path, around=1)

    @property
    def place(self) -> str:
        """Return ``file:line``, cleaned."""
        return f"{short(self.version.path)}:{self.line}"


def short(path: str) -> str:
    """Return a path, cleaned, with ``~`` for the home folder."""
    folder = str(home())
    return clean(f"~{path[len(folder) :]}" if path.startswith(f"{folder}/") else path, 400)


def first_change(before: bytes | None, after: bytes | None) -> int:
    """Return the number of the first line that differs, 1 where none does."""
    pairs = zip((before or b"").split(b"\n"), (after or b"").split(b"\n"), strict=False)
    same = 1
    for one, other in pairs:
        if one != other:
            break
        same += 1
    return same


def surprises(plan: Plan, hosts: Mapping[str, Places]) -> list[str]:
    """Return the settings of the block that another place wins over."""
    if plan.after is None or not plan.names:
        return []
    document = Document.parse(plan.after)
    body = document.blocks[document.block_at(plan.line)].body
    numbers: dict[str, int] = {}
    for number, line in enumerate(body, plan.line + 1):
        if line.keyword and line.keyword not in REPEATED:
            numbers.setdefault(line.keyword, number)
    found: list[str] = []
    for name, places in hosts.items():
        for keyword, number in numbers.items():
            file, origin = places.get(keyword, (plan.version.path, number))
            if (os.path.realpath(file), origin) != (plan.version.target, number):
                what = f"{spelled(keyword)} of {clean(name)}"
                found.append(f"{what} comes from {short(file)}:{origin}, which is read first")
    return found
