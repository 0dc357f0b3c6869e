"""Files whose opening holds their server up: a FIFO put in the place of one waits for a writer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError
from sshdash.sftp.answers import StatusError
from sshdash.sftp.entries import Kind, kind_of
from sshdash.sftp.failures import shown
from sshdash.sftp.messages import Open
from sshdash.sftp.tasks import end
from sshdash.sftp.wire import WireClosed

if TYPE_CHECKING:
    from sshdash.sftp.handles import Session
    from sshdash.sftp.protocol import Protocol

log = logging.getLogger(__name__)

_SLOW = 5.0
"""Seconds without a word of the server after which a file that is waited for is looked at."""
_AGAIN = 1.0
_LOOKS = 3
"""How often what is no file any more is looked at before its session is given up."""
_WAITING = (Kind.FIFO, Kind.SOCKET, Kind.DEVICE)
_PATIENCE = 10.0
"""Seconds that a look may take itself."""


class HeldUp:
    """Watches what is opened in one session, and looks by another, the `helper`."""

    def __init__(self, first: "Session", helper: "Callable[[], Awaitable[Session]]") -> None:
        self._first = first
        self._helper = helper
        self._slow: dict[bytes, int] = {}
        """Files that are waited for long, in the order they were asked for, and looks at them."""
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<HeldUp [{len(self._slow)} slow]>"

    @contextmanager
    def watching(self, path: bytes) -> Iterator[None]:
        """Look after a file for as long as it is waited for."""
        loop, wire = asyncio.get_running_loop(), self._first.protocol.wire
        timer: asyncio.TimerHandle

        def suspect(heard: int) -> None:
            nonlocal timer
            if wire.heard == heard:
                self._suspect(path)
            else:  # the line is slow, not the server: a further session would only share it
                timer = loop.call_later(_SLOW, suspect, wire.heard)

        timer = loop.call_later(_SLOW, suspect, wire.heard)
        try:
            yield
        finally:
            timer.cancel()
            self._slow.pop(path, None)

    async def close(self) -> None:
        """End looking."""
        if self._task is not None:
            await end((self._task,))

    def _suspect(self, path: bytes) -> None:
        self._slow[path] = 0
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_after(), name="looking at slow files")

    async def _look_after(self) -> None:
        try:
            while self._slow:
                for path in tuple(self._slow):
                    if path in self._slow:
                        await self._look(path)
                await asyncio.sleep(_AGAIN)
        except (SSHDashError, WireClosed, TimeoutError) as error:
            log.debug("a slow file cannot be looked at: %s", error)

    async def _look(self, path: bytes) -> None:
        protocol = (await self._helper()).protocol
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._look_by(protocol, path)
        except TimeoutError:
            # A FIFO that nobody reads any more holds up who opens it for writing: others need it.
            protocol.wire.give_up(f"{shown(path)} held it up")
            raise

    async def _look_by(self, protocol: "Protocol", path: bytes) -> None:
        try:
            kind = kind_of((await protocol.lstat(path)).mode or 0)
        except StatusError:
            return  # it went away: nobody can tell what it was
        if path not in self._slow or kind not in _WAITING:
            return
        self._slow[path] += 1
        if kind is Kind.FIFO and self._slow[path] < _LOOKS:
            try:
                # The server goes on once there is a writer, and reads that there is nothing.
                protocol.close_handle(await protocol.open_file(path, Open.WRITE))
                return
            except StatusError as error:
                log.debug("%s cannot be opened: %s", shown(path), error.text)
        self._first.protocol.wire.give_up(f"{shown(path)} became a {kind.value}, and held it up")
