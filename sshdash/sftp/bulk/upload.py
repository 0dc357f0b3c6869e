"""New folders full of small files, by one tar at the host that unpacks them all.

They are unpacked in a folder of our own beside the target, which gets its name once all in it is
found to be whole. It is a short cut that nothing depends on: whatever is not as expected, and
whatever else is in these folders, goes by SFTP, and is reported from there.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import asyncssh
from msgspec.structs import replace

from sshdash.errors import ConnectionLost, SSHDashError
from sshdash.sftp import local_calls as calls
from sshdash.sftp.beneath import Confined
from sshdash.sftp.bulk.command import ASKED, READY, is_plain, unpack_in
from sshdash.sftp.bulk.small import LEAST, batches, is_small, sliced
from sshdash.sftp.bulk.stream import Hangs, Stream
from sshdash.sftp.bulk.ustar import Unwanted, end, file_header, fits, folder_header, padding
from sshdash.sftp.changes import differs
from sshdash.sftp.copier import Copier
from sshdash.sftp.directories import mode_at_first
from sshdash.sftp.entries import join, parent_of
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.find import TreeIndex
from sshdash.sftp.ledger import Ledger, Track
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.partial import Partial, remove_parts
from sshdash.sftp.tasks import finish, undivided
from sshdash.sftp.turns import Turns, in_order
from sshdash.sftp.under_way import FileCopy
from sshdash.sftp.walk import Source

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

log = logging.getLogger(__name__)

_FILES, _BYTES = 20_000, 64 * 1024 * 1024
"""What one tree holds at most: as much is sent again where the connection is lost."""
_READ, _READ_BYTES = 64, 256 * 1024
"""What is read in one call, and sent in one turn of the loop."""
_PATIENCE = 10.0
"""Seconds for cleaning up."""
_UNPACKING = 120.0
"""Seconds for what is under way still to arrive, and for the last of it to be unpacked."""
_SECOND = 10**9


class Tree:
    """A new folder and what of it goes into the stream, by the names they have below it."""

    def __init__(self, top: Source) -> None:
        self.top = top
        self.folders: dict[bytes, Source] = {b"": top}
        self.files: dict[bytes, Source] = {}
        self.size = 0

    def name_of(self, source: Source) -> bytes:
        """Return what a source is called below the folder."""
        return source.place[len(self.top.place) + 1 :]

    def add_folder(self, folder: Source) -> bool:
        """Take a folder, if a header can tell of it; return whether."""
        name = self.name_of(folder)
        if self._has_place(name) and _fits(b"./" + name + b"/", folder):
            self.folders[name] = folder
            return True
        return False

    def add_file(self, file: Source) -> None:
        """Take a file, if a header can tell of it."""
        name = self.name_of(file)
        if self._has_place(name) and _fits(b"./" + name, file):
            self.files[name] = file
            self.size += file.entry.size

    def _has_place(self, name: bytes) -> bool:
        return name.rpartition(b"/")[0] in self.folders


class Upload:
    """The new folders of one run."""

    def __init__(
        self,
        lease: "Lease",
        source: LocalFilesystem,
        target: Filesystem,
        folder: bytes,
        ledger: Ledger,
        copier: Copier,
        preserve: bool,
    ) -> None:
        """`folder` is where all places are; with `preserve` times are kept."""
        self._lease = lease
        self._source = source
        self._target = target
        self._folder = folder
        self._ledger = ledger
        self._copier = copier
        self._preserve = preserve
        self._turns = Turns()

    async def copy(
        self, folders: list[Source], files: list[Source]
    ) -> tuple[list[Source], list[Source]]:
        """Copy what can be, and return the folders as they are now and the files that are left."""
        if len(files) < LEAST or self._copier.pace.is_limited:
            return folders, files
        arrived = await self._copy_trees(folders, files)
        if not arrived:
            return folders, files
        as_now: list[Source] = []
        left: list[Source] = []
        for one in folders:
            await self._turns.take()
            as_now.append(replace(one, existing=one.entry) if one.place in arrived else one)
        for one in files:
            await self._turns.take()
            if one.place not in arrived:
                left.append(one)
        return as_now, left

    async def _copy_trees(self, folders: list[Source], files: list[Source]) -> set[bytes]:
        """Copy and note as done or made, and return the places of all that."""
        arrived: set[bytes] = set()
        for tree in await self._trees(folders, files):
            if not LEAST <= len(tree.files) <= _FILES or tree.size > _BYTES:
                continue
            try:
                await self._copy(tree, arrived)
            except (Unwanted, Hangs, OSError, ValueError, asyncssh.Error, SSHDashError) as error:
                log.debug("a folder of small files goes by SFTP: %s", error)
                break
            log.debug("%d small files went in one stream", len(tree.files))
        return arrived

    async def _trees(self, folders: Sequence[Source], files: Sequence[Source]) -> list[Tree]:
        """Return the topmost of the missing folders with what is to go into them."""
        missing: set[bytes] = set()
        trees: dict[bytes, Tree] = {}
        """By the place of every folder in it."""
        for folder in await in_order(folders, lambda folder: folder.place):
            await self._turns.take()
            if folder.existing is not None:
                continue
            place, above = folder.place, parent_of(b"/" + folder.place)[1:]
            missing.add(place)
            if above in trees:
                if trees[above].add_folder(folder):
                    trees[place] = trees[above]
            elif above not in missing:
                trees[place] = Tree(folder)
        for file in files:
            await self._turns.take()
            tree = trees.get(parent_of(b"/" + file.place)[1:])
            if tree is not None and is_small(file) and not self._is_begun(file):
                tree.add_file(file)
        return [tree for place, tree in trees.items() if place == tree.top.place]

    def _is_begun(self, file: Source) -> bool:
        partials = self._ledger.partials
        return bool(partials) and join(self._folder, file.place) in partials

    async def _copy(self, tree: Tree, arrived: set[bytes]) -> None:
        target = join(self._folder, tree.top.place)
        under_way, _ = self._copier.planned(FileCopy(tree.top.path, target, tree.top.entry))
        staging = under_way.part
        if not is_plain(staging):
            raise ValueError("a name that not every shell takes as it is")
        leftovers = self._copier.leftovers
        leftovers.add(staging)
        try:
            await self._copier.recorded()
            await self._target.mkdir(staging, 0o700)
            with self._ledger.gathering(len(tree.files), tree.size) as track:
                await self._send(tree, staging, track)
            await undivided(self._place(tree, staging, target, arrived), _PATIENCE)
        finally:
            if staging in leftovers:
                await self._remove(staging)

    async def _send(self, tree: Tree, staging: bytes, track: Track) -> None:
        """Have a tree unpacked. Raises where not all of it is whole then."""
        index = TreeIndex()
        command = unpack_in(staging, timed=self._preserve)
        async with await Stream.start(self._lease, command, [ASKED], more=True) as stream:
            await stream.expect(READY)
            for data in self._folders_of(tree):
                await stream.send(data)
            for some in batches(tuple(tree.files.items()), _READ, _READ_BYTES, _size):
                pack = partial(_pack, some, self._copier)
                data, unread = await self._source.at_once("read", tree.top.path, pack)
                for name in unread:
                    del tree.files[name]
                await self._copier.pace.take(len(data))
                await stream.send(data)
                track.advance(sum(file.entry.size for name, file in some if name in tree.files))
            await stream.send(end(), last=True)
            while pieces := await stream.take(_UNPACKING):
                index.feed(b"".join(pieces))
                if index.count > len(tree.files) + len(tree.folders):
                    raise Unwanted("more is there than was sent")
            stream.ensure_success()
        index.finish()
        await self._verify(tree, index)

    def _folders_of(self, tree: Tree) -> Iterator[bytes]:
        for some in sliced(tuple(tree.folders.items()), _READ):
            yield b"".join(
                folder_header(
                    b"./" + name,
                    mode_at_first(self._copier.mode(folder.entry)),
                    max(0, folder.entry.mtime_ns // _SECOND),
                )
                for name, folder in some
                if name
            )

    async def _verify(self, tree: Tree, index: TreeIndex) -> None:
        """Raise Unwanted unless find tells of all that was sent, and of nothing else."""
        if index.count != len(tree.files) + len(tree.folders) - 1:
            raise Unwanted("not everything arrived, or something else did")
        found = {name: index.take(name) or {} for name in tree.folders}
        for name in tree.folders:
            above, _, last = name.rpartition(b"/")
            if name and not found[above].get(last, b"").startswith(b"d "):
                raise Unwanted("a folder is not there")
        for name, file in tree.files.items():
            await self._turns.take()
            above, _, last = name.rpartition(b"/")
            kind, size, time, *_ = [*found[above].get(last, b"").split(b" "), b"", b"", b""]
            seconds = time.partition(b".")[0]
            whole = kind == b"f" and size == b"%d" % file.entry.size
            if not whole or (
                self._preserve and seconds != b"%d" % (file.entry.mtime_ns // _SECOND)
            ):
                raise Unwanted("a file is not whole")

    async def _place(self, tree: Tree, staging: bytes, target: bytes, arrived: set[bytes]) -> None:
        """Give what is whole its name, and note it."""
        folders = list(tree.folders.values())
        await self._ledger.make(folders)
        try:
            await self._target.rename(staging, target)
        except ConnectionLost:
            self._keep(tree, staging, target)
            raise
        self._copier.leftovers.discard(staging)
        for folder in folders:
            self._ledger.created[folder.place] = folder
            arrived.add(folder.place)
        for file in tree.files.values():
            await self._turns.take()
            with self._ledger.tracking(file) as track:
                track.advance(file.entry.size)
            arrived.add(file.place)

    def _keep(self, tree: Tree, staging: bytes, target: bytes) -> None:
        """Have the next run look whether the folder got its name, as nobody heard of it."""
        if self._copier.partials is not None:
            for name, file in tree.files.items():
                part = join(staging, name)
                kept = Partial(part, file.entry, 0, replacing=False, placing=True)
                self._copier.partials[join(target, name)] = kept

    async def _remove(self, staging: bytes) -> None:
        """Remove what did not get its name; where that cannot be, it is remembered."""
        parts = {staging}

        async def remove() -> None:
            await remove_parts(self._target, parts)
            if parts:  # tar had not ended yet, perhaps
                await remove_parts(self._target, parts)
            if not parts:
                self._copier.leftovers.discard(staging)

        cancelled = False
        with suppress(SSHDashError):
            cancelled = await finish(remove(), _PATIENCE)
        if cancelled:
            raise asyncio.CancelledError


def _fits(name: bytes, source: Source) -> bool:
    return fits(name, source.entry.size, source.entry.mtime_ns // _SECOND)


def _size(named: tuple[bytes, Source]) -> int:
    return named[1].entry.size


# -- in a thread


def _pack(
    files: Sequence[tuple[bytes, Source]], copier: Copier, run: Confined
) -> tuple[bytes, list[bytes]]:
    """Return files as they go into the stream, and the names of those not as they were listed."""
    pieces: list[bytes | memoryview] = []
    left: list[bytes] = []
    for name, file in files:
        entry = file.entry
        try:
            content, after = calls.fetch(file.path, entry.size + 1)
        except (OSError, SSHDashError):
            left.append(name)  # why is found out, and reported, by who copies it then
            continue
        if differs(after, entry) or sum(map(len, content)) != entry.size:
            left.append(name)
            continue
        seconds = entry.mtime_ns // _SECOND
        pieces.append(file_header(b"./" + name, copier.mode(entry), entry.size, seconds))
        pieces += content
        pieces.append(padding(entry.size))
    return b"".join(pieces), left
