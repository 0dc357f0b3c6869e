"""Blocking file calls in threads of their own, so that nothing else waits for a slow disk.

Small calls come by the ten thousand, and each takes less than waking a thread for it would. So one
thread works off what waits, another joins it only where that takes long, and what several have
done is told to the loop at once.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sshdash.sftp.failures import from_system

Result = TypeVar("Result")

_MOST = 8
_HELP = 0.001
"""Seconds after which another thread joins where calls wait."""


class _Call:
    """One call, from the loop to a thread and back."""

    __slots__ = ("begun", "ended", "failure", "over", "result", "work")

    def __init__(self, work: Callable[[], Any], ended: "asyncio.Future[None]") -> None:
        self.work = work
        self.ended = ended
        """Set in the loop once `result` or `failure` is there."""
        self.begun = False
        self.over = False
        self.result: Any = None
        self.failure: BaseException | None = None


class Threads:
    """Runs blocking calls, and never leaves one behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Guards what the loop and the threads share: all of the following."""
        self._waiting: deque[_Call] = deque()
        self._done: deque[_Call] = deque()
        self._resting: list[threading.Lock] = []
        """What the threads that have nothing to do wait for; released, it wakes one."""
        self._threads = 0
        self._telling = False
        """Whether the loop is going to look at what is done."""
        self._closed = False
        self._helping: asyncio.TimerHandle | None = None

    async def run(
        self,
        operation: str,
        path: bytes,
        call: Callable[[], Result],
        undo: Callable[[Result], None] | None = None,
    ) -> Result:
        """Return what `call` returns; OSError becomes FileError.

        A thread cannot be stopped, so a cancelled caller still waits for it, and `undo` takes
        back what it made: nobody else would know of it.
        """
        loop = asyncio.get_running_loop()
        asked = _Call(call, loop.create_future())
        self._ask(asked, loop)
        try:
            await asked.ended
        except asyncio.CancelledError:
            if not self._withdraw(asked):
                await self._settled(asked, loop)
                if asked.failure is None and undo:
                    undo(asked.result)
            raise
        failure, asked.failure = asked.failure, None
        if isinstance(failure, OSError):
            raise from_system(failure, operation, path) from failure
        if failure is not None:
            raise failure
        result: Result = asked.result
        return result

    def close(self) -> None:
        """Let the threads end, once nothing waits for them."""
        with self._lock:
            self._closed = True
            resting, self._resting = self._resting, []
        for one in resting:
            one.release()

    # -- in the loop

    def _ask(self, call: _Call, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._waiting.append(call)
            at_work = self._threads > len(self._resting)
        if not at_work:
            self._engage(loop)
        elif self._helping is None and self._threads - len(self._resting) < _MOST:
            self._helping = loop.call_later(_HELP, self._help, loop)

    def _help(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let one more thread join where calls still wait."""
        self._helping = None
        if self._waiting:
            self._engage(loop)
            if self._threads - len(self._resting) < _MOST:
                self._helping = loop.call_later(_HELP, self._help, loop)

    def _engage(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if self._resting:
                self._resting.pop().release()
                return
            if self._threads >= _MOST:
                return
            self._threads += 1
        # Whoever asked waits for the end of each call, so nothing is cut off with the program.
        threading.Thread(target=self._work, args=(loop,), name="sshdash-files", daemon=True).start()

    def _withdraw(self, call: _Call) -> bool:
        """Take back a call that no thread has begun; return whether there was time."""
        with self._lock:
            if call.begun:
                return False
            self._waiting.remove(call)
            return True

    async def _settled(self, call: _Call, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until a thread is done with a call, whoever cancels meanwhile."""
        while not call.over:
            call.ended = loop.create_future()
            with suppress(asyncio.CancelledError):
                await call.ended

    def _tell(self) -> None:
        """Let those who asked go on."""
        with self._lock:
            done, self._done = self._done, deque()
            self._telling = False
        for call in done:
            call.over = True
            if not call.ended.done():
                call.ended.set_result(None)

    # -- in a thread

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        awake = threading.Lock()  # anything else waits in Python, which takes longer than a call
        awake.acquire()
        while (call := self._next(awake)) is not None:
            try:
                call.result = call.work()
            except BaseException as error:  # noqa: BLE001 - it is for whoever asked
                call.failure = error
            with self._lock:
                self._done.append(call)
                told, self._telling = self._telling, True
            if not told:
                with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    loop.call_soon_threadsafe(self._tell)
            del call

    def _next(self, awake: threading.Lock) -> _Call | None:
        """Return what to do next, None where this thread is to end."""
        while True:
            with self._lock:
                if self._waiting:
                    call = self._waiting.popleft()
                    call.begun = True
                    return call
                if self._closed:
                    self._threads -= 1
                    return None
                self._resting.append(awake)
            awake.acquire()
