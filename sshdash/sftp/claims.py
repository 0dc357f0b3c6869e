"""Which source each place belongs to, where several folders of one name go to the same place."""

from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from sshdash.sftp.entries import Kind
from sshdash.sftp.walk import Source, Walker

TAKEN = "another source of the same name goes to the same place"


class Claims:
    """The places of one run. Folders are merged, as by cp; a file's is that of the first source.

    Nothing is noted, and everything is free, unless there are such `folders`.
    """

    def __init__(self, keeps_both: bool = False) -> None:
        """With `keeps_both`, files that find one in their place get another themselves."""
        self._keeps_both = keeps_both
        self.folders: list[Source] = []
        """Those that go to a place another one has, in the order they were named."""
        self.roots: Collection[bytes] = ()
        """The places of what was named."""
        self._first: dict[bytes, Source] = {}

    def __contains__(self, place: object) -> bool:
        """Return whether a place has an owner, as far as that is known."""
        return place in self._first or place in self.roots

    def __repr__(self) -> str:
        return f"<Claims [{len(self.folders)} folders more, {len(self._first)} places]>"

    async def walk(self, walker: Walker, roots: Sequence[Source], target_dir: bytes) -> None:
        """Look through `roots`, then through the folders that are merged into those."""
        await walker.walk(roots, target_dir)
        for folder in self.folders:
            await walker.walk([folder], target_dir)

    def settled(self, source: Source, failed: Callable[[bytes, str], None]) -> Source | bool:
        """Give a source its place, and return it; where both are kept, the owner is in its way.

        Where it has an owner, return whether to look into the folder; of what is not merged
        `failed` is told, unless it is the same source, of a folder that was named twice.
        """
        if not self.folders:
            return source
        first = self._first.setdefault(source.place, source)
        if first is source:
            return source
        if may_merge(source, first):
            return True
        if source.path == first.path:
            return False
        if self._keeps_both and source.entry.kind is not Kind.DIRECTORY:
            return replace(source, existing=source.existing or first.entry)
        failed(source.path, TAKEN)
        return False


def may_merge(source: Source, first: Source) -> bool:
    """Return whether both are folders, so that what is in them may go to one place."""
    return source.entry.kind is first.entry.kind is Kind.DIRECTORY
