"""Runs a copy job one end of which has no SFTP."""

from collections.abc import Callable

from sshdash.errors import SSHDashError
from sshdash.prompts import Prompter
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.scp_download import Download
from sshdash.sftp.scp_host import ScpHost
from sshdash.sftp.scp_upload import Upload
from sshdash.sftp.throttle import Pace

CopyEnd = Filesystem | ScpHost
"""One end of a copy: only the files of the first kind can be listed."""


class ScpRunner:
    """One run of a job; what is done in it is not done again in the next."""

    def __init__(
        self,
        request: CopyRequest,
        source: CopyEnd,
        target: CopyEnd,
        ledger: Ledger,
        prompter: Prompter,
    ) -> None:
        self._request = request
        self._ends = source, target
        self._ledger = ledger
        self._prompter = prompter
        self.pace = Pace()
        """How fast it may go."""

    def suspend(self) -> None:
        """Do nothing: a file that was cut off is begun anew."""

    async def run(self, scanned: Callable[[], None]) -> None:
        """Copy everything; `scanned` is called once it begins.

        Raises SSHDashError, also for what only SFTP can do.
        """
        (source, target), request = self._ends, self._request
        asked = {
            "A move": request.move,
            "A checksum": request.verify,
            "An owner": request.owner,
            "Writing in place": bool(request.in_place),
            "A synchronisation": request.base is not None,
        }
        for what in (what for what, is_asked in asked.items() if is_asked):
            raise SSHDashError(f"{what} needs SFTP", "a server without it only takes plain copies")
        rest = self._ledger, self._prompter, self.pace
        if not isinstance(target, ScpHost):
            assert isinstance(source, ScpHost)
            await Download(request, source, target, *rest).run(scanned)
        elif not isinstance(source, ScpHost):
            await Upload(request, source, target, *rest).run(scanned)
        else:
            detail = f"neither {source.label} nor {target.label} has it"
            raise SSHDashError("This copy needs SFTP", detail, "copy to here first, and then on")
