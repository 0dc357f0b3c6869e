"""Moves what a synchronisation deletes on this machine to the trash.

A folder goes there as one, so that it can be taken out as one, where all that is in it was seen
when the trees were compared, is to go too and has not changed since. Else it stays, with that.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from sshdash.errors import FileError
from sshdash.sftp.entries import Kind, join
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.seen import is_as_seen
from sshdash.sftp.sync_plan import Step
from sshdash.sftp.walk import reason_of

Move = Callable[[bytes], Awaitable[None]]
"""Moves a file, a link or a whole folder to the trash. Raises FileError."""

CHANGED = "it has changed since, and was not deleted"
_HOLDS = "something in it has changed since or stays, and so does the folder"


@dataclass(slots=True)
class Discarded:
    """What became of it."""

    moved: int = 0
    """Steps that are done."""
    refused: list[Step] = field(default_factory=list)
    """What the trash did not take."""
    why: str = ""
    """The first reason for that."""
    failures: list[tuple[bytes, str]] = field(default_factory=list)
    """Places that stay, and why."""


class Discarding:
    """One tree from which `steps` go to the trash, by `move`."""

    def __init__(
        self, filesystem: Filesystem, root: bytes, steps: Iterable[Step], move: Move
    ) -> None:
        self._filesystem = filesystem
        self._root = root
        self._move = move
        self._doomed = {step.place: step for step in steps}
        self._below: dict[bytes, list[Step]] = {}
        for step in self._doomed.values():
            self._below.setdefault(step.place.rpartition(b"/")[0], []).append(step)
        self._weights: dict[bytes, int] = {}
        """How many steps each folder stands for; 0 where it cannot go as one."""
        self._done = Discarded()

    async def run(self) -> Discarded:
        """Move everything, one after the other: two of one name must not get the same in there."""
        for step in self._doomed.values():
            if step.place.rpartition(b"/")[0] not in self._doomed:
                await self._discard(step)
        return self._done

    async def _discard(self, step: Step) -> None:
        done, path = self._done, join(self._root, step.place)
        try:
            weight = await self._weigh(step) if step.is_folder else 1
            if not step.is_folder and not await self._is_as_seen(step, path):
                done.failures.append((step.place, CHANGED))
                return
            if not weight:
                for child in self._below.get(step.place, ()):
                    await self._discard(child)
                done.failures.append((step.place, _HOLDS))
                return
        except MissingError:
            return  # somebody else did
        except FileError as error:
            done.failures.append((step.place, reason_of(error)))
            return
        try:
            await self._move(path)
        except MissingError:
            return
        except FileError as error:
            done.refused += self._all_of(step)
            done.why = done.why or error.detail
        else:
            done.moved += weight

    async def _is_as_seen(self, step: Step, path: bytes) -> bool:
        now = await self._filesystem.lstat(path)
        return step.target is not None and is_as_seen(now, step.target)

    async def _weigh(self, folder: Step) -> int:
        """Return how many steps a folder stands for, 0 where it cannot go as one."""
        if folder.place in self._weights:
            return self._weights[folder.place]
        weight, stays = 1, False
        async for batch in self._filesystem.scandir(join(self._root, folder.place)):
            for entry in batch:
                step = self._doomed.get(join(folder.place, entry.name))
                if step is None or step.target is None:
                    stays = True
                elif entry.kind is Kind.DIRECTORY and step.is_folder:
                    below = await self._weigh(step)
                    weight, stays = weight + below, stays or not below
                else:
                    weight, stays = weight + 1, stays or not is_as_seen(entry, step.target)
        self._weights[folder.place] = 0 if stays else weight
        return self._weights[folder.place]

    def _all_of(self, step: Step) -> list[Step]:
        below = self._below.get(step.place, []) if step.is_folder else []
        return [step, *(one for child in below for one in self._all_of(child))]
