"""How the lines of a file are written, so that a new one looks like those around it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from sshdash.config.document import Block, Document, RawLine
from sshdash.config.spelling import spelled

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Handwriting:
    """Line ends, indentation, what stands between keyword and value, and the case of keywords."""

    ending: bytes = b"\n"
    indent: bytes = b"    "
    joint: str = " "
    column: int = 0
    """Where all values begin, counted from the keyword's first letter; 0 where they do not."""
    lower: bool = False
    apart: bool = True
    """Whether a blank line stands between blocks."""

    def setting(self, keyword: str, value: str) -> RawLine:
        """Return a line of a block."""
        name = self._name(keyword)
        joint = " " * max(self.column - len(name), 1) if self.column else self.joint
        return self._line(self.indent, f"{name}{joint}{value}")

    def head(self, names: str) -> RawLine:
        """Return a Host line."""
        return self._line(b"", f"{self._name('host')} {names}")

    @property
    def blank(self) -> RawLine:
        """Return an empty line."""
        return RawLine.of(self.ending)

    def _name(self, keyword: str) -> str:
        return keyword.lower() if self.lower else spelled(keyword)

    def _line(self, indent: bytes, text: str) -> RawLine:
        return RawLine.of(indent + text.encode("utf-8", "surrogateescape") + self.ending)


def handwriting(document: Document, index: int | None = None) -> Handwriting:
    """Return how a block is written; where it has nothing to show that, how most others are."""
    ending = document.ending
    apart = _apart(document)
    samples = [document.blocks[index]] if index is not None else []
    samples += [block for block in reversed(document.blocks) if block.head is not None]
    sample = next((block for block in samples if block.settings), None)
    if index is not None and (head := document.blocks[index].head) is not None:
        ending = head.ending or ending
    if sample is None or sample.head is None:
        lower = _in_lower_case(block.head for block in samples if block.head is not None)
        return Handwriting(ending, lower=lower, apart=apart)
    joint, column = _joint(sample)
    return Handwriting(
        ending=ending,
        indent=_most(line.indent for line in sample.settings) or b"",
        joint=joint,
        column=column,
        lower=_in_lower_case(sample.settings),
        apart=apart,
    )


def _apart(document: Document) -> bool:
    """Return whether most blocks have a blank line below them; true where there is no telling."""
    followed = [block for block in document.blocks[1:-1] if block.head is not None]
    return sum(bool(block.gap) for block in followed) * 2 >= len(followed)


def _joint(block: Block) -> tuple[str, int]:
    """Return what stands between keyword and value, and the column of the values if aligned."""
    heads = [(line, _written(line)) for line in block.settings]
    joints = [head[len(head.rstrip(" \t=")) :] for _, head in heads]
    if len(set(joints)) > 1 and all(set(joint) == {" "} for joint in joints):
        columns = {len(head) for _, head in heads}
        if len(columns) == 1:
            return " ", columns.pop()
    return _most(joint for joint in joints if joint) or " ", 0


def _written(line: RawLine) -> str:
    """Return what stands before the value, without the indentation."""
    return line.raw[len(line.indent) : line.start].decode("utf-8", "surrogateescape")


def _in_lower_case(lines: Iterable[RawLine]) -> bool:
    words = [_written(line) for line in lines]
    return bool(words) and all(word == word.lower() for word in words)


def _most(items: Iterable[Item]) -> Item | None:
    """Return what occurs most often, the first of several, None of nothing."""
    counted = Counter(items).most_common(1)
    return counted[0][0] if counted else None
