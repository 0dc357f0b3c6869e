"""Folders and links of one tree get the times of another's, as the last of a synchronisation."""

from collections.abc import Callable, Collection

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.failures import MissingError, RefusedError, UnsupportedError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import confined
from sshdash.sftp.tasks import each, together
from sshdash.sftp.walk import reason_of

_WIDTH = 32
"""Places that are looked at, and set, at the same time."""
_SECOND = 10**9


async def settle_times(
    source: Filesystem,
    root: bytes,
    target: Filesystem,
    onto: bytes,
    places: Collection[bytes],
    failed: Callable[[bytes, str], None],
) -> None:
    """Set the times of `places` below `onto` to those below `root`.

    What has not the same kind on both ends, or a time that agrees, is left alone. So is what
    belongs to others, who let us write there, and a link where a server cannot set its time.
    `failed` is told of each other place that did not get its time, and why.
    """
    onto = await confined(target, onto)

    async def settle(place: bytes) -> None:
        ends = [join(above, place) if place else above for above in (root, onto)]
        try:
            here, there = await together(source.lstat(ends[0]), target.lstat(ends[1]))
            if _differ(here, there):
                await target.set_own_time(ends[1], here.mtime_ns)
        except (MissingError, RefusedError, UnsupportedError):
            pass  # what went away meanwhile is told where it is missed
        except FileError as error:
            failed(place, reason_of(error))

    await each(places, min(_WIDTH, len(places)), settle)


def _differ(here: Entry, there: Entry) -> bool:
    kinds = here.kind is there.kind and here.kind in (Kind.DIRECTORY, Kind.SYMLINK)
    return kinds and here.mtime_ns // _SECOND != there.mtime_ns // _SECOND
