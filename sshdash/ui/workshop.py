"""Gives content of files to a process of its own, and ends it where it takes too long."""

import asyncio
import os
import sys

import msgspec

from sshdash import processes
from sshdash.ui.workbench import Failed, Outcome, Task

_SECONDS = 8.0
_LONGEST = 64 * 1024 * 1024


async def outcome_of(task: Task) -> Outcome:
    """Return what became of a task; a process that crashes or hangs only fails it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "sshdash.ui.workbench",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            answer, _ = await process.communicate(msgspec.msgpack.encode(task))
    except TimeoutError:
        return Failed("it takes too long")
    finally:
        await processes.end(process)
    try:
        return msgspec.msgpack.decode(answer, type=Outcome)
    except msgspec.DecodeError:
        return Failed("it cannot be taken apart here")
