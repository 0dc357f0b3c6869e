"""Programs that were started here, once nobody wants them any more."""

import asyncio
import os
import signal
from contextlib import suppress

_STREAMS = (0, 1, 2)


async def end(process: asyncio.subprocess.Process, *, with_group: bool = False) -> None:
    """Kill a program unless it has ended, collect it, and let go of its pipes.

    `with_group` is for one that leads a group of processes: all of them end, as long as it has not.
    """
    transport: asyncio.SubprocessTransport = process._transport  # type: ignore[attr-defined]
    # The loop calls no program ended before its pipes are: never, where nobody reads what it has
    # said, or somebody else holds the other end.
    for stream in _STREAMS:
        if pipe := transport.get_pipe_transport(stream):
            pipe.close()
    try:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # it may have ended in this very moment
                if with_group:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
        await process.wait()
    finally:
        transport.close()
