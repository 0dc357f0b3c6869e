"""Which hosts are reached through others, as the files say it."""

from collections.abc import Collection

from sshdash.config.catalog import Catalog
from sshdash.config.jumps import jump_chain
from sshdash.config.parser import Block, FileCache, Line
from sshdash.untrusted import clean

_NAMED = 5


def jumping_through(catalog: Catalog, cache: FileCache, names: Collection[str]) -> str:
    """Return the blocks whose ProxyJump names one of the hosts, as a sentence; empty for none.

    The sentence is cleaned.
    """
    found: list[str] = []
    for file in catalog.files:
        try:
            blocks = cache.load(file).blocks
        except OSError:
            continue  # it is in the list of problems
        found += [
            _called(block)
            for block in blocks
            if any(_names_one(line, names) for line in block.lines)
        ]
    if not found:
        return ""
    listed = ", ".join(clean(one) for one in found[:_NAMED])
    if len(found) > _NAMED:
        listed += f" and {len(found) - _NAMED} more"
    verb = "jumps" if len(found) == 1 else "jump"
    return f"{listed} {verb} through {clean(', '.join(names))}"


def _called(block: Block) -> str:
    if block.patterns is not None:
        return " ".join(block.patterns)
    return "every host" if block.condition is None else f"Match {block.condition}"


def _names_one(line: Line, names: Collection[str]) -> bool:
    if line.keyword != "proxyjump" or not line.values:
        return False
    try:
        return any(hop.host in names for hop in jump_chain(line.values[0][1]))
    except ValueError:
        return False
