"""A transfer queue between a host and this machine, both in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sshdash.events import Event, EventBus
from sshdash.prompts import ScriptedPrompter
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.sftp.queue import TransferQueue
from tests.unit.memory_files import MemoryFilesystem


class Kit:
    """A queue between a host ``far`` and this machine, both in memory."""

    def __init__(self, *answers: object, at_once: int = 1) -> None:
        self.far = MemoryFilesystem("far")
        self.near = MemoryFilesystem()
        self.near.folder(b"/to")
        self.far.folder(b"/to")
        self.prompter = ScriptedPrompter(list(answers))
        self.events: list[Event] = []
        bus = EventBus()
        bus.subscribe(self.events.append)
        self.opened = 0
        self.queue = TransferQueue(self.open, self.prompter, bus, at_once)

    async def open(self, endpoint: str) -> Filesystem:
        """Return the files of an endpoint."""
        self.opened += 1
        return self.far if endpoint else self.near

    async def copy(self, *paths: bytes, **values: object) -> TransferSnapshot:
        """Copy from far to near and return how it ended."""
        return await self.queue.wait(self.queue.submit(request(*paths, **values)))


def request(*paths: bytes, **values: object) -> CopyRequest:
    """Return a copy from far to near."""
    settings = {"source": "far", "target": "", "target_dir": b"/to", **values}
    return CopyRequest(paths=paths, **settings)  # type: ignore[arg-type]


@asynccontextmanager
async def kit(*answers: object, at_once: int = 1) -> AsyncIterator[Kit]:
    """Run a kit and close its queue."""
    one = Kit(*answers, at_once=at_once)
    try:
        yield one
    finally:
        await one.queue.close()
    assert one.far.closed + one.near.closed == one.opened
    assert one.far.open_files == one.near.open_files == 0


def reasons(snapshot: TransferSnapshot) -> dict[str, str]:
    """Return the failures by path."""
    return {error.path: error.reason for error in snapshot.errors}
