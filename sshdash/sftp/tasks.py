"""Several things at once, none of them left behind."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")


class CancelledTooLate(asyncio.CancelledError):
    """It was cancelled, but all that it was to do had been done by then."""


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Return what all of `work` return; the first failure ends the others.

    Nothing of it runs any more when this returns or raises.
    """
    if len(work) < 2:
        return [await each for each in work]
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end(tasks)
    failed = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if failed:
        raise failed[0]
    return [task.result() for task in tasks]


async def each(items: Iterable[Item], width: int, work: Callable[[Item], Awaitable[None]]) -> None:
    """Do `work` for every item, at most `width` at the same time.

    Items are taken as they are needed; the first failure ends everything.
    """
    source = iter(items)

    async def worker() -> None:
        for item in source:
            await work(item)

    await together(*(worker() for _ in range(width)))


async def end(tasks: "Collection[asyncio.Future[Any]]") -> None:
    """Cancel what still runs and wait for its clean-up, whoever cancels meanwhile."""
    running = {task for task in tasks if not task.done()}
    for task in running:
        task.cancel()
    cancelled = False
    while running:
        try:
            _, running = await asyncio.wait(running)
        except asyncio.CancelledError:
            cancelled = True
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at: whoever cancels has no use for it, and it is no defect
    if cancelled:
        raise asyncio.CancelledError


async def finish(work: Coroutine[Any, Any, None], patience: float) -> bool:
    """Do a clean-up to its end even if cancelled meanwhile; return whether it was.

    One that takes longer than `patience` seconds is given up.
    """
    task = asyncio.ensure_future(work)
    deadline = asyncio.get_running_loop().time() + patience
    cancelled = False
    while not task.done():
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            task.cancel()
        try:
            await asyncio.wait((task,), timeout=left if left > 0 else None)
        except asyncio.CancelledError:
            cancelled = True
    if not task.cancelled() and (error := task.exception()):
        if cancelled:  # whoever has no use for the failure must not miss that
            raise asyncio.CancelledError from error
        raise error
    return cancelled


async def undivided(work: Coroutine[Any, Any, None], patience: float) -> None:
    """Do what must not end half way: who cancels waits for its end.

    That wait ends after `patience` seconds, and with it the work. Raises CancelledTooLate where
    the work was done all the same.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await finish(_ended(task), patience)
        await end((task,))
        if not task.cancelled() and task.exception() is None:
            raise CancelledTooLate from None
        raise


async def _ended(task: "asyncio.Future[Any]") -> None:
    await asyncio.wait((task,))
