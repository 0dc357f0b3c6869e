"""Folders and links of one tree get the times of another's, as the last of a synchronisation."""

from collections.abc import Collection

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import confined
from sshdash.sftp.tasks import each, together

_WIDTH = 32
"""Places that are looked at, and set, at the same time."""
_SECOND = 10**9


async def settle_times(
    source: Filesystem, root: bytes, target: Filesystem, onto: bytes, places: Collection[bytes]
) -> None:
    """Set the times of `places` below `onto` to those below `root`, as far as that is allowed.

    What has not the same kind on both ends, or a time that agrees, is left alone.
    """
    onto = await confined(target, onto)

    async def settle(place: bytes) -> None:
        ends = [join(above, place) if place else above for above in (root, onto)]
        try:
            here, there = await together(source.lstat(ends[0]), target.lstat(ends[1]))
            if _differ(here, there):
                await target.set_own_time(ends[1], here.mtime_ns)
        except FileError:
            pass  # it belongs to others, or went away: what is in it is told by itself

    await each(places, min(_WIDTH, len(places)), settle)


def _differ(here: Entry, there: Entry) -> bool:
    kinds = here.kind is there.kind and here.kind in (Kind.DIRECTORY, Kind.SYMLINK)
    return kinds and here.mtime_ns // _SECOND != there.mtime_ns // _SECOND
