"""What a server tells of files and of their file system, as entries and room."""

from functools import lru_cache

from sshdash.sftp.entries import Entry, is_plain_name, kind_of
from sshdash.sftp.filesystem import Space
from sshdash.sftp.messages import Attributes, Name, Volume
from sshdash.untrusted import clean

NANO = 10**9
"""Nanoseconds in the seconds that SFTP counts in."""
_READ_ONLY = 1
"""The flag of statvfs@openssh.com for a file system without writing."""
_OWNERS = 32
"""Where OpenSSH's line of a file goes on behind the owners, unless their names are long."""
_UNTOLD = "", "", 0, False


def entry_of(name: bytes, attributes: Attributes, longname: bytes = b"") -> Entry:
    """Return the entry for a server's attributes."""
    owner, group, links, has_acl = parse_longname(longname)
    mode, uid, gid = attributes.mode or 0, attributes.uid, attributes.gid
    return Entry(
        name,
        kind_of(mode),
        attributes.size or 0,
        _shared(mode & 0o7777),
        _shared((attributes.mtime or 0) * NANO),
        -1 if uid is None else _shared(uid),
        -1 if gid is None else _shared(gid),
        owner or ("" if uid is None else str(uid)),
        group or ("" if gid is None else str(gid)),
        links=links,
        has_acl=has_acl,
    )


def space_of(volume: Volume) -> Space:
    """Return the room that a server tells of."""
    return Space(
        volume.blocks * volume.unit,
        volume.available * volume.unit,
        volume.files_available if volume.files else None,
        bool(volume.flags & _READ_ONLY),
    )


def kept_entries(
    names: list[Name], seen: dict[bytes, None], refused: list[bytes] | None
) -> list[Entry]:
    """Return the entries that mean a new name in their directory; report the others.

    What was `seen` is in no set: through each of 10^6 names the garbage collector would look.
    """
    entries = []
    for one in names:
        name = one.filename
        if name in (b".", b".."):
            continue
        if is_plain_name(name) and name not in seen:
            seen[name] = None
            entries.append(entry_of(name, one.attributes, one.longname))
        elif refused is not None:
            refused.append(name)
    return entries


def parse_longname(longname: bytes) -> tuple[str, str, int, bool]:
    """Return owner, group, number of names and whether there is an access list.

    They are in a line in the style of ``ls -l``, which most servers send.
    """
    if longname[_OWNERS : _OWNERS + 1] == b" " and (found := _parse_short(longname[:_OWNERS])):
        return found
    fields = longname.split(None, 4)
    return _parsed(fields) if len(fields) == 5 else _UNTOLD


@lru_cache(maxsize=1000)
def _parse_short(line: bytes) -> tuple[str, str, int, bool] | None:
    """Return what a line tells up to its owners, which many lines have in common."""
    fields = line.split(None, 4)
    return _parsed(fields) if len(fields) >= 4 else None


def _parsed(fields: list[bytes]) -> tuple[str, str, int, bool]:
    if len(fields[0]) < 10:
        return _UNTOLD
    links = int(fields[1]) if fields[1].isdigit() and len(fields[1]) < 10 else 0
    return _named(fields[2]), _named(fields[3]), links, fields[0][10:11] == b"+"


@lru_cache(maxsize=1000)
def _shared(number: int) -> int:
    """Return the one object for a number that very many entries have: each would take 32 bytes."""
    return number


@lru_cache(maxsize=1000)
def _named(owner: bytes) -> str:
    return clean(owner, 32)
