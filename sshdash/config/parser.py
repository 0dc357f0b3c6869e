"""One configuration file as blocks of checked lines, each with its number.

What a line means on its own is decided here, once per version of a file; what it means for a
host is the resolver's business. A line that OpenSSH refuses keeps its place with the reason,
so that the rest can still be listed.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum

from msgspec import Struct, field

from sshdash.config.assignments import NOTHING, Assignments, BadValue
from sshdash.config.keywords import KEYWORDS, OBSOLETE, Keyword, Kind, find_keyword
from sshdash.config.lexer import LexError, decode_lines, lower, split_keyword, split_words
from sshdash.config.patterns import is_pattern
from sshdash.config.values import parse_value

_ENVIRONMENT_KINDS = frozenset({Kind.FORWARD, Kind.AGENT, Kind.FORWARD_AGENT})
_UNCONDITIONAL = frozenset({"streamlocalbindmask", "syslogfacility"})
"""OpenSSH sets these even in a block that does not apply."""


class LineKind(Enum):
    """What a line does when its block is reached."""

    SET = "set"
    LATE = "late"
    """Its value depends on the environment: parsed when it is used."""
    UNKNOWN = "unknown"
    """No such keyword: refused unless IgnoreUnknown says otherwise."""
    ERROR = "error"
    INCLUDE = "include"


class Line(Struct):
    """One line that says something."""

    number: int
    kind: LineKind
    keyword: str
    """Canonical name; for an unknown keyword what was written, in lower case."""
    values: Assignments = NOTHING
    problem: str = ""
    words: tuple[str, ...] = ()
    """Arguments of Include, and of a LATE line."""


class Block(Struct):
    """The lines below one Host or Match line, or those before the first."""

    number: int = 0
    patterns: tuple[str, ...] | None = None
    """Arguments of Host."""
    condition: str | None = None
    """Argument text of Match."""
    problem: str = ""
    """Why the Host or Match line itself is refused."""
    lines: list[Line] = field(default_factory=list)
    always: list[Line] = field(default_factory=list)
    """The lines that matter even where the block does not apply."""

    @property
    def heading(self) -> str:
        """Return the Host or Match line in few words, empty for what precedes the first."""
        if self.patterns is not None:
            return f"Host {' '.join(self.patterns)}"
        return f"Match {self.condition}" if self.condition is not None else ""

    @property
    def is_general(self) -> bool:
        """Return whether the line means every host, exceptions aside."""
        if self.patterns is not None:
            return "*" in self.patterns
        return self.condition is None or lower(self.condition.strip()) == "all"


class ParsedFile(Struct):
    """A file's blocks in order; the first holds what precedes any Host or Match."""

    path: str
    blocks: list[Block]
    mode: int = 0
    owner: int = 0
    group: int = 0
    _index: tuple[dict[str, list[int]], list[int]] | None = None

    def relevant(self, host: str) -> list[Block]:
        """Return the blocks that can have an effect on `host`, in order.

        A Host line of plain names that are not this one has none.
        """
        if self._index is None:
            self._index = _index(self.blocks)
        named, others = self._index
        mine = named.get(host)
        positions = sorted([*others, *mine]) if mine else others
        return [self.blocks[at] for at in positions]


def _index(blocks: list[Block]) -> tuple[dict[str, list[int]], list[int]]:
    """Return the positions of blocks for plain names, by name, and those of all others."""
    named: dict[str, list[int]] = {}
    others: list[int] = []
    for at, block in enumerate(blocks):
        names = set(block.patterns or ())
        if block.problem or block.always or not names or any(map(is_pattern, names)):
            others.append(at)
            continue
        for name in names:
            named.setdefault(name, []).append(at)
    return named, others


def parse_lines(lines: Iterable[str]) -> list[Block]:
    """Return the blocks of a configuration."""
    block = Block()
    blocks = [block]
    known: dict[str, tuple[Keyword, Assignments]] = {}
    for number, text in enumerate(lines, 1):
        found = known.get(text)
        if found:
            block.lines.append(Line(number, LineKind.SET, found[0].name, found[1]))
            continue
        parts = split_keyword(text)
        if parts is None:
            continue
        name, rest = parts
        if name in ("host", "match"):
            block = _block(number, name, rest)
            blocks.append(block)
            continue
        line = parse_line(number, name, rest)
        block.lines.append(line)
        if line.kind is not LineKind.SET or line.keyword in _UNCONDITIONAL:
            block.always.append(line)
        elif line.keyword in KEYWORDS:
            known[text] = (KEYWORDS[line.keyword], line.values)
    return blocks


def parse_line(number: int, name: str, rest: str) -> Line:
    """Return one line, checked as far as it can be without knowing the host."""
    if not rest:
        return Line(number, LineKind.ERROR, name, problem=f'no argument after keyword "{name}"')
    keyword = find_keyword(name)
    if keyword is None and name not in OBSOLETE:
        return _unknown(number, name, rest)
    try:
        words = split_words(rest)
    except LexError as error:
        return Line(number, LineKind.ERROR, name, problem=str(error))
    if keyword is None:
        return Line(number, LineKind.SET, name)
    if keyword.kind is Kind.INCLUDE:
        if "" in words:
            return Line(number, LineKind.ERROR, name, problem="keyword include empty argument")
        return Line(number, LineKind.INCLUDE, name, words=tuple(words))
    if keyword.kind in _ENVIRONMENT_KINDS and "${" in rest:
        return Line(number, LineKind.LATE, keyword.name, words=tuple(words))
    try:
        return Line(number, LineKind.SET, keyword.name, parse_value(keyword, words, rest))
    except BadValue as error:
        return Line(number, LineKind.ERROR, keyword.name, problem=str(error))


def late_values(line: Line) -> Assignments:
    """Return what a LATE line sets in this environment. Raises BadValue."""
    return parse_value(KEYWORDS[line.keyword], list(line.words), "")


def _unknown(number: int, name: str, rest: str) -> Line:
    try:
        split_words(rest)
    except LexError as error:
        return Line(number, LineKind.ERROR, name, problem=str(error))
    return Line(number, LineKind.UNKNOWN, name, problem=f"bad configuration option: {name}")


def _block(number: int, name: str, rest: str) -> Block:
    if not rest:
        return Block(number, problem=f'no argument after keyword "{name}"')
    try:
        words = split_words(rest)
    except LexError as error:
        return Block(number, problem=str(error))
    if name == "match":
        return Block(number, condition=rest)
    if "" in words:
        return Block(number, patterns=(), problem="keyword host empty argument")
    return Block(number, patterns=tuple(words))


class FileCache:
    """Parsed files, read again only where inode, time or size have changed."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[int, int, int, int], ParsedFile]] = {}
        self._held: dict[str, ParsedFile] | None = None
        self.included: dict[tuple[str, bool], list[str]] | None = None
        """While held, what arguments of Include named."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Look at no file and no folder twice meanwhile: for a walk over many hosts."""
        self._held, self.included = {}, {}
        try:
            yield
        finally:
            self._held = self.included = None

    def __repr__(self) -> str:
        """Return the number of files kept."""
        return f"<FileCache [{len(self._files)} files]>"

    @property
    def versions(self) -> dict[str, tuple[int, int, int, int]]:
        """Return which version of each file was read last."""
        return {path: stamp for path, (stamp, _) in self._files.items()}

    def load(self, path: str) -> ParsedFile:
        """Return a file's blocks. Raises OSError."""
        if self._held is not None and path in self._held:
            return self._held[path]
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            stamp = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
            known = self._files.get(path)
            if known and known[0] == stamp:
                parsed = known[1]
            else:
                data = _read_all(descriptor, found)
                parsed = ParsedFile(path, parse_lines(decode_lines(data)))
                self._files[path] = (stamp, parsed)
        finally:
            os.close(descriptor)
        parsed.mode, parsed.owner, parsed.group = found.st_mode, found.st_uid, found.st_gid
        if self._held is not None:
            self._held[path] = parsed
        return parsed


def _read_all(descriptor: int, found: os.stat_result) -> bytes:
    """Return a file's bytes; a folder has none, as for ssh."""
    if stat.S_ISDIR(found.st_mode):
        return b""
    if not stat.S_ISREG(found.st_mode):
        os.set_blocking(descriptor, True)
    chunks: list[bytes] = []
    while chunk := os.read(descriptor, max(found.st_size + 1, 65536)):
        chunks.append(chunk)
    return b"".join(chunks)
