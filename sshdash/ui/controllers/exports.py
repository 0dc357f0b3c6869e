"""Writes what a terminal has shown to a file of the person's choice."""

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.format import count_text
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession


class ScrollbackExport:
    """Asks for the file, and tells how many lines it has got."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        return "" if self._session() is not None else "Go to a shell first"

    def action_terminal_export(self) -> None:
        """Write all that the terminal in sight keeps to a file."""
        if (session := self._session()) is not None:
            self.cockpit.start(self._export(session), group="export")

    def _session(self) -> "ShellSession | None":
        """Return the session of the terminal that has the focus, else of the tab in sight."""
        focused = self.cockpit.screen.focused
        for node in focused.ancestors_with_self if focused is not None else ():
            if (session := getattr(node, "session", None)) is not None:
                return cast("ShellSession", session)
        tab = self.cockpit.current
        return tab.session if isinstance(tab, TerminalTab) else None

    async def _export(self, session: "ShellSession") -> None:
        from sshdash.terminal.export import kept_lines, write_lines
        from sshdash.terminal.grid import Grid

        path = await self._ask_path(session.host)
        if path is None:
            return
        exists = await asyncio.to_thread(os.path.lexists, path)
        if exists and not await self.cockpit.ask(_replacing(path)):
            return
        lines: list[str] = []
        for some in kept_lines(Grid(session.emulator)):
            lines += some
            await asyncio.sleep(0)
        count = await asyncio.to_thread(write_lines, path, lines, replace=exists)
        self.cockpit.tell(
            f"Exported {count_text(count, 'line')}", clean(str(path), 1000), host=session.host
        )

    async def _ask_path(self, host: str) -> Path | None:
        from sshdash.ui.screens.text_input import TextInputDialog

        name = "".join(char if char.isalnum() or char in "-." else "-" for char in host)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        dialog = TextInputDialog(
            "Export the scrollback",
            "a text file",
            value=f"~/{name.strip('-.') or 'host'}-{stamp}.txt",
            action="Export",
            check=lambda text: "" if text.strip() else "name a file",
            select_stem=True,
        )
        given = await self.cockpit.show(dialog)
        return _path(given) if given else None


def _path(given: str) -> Path:
    return Path(given.strip()).expanduser()


def _replacing(path: Path) -> ConfirmQuestion:
    return ConfirmQuestion(
        "Replace this file?",
        f"{clean(str(path), 400)} is there already.",
        action="Replace",
        danger=True,
    )
