"""Puts very many rows in order beside the screen."""

import asyncio
import gc
from collections.abc import Callable
from typing import ParamSpec

from sshdash.sftp.rows import Rows

P = ParamSpec("P")


async def aside(make: Callable[P, Rows], *args: P.args, **kwargs: P.kwargs) -> Rows:
    """Make rows in a thread, without a look for garbage meanwhile.

    Of what 10^5 rows are made there are long lists, and to look through each of them would hold the
    screen up for a hundredth of a second, though all of them are gone right after.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        return await asyncio.to_thread(make, *args, **kwargs)
    finally:
        if was:
            gc.enable()
