"""ChannelTimeout: channels that were idle for too long are closed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncssh
from asyncssh.channel import SSHChannel

from sshdash.config.numbers import seconds
from sshdash.config.patterns import matches

_GLOBAL = "global"
_LOOKS = 8
"""How often a channel is looked at within its time."""


def channel_type(channel: SSHChannel[Any], *, is_direct: bool) -> str:
    """Return a channel's type in ssh's words; `is_direct` for one to a target of the server's."""
    if isinstance(channel, asyncssh.SSHClientChannel):
        return "session"
    way = "direct" if is_direct else "forwarded"
    is_socket = isinstance(channel, asyncssh.SSHUNIXChannel)
    return f"{way}-streamlocal@openssh.com" if is_socket else f"{way}-tcpip"


class IdleLimits:
    """How long channels may be idle; the first pattern that matches their type counts."""

    def __init__(self, words: Sequence[str]) -> None:
        pairs = [word.partition("=") for word in words if "=" in word]
        self._limits = [(kind, float(seconds(time) or 0)) for kind, _, time in pairs]

    def of(self, kind: str) -> float:
        """Return the seconds that a channel of this type may be idle, 0 for ever."""
        found = (limit for pattern, limit in self._limits if self._is(kind, pattern))
        return next(found, 0.0)

    @property
    def of_all(self) -> float:
        """Return the seconds that all channels together may be idle, 0 for ever."""
        return next((limit for kind, limit in self._limits if kind == _GLOBAL), 0.0)

    def _is(self, kind: str, pattern: str) -> bool:
        return pattern != _GLOBAL and matches(kind, pattern)

    def __bool__(self) -> bool:
        return any(limit for _, limit in self._limits)


class IdleChannels:
    """Looks at the channels of a connection now and then, and closes those that are idle.

    Whatever is sent or received changes one of a channel's windows or buffers. A session with a
    method `timed_out` is told: a server may keep a closed channel until its command ends.
    """

    def __init__(self, limits: IdleLimits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._seen: dict[SSHChannel[Any], _Seen] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._moved = self._loop.time()

    def add(self, channel: SSHChannel[Any], kind: str) -> None:
        """Look at a channel from now on."""
        limit = self._limits.of(kind)
        if limit or self._limits.of_all:
            now = self._moved = self._loop.time()
            self._seen[channel] = _Seen(limit, now)
            self._wait()

    def remove(self, channel: SSHChannel[Any]) -> None:
        """Forget a channel that is closed."""
        self._seen.pop(channel, None)
        if not self._seen:
            self.stop()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        limits = [seen.limit for seen in self._seen.values() if seen.limit]
        shortest = min(filter(None, (*limits, self._limits.of_all)), default=0.0)
        if self._timer is None and shortest:
            self._timer = self._loop.call_later(shortest / _LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for channel, seen in self._seen.items():
            if seen.looks_at(channel, now):
                self._moved = now
        whole = self._limits.of_all
        if whole and now - self._moved >= whole:
            self._close(lambda seen: whole)
        self._close(lambda seen: seen.limit if now - seen.moved >= seen.limit else 0.0)
        self._wait()

    def _close(self, expired: "Callable[[_Seen], float]") -> None:
        for channel, seen in tuple(self._seen.items()):
            limit = expired(seen)
            if limit:
                del self._seen[channel]
                told: Callable[[str], None] | None = getattr(channel._session, "timed_out", None)
                channel.close()
                if told is not None:
                    told(f"closed after {limit:g} s without use (ChannelTimeout)")


def standing(channel: Any) -> tuple[int, ...]:
    """Return how a channel stands: where it is as it was, nothing was sent, taken or received."""
    return (
        channel._recv_window,
        channel._send_window,
        channel._send_buf_len,
        len(channel._recv_buf),
    )


class _Seen:
    """How a channel looked the last time."""

    def __init__(self, limit: float, now: float) -> None:
        self.limit = limit
        self.moved = now
        self._state: tuple[int, ...] = ()

    def looks_at(self, channel: Any, now: float) -> bool:
        """Return whether something was sent or received since the last look."""
        state = standing(channel)
        changed, self._state = state != self._state, state
        if changed:
            self.moved = now
        return changed
