"""Notices when the files of a configuration change, and says so once things are quiet.

The kernel tells; nothing is polled. The library that asks it is imported when following begins.
"""

import asyncio
import contextvars
import errno
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sshdash.config.catalog import Catalog
from sshdash.config.watched import Watched, remote_kind
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_QUIET = 150
"""Milliseconds without another change until a burst is over."""
_LONGEST = 1_000
"""Milliseconds that a burst may last before it is told of anyhow."""
_PATIENCE = 5.0
"""Seconds that the thread which asks the kernel may take to end."""
_MOUNTS = Path("/proc/self/mountinfo")


class Follower:
    """Calls `changed` on the loop whenever files of the catalog may have changed.

    `catalog` returns what is to be followed; it is asked again after each change. `impossible` is
    called once, with the reason, where changes cannot be noticed.
    """

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        changed: Callable[[], None],
        impossible: Callable[[str], None],
    ) -> None:
        self._catalog = catalog
        self._changed = changed
        self._impossible = impossible
        self._told = False
        self._watched: Watched | None = None
        self._asking: Asking | None = None
        self._thread: threading.Thread | None = None
        self._turn = asyncio.Lock()
        """Held while one thread takes the place of another: there is never a second."""

    def __repr__(self) -> str:
        return f"<Follower of {self._watched}>"

    async def start(self) -> None:
        """Begin to follow, or follow what the catalog has become."""
        async with self._turn:
            await self._start()

    async def _start(self) -> None:
        watched = await asyncio.to_thread(Watched, self._catalog())
        if watched == self._watched and self._thread is not None and self._thread.is_alive():
            return
        await self._end()
        self._watched = watched
        reason = await asyncio.to_thread(why_not, watched.folders)
        if reason:
            self._tell(reason)
        self._asking = Asking(asyncio.get_running_loop(), self._changed)
        self._thread = threading.Thread(
            target=self._follow,
            args=(watched, self._asking),
            name="configuration",
            daemon=True,
        )
        self._thread.start()

    @property
    def is_following(self) -> bool:
        """Return whether changes are being waited for."""
        return self._asking is not None and self._asking.begun

    async def stop(self) -> None:
        """End following, also what is about to begin."""
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        thread, self._thread = self._thread, None
        if self._asking is not None:
            self._asking.stopped = True
        if thread is not None:
            await asyncio.to_thread(thread.join, _PATIENCE)

    def _follow(self, watched: Watched, asking: "Asking") -> None:
        """Wait for changes, in a thread of its own."""
        try:
            wait_for_changes(watched.folders, watched.concerns, asking, self._changed)
        except (OSError, RuntimeError) as error:
            if not asking.stopped:
                log.warning("cannot follow the configuration: %s", error)
                asking.call(self._tell, clean(str(error)))

    def _tell(self, reason: str) -> None:
        if not self._told:
            self._told = True
            self._impossible(reason)


def wait_for_changes(
    folders: tuple[str, ...],
    concerns: Callable[[str], bool],
    asking: "Asking",
    changed: Callable[[], None],
) -> None:
    """Call `changed` on the loop after each burst of changes in `folders`, until told to stop.

    Blocks: it is for a thread. `concerns` says of a path whether it matters. Raises OSError and
    RuntimeError where the kernel cannot be asked.
    """
    from watchfiles import watch

    try:
        "".join(folders).encode()
    except UnicodeEncodeError as error:  # the library takes no such path
        raise OSError(errno.EILSEQ, "a folder's path is not UTF-8") from error
    for _ in watch(
        *folders,
        watch_filter=lambda _, path: concerns(path),
        debounce=_LONGEST,
        step=_QUIET,
        stop_event=asking,
        rust_timeout=0,
        raise_interrupt=False,
        force_polling=False,
        recursive=False,
    ):
        asking.call(changed)


class Asking:
    """What the library asks whether to stop, for the first time once it is watching."""

    def __init__(self, loop: asyncio.AbstractEventLoop, begun: Callable[[], None]) -> None:
        self._loop = loop
        # What is called may start tasks and timers, and they belong to whoever wanted to know.
        self._context = contextvars.copy_context()
        self._on_begun = begun
        self.begun = False
        self.stopped = False

    def is_set(self) -> bool:
        """Return whether to stop. What was changed before the first look may have been missed."""
        if not self.begun and not self.stopped:
            self.begun = True
            self.call(self._on_begun)
        return self.stopped

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function on the loop, if it still runs."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments, context=self._context)


def why_not(folders: tuple[str, ...]) -> str:
    """Return why changes may go unnoticed, empty where they do not."""
    try:
        mounts = _MOUNTS.read_text(encoding="latin-1")
    except OSError:
        return ""  # not on Linux
    for folder in folders:
        if kind := remote_kind(folder, mounts):
            return f"{clean(folder)} is on {kind}: what other machines change there goes unseen"
    return ""
