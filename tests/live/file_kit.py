"""A copy queue on real connections, and trees to copy."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshdash.prompts import ConflictChoice
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.sftp.journal import Journal
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.shelf import Shelf
from tests.live.connecting import Client, connecting

ODD_NAMES = (
    b"\xff\xfe",
    b"new\nline",
    b"\x1b]0;title\x07",
    b"\x9b31m",
    b"[red]markup",
    b"[@click=app.quit]x",
    b"[\\]",
    b"-rf",
    b" leading space",
    b"back\\slash",
    "right \u202e left".encode(),
    "family \U0001f468\u200d\U0001f469".encode(),
    "nfc é".encode(),
    "nfd e\u0301".encode(),
    b"x" * 255,
    b"...",
    b"~",
    b"a:b",
)


@dataclass
class Files:
    """The queue under test."""

    client: Client
    queue: TransferQueue
    home: Path = Path("/")
    """Where the server's folder is on this machine."""

    async def open(self, endpoint: str) -> Filesystem:
        """Open the files of a host of the configuration, or of this machine."""
        if not endpoint:
            return LocalFilesystem()
        lease = await self.client.manager.lease(endpoint, "files")
        try:
            return await RemoteFilesystem.open(lease)
        except BaseException:
            lease.release()
            raise

    def submit(
        self, source: str, paths: list[Path], target: str, folder: Path, **values: Any
    ) -> str:
        """Queue a copy and return the job."""
        names = tuple(bytes(path) for path in paths)
        return self.queue.submit(CopyRequest(source, names, target, bytes(folder), **values))

    async def copy(
        self, source: str, paths: list[Path], target: str, folder: Path, **values: Any
    ) -> TransferSnapshot:
        """Copy and return how it ended."""
        values.setdefault("conflict", ConflictChoice.OVERWRITE)
        return await self.queue.wait(self.submit(source, paths, target, folder, **values))


@asynccontextmanager
async def files_on(
    config: Path, *answers: object, kept: Path | None = None
) -> AsyncIterator[Files]:
    """Run a queue over a client configuration; every lease is given back at the end.

    It is kept in the folder `kept`, where one is named.
    """
    async with connecting(config, *answers) as client:
        files = Files(client, None)  # type: ignore[arg-type]
        journal = None if kept is None else Journal(Shelf(kept), client.bus)
        files.queue = TransferQueue(files.open, client.prompter, client.bus, 2, journal=journal)
        try:
            yield files
        finally:
            await files.queue.close()
        for status in client.manager.statuses():
            assert not status.leases.get("files"), status


def tree(folder: Path) -> dict[bytes, str]:
    """Return what is below a folder: the sha256 of files, the targets of links."""
    found: dict[bytes, str] = {}
    root = bytes(folder)
    for above, names, files in os.walk(root):
        for name in [*names, *files]:
            path = os.path.join(above, name)
            place = os.path.relpath(path, root)
            if os.path.islink(path):
                found[place] = f"→ {os.fsdecode(os.readlink(path))}"
            elif os.path.isdir(path):
                found[place] = "directory"
            else:
                with open(path, "rb") as file:
                    found[place] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def fill_with_odd_names(folder: Path) -> None:
    """Make a file of every odd name in a folder."""
    for number, name in enumerate(ODD_NAMES):
        with open(os.path.join(bytes(folder), name), "wb") as file:
            file.write(os.urandom(number * 7))


def unfinished(folder: Path) -> list[bytes]:
    """Return the temporary files below a folder."""
    return [place for place in tree(folder) if b".sshdash-" in place]
