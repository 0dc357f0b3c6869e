"""A configuration file as its bytes, cut into blocks of which one can be changed.

Joined again the pieces are the file, byte for byte: comments, blank lines, endings, odd bytes.
What belongs to a Host line is what a person would take with it: the comment lines directly above
it, its settings, and the comments among and right below them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from sshdash.config.lexer import LexError, split_keyword, split_words
from sshdash.config.parser import LineKind, parse_line
from sshdash.config.patterns import is_pattern
from sshdash.config.spelling import SPELLING, canonical, reads_whole_line

_MODELINE = re.compile(rb"-\*-|\b(?:vim?|ex):\s*(?:set?\b|\w+=)")


class Sort(Enum):
    """What a line is."""

    BLANK = "blank"
    COMMENT = "comment"
    SETTING = "setting"
    HEAD = "head"
    """Host or Match."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line with its ending, as it stands in the file."""

    raw: bytes
    sort: Sort
    keyword: str = ""
    """Canonical, in lower case."""
    start: int = 0
    """Where the value begins in `raw`."""
    end: int = 0
    """Where it ends: before white space, a comment, the end of the line."""

    @classmethod
    def of(cls, raw: bytes) -> "RawLine":
        """Return the line that these bytes are."""
        text = raw.removesuffix(b"\n").partition(b"\0")[0].decode("utf-8", "surrogateescape")
        parts = split_keyword(text)
        if parts is None:
            return cls(raw, Sort.COMMENT if text.strip() else Sort.BLANK)
        keyword, rest = parts
        stripped = text[:1] + text[1:].rstrip(" \t\r\n\f")
        start = len(_encoded(stripped[: len(stripped) - len(rest)]))
        kept = rest if reads_whole_line(keyword) else rest[: words_end(rest)]
        sort = Sort.HEAD if keyword in ("host", "match") else Sort.SETTING
        return cls(raw, sort, canonical(keyword), start, start + len(_encoded(kept)))

    @property
    def value(self) -> str:
        """Return the text of the value, without a comment behind it."""
        return self.raw[self.start : self.end].decode("utf-8", "surrogateescape")

    @property
    def words(self) -> tuple[str, ...]:
        """Return the arguments; none where they cannot be split."""
        try:
            return tuple(split_words(self.value))
        except LexError:
            return ()

    @property
    def indent(self) -> bytes:
        """Return the white space it begins with."""
        return self.raw[: len(self.raw) - len(self.raw.lstrip(b" \t"))]

    @property
    def ending(self) -> bytes:
        """Return how it ends: a line feed, with a carriage return before it, or nothing."""
        if self.raw.endswith(b"\r\n"):
            return b"\r\n"
        return b"\n" if self.raw.endswith(b"\n") else b""

    def ended(self, ending: bytes) -> "RawLine":
        """Return the line with an ending, where it is the last of a file without one."""
        return self if self.raw.endswith(b"\n") else replace(self, raw=self.raw + ending)

    def with_value(self, text: str) -> "RawLine":
        """Return the line with another value; what stands around it stays."""
        raw = self.raw[: self.start] + _encoded(text) + self.raw[self.end :]
        return RawLine.of(raw)


@dataclass(frozen=True, slots=True)
class Block:
    """What a Host or Match line begins; without a head, what precedes the first of them."""

    head: RawLine | None
    lead: tuple[RawLine, ...] = ()
    """The comments directly above the head that speak of it."""
    body: tuple[RawLine, ...] = ()
    gap: tuple[RawLine, ...] = ()
    """Blank lines, and comments that stand by themselves, up to the next block."""

    @property
    def own(self) -> tuple[RawLine, ...]:
        """Return the lines that go where the block goes."""
        head = () if self.head is None else (self.head,)
        return (*self.lead, *head, *self.body)

    @property
    def lines(self) -> tuple[RawLine, ...]:
        """Return all lines."""
        return (*self.own, *self.gap)

    @property
    def blanks(self) -> tuple[RawLine, ...]:
        """Return the blank lines right below it."""
        count = 0
        while count < len(self.gap) and self.gap[count].sort is Sort.BLANK:
            count += 1
        return self.gap[:count]

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the arguments of a Host line; none for any other block."""
        return self.head.words if self.head is not None and self.head.keyword == "host" else ()

    @property
    def plain(self) -> bool:
        """Return whether it is a Host line of names, without a pattern among them."""
        return bool(self.patterns) and not any(map(is_pattern, self.patterns))

    @property
    def settings(self) -> tuple[RawLine, ...]:
        """Return the lines that set something."""
        return tuple(line for line in self.body if line.sort is Sort.SETTING)

    def values(self, keyword: str) -> tuple[str, ...]:
        """Return the texts of the values of a canonical keyword, in order."""
        return tuple(line.value for line in self.settings if line.keyword == keyword)

    def ended(self, ending: bytes, *, last: bool) -> "Block":
        """Return it with an ending on each line, but on the very last line where it is `last`."""
        spared = self.lines[-1] if last else None

        def each(lines: tuple[RawLine, ...]) -> tuple[RawLine, ...]:
            return tuple(line if line is spared else line.ended(ending) for line in lines)

        head = self.head if self.head is None else each((self.head,))[0]
        return Block(head, each(self.lead), each(self.body), each(self.gap))

    def text(self) -> str:
        """Return the lines that go where the block goes, as text."""
        return b"".join(line.raw for line in self.own).decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Document:
    """A file: the block without a head first, then the others in order."""

    blocks: tuple[Block, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Document":
        """Return the pieces of a file's bytes."""
        return cls(tuple(_blocks([RawLine.of(raw) for raw in split_lines(data)])))

    def __bytes__(self) -> bytes:
        """Return the file."""
        return b"".join(line.raw for line in self.lines())

    def lines(self) -> Iterator[RawLine]:
        """Return all lines in order."""
        for block in self.blocks:
            yield from block.lines

    def line_of(self, index: int) -> int:
        """Return the number of the line with the head of a block, from 1."""
        before = sum(len(block.lines) for block in self.blocks[:index])
        return before + len(self.blocks[index].lead) + 1

    def block_at(self, line: int) -> int:
        """Return the block whose head is on a line, by number. Raises LookupError."""
        number = 1
        for index, block in enumerate(self.blocks):
            if block.head is not None and number + len(block.lead) == line:
                return index
            number += len(block.lines)
        raise LookupError(f"no block begins on line {line}")

    def named(self, name: str) -> list[int]:
        """Return the blocks whose Host line has a name, in order."""
        return [index for index, block in enumerate(self.blocks) if name in block.patterns]

    def with_blocks(self, blocks: Iterable[Block]) -> "Document":
        """Return a file of other blocks; only its last line may lack an ending."""
        kept = list(blocks)
        filled = [at for at, block in enumerate(kept) if block.lines]
        for at in filled:
            if any(not line.ending for line in kept[at].lines):
                kept[at] = kept[at].ended(self.ending, last=at == filled[-1])
        return Document(tuple(kept))

    @property
    def ending(self) -> bytes:
        """Return how the lines of the file end."""
        return next((line.ending for line in self.lines() if line.ending), b"\n")


def words_end(text: str) -> int:
    """Return where the arguments in `text` end: before a comment and the blanks in front of it."""
    at = end = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        if text[at] == "#":
            break
        at = end = _word_end(text, at)
    return end


def _word_end(text: str, at: int) -> int:
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in ("'", '"', "\\", "" if quote else " "):
            at += 1
        elif not quote and char in " \t":
            break
        elif not quote and char in "\"'":
            quote = char
        elif char == quote:
            quote = ""
        at += 1
    return min(at, len(text))


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines of a file with their endings."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# Which lines belong together


def _blocks(lines: list[RawLine]) -> Iterator[Block]:
    heads = [at for at, line in enumerate(lines) if line.sort is Sort.HEAD]
    head: RawLine | None = None
    lead: tuple[RawLine, ...] = ()
    begin = 0
    for at in (*heads, len(lines)):
        between = lines[begin:at]
        follower = lines[at] if at < len(lines) else None
        split = len(between) - (_lead_length(between, follower) if follower else 0)
        body = _body_length(between[:split], head)
        yield Block(head, lead, tuple(between[:body]), tuple(between[body:split]))
        lead, head, begin = tuple(between[split:]), follower, at + 1


def _body_length(lines: list[RawLine], head: RawLine | None) -> int:
    """Return how many of the lines below a head are its own.

    Those are all up to the last setting or comment that is indented deeper than the head, and
    the comments right below.
    """
    deep = len(head.indent) if head is not None else -1
    last = 0
    for at, line in enumerate(lines, 1):
        indented = line.sort is Sort.COMMENT and head is not None and len(line.indent) > deep
        if line.sort is Sort.SETTING or indented:
            last = at
    while last < len(lines) and lines[last].sort is Sort.COMMENT:
        last += 1
    return last


def _lead_length(lines: list[RawLine], head: RawLine) -> int:
    """Return how many of the lines above a head speak of it.

    They are the comments directly above that are not indented deeper, unless an editor reads
    them (modelines) or they are a block that somebody has commented out.
    """
    count = 0
    for line in reversed(lines):
        deeper = len(line.indent) > len(head.indent)
        if line.sort is not Sort.COMMENT or deeper or _MODELINE.search(line.raw):
            break
        count += 1
    run = lines[len(lines) - count :]
    return count - _commented_out(run)


def _commented_out(run: list[RawLine]) -> int:
    """Return how many lines from the top of a run of comments end with a block commented out.

    That is a Host or Match line and below it what would be settings, so that prose which happens
    to begin with such a word is none.
    """
    inner = [_uncommented(line.raw) for line in run]
    end = 0
    for at, keyword in enumerate(inner[:-1]):
        if keyword in ("host", "match") and inner[at + 1] not in ("", "host", "match"):
            end = at + 2
            while end < len(run) and inner[end] not in ("", "host", "match"):
                end += 1
    return end


def _uncommented(raw: bytes) -> str:
    """Return the keyword of the line that a comment would be without its mark, empty for none."""
    text = raw.lstrip(b"# \t").decode("utf-8", "surrogateescape").rstrip("\r\n")
    parts = split_keyword(text)
    if parts is None or parts[0] not in SPELLING:
        return ""
    if parts[0] in ("host", "match"):
        return parts[0]
    return "" if parse_line(1, *parts).kind is LineKind.ERROR else parts[0]
