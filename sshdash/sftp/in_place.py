"""Writing into a file itself, where its folder takes no temporary one: not whole until the end."""

import asyncio

from sshdash.errors import FileError
from sshdash.prompts import ConfirmQuestion, Prompter
from sshdash.sftp.failures import RefusedError

TORN = "it was being written in place: what is there is neither the old file nor the new one"
_HINT = "cp --inplace writes into the file itself, which is not whole then until the end"


class Unreplaceable(FileError):
    """A file could not be replaced, as its folder may not be changed; it may be written into."""

    def __init__(self, error: RefusedError) -> None:
        super().__init__(error.title, error.path, error.detail, _HINT, error.host)


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
