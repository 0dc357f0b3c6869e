"""Finds a file below a pane's folder by part of its path, while names still come in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError
from sshdash.sftp.entries import join, name_of, parent_of
from sshdash.sftp.finding import find_below
from sshdash.sftp.tasks import end
from sshdash.ui.screens.finder import Finder

if TYPE_CHECKING:
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.widgets.file_pane import FilePane


async def find(cockpit: Cockpit, listings: Listings, pane: FilePane) -> None:
    """Let the person pick what is below the folder, and go to it."""
    folder, endpoint = pane.browser.path, pane.endpoint
    filesystem = await cockpit.backend.filesystem(endpoint)
    finder = Finder(pane.label, folder)

    async def look() -> None:
        try:
            hidden = pane.browser.view.show_hidden
            finder.finish(await find_below(filesystem, folder, finder.add, hidden))
        except SSHDashError as error:
            finder.fail(error)

    looking = asyncio.ensure_future(look())
    try:
        place = await cockpit.show(finder)
    finally:
        await end((looking,))
        await filesystem.close()
    if place is not None and pane.is_attached and pane.endpoint == endpoint:
        path = join(folder, place)
        listings.open(pane, parent_of(path), name_of(path))
