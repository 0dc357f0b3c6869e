"""Why a name exists on a target where nobody made it: it may take another for the same."""

from sshdash.errors import FileError
from sshdash.sftp.entries import join, name_of, parent_of
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.names import confused


class Confusions:
    """Looks into the directories of one target in which a name turned out to exist."""

    def __init__(self, target: Filesystem, folder: bytes) -> None:
        self._target = target
        self._folder = folder
        self._listed: dict[bytes, list[bytes]] = {}
        """Names by directory: where it happens once, it happens often."""

    async def explain(self, place: bytes) -> str:
        """Return which name the target takes that of `place` for, nothing where it does not."""
        path = join(self._folder, place)
        above = parent_of(path)
        try:
            if above not in self._listed:
                entries = await self._target.listdir(above)
                self._listed[above] = [entry.name for entry in entries]
        except FileError:
            return ""
        other = confused(name_of(path), self._listed[above])
        return f"the target does not tell its name from {shown(other)}" if other else ""
