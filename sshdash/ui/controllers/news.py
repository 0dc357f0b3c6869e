"""Tells the person what happened elsewhere: failed tunnels, finished and failed copies."""

from sshdash.events import Event, TransferChanged, TunnelChanged, WarningRaised
from sshdash.states import TransferState, TunnelState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.command import Place
from sshdash.ui.format import number_text
from sshdash.untrusted import clean


class News:
    """Turns facts into notices, unless what is in sight tells them already."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit

    def on_event(self, event: Event) -> None:
        """Tell a fact that nobody should miss."""
        if isinstance(event, WarningRaised):
            self.cockpit.tell(event.title, event.detail, host=event.host, severity="warning")
        elif isinstance(event, TunnelChanged):
            self._tunnel(event)
        elif isinstance(event, TransferChanged):
            self._transfer(event)

    def _tunnel(self, event: TunnelChanged) -> None:
        if event.new is not TunnelState.FAILED or self._in_sight(Place.TUNNELS):
            return
        tunnel = self.cockpit.backend.tunnels.snapshot(event.tunnel)
        self.cockpit.tell(
            f"Tunnel failed: {clean(tunnel.listen)} → {clean(tunnel.target)}",
            event.reason or tunnel.error,
            host=tunnel.host,
            severity="error",
        )

    def _transfer(self, event: TransferChanged) -> None:
        if event.new not in (TransferState.DONE, TransferState.FAILED) or event.new is event.old:
            return  # it goes on, or has only been listed: it ended in an earlier run
        jobs = {job.id: job for job in self.cockpit.backend.transfers.snapshots()}
        job = jobs.get(event.job)
        if job is None or self._in_sight(Place.FILES) or self._in_sight(Place.TRANSFERS):
            return
        where = f"{job.source} → {job.target}"
        if event.new is TransferState.DONE:
            if not job.left_out:
                self.cockpit.tell(f"Copied {job.title}", where)
                return
            left_out = number_text(job.left_out_total)
            detail = f"{where}\n{left_out} left out: {job.left_out[0].reason}"
            self.cockpit.tell(f"Copied {job.title}", detail, severity="warning")
        else:
            reason = event.reason or (job.errors[0].reason if job.errors else "")
            detail = f"{where}\n{reason}"
            self.cockpit.tell(f"Copy failed: {job.title}", detail, severity="error")

    def _in_sight(self, place: Place) -> bool:
        current = self.cockpit.current
        return current is not None and current.place is place
