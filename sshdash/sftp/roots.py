"""What a copy was asked for, as sources with what is at their targets."""

from collections import Counter
from collections.abc import Callable

from msgspec import structs

from sshdash.errors import FileError
from sshdash.prompts import ConflictChoice
from sshdash.sftp.claims import TAKEN, Claims, may_merge
from sshdash.sftp.confusions import Confusions
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.mover import Mover
from sshdash.sftp.names import folded
from sshdash.sftp.plan import SAME, refuse_overlap
from sshdash.sftp.tasks import each, together
from sshdash.sftp.turns import Turns
from sshdash.sftp.walk import Source

_LOOKS = 128
"""Sources that are looked at together: tens of thousands may be marked, and all at once they would
hold the screen up for seconds."""


class Roots:
    """Looks at the sources of one job; `reason` tells why one cannot be looked at."""

    def __init__(
        self,
        request: CopyRequest,
        source: Filesystem,
        target: Filesystem,
        ledger: Ledger,
        mover: Mover,
        reason: Callable[[FileError], str],
    ) -> None:
        self._request = request
        self._source = source
        self._target = target
        self._target_dir = request.target_dir
        self._ledger = ledger
        self._mover = mover
        self._reason = reason
        self.claims = Claims(request.conflict is ConflictChoice.RENAME)
        """With the folders that are merged into others among them."""
        self._found: dict[bytes, Source | str] = dict.fromkeys(request.paths, "")
        """By path, the source or why there is none; "" where it is done already."""

    async def look(self, target_dir: bytes) -> None:
        """Look at all of them, and at what is in their places in the target folder."""
        self._target_dir = target_dir

        async def look(path: bytes) -> None:
            self._found[path] = await self._root(path)

        await each(tuple(self._found), min(_LOOKS, len(self._found)), look)

    async def found(self) -> list[Source]:
        """Return what was asked for, as sources; what cannot be copied is reported."""
        roots: list[Source] = []
        for path, root in self._found.items():
            if isinstance(root, Source):
                roots.append(root)
            elif root:
                self._ledger.fail(path, root)
        return await self._apart(roots)

    async def _apart(self, roots: list[Source]) -> list[Source]:
        """Return the roots so that no two go to the same place; some are reported instead.

        Folders that are merged into others are left to whoever comes to these, as by cp.
        """
        keeps_both = self._request.conflict is ConflictChoice.RENAME
        firsts: dict[bytes, Source] = {}
        apart: list[Source] = []
        turns = Turns()
        for root in roots:
            await turns.take()
            first = firsts.setdefault(root.place, root)
            if first is root:
                apart.append(root)
            elif may_merge(root, first) and self._request.recursive and not self._request.move:
                self.claims.folders.append(root)
            elif keeps_both and root.entry.kind is not Kind.DIRECTORY:
                apart.append(structs.replace(root, existing=root.existing or first.entry))
            else:
                self._ledger.fail(root.path, TAKEN)
        self.claims.roots = firsts
        return await self._told_apart(apart, turns)

    async def _told_apart(self, roots: list[Source], turns: Turns) -> list[Source]:
        """Return the roots but those whose names the target takes for that of another of them.

        Each of them would replace what the one before it made.
        """
        alike: Counter[str] = Counter()
        async for some in turns.slices(roots):
            alike.update(folded(root.place) for root in some)
        if len(alike) == len(roots):
            return roots
        confusions = Confusions(self._target, self._target_dir)
        apart = []
        for root in roots:
            await turns.take()
            several = root.existing is not None and alike[folded(root.place)] > 1
            if several and (reason := await confusions.explain(root.place)):
                self._ledger.fail(root.path, reason)
            else:
                apart.append(root)
        return apart

    async def _root(self, path: bytes) -> Source | str:
        place = self._request.place_of(path)
        target = join(self._target_dir, place)
        look = self._source.stat if self._request.follow else self._source.lstat
        try:
            entry, existing = await together(look(path), self._target.exists(target))
            reason = await self._overlap(path, entry, target)
            if self._request.follow and self._source.is_local:
                # Opening a local file follows no link: the one that was named is followed here.
                path = await self._source.realpath(path)
        except FileError as error:
            if isinstance(error, MissingError) and self._mover.is_moved(path, place):
                return ""
            reason = self._reason(error)
        if reason == SAME and self._request.conflict is ConflictChoice.RENAME:
            reason = ""
        if reason:
            return reason
        return Source(path, place, structs.replace(entry, name=name_of(path)), existing)

    async def _overlap(self, path: bytes, entry: Entry, target: bytes) -> str:
        if self._request.source != self._request.target:
            return ""
        if self._request.follow:
            real = await self._source.realpath(path)
        else:
            real = join(await self._source.realpath(parent_of(path)), name_of(path))
        return refuse_overlap(real, entry.kind is Kind.DIRECTORY, target)
