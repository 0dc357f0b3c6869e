"""How a pilot waits for a screen on which widgets come and go."""

import asyncio
from contextlib import suppress
from typing import Any

from textual.message_pump import MessagePump
from textual.pilot import Pilot

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
