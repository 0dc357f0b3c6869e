"""New folders with many small files in them, which arrive as a whole or not at all."""

from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from sshdash.sftp.bulk.small import LEAST, is_small
from sshdash.sftp.bulk.ustar import fits
from sshdash.sftp.turns import Turns, in_order
from sshdash.sftp.walk import Source

_FILES, _BYTES = 20_000, 64 * 1024 * 1024
"""What one tree holds at most: as much is copied again where the connection is lost."""
_SECOND = 10**9


class Tree:
    """A new folder and what of it goes into the stream, by the names they have below it."""

    def __init__(self, top: Source) -> None:
        self.top = top
        self.folders: dict[bytes, Source] = {b"": top}
        self.files: dict[bytes, Source] = {}
        self.size = 0
        self._above = len(top.place) + 1

    @property
    def is_worth_it(self) -> bool:
        """Whether it is large enough, and not too large."""
        return LEAST <= len(self.files) <= _FILES and self.size <= _BYTES

    def size_of(self, name: bytes) -> int:
        """Return the bytes of one of the files."""
        return self.files[name].entry.size

    def add_folder(self, folder: Source) -> bool:
        """Take a folder, if a header can tell of it; return whether."""
        name = folder.place[self._above :]
        if _fits(b"./" + name + b"/", folder):
            self.folders[name] = folder
            return True
        return False

    def add_file(self, file: Source) -> None:
        """Take a file in one of the folders, if a header can tell of it."""
        name = file.place[self._above :]
        if _fits(b"./" + name, file):
            self.files[name] = file
            self.size += file.entry.size


async def worthwhile(
    folders: Sequence[Source],
    files: Sequence[Source],
    is_begun: Callable[[Source], bool],
    turns: Turns,
) -> list[Tree]:
    """Return the topmost missing folders that a stream is worth, with what is to go into them.

    Files that were begun before are left out.
    """
    missing: set[bytes] = set()
    trees: dict[bytes, Tree] = {}
    """By the place of every folder in it."""
    for folder in await in_order(folders, lambda folder: folder.place):
        await turns.take()
        if folder.existing is not None:
            continue
        place, above = folder.place, folder.place.rpartition(b"/")[0]
        missing.add(place)
        if above in trees:
            if trees[above].add_folder(folder):
                trees[place] = trees[above]
        elif above not in missing:
            trees[place] = Tree(folder)
    async for some in turns.slices(files):
        for file in some:
            tree = trees.get(file.place.rpartition(b"/")[0])
            if tree is not None and is_small(file) and not is_begun(file):
                tree.add_file(file)
    return [tree for place, tree in trees.items() if place == tree.top.place and tree.is_worth_it]


async def without(
    arrived: Collection[bytes], folders: list[Source], files: list[Source], turns: Turns
) -> tuple[list[Source], list[Source]]:
    """Return folders, as they are once some have arrived, and the files that have not."""
    if not arrived:
        return folders, files
    as_now: list[Source] = []
    left: list[Source] = []
    for one in folders:
        await turns.take()
        as_now.append(replace(one, existing=one.entry) if one.place in arrived else one)
    async for some in turns.slices(files):
        left += [one for one in some if one.place not in arrived]
    return as_now, left


def _fits(name: bytes, source: Source) -> bool:
    return fits(name, source.entry.size, source.entry.mtime_ns // _SECOND)
