"""What of one run may go in bulk: new folders as a whole, and very many files into others."""

from collections.abc import Sequence

from sshdash.sftp.bulk.download import Download
from sshdash.sftp.bulk.download_tree import DownloadTree
from sshdash.sftp.bulk.small import is_for
from sshdash.sftp.bulk.starter import Starter
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
        self._starter: Starter | None = None
        self._up: Upload | None = None
        self._down: DownloadTree | None = None
        if merges or not is_for(request):
            return
        rest = folder, ledger, copier
        if isinstance(target, RemoteFilesystem) and isinstance(source, LocalFilesystem):
            self._starter = target.commands
            if self._starter is not None:
                self._up = Upload(self._starter, source, target, *rest, request.preserve)
        elif isinstance(source, RemoteFilesystem) and isinstance(target, LocalFilesystem):
            self._starter = source.commands
            if self._starter is not None:
                self._down = DownloadTree(self._starter, target, *rest)

    def expect(self, found: Sequence[Source], walker: Walker) -> None:
        """Begin with what takes a while, where it looks as if it will be worth it."""
        way = self._up or self._down
        if way is not None and len(found) == 1 and walker.looks_large(found[0]):
            way.expect(found[0])

    async def copy_folders(
        self, folders: list[Source], files: list[Source], more: bool
    ) -> tuple[list[Source], list[Source]]:
        """Copy new folders, and return those to be made or finished and the files that are left.

        Folders are returned as they are now. Whether `more` goes into them is for whoever knows.
        """
        if self._up is not None:
            copied = await self._up.copy(folders, files, more)
        elif self._down is not None:
            copied = await self._down.copy(folders, files)
        else:
            return folders, files
        await self.close()
        return copied

    def for_files(self, folders: Folders) -> Download | None:
        """Return what copies many files into folders that are there, or made meanwhile."""
        if self._down is None or self._down.useless:
            return None
        return self._down.for_files(folders)

    async def close(self) -> None:
        """Let go of what was begun and not needed: it takes one of the few sessions there are."""
        if self._starter is not None:
            await self._starter.close()
