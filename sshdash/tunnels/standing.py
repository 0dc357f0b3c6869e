"""How one tunnel stands, by what its clients, its probes and its course tell of it."""

import logging

from sshdash.errors import SSHDashError
from sshdash.events import EventBus, TunnelChanged
from sshdash.states import Step, TunnelState, advance
from sshdash.tunnels.causes import Place, Trouble, trouble_of
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.probes.health import Health
from sshdash.tunnels.record import Record
from sshdash.tunnels.snapshot import ProbeResult
from sshdash.tunnels.spec import ForwardSpec

log = logging.getLogger(__name__)

_LIVE = frozenset({TunnelState.OPEN, TunnelState.DEGRADED})
_ENDED = frozenset({TunnelState.CLOSED, TunnelState.FAILED})


class Standing:
    """The state of a tunnel and what led to it; every change of the state is an event.

    It is the `Observer` of the tunnel's forwarders, and all of a course's `Owner` that only tells.
    """

    def __init__(
        self,
        identifier: str,
        host: str,
        spec: ForwardSpec,
        rule: Rule | None,
        events: EventBus,
    ) -> None:
        self.id = identifier
        self.host = host
        self.spec = spec
        self.rule = rule
        self.state = TunnelState.CLOSED
        self.failure: SSHDashError | None = None
        """Why it failed, while it is failed."""
        self.record = Record()
        self.health = Health()
        self.reconnects = 0
        self.hindrances = 0
        """What kept it from coming back since it was last open."""
        self.holds_port = False
        """Whether it is paused and keeps its port."""
        self._was_up = False
        """Whether its course was up before."""
        self._events = events

    @property
    def is_running(self) -> bool:
        """Return whether it is neither closed nor failed."""
        return self.state not in _ENDED

    @property
    def is_open(self) -> bool:
        """Return whether it carries clients, be the target there or not."""
        return self.state in _LIVE

    # --- how the clients fare ---

    def answered(self) -> None:
        """A client got through, so the target is there."""
        self.record.reached = True
        if self.state is TunnelState.DEGRADED and not self.health.outweighs_clients(self.rule):
            self._move(Step.TARGET_ANSWERED)

    def refused(self, reason: str, cause: Cause = Cause.OTHER) -> None:
        """A client did not. One target that refuses is the tunnel's; of many, the client's."""
        self.record.refused(cause, reason)
        if not self.spec.is_socks and self.state in _LIVE:
            self._move(Step.TARGET_REFUSED, reason)

    def strayed(self, reason: str) -> None:
        """A client of a proxy did not say, so that it can be served, where it wants to go."""
        self.record.turned_away(reason, Cause.OTHER)

    def troubled(self, reason: str) -> None:
        """Clients are turned away on this side."""
        self.record.turned_away(reason)
        log.warning("%s: %s: %s", self.host, self.spec, reason)

    def probed(self, result: ProbeResult) -> None:
        """A probe has found how the target is."""
        self.health.latest = result
        if result.cause is None:
            self.answered()
        elif self.is_open and result.cause is not Cause.CONNECTION_DOWN:
            self.record.note(Trouble(Place.TARGET, result.cause, result.text))
            self._move(Step.TARGET_REFUSED, result.text)

    # --- how its course goes ---

    def came_up(self) -> None:
        """Clients are carried from now on."""
        self.reconnects += self._was_up
        self._was_up = True
        self.record.clear()
        self.hindrances = 0
        self._advance(Step.READY)

    def interrupted(self, error: SSHDashError) -> None:
        """It waits for the connection."""
        self.record.note(trouble_of(error))
        self._advance(Step.INTERRUPT, self.record.error)

    def hindered(self, error: SSHDashError) -> None:
        """It is still not back."""
        self.hindrances += 1
        self.record.note(trouble_of(error))

    def failed(self, error: SSHDashError) -> None:
        """It is over, and nobody asked for that."""
        self.failure = error
        self.record.note(trouble_of(error))
        self.holds_port = False
        self._move(Step.LOSE if self.state in _LIVE else Step.FAIL, self.record.error)

    def _advance(self, step: Step, reason: str = "") -> None:
        """Move what is beneath a pause, which shows as paused all the while."""
        if self.state is not TunnelState.PAUSED:
            self._move(step, reason)

    def _move(self, step: Step, reason: str = "") -> None:
        old, self.state = self.state, advance(self.state, step)
        if self.state is not old:
            self._events.emit(TunnelChanged(self.id, old, self.state, reason))
