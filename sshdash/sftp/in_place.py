"""Writing into a file itself, where its folder takes no temporary one: not whole until the end."""

import asyncio
from collections.abc import Callable

from sshdash.errors import FileError
from sshdash.prompts import ConfirmQuestion, Prompter
from sshdash.sftp.failures import RefusedError

TORN = "it was being written in place: what is there is neither the old file nor the new one"
_HINT = "cp --inplace writes into the file itself, which is not whole then until the end"


class Unreplaceable(FileError):
    """A file could not be replaced, as its folder may not be changed; it may be written into."""

    def __init__(self, error: RefusedError) -> None:
        super().__init__(error.title, error.path, error.detail, _HINT, error.host)


class Tears:
    """Sources that were being written in place when that ended early.

    `note` is told a source before anything is written, with nothing, and with `WHOLE` once that
    is over: whatever happens to the process, the one that comes after knows. `failed` is told
    what is torn.
    """

    WHOLE = b"whole"

    def __init__(
        self,
        note: Callable[[bytes, bytes], None] = lambda path, value: None,
        failed: Callable[[bytes, str], None] = lambda path, reason: None,
    ) -> None:
        self._note = note
        self._failed = failed
        self._torn: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<Tears [{len(self._torn)} files]>"

    def __contains__(self, path: bytes) -> bool:
        """Return whether what is at a source's target is neither old nor new."""
        return path in self._torn

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._torn)

    def begin(self, path: bytes) -> None:
        """Note a source that is about to be written."""
        self._note(path, b"")

    def tear(self, path: bytes) -> None:
        """Note that its end was not reached, and something was written."""
        self._torn.add(path)
        self._failed(path, TORN)

    def end(self, path: bytes, whole: bool) -> None:
        """Note that all of it was written, or nothing."""
        if whole:
            self._torn.discard(path)
        if path not in self._torn:
            self._note(path, self.WHOLE)

    def recall(self, path: bytes, value: bytes) -> None:
        """Take what another process noted."""
        if value != self.WHOLE:
            self._torn.add(path)

    def inherit(self, other: "Tears", goes_there: Callable[[bytes], bool]) -> None:
        """Take over from another job what is torn, of sources that go to the same place again."""
        for path in filter(goes_there, other._torn - self._torn):
            self._torn.add(path)
            self._note(path, b"")


class Leave:
    """Asks once, for all files of a job, whether they may be written in place."""

    def __init__(self, prompter: Prompter, said: bool | None) -> None:
        """`said` is what was said beforehand, None where the person is asked."""
        self._prompter = prompter
        self._said = said
        self._asking = asyncio.Lock()

    async def given(self, error: FileError) -> bool:
        """Return whether a file of which `error` is told may be written into."""
        async with self._asking:
            if self._said is None:
                folder = error.path.rpartition("/")[0] or "/"
                where = f"{error.host}:{folder}" if error.host else folder
                question = ConfirmQuestion(
                    "Write into files as they are?",
                    f"{where} takes no new file ({error.detail}), so what is in it cannot be "
                    "replaced. A file that is written into is not whole until all has arrived; "
                    "cut short, it is neither the old nor the new one. Else such files of this "
                    "copy stay as they are, and are told.",
                    action="Write in place",
                    danger=True,
                    unbidden=True,
                )
                answer = await self._prompter.ask(question)
                self._said = answer is True
            return self._said
