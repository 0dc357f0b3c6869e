"""Keeps the list of hosts as the files are, and tells what is wrong with them."""

import asyncio

from sshdash.config.catalog import load_catalog
from sshdash.events import CatalogChanged, Event
from sshdash.follower import Follower
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.hosts import HostBoard, rows_of
from sshdash.ui.notices import Notice
from sshdash.untrusted import clean

_SHOWN = 40
"""Problems that one notice names."""


class Following:
    """Reads the configuration again when its files have changed."""

    def __init__(self, cockpit: Cockpit, board: HostBoard) -> None:
        self.cockpit = cockpit
        self.board = board
        self._follower = Follower(
            lambda: self.cockpit.backend.catalog, self._files_changed, self._impossible
        )
        self._problems: tuple[str, ...] = ()
        self._shown: dict[str, tuple[int, int, int, int]] | None = None
        """Which version of each file is on the screen: the cache has what others read, too."""

    async def start(self) -> None:
        """Begin to follow the files."""
        if self._shown is None:
            self._shown = self.cockpit.backend.resolver.cache.versions
        await self._follower.start()

    @property
    def is_following(self) -> bool:
        """Return whether changes are being waited for."""
        return self._follower.is_following

    async def stop(self) -> None:
        """End following them."""
        await self._follower.stop()

    async def read_again(self) -> None:
        """Read the files, off the loop, and tell where something in them is not as it was."""
        backend = self.cockpit.backend
        cache = backend.resolver.cache
        catalog = await asyncio.to_thread(load_catalog, backend.source, cache)
        versions = cache.versions
        if (catalog, versions) != (backend.catalog, self._shown):
            rows = await asyncio.to_thread(rows_of, catalog)
            self.board.take(catalog, rows)
            backend.catalog, self._shown = catalog, versions
            backend.events.emit(CatalogChanged())

    def tell_problems(self, *, aside: bool = False) -> None:
        """Tell what is not understood in the files, where that is news; `aside` in the log only."""
        problems = tuple(map(str, self.cockpit.backend.catalog.problems))
        if problems == self._problems:
            return
        self._problems = problems
        if not problems:
            return
        title, words = "Not understood in ssh_config", "\n".join(problems[:_SHOWN])
        if aside:
            self.cockpit.notices.add(Notice.of("warning", title, words))
        else:
            self.cockpit.tell(title, words, severity="warning")

    def on_event(self, event: Event) -> None:
        """Tell the problems of a list that was read again."""
        if isinstance(event, CatalogChanged):
            self.tell_problems()

    def _files_changed(self) -> None:
        if self.cockpit.screen.is_running:
            self.cockpit.start(self._catch_up(), group="configuration", aside=True)

    async def _catch_up(self) -> None:
        await self.read_again()
        await self._follower.start()

    def _impossible(self, reason: str) -> None:
        self.cockpit.tell(
            "Changes of ssh_config may go unseen",
            clean(reason, 400),
            "R reads it again",
            severity="warning",
        )
