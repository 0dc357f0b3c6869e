"""Connections come back: when a lost one is dialled again, how often, and when that is given up.

A connection that was up, and that somebody has an interest in, is dialled again until it is up or
a person ends it. What a person has to decide is not repeated: a login that was refused, a host
key, a question that was dismissed. Behind a jump host that is gone nobody dials: all wait for the
one attempt at the hop, and follow when it is back.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable

from sshdash.connections.connection import through
from sshdash.connections.recovery.interest import Interest, Interests
from sshdash.connections.recovery.retrying import refused, turned_away, why_not
from sshdash.connections.registry import Registry
from sshdash.connections.shared import SharedConnection
from sshdash.errors import SSHDashError
from sshdash.states import ConnectionState, Step, allows

log = logging.getLogger(__name__)

NOBODY = "nobody answered its question"
_SPREAD = 0.05
"""Seconds, on average, between those that follow a jump host which is back."""
_DOWN = (ConnectionState.LOST, ConnectionState.FAILED)


class Supervisor:
    """Decides; `dial` and `cancel` begin and end an attempt that nobody waits for."""

    def __init__(
        self,
        registry: Registry,
        dial: Callable[[SharedConnection], None],
        cancel: Callable[[SharedConnection], None],
        enabled: bool = True,
    ) -> None:
        self.enabled = enabled
        self._registry = registry
        self._dial = dial
        self._cancel = cancel
        self._interests = Interests(self._released)
        registry.on_unnamed = self.unnamed

    def interest(self, host: str, purpose: str) -> Interest:
        """Return an interest in `host`, which brings it back should it be down already."""
        interest = self._interests.add(host, purpose)
        shared = self._registry.get(host)
        if shared:
            self._consider(shared)
        return interest

    def is_wanted(self, shared: SharedConnection) -> bool:
        """Return whether a connection that is down should come back by itself."""
        asked = shared.was_up and self._interests.any(shared.names)
        return asked or bool(shared.followers)

    def is_claimed(self, names: Iterable[str]) -> bool:
        """Return whether somebody has an interest in one of the names."""
        return self._interests.any(names)

    # -- what happened

    def up(self, shared: SharedConnection) -> None:
        """Note that a connection is up: whoever is behind it may follow."""
        shared.was_up = True
        outage = shared.outage
        outage.cancel()
        outage.attempts = 0
        self._forgive(shared)
        self._unfollow(shared)
        followers, shared.followers = shared.followers, set()
        left = {one for one in self._registry if one.outage.blamed is shared}
        for place, follower in enumerate(sorted(followers | left, key=lambda one: one.host)):
            follower.outage.hop = None
            self._forgive(follower)
            gone = follower.state in _DOWN and self.is_wanted(follower)
            if gone or follower.state is ConnectionState.WAITING:
                self._plan(follower, random.random() * _SPREAD * 2 + place * _SPREAD)

    def lost(self, shared: SharedConnection, was_up_for: float) -> None:
        """Note that a connection is gone, and not because a person ended it."""
        shared.outage.backoff.held(was_up_for)
        for other in self._registry:
            if other.hop is shared and other.state is ConnectionState.WAITING:
                self._follow(other, shared)
        self._consider(shared)

    def failed(self, shared: SharedConnection, error: SSHDashError) -> None:
        """Note that an attempt failed."""
        shared.outage.attempts += 1
        why = NOBODY if shared.unanswered else why_not(error)
        shared.outage.gives_up = why if self.is_wanted(shared) else ""
        if shared.outage.gives_up:
            self._give_up(shared, error.title)
        else:
            self._consider(shared, error)

    def refused(self, shared: SharedConnection, error: SSHDashError) -> None:
        """Note that the configuration no longer says how to reach what waits."""
        shared.outage.cancel()
        shared.failure = error
        shared.outage.gives_up = why_not(error) or error.title
        shared.move(Step.FAIL, error.title)
        self._give_up(shared, error.title)

    def started(self, shared: SharedConnection) -> None:
        """Note that an attempt begins, whoever wanted it."""
        shared.stopped = False
        shared.outage.cancel()
        self._forgive(shared)

    def stopped(self, shared: SharedConnection) -> None:
        """Note that a person ended the connection, the attempt or the waiting."""
        shared.stopped = True
        self.forget(shared)
        # Those behind it that were to be dialled by themselves would dial it as well.
        behind = [one for one in self._registry if one.hop is shared]
        shared.followers.update(one for one in behind if one.state is ConnectionState.WAITING)
        self._leave_behind(shared, "disconnected", "its jump host was disconnected")

    def cancelled(self, shared: SharedConnection) -> None:
        """Note that an attempt was ended by a person, or by nobody waiting for it any more."""
        self.forget(shared)
        self._leave_behind(shared, "cancelled", "the login at its jump host was cancelled")

    def forget(self, shared: SharedConnection) -> None:
        """Plan nothing any more."""
        shared.was_up = False
        shared.outage.cancel()
        shared.outage.attempts = 0
        shared.outage.backoff.reset()
        self._forgive(shared)
        self._unfollow(shared)

    def unnamed(self, shared: SharedConnection) -> None:
        """Drop what no name means any more: who waited for it finds the way anew."""
        followers, shared.followers = shared.followers, set()
        self.forget(shared)
        if allows(shared.state, Step.STOP):
            shared.move(Step.STOP)
        for follower in followers:
            follower.outage.hop = None
            if follower.state is ConnectionState.WAITING:
                self._plan(follower, follower.outage.backoff.next())

    def hurry(self) -> None:
        """Dial what waits soon: the network or the machine came back."""
        for shared in self._registry:
            if shared.state is ConnectionState.WAITING and shared.outage.hop is None:
                shared.outage.backoff.reset()
                self._plan(shared, shared.outage.backoff.next())

    # -- what is done about it

    def _consider(self, shared: SharedConnection, error: SSHDashError | None = None) -> None:
        """Plan the next attempt at a connection that is down, where somebody wants it.

        `error` is how the last one failed.
        """
        outage = shared.outage
        if not self.enabled or shared.state not in _DOWN or outage.gives_up:
            return
        if shared.attempt is not None or not self.is_wanted(shared):
            return
        hop = shared.hop
        if hop is None or hop.is_live or (hop.state is ConnectionState.IDLE and not hop.stopped):
            patient = error is not None and turned_away(error)
            at_once = error is not None and refused(error)
            self._plan(shared, outage.backoff.next(patient, at_once))
        elif hop.stopped or hop.outage.gives_up:
            outage.gives_up = hop.outage.gives_up or "its jump host was disconnected"
            outage.blamed = hop
            self._give_up(shared, shared.reason)
        else:
            self._follow(shared, hop)

    def _plan(self, shared: SharedConnection, delay: float) -> None:
        outage = shared.outage
        outage.cancel()
        outage.retry_at = time.monotonic() + delay
        outage.timer = asyncio.get_running_loop().call_later(delay, self._due, shared)
        if shared.state is not ConnectionState.WAITING:
            shared.move(Step.RETRY, shared.reason)

    def _due(self, shared: SharedConnection) -> None:
        shared.outage.timer = None
        if self.enabled and shared.state is ConnectionState.WAITING:
            self._dial(shared)

    def _follow(self, shared: SharedConnection, hop: SharedConnection) -> None:
        """Wait for a jump host that is gone."""
        shared.outage.cancel()
        shared.outage.hop = hop
        hop.followers.add(shared)
        if shared.state is not ConnectionState.WAITING:
            shared.move(Step.RETRY, through(hop.host, hop.reason or shared.reason))
        self._consider(hop)

    def _unfollow(self, shared: SharedConnection) -> None:
        hop, shared.outage.hop = shared.outage.hop, None
        if hop is not None:
            hop.followers.discard(shared)
            self._unwanted(hop)

    def _give_up(self, shared: SharedConnection, title: str) -> None:
        log.info("%s is not dialled again: %s", shared.host, shared.outage.gives_up)
        self._unfollow(shared)
        self._leave_behind(shared, title, shared.outage.gives_up)

    def _leave_behind(self, hop: SharedConnection, title: str, why: str) -> None:
        """Give up whatever waits for a jump host that does not come back by itself."""
        followers, hop.followers = hop.followers, set()
        for follower in followers:
            follower.outage.cancel()
            follower.outage.hop = None
            follower.outage.gives_up = why
            follower.outage.blamed = hop
            if allows(follower.state, Step.FAIL) and follower.attempt is None:
                follower.move(Step.FAIL, through(hop.host, title))
            self._leave_behind(follower, through(hop.host, title), why)

    @staticmethod
    def _forgive(shared: SharedConnection) -> None:
        shared.outage.gives_up = ""
        shared.outage.blamed = None

    def _released(self, host: str) -> None:
        shared = self._registry.get(host)
        if shared:
            self._unwanted(shared)

    def _unwanted(self, shared: SharedConnection) -> None:
        """End the waiting, or an attempt that nobody waits for, where nobody wants it any more."""
        if self.is_wanted(shared):
            return
        if shared.attempt is not None:
            if shared.automatic and not shared.waiting.total():
                self._cancel(shared)
        elif shared.state is ConnectionState.WAITING:
            self.forget(shared)
            shared.move(Step.STOP)
