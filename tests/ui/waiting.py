"""How a pilot waits for a screen on which widgets come and go."""

import asyncio
from contextlib import suppress
from typing import Any

from textual import _wait
from textual.message_pump import MessagePump
from textual.pilot import Pilot

_LONGEST = 1.0
"""Seconds that are waited for a loop which never comes to rest, as Textual's does."""
_LOOK = 0.05
"""Seconds after which it is seen that a widget has gone without an answer."""


async def wait_for_screen(pilot: Pilot[Any], timeout: float = 30.0) -> bool:
    """Wait until every widget has dealt with its messages; return whether none failed.

    Textual's own waits all of `timeout` for a widget that was removed before it could answer.
    """
    nodes: list[MessagePump] = [pilot.app, *pilot.app.screen.walk_children(with_self=True)]
    asked: list[tuple[MessagePump, asyncio.Event]] = []
    for node in nodes:
        answered = asyncio.Event()
        if node.call_later(answered.set):
            asked.append((node, answered))
    async with asyncio.timeout(timeout):
        for node, answered in asked:
            while not (answered.is_set() or node._closed or pilot.app._exception):
                with suppress(TimeoutError):
                    await asyncio.wait_for(answered.wait(), _LOOK)
    return pilot.app._exception is None


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = _LONGEST) -> None:
    """Wait as Textual's does, and then until the loop has nothing more to do at once.

    Textual's looks at the processor's time: on a busy machine a process that has much to do, and
    is not let, seems to have nothing.
    """
    await _wait.wait_for_idle(min_sleep, max_sleep)
    loop = asyncio.get_running_loop()
    end = loop.time() + max_sleep
    while loop._ready and loop.time() < end:  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(0)
