"""What becomes of sources whose targets exist: as was said beforehand, or as the person answers."""

from collections.abc import Callable, Container, Sequence

from msgspec.structs import replace

from sshdash.errors import Cancelled, FileError
from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion, Prompter
from sshdash.sftp.entries import join, name_of, parent_of
from sshdash.sftp.failures import MissingError, shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.names import free_name
from sshdash.sftp.partial import CannotResume, Partial, check
from sshdash.sftp.plan import is_newer, may_resume
from sshdash.sftp.turns import Turns
from sshdash.sftp.walk import Source


class Conflicts:
    """Settles the conflicts of one job, one after the other.

    `policy` is what was said beforehand, None where the person is asked.
    """

    def __init__(
        self,
        source: Filesystem,
        target: Filesystem,
        target_dir: bytes,
        policy: ConflictChoice | None,
        ledger: Ledger,
        prompter: Prompter,
        claimed: Container[bytes] = (),
    ) -> None:
        """Where `claimed`, a place is another source's, whether that is there yet or not."""
        self._source = source
        self._target = target
        self._target_dir = target_dir
        self._policy = policy
        self._ledger = ledger
        self._prompter = prompter
        self._claimed = claimed
        self._for_all: ConflictChoice | None = None
        """What was answered about all that were known then, which are those of this run."""
        self._more = 0
        """How many conflicts come after this one."""
        self._taken: dict[bytes, set[bytes]] = {}
        """Names in the target directories in which a free one was looked for."""

    async def settle_all(
        self, files: Sequence[Source], failed: Callable[[Source, FileError], None]
    ) -> list[Source]:
        """Return what is to be copied of `files`; `failed` is told what cannot be settled.

        Raises Cancelled where the person dismissed a question.
        """
        accepted: list[Source] = []
        turns = Turns()
        for number, file in enumerate(files, 1):
            self._more = len(files) - number
            await turns.take()
            try:
                settled = await self.settle(file)
            except FileError as error:
                failed(file, error)
            else:
                accepted += [settled] if settled is not None else []
        return accepted

    async def settle(self, file: Source) -> Source | None:
        """Return what is to be copied for `file`, None where it stays as it is.

        Raises Cancelled where the person dismissed the question, and FileError.
        """
        assert file.existing is not None
        choice = await self._choose(file)
        if choice is ConflictChoice.NEWER:
            # What was being written in place has the time of that, and is neither old nor new.
            torn = file.path in self._ledger.torn
            newer = torn or is_newer(file.entry, file.existing)
            choice = ConflictChoice.OVERWRITE if newer else ConflictChoice.SKIP
        if choice in (ConflictChoice.SKIP, ConflictChoice.RENAME):
            self._ledger.abandon(self._place(file))
        if choice is ConflictChoice.SKIP:
            self._ledger.skip(file)
            return None
        if choice is ConflictChoice.OVERWRITE:
            return file
        if choice is ConflictChoice.RENAME:
            return await self._beside(file)
        if may_resume(file.entry, file.existing):
            return replace(file, resume=True)
        reason = "what is there is no shorter beginning of the source; it was not overwritten"
        self._ledger.fail(file.path, reason, file.entry)
        return None

    async def _choose(self, file: Source) -> ConflictChoice:
        assert file.existing is not None
        if self._policy is not None:
            return self._policy
        resumable = may_resume(file.entry, file.existing)
        given = self._ledger.answered(file)
        if given is None and self._ledger.agrees(file):
            given = self._for_all
        if given is not None and (resumable or given is not ConflictChoice.RESUME):
            self._ledger.chose(file, given, for_all=False)  # about what is there now
            return given
        question = ConflictQuestion(
            source=f"{self._source.label}:{shown(file.path)}",
            target=f"{self._target.label}:{shown(self._place(file))}",
            source_size=file.entry.size,
            target_size=file.existing.size,
            source_time=file.entry.mtime,
            target_time=file.existing.mtime,
            can_resume=resumable and await self._begins_alike(file),
            more=self._more,
        )
        answer: ConflictAnswer | None = await self._prompter.ask(question)
        if answer is None:
            raise Cancelled("the copy was cancelled", "a question was dismissed")
        self._ledger.chose(file, answer.choice, answer.for_all)
        self._for_all = answer.choice if answer.for_all else self._for_all
        return answer.choice

    async def _begins_alike(self, file: Source) -> bool:
        """Return whether what is there is a shorter beginning of the source, by its end."""
        assert file.existing is not None
        if file.existing.size == file.entry.size:
            return False  # nothing is missing that could be sent
        try:
            reader = await self._source.open_read(file.path)
            try:
                there = Partial(self._place(file), file.entry, file.existing.size, replacing=True)
                await check(there, reader, await reader.stat(), self._target)
            finally:
                await reader.close()
        except (CannotResume, FileError):
            return False
        return True

    async def _beside(self, file: Source) -> Source:
        """Return the source with a free name as its target."""
        if (place := self._ledger.places.get(file.key)) is not None:
            return replace(file, place=place, existing=None, beside=file.place)
        folder = parent_of(self._place(file))
        if folder not in self._taken:
            self._taken[folder] = await self._names_in(folder)
        taken = self._taken[folder]
        above, slash, name = file.place.rpartition(b"/")
        taken.add(name)  # by another source, where it is not there yet
        while name in taken or above + slash + name in self._claimed:
            taken.add(name)
            name = free_name(name_of(file.place), taken)
        taken.add(name)
        place = above + slash + name
        self._ledger.keep_beside(file, place)
        return replace(file, place=place, existing=None, beside=file.place)

    async def _names_in(self, folder: bytes) -> set[bytes]:
        try:
            return {entry.name for entry in await self._target.listdir(folder)}
        except MissingError:
            return set()  # it is made meanwhile

    def _place(self, file: Source) -> bytes:
        return join(self._target_dir, file.place)
