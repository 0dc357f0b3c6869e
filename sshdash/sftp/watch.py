"""Notices what changes in a tree on this machine. The kernel tells; nothing is polled."""

import asyncio
import logging
import os
import threading
from collections.abc import Iterable
from functools import partial

from sshdash.errors import FileError
from sshdash.follower import Asking, why_not
from sshdash.sftp.failures import shown
from sshdash.sftp.sync_rules import Rules
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_QUIET = 200
"""Milliseconds without another change until a burst is over."""
_LONGEST = 2_000
"""Milliseconds that a burst may last before it is told of anyhow."""
_PATIENCE = 5.0
"""Seconds that the thread which asks the kernel may take to end."""
_MANY = 4_096
"""Changes at once after which the kernel may have lost some, so that everything is looked at."""
_UNREADABLE = "decode path"
"""What the library says of a name that is not UTF-8, with which it ends."""
_LIMIT = "OS file watch limit reached"


class LocalWatch:
    """The folders in which something changed, gathered until somebody asks.

    `warning` says why changes may go unseen, where they may.
    """

    def __init__(self, root: bytes, rules: Rules) -> None:
        self._root = root
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._asking = Asking(self._loop, self._begin)
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._folders: set[bytes] = set()
        self._everything = False
        self._failure: FileError | None = None
        self._changed = asyncio.Event()
        self.warning = ""

    def __repr__(self) -> str:
        return f"<LocalWatch of {shown(self._root)} [{len(self._folders)} folders changed]>"

    async def start(self) -> None:
        """Return once changes are noticed. Raises FileError where they cannot be."""
        try:
            root = self._root.decode()
        except UnicodeDecodeError as error:  # the library takes no other path
            raise _failure(self._root, "its path is not UTF-8") from error
        self.warning = await asyncio.to_thread(why_not, (root,))
        self._thread = threading.Thread(
            target=self._follow, args=(root,), name="watched tree", daemon=True
        )
        self._thread.start()
        await self._begun

    async def changes(self) -> set[bytes] | None:
        """Return the places of folders in which something changed, None for all of them.

        Waits for the first change. Raises FileError where no more can be noticed.
        """
        await self._changed.wait()
        if self._failure is not None:
            raise self._failure
        self._changed.clear()
        folders, self._folders = self._folders, set()
        everything, self._everything = self._everything, False
        return None if everything else folders

    async def stop(self) -> None:
        """End watching."""
        self._stopped = self._asking.stopped = True
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.join, _PATIENCE)

    # -- on the loop

    def _begin(self) -> None:
        if not self._begun.done():
            self._begun.set_result(None)

    def _note(self, folders: set[bytes] | None) -> None:
        if folders is None:
            self._everything = True
        else:
            self._folders |= folders
        self._changed.set()

    def _fail(self, error: FileError) -> None:
        self._failure = error
        self._changed.set()
        if not self._begun.done():
            self._begun.set_exception(error)

    # -- in the thread

    def _follow(self, root: str) -> None:
        """Watch until stopped, and again where the library gave up on one name."""
        while not self._stopped:
            try:
                self._watch(root, self._asking)
            except (OSError, RuntimeError) as error:
                if self._stopped:
                    return
                log.warning("cannot watch a tree: %s", error)
                if _UNREADABLE not in str(error):
                    self._asking.call(self._fail, _failure(self._root, str(error)))
                    return
                # What happened meanwhile went unseen.
                self._asking = Asking(self._loop, partial(self._note, None))

    def _watch(self, root: str, asking: Asking) -> None:
        from watchfiles import watch

        for changes in watch(
            root,
            watch_filter=None,
            debounce=_LONGEST,
            step=_QUIET,
            stop_event=asking,
            rust_timeout=0,
            raise_interrupt=False,
            force_polling=False,
            recursive=True,
        ):
            paths = [path for _, path in changes]
            folders = None if len(paths) >= _MANY else self._folders_of(root, paths)
            if folders is None or folders:
                asking.call(self._note, folders)

    def _folders_of(self, root: str, paths: Iterable[str]) -> set[bytes]:
        """Return the places of the folders that hold `paths`, but for what is left out."""
        start = len(root.rstrip("/")) + 1
        places = {os.fsencode(path[start:]) for path in paths}
        return {place.rpartition(b"/")[0] for place in places if not self._is_left_out(place)}

    def _is_left_out(self, place: bytes) -> bool:
        """Return whether a rule leaves out a place, or a folder above it."""
        while place:
            if self._rules.excludes(place, False) or self._rules.excludes(place, True):
                return True
            place = place.rpartition(b"/")[0]
        return False


def _failure(root: bytes, why: str) -> FileError:
    text = clean(why, 300)
    if _LIMIT in text:
        hint = "allow more: sysctl fs.inotify.max_user_watches and max_user_instances"
        return FileError("too many folders to watch", shown(root), text, hint)
    return FileError("cannot watch the folder", shown(root), text)
