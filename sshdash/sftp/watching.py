"""Notices when what a folder of this machine holds has changed. The kernel tells; nothing polls."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable

from sshdash.follower import Asking, wait_for_changes
from sshdash.sftp.entries import parent_of
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds that the thread which asks the kernel may take to end."""


class FolderWatch:
    """Watches one folder at a time and calls `changed` on the loop after each burst of changes."""

    def __init__(self, changed: Callable[[bytes], None]) -> None:
        self._changed = changed
        self._folder: bytes | None = None
        self._asking: Asking | None = None
        self._threads: list[threading.Thread] = []

    def __repr__(self) -> str:
        return f"<FolderWatch of {self._folder!r}>"

    @property
    def is_watching(self) -> bool:
        """Whether changes are being waited for."""
        return self._asking is not None and self._asking.begun

    def watch(self, folder: bytes | None) -> None:
        """Watch another folder from now on, None for none; at once, whatever the kernel takes."""
        if folder == self._folder:
            return
        self._stop()
        self._folder = folder
        if folder is None:
            return
        # The first call tells that the watch has begun: what the folder holds was just listed.
        self._asking = Asking(asyncio.get_running_loop(), lambda: None)
        thread = threading.Thread(
            target=self._wait, args=(folder, self._asking), name="folder", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    async def close(self) -> None:
        """End watching, and with it the threads."""
        self._stop()
        self._folder = None
        threads, self._threads = self._threads, []
        for thread in threads:
            await asyncio.to_thread(thread.join, _PATIENCE)

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.stopped = True
        self._asking = None
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def _wait(self, folder: bytes, asking: Asking) -> None:
        def concerns(path: str) -> bool:
            # What happens below a folder in it, and to the folder itself, is no change of its rows.
            return parent_of(os.fsencode(path)) == os.path.realpath(folder)

        def changed() -> None:
            if not asking.stopped:
                self._changed(folder)

        try:
            wait_for_changes((os.fsdecode(folder),), concerns, asking, changed)
        except (OSError, RuntimeError) as error:
            if not asking.stopped:
                log.info("changes of a folder go unseen: %s", clean(str(error)))
