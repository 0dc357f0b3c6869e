"""The changes of a configuration file, from one document to the next; nothing is written here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sshdash.config.document import Block, Document, RawLine, Sort
from sshdash.config.handwriting import Handwriting, handwriting
from sshdash.config.spelling import names_text, reads_whole_line

Settings = Mapping[str, Sequence[str]]
"""Canonical keywords and the texts of all their values in a block; none takes the lines away."""

Edited = tuple[Document, int]
"""The file after a change, and the block that was changed or that took its place."""


def add_block(document: Document, names: Sequence[str], settings: Settings) -> Edited:
    """Return the file with a new Host block below the last one that names hosts.

    There its values come before those of ``Host *``, which OpenSSH takes where it finds no other.
    """
    hand = handwriting(document)
    head = hand.head(names_text(tuple(names)))
    lines = [hand.setting(keyword, one) for keyword, values in settings.items() for one in values]
    named = [at for at, block in enumerate(document.blocks) if block.plain]
    return _insert_below(document, named[-1] if named else 0, Block(head, body=tuple(lines)), hand)


def clone_block(document: Document, index: int, names: Sequence[str]) -> Edited:
    """Return the file with a copy of a block, under other names, right below it.

    The comments above the block speak of it and are not copied, those among its settings are.
    """
    hand = handwriting(document, index)
    source = document.blocks[index]
    if source.head is None:
        raise LookupError("only a block can be cloned")
    head = _renamed(source.head, names)
    return _insert_below(document, index, Block(head, body=source.body), hand)


def change_block(
    document: Document, index: int, settings: Settings, names: Sequence[str] | None = None
) -> Edited:
    """Return the file with other settings in a block, and other names where they are given.

    Lines whose value stays are not touched. A changed value takes the place of the old one on
    its line; what is new goes below the last setting, or below the last of the same keyword.
    """
    hand = handwriting(document, index)
    block = document.blocks[index]
    if names is not None and block.head is not None and tuple(names) != block.patterns:
        block = replace(block, head=_renamed(block.head, names))
    for keyword, values in settings.items():
        block = replace(block, body=_with_values(block, keyword, tuple(values), hand))
    blocks = list(document.blocks)
    blocks[index] = block
    return document.with_blocks(blocks), index


def drop_name(document: Document, index: int, name: str) -> Edited:
    """Return the file with one name less on a Host line that has several."""
    names = [one for one in document.blocks[index].patterns if one != name]
    return change_block(document, index, {}, names)


def remove_block(document: Document, index: int) -> Edited:
    """Return the file without a block, its comments and one of the gaps around it."""
    rest, _ = _taken(document, index)
    return document.with_blocks(rest), min(index, len(rest) - 1)


def move_before(document: Document, index: int, target: int) -> Edited:
    """Return the file with a block right above another."""
    rest, separator = _taken(document, index)
    at = target - (index < target)
    above = rest[at - 1]
    glued = bool(above.lines) and not _ends_blank(above)
    block = replace(document.blocks[index], gap=separator)
    if glued and separator and not above.gap:
        rest[at - 1] = replace(above, gap=separator)
        block = replace(block, gap=())
    rest.insert(at, block)
    return document.with_blocks(_parted(rest, at, handwriting(document))), at


def move_after(document: Document, index: int, target: int) -> Edited:
    """Return the file with a block right below another."""
    rest, separator = _taken(document, index)
    at = target - (index < target)
    above = rest[at]
    blanks, free = _split_gap(above, document.blocks[index])
    if blanks:
        rest[at] = replace(above, gap=blanks)
        block = replace(document.blocks[index], gap=(*separator, *free))
    else:
        rest[at] = replace(above, gap=separator)
        block = replace(document.blocks[index], gap=free)
    rest.insert(at + 1, block)
    return document.with_blocks(_parted(rest, at + 1, handwriting(document))), at + 1


# Blocks


def _insert_below(document: Document, index: int, block: Block, hand: Handwriting) -> Edited:
    """Put a new block below another, with the same gap on either side of it."""
    blocks = list(document.blocks)
    above = blocks[index]
    blanks, free = _split_gap(above, block)
    last = index == len(blocks) - 1
    separator = (hand.blank,) if hand.apart or (above.head is None and above.lines) else ()
    if not above.lines:
        block = replace(block, gap=() if last else separator)
    else:
        blocks[index] = replace(above, gap=blanks or separator)
        below = () if last and not free else (hand.blank,) * len(above.blanks or separator)
        block = replace(block, gap=(*below, *free))
    blocks.insert(index + 1, block.ended(hand.ending, last=False))
    return document.with_blocks(_parted(blocks, index + 1, hand)), index + 1


def _taken(document: Document, index: int) -> tuple[list[Block], tuple[RawLine, ...]]:
    """Return the blocks without one, and the blank lines that went with it."""
    blocks = list(document.blocks)
    block = blocks.pop(index)
    above = blocks[index - 1]
    blanks, free = block.blanks, block.gap[len(block.blanks) :]
    if not block.gap and index == len(blocks):
        kept, dropped = _without_last_blanks(above.gap)
        blocks[index - 1] = replace(above, gap=kept)
        return blocks, dropped
    if _ends_blank(above) or not above.lines:
        blocks[index - 1] = replace(above, gap=(*above.gap, *free))
        return blocks, blanks
    blocks[index - 1] = replace(above, gap=(*above.gap, *block.gap))
    return blocks, ()


def _parted(blocks: list[Block], index: int, hand: Handwriting) -> list[Block]:
    """Keep comments above and below a block from seeming to speak of what they do not."""
    for at in (index - 1, index):
        above = blocks[at]
        new = at + 1 < len(blocks) and not (at == index and above.gap)
        if new and above.lines and above.lines[-1].sort is Sort.COMMENT:
            blocks[at] = above = replace(above, gap=(*above.gap, hand.blank))
        if above.own and above.gap and above.gap[0].sort is Sort.COMMENT:
            blocks[at] = replace(above, gap=(hand.blank, *above.gap))
    return blocks


def _split_gap(above: Block, block: Block) -> tuple[tuple[RawLine, ...], tuple[RawLine, ...]]:
    """Return the part of a gap above which a block goes, and the part below.

    Comments that stand by themselves stay below, unless their indentation would make them the
    block's own.
    """
    free = above.gap[len(above.blanks) :]
    deep = len(block.head.indent) if block.head is not None else 0
    if any(line.sort is Sort.COMMENT and len(line.indent) > deep for line in free):
        return above.gap, ()
    return above.blanks, free


def _ends_blank(block: Block) -> bool:
    return bool(block.gap) and block.gap[-1].sort is Sort.BLANK


def _without_last_blanks(
    gap: tuple[RawLine, ...],
) -> tuple[tuple[RawLine, ...], tuple[RawLine, ...]]:
    end = len(gap)
    while end and gap[end - 1].sort is Sort.BLANK:
        end -= 1
    return gap[:end], gap[end:]


# Lines


def _renamed(head: RawLine, names: Sequence[str]) -> RawLine:
    return head.with_value(names_text(tuple(names)))


def _with_values(
    block: Block, keyword: str, values: tuple[str, ...], hand: Handwriting
) -> tuple[RawLine, ...]:
    """Return the body with exactly these values of a keyword, in this order."""
    body: list[RawLine] = []
    left = list(values)
    last = None
    for line in block.body:
        if line.sort is not Sort.SETTING or line.keyword != keyword:
            body.append(line)
        elif left:
            body.append(_with_value(line, left.pop(0), hand))
            last = len(body)
    if not left:
        return tuple(body)
    if last is None:
        settings = [at for at, line in enumerate(body, 1) if line.sort is Sort.SETTING]
        last = settings[-1] if settings else 0
    body = [line.ended(hand.ending) for line in body]
    body[last:last] = [hand.setting(keyword, value) for value in left]
    return tuple(body)


def _with_value(line: RawLine, value: str, hand: Handwriting) -> RawLine:
    if same_value(line.keyword, line.value, value):
        return line
    changed = line.with_value(value)
    if changed.keyword == line.keyword and changed.value == value:
        return changed
    fresh = hand.setting(line.keyword, value)  # what stands around the value would change it
    return RawLine.of(line.indent + fresh.raw.lstrip(b" \t"))


def same_value(keyword: str, old: str, new: str) -> bool:
    """Return whether two texts of a value are read as the same."""
    if old == new:
        return True
    if reads_whole_line(keyword):
        return False
    first, second = (
        RawLine.of(f"x {text}".encode("utf-8", "surrogateescape")) for text in (old, new)
    )
    return bool(first.words) and first.words == second.words
