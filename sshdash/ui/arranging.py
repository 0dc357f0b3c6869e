"""Works on very many rows beside the screen."""

import asyncio
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Made = TypeVar("Made")


async def aside(make: Callable[P, Made], *args: P.args, **kwargs: P.kwargs) -> Made:
    """Make rows, or something of them, in a thread, without a look for garbage meanwhile.

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
