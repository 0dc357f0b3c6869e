"""How a command that copies ends when it is told to by a signal."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

TERMINATED = 128 + signal.SIGTERM
"""The exit status then."""


@contextlib.contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the task as Ctrl-C does, so that nothing is left behind."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    signals = (signal.SIGTERM, signal.SIGHUP)
    assert task is not None
    for number in signals:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
