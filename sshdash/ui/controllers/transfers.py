"""Does what the person wants of the copy jobs."""

from collections.abc import Callable, Coroutine
from typing import Any

from sshdash.errors import UsageError
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.throttle import parse_limit
from sshdash.states import TransferState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.format import rate_text
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.widgets.file_messages import ChangeTransfer, TransferStep


class TransfersController:
    """One for the list below the panes and for the tab."""

    def __init__(
        self,
        cockpit: Cockpit,
        copy_scp: Callable[[CopyRequest], None],
        compare: Callable[[CopyRequest], Coroutine[Any, Any, None]],
    ) -> None:
        """`copy_scp` puts the scp command of a copy on the clipboard.

        `compare` compares the folders of a synchronisation again.
        """
        self.cockpit = cockpit
        self._compare = compare
        self._copy_scp = copy_scp

    def change(self, request: ChangeTransfer) -> None:
        """Carry out one request; a job that is gone by now needs nothing."""
        transfers, job = self.cockpit.backend.transfers, request.job
        jobs = {one.id: one for one in transfers.snapshots()}
        if request.step is TransferStep.CLEAR:
            transfers.remove_finished()
        elif request.step is TransferStep.PAUSE_ALL:
            self._pause_all()
        elif request.step is TransferStep.LIMIT_ALL:
            self.cockpit.start(self._limit("", transfers.totals().limit))
        elif job in jobs:
            steps: dict[TransferStep, Callable[[], object]] = {
                TransferStep.PAUSE: lambda: self._pause(job, jobs[job].state),
                TransferStep.CANCEL: lambda: transfers.cancel(job),
                TransferStep.RETRY: lambda: transfers.retry(job),
                TransferStep.EARLIER: lambda: transfers.shift(job, -1),
                TransferStep.LATER: lambda: transfers.shift(job, 1),
                TransferStep.LIMIT: lambda: self.cockpit.start(self._limit(job, jobs[job].limit)),
                TransferStep.COMPARE: lambda: self.cockpit.start(self._compare(jobs[job].request)),
                TransferStep.COPY_COMMAND: lambda: self._copy_scp(jobs[job].request),
            }
            steps[request.step]()

    def _pause(self, job: str, state: TransferState) -> None:
        transfers = self.cockpit.backend.transfers
        if state is TransferState.PAUSED:
            transfers.retry(job)
        else:
            transfers.pause(job)

    def _pause_all(self) -> None:
        transfers = self.cockpit.backend.transfers
        live = [job.id for job in transfers.snapshots() if job.is_live]
        for job in live:
            transfers.pause(job)
        if not live:
            for one in transfers.snapshots():
                if one.state is TransferState.PAUSED:
                    transfers.retry(one.id)

    async def _limit(self, job: str, rate: int) -> None:
        """Ask for a rate; nothing takes the limit away."""
        dialog = TextInputDialog(
            "Limit of this copy" if job else "Limit of all copies together",
            "500 kB/s, 2.5 MB/s, 20 Mbit/s; empty for none",
            value=rate_text(rate) if rate else "",
            action="Limit",
            check=_wrong_with,
        )
        answer = await self.cockpit.show(dialog)
        if answer is not None:
            self.cockpit.backend.transfers.limit(_rate_of(answer), job)


def _rate_of(text: str) -> int:
    return parse_limit(text) if text.strip() else 0


def _wrong_with(text: str) -> str:
    try:
        _rate_of(text)
    except UsageError as error:
        return error.hint
    return ""
