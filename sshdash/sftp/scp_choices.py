"""What becomes of targets that exist, where a copy goes by scp: one after the other."""

from collections.abc import Awaitable, Callable

from msgspec import structs

from sshdash.errors import Cancelled, FileError
from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion, Prompter
from sshdash.sftp.entries import Entry, join
from sshdash.sftp.failures import shown
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.names import numbered
from sshdash.sftp.plan import is_newer
from sshdash.sftp.walk import Source

_MOST = 1000
"""Numbers that are tried for a name beside what is there."""


class Choices:
    """Asks for one job; `exists` tells what is at a path of the target."""

    def __init__(
        self,
        request: CopyRequest,
        ledger: Ledger,
        prompter: Prompter,
        labels: tuple[str, str],
        exists: Callable[[bytes], Awaitable[Entry | None]],
    ) -> None:
        self._request = request
        self._ledger = ledger
        self._prompter = prompter
        self._labels = labels
        self._exists = exists
        self._for_all: ConflictChoice | None = None
        """What was answered about all the rest of this run."""

    async def settle(self, file: Source, target_dir: bytes) -> Source | None:
        """Return the source as it is to be copied, None where it is skipped.

        Raises Cancelled, and FileError where no name beside it is free.
        """
        assert file.existing is not None
        choice = self._given(file) or await self._ask(file, target_dir)
        if choice is ConflictChoice.NEWER:
            if not file.existing.mtime_ns:
                raise FileError("nobody can tell which is newer without SFTP")
            newer = is_newer(file.entry, file.existing)
            choice = ConflictChoice.OVERWRITE if newer else ConflictChoice.SKIP
        if choice is ConflictChoice.SKIP:
            return None
        if choice is ConflictChoice.RESUME:
            raise FileError("what is there cannot be gone on with without SFTP")
        if choice is ConflictChoice.OVERWRITE:
            return file
        above, slash, name = file.place.rpartition(b"/")
        for number in range(2, _MOST):
            place = above + slash + numbered(name, number)
            if await self._exists(join(target_dir, place)) is None:
                return structs.replace(file, place=place, existing=None, beside=file.place)
        raise FileError("no name is free beside it", shown(file.place))

    def _given(self, file: Source) -> ConflictChoice | None:
        """Return what was said beforehand, or answered about this file or about all."""
        if self._request.conflict is not None:
            return self._request.conflict
        given = self._ledger.answered(file)
        if given is None and self._for_all is not None and self._ledger.agrees(file):
            given = self._for_all
            self._ledger.chose(file, given, for_all=False)  # about what is there now
        return given

    async def _ask(self, file: Source, target_dir: bytes) -> ConflictChoice:
        assert file.existing is not None
        answer: ConflictAnswer | None = await self._prompter.ask(
            ConflictQuestion(
                source=f"{self._labels[0]}:{shown(file.path)}",
                target=f"{self._labels[1]}:{shown(join(target_dir, file.place))}",
                source_size=file.entry.size,
                target_size=file.existing.size,
                source_time=file.entry.mtime,
                target_time=file.existing.mtime,
            )
        )
        if answer is None:
            raise Cancelled("the copy was cancelled", "a question was dismissed")
        self._ledger.chose(file, answer.choice, answer.for_all)
        self._for_all = answer.choice if answer.for_all else self._for_all
        return answer.choice
