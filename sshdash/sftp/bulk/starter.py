"""Commands on a host, one of which may be started before it is known whether anybody wants it."""

import asyncio
from typing import TYPE_CHECKING

from sshdash.sftp.bulk.command import Command
from sshdash.sftp.bulk.stream import Stream
from sshdash.sftp.tasks import end, finish

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

_PATIENCE = 10.0
"""Seconds for cleaning up."""


class Starter:
    """Starts commands on a leased connection; `close` has to follow an `expect`."""

    def __init__(self, lease: "Lease") -> None:
        self.lease = lease
        self._early: tuple[Command, asyncio.Task[Stream]] | None = None
        """The command that is being started already, and who does it."""

    def __repr__(self) -> str:
        return f"<Starter on {self.lease.host} [early={self._early is not None}]>"

    def expect(self, command: Command) -> None:
        """Have a command ready that is likely to be wanted, unless another one is.

        Starting one takes two round trips.
        """
        if self._early is None:
            opening = Stream.start(self.lease, command.line, command.first, more=True)
            self._early = command, asyncio.ensure_future(opening)

    async def start(self, command: Command) -> Stream:
        """Return a command that runs and waits for its input. Raises what `Stream.start` does."""
        if self._early is None or self._early[0] != command:
            return await Stream.start(self.lease, command.line, command.first, more=True)
        stream = await asyncio.shield(self._early[1])
        self._early = None
        return stream

    async def close(self) -> None:
        """Let go of what nobody wanted: it takes one of the few sessions there are."""
        if self._early is None:
            return
        (_, opening), self._early = self._early, None

        async def close() -> None:
            await asyncio.wait((opening,), timeout=_PATIENCE)
            await end((opening,))
            if not opening.cancelled() and opening.exception() is None:
                opening.result().abort()

        if await finish(close(), 2 * _PATIENCE):
            raise asyncio.CancelledError
