"""What a host's files have besides their session: one that may be held up, and lanes for bulk.

A server takes two megabytes of a channel before it says that there is room for more. Over a long
line that is less than goes through it in a round trip, so a large upload is spread over several.
"""

import asyncio

from sshdash.sftp.handles import Session
from sshdash.sftp.opening import SUBSYSTEM, open_beside, open_session
from sshdash.sftp.tasks import together

_LARGE = 16 * 1024 * 1024
"""Bytes from which on opening lanes is worth its time."""
_LONG = 0.010
"""Seconds of a round trip from which on one channel is not enough."""
_SHORT, _ROOM = 0.002, 1024 * 1024
"""Seconds of a round trip up to which as many bytes with the server are enough."""
_STEP = 0.015
"""Seconds of it for each lane more."""
_MOST = 4
"""Lanes at most, the session itself counted: servers allow ten sessions, and others use some."""


class Further:
    """The further sessions of one, each opened when it is needed."""

    def __init__(self, first: Session) -> None:
        self._first = first
        self._helper: Session | None = None
        self._lanes: list[Session] = []
        self._opening = asyncio.Lock()
        self._round_trip: float | None = None
        """Seconds, once it was measured."""
        self._full = self._closed = False

    def __repr__(self) -> str:
        return f"<Further [{len(self._lanes)} lanes, helper={self._helper is not None}]>"

    @property
    def round_trip(self) -> float:
        """Seconds, 0 before it was measured."""
        return self._round_trip or 0.0

    async def helper(self) -> Session:
        """Return a session for what would hold up the first."""
        async with self._opening:
            if self._helper is None or _has_ended(self._helper):
                self._helper, _ = await open_session(self._first.lease, self._first.way)
            return self._helper

    async def lanes(self, size: int) -> list[Session]:
        """Return those that `size` bytes are to be spread over besides the first; often none."""
        if size < _LARGE or self._first.way is not SUBSYSTEM:  # others might ask for a password
            return []
        async with self._opening:
            wanted = await self._wanted()
            # A server may end one that was idle (ChannelTimeout), or run out of memory for it.
            self._lanes = [lane for lane in self._lanes if not _has_ended(lane)]
            missing = 0 if self._full or self._closed else wanted - len(self._lanes)
            if missing > 0:
                opened = await together(*(self._open() for _ in range(missing)))
                self._full = None in opened
        return self._lanes[:wanted]

    def close(self) -> None:
        """End all of them."""
        self._closed = True
        for session in (self._helper, *self._lanes):
            if session is not None:
                session.protocol.wire.close()

    async def _wanted(self) -> int:
        """Return how many lanes the line is worth."""
        pulse = self._first.lease.connection.pulse
        if self._round_trip is None:
            # The shorter of two: one may have had to wait for something.
            self._round_trip = min([await pulse.measure() or 0.0 for _ in range(2)])
            if self._round_trip < _SHORT:
                self._first.protocol.wire.narrow(_ROOM)
        if self._round_trip < _LONG:
            return 0
        return min(_MOST - 1, 1 + int(self._round_trip / _STEP))

    async def _open(self) -> Session | None:
        opened = await open_beside(self._first)
        if opened is not None:
            self._lanes.append(opened)
        return opened


def _has_ended(session: Session) -> bool:
    return session.protocol.wire.closed is not None
