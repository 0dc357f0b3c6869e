"""What of one run may go in bulk: new folders as a whole, and very many files into others."""

from collections.abc import Sequence

from sshdash.sftp.bulk.download import Download
from sshdash.sftp.bulk.download_tree import DownloadTree
from sshdash.sftp.bulk.small import is_for
from sshdash.sftp.bulk.upload import Upload
from sshdash.sftp.copier import Copier
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.storing import Folders
from sshdash.sftp.walk import Source, Walker


class Bulk:
    """The short cuts of one run; there are none where an end, or what is asked for, has none."""

    def __init__(
        self,
        request: CopyRequest,
        source: Filesystem,
        target: Filesystem,
        folder: bytes,
        ledger: Ledger,
        copier: Copier,
        merges: bool = False,
    ) -> None:
        """`folder` is where all places are, on `target`. `close` has to follow.

        Where a run `merges` folders, there are none: a stream has all that is in one of them.
        """
        self._up: Upload | None = None
        self._down: DownloadTree | None = None
        if merges or not is_for(request):
            return
        rest = folder, ledger, copier
        there = target.commands if isinstance(target, RemoteFilesystem) else None
        if there is not None and isinstance(source, LocalFilesystem):
            self._up = Upload(there, source, target, *rest, request.preserve)
        there = source.commands if isinstance(source, RemoteFilesystem) else None
        if there is not None and isinstance(target, LocalFilesystem):
            self._down = DownloadTree(there, target, *rest)

    def expect(self, found: Sequence[Source], walker: Walker) -> None:
        """Begin with what takes a while, where it looks as if it will be worth it."""
        if self._down is not None and len(found) == 1 and walker.looks_large(found[0]):
            self._down.expect(found[0])

    async def copy_folders(
        self, folders: list[Source], files: list[Source]
    ) -> tuple[list[Source], list[Source]]:
        """Copy new folders, and return the folders as they are now and the files that are left."""
        way = self._up or self._down
        if way is None:
            return folders, files
        copied = await way.copy(folders, files)
        await self.close()
        return copied

    def for_files(self, folders: Folders) -> Download | None:
        """Return what copies many files into folders that are there, or made meanwhile."""
        if self._down is None or self._down.useless:
            return None
        return self._down.for_files(folders)

    async def close(self) -> None:
        """Let go of what was begun and not needed: it takes one of the few sessions there are."""
        if self._down is not None:
            await self._down.close()
