"""A host as a form holds it: some fields, and the other keywords as lines of text."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from sshdash.config.document import Block, RawLine, Sort
from sshdash.config.edits import same_value
from sshdash.config.spelling import (
    REPEATED,
    check_setting,
    literal,
    reads_whole_line,
    refuse_control,
    spelled,
)
from sshdash.errors import UsageError
from sshdash.untrusted import clean

FIELDS = {
    "hostname": "HostName",
    "user": "User",
    "port": "Port",
    "identity": "IdentityFile",
    "jump": "ProxyJump",
}
"""Fields of a draft and the keywords they are for."""
_KEYWORDS = {field: keyword.lower() for field, keyword in FIELDS.items()}


@dataclass(frozen=True, slots=True)
class HostDraft:
    """What is typed so far; all of it may be wrong."""

    names: str = ""
    hostname: str = ""
    user: str = ""
    port: str = ""
    identity: str = ""
    jump: str = ""
    others: str = ""
    """One ``Keyword value`` per line, as in the file."""

    @classmethod
    def of(cls, block: Block) -> "HostDraft":
        """Return the draft that changes nothing of a block."""
        found = {
            field: _plain(keyword, block.values(keyword)[0])
            for field, keyword in _KEYWORDS.items()
            if block.values(keyword)
        }
        names = block.head.value if block.head is not None else ""
        return cls(names, **found, others="\n".join(_other_lines(block)))

    @property
    def name_list(self) -> list[str]:
        """Return the names of the Host line, read as ssh reads them."""
        line = RawLine.of(f"Host {self.names}".encode("utf-8", "surrogateescape"))
        return [] if "\n" in self.names else [*line.words]

    def settings(self, block: Block | None = None) -> dict[str, tuple[str, ...]]:
        """Return what the draft sets, beside what a block sets now. Raises UsageError.

        A keyword of the block that the draft does not have comes with no value.
        """
        wanted: dict[str, list[str]] = {}
        for field in fields(self):
            keyword = _KEYWORDS.get(field.name)
            value = getattr(self, field.name).strip()
            if keyword and value:
                text = literal(keyword, value)
                check_setting(keyword, text)
                wanted[keyword] = [text]
        for keyword, text in _parsed(self.others):
            if keyword in _KEYWORDS.values() and keyword not in REPEATED:
                raise UsageError(f"{spelled(keyword)} has a field of its own")
            wanted.setdefault(keyword, []).append(text)
        if block is None:
            return {keyword: tuple(values) for keyword, values in wanted.items()}
        return _beside(block, wanted)


def _beside(block: Block, wanted: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Return what differs from a block."""
    settings: dict[str, tuple[str, ...]] = {}
    now = {line.keyword: block.values(line.keyword) for line in block.settings}
    for keyword in dict.fromkeys((*now, *wanted)):
        old, new = now.get(keyword, ()), tuple(wanted.get(keyword, ()))
        if keyword in _KEYWORDS.values() and keyword not in REPEATED and new:
            new = (*new, *old[1:])  # of those only the first line counts, and is in the field
        same = len(old) == len(new) and all(
            same_value(keyword, *pair) for pair in zip(old, new, strict=True)
        )
        if not same:
            settings[keyword] = new
    return settings


def _other_lines(block: Block) -> Iterator[str]:
    seen: set[str] = set()
    for line in block.settings:
        first = line.keyword not in seen
        seen.add(line.keyword)
        if line.keyword in _KEYWORDS.values() and (first or line.keyword not in REPEATED):
            continue
        written = line.raw[len(line.indent) : line.start].decode("utf-8", "surrogateescape")
        name = written.strip(' \t="')
        yield f"{spelled(name)} {line.value}"


def _plain(keyword: str, text: str) -> str:
    """Return a value as a person means it, without quotes."""
    if reads_whole_line(keyword):
        return text
    words = RawLine.of(f"x {text}".encode("utf-8", "surrogateescape")).words
    return words[0] if len(words) == 1 else text


def _parsed(text: str) -> Iterator[tuple[str, str]]:
    """Return keyword and value text of each line. Raises UsageError."""
    for number, written in enumerate(text.split("\n"), 1):
        refuse_control(written)
        line = RawLine.of(written.strip().encode("utf-8", "surrogateescape"))
        if line.sort is Sort.BLANK:
            continue
        if line.sort is Sort.COMMENT:
            raise UsageError(
                f"Other keywords, line {number}: a comment",
                clean(written),
                "comments of the file stay as they are; write new ones in your editor",
            )
        if line.sort is Sort.HEAD or not line.keyword:
            raise UsageError(f"Other keywords, line {number}: no setting", clean(written))
        try:
            check_setting(line.keyword, line.value)
        except UsageError as error:
            raise UsageError(
                f"Other keywords, line {number}: {error.title}", error.detail
            ) from error
        yield line.keyword, line.value
