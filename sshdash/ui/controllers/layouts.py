"""Keeps which terminals are open, in which tabs and splits, and opens them again."""

import asyncio
import logging
from dataclasses import replace

from textual.timer import Timer

from sshdash.config.saving import set_aside
from sshdash.errors import ConfigError, SSHDashError
from sshdash.prompts import ConfirmQuestion
from sshdash.ui import layout_file
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.host_actions import HostActions
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.format import count_text
from sshdash.ui.layout_file import Layout, SavedLayout, TabLayout
from sshdash.ui.split_tree import renamed
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_INTERVAL = 2.0
"""Seconds between two looks at whether the last layout has changed."""


class Layouts:
    """What the commands about layouts do, and the layout of the last time."""

    def __init__(self, cockpit: Cockpit, shells: ShellController, hosts: HostActions) -> None:
        self.cockpit = cockpit
        self.shells = shells
        self.hosts = hosts
        self._timer: Timer | None = None
        """Runs where the layout is kept for the next time."""
        self._written: Layout = ()
        self._writing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Layouts [{len(self.now())} tabs, kept={self._timer is not None}]>"

    def now(self) -> Layout:
        """Return the layout of all terminal tabs."""
        return tuple(layout_of(tab) for tab in self.cockpit.tabs if isinstance(tab, TerminalTab))

    def _now_with_place(self) -> Layout:
        """Return the layout of all terminal tabs, and in which of them one is."""
        tabs = [tab for tab in self.cockpit.tabs if isinstance(tab, TerminalTab)]
        return tuple(replace(layout_of(tab), here=tab is self.cockpit.current) for tab in tabs)

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if command_id == "layout.save" and not self.now():
            return "No terminal is open"
        if command_id == "layout.save_tab" and self.shells.current is None:
            return "Only in a terminal"
        return ""

    # Saving

    def action_layout_save(self) -> None:
        """Ask for a name and keep the layout of all tabs."""
        self.cockpit.start(self._save(self.now()))

    def action_layout_save_tab(self) -> None:
        """Ask for a name and keep the layout of the tab in sight."""
        tab = self.cockpit.current
        if isinstance(tab, TerminalTab):
            self.cockpit.start(self._save((layout_of(tab),)))

    async def _save(self, layout: Layout) -> None:
        from sshdash.ui.screens.text_input import TextInputDialog

        dialog = TextInputDialog(
            "Save layout",
            f"the name of a layout with {_words(layout)}",
            action="Save",
            check=layout_file.name_problem,
        )
        name = await self.cockpit.show(dialog)
        if not name:
            return
        file = layout_file.layout_file(name.strip())
        if await asyncio.to_thread(file.exists) and not await self.cockpit.ask(
            ConfirmQuestion(
                f"Replace {clean(file.stem)}?", "There is a layout of that name.", "Replace"
            )
        ):
            return
        await asyncio.to_thread(layout_file.write_layout, file, layout)
        self.cockpit.tell(f"Saved {clean(file.stem)}", _words(layout))

    # Opening and deleting

    def action_layout_open(self) -> None:
        """Ask which layout to open."""
        self.cockpit.start(self._open_one())

    async def _open_one(self) -> None:
        picked = await self._pick("Open layout")
        if picked is None:
            return
        if picked.problem is not None:
            raise picked.problem
        self.open(picked.layout)

    def open(self, layout: Layout) -> None:
        """Open all tabs of a layout. Raises UsageError for a host that is no address."""
        tabs = [self._tab(one) for one in layout]
        for tab in tabs:
            self.shells.open_all(tab)
        here = [tab for tab, one in zip(tabs, layout, strict=True) if one.here]
        if tabs:
            self.cockpit.go_to_tab(here[0] if here else tabs[0])

    def _tab(self, layout: TabLayout) -> TerminalTab:
        panes = [TerminalPane(self.hosts.destination(host)) for host in layout.hosts]
        numbers = {place: pane.number for place, pane in enumerate(panes)}
        return TerminalTab(*panes, root=renamed(layout.root, numbers))

    def action_layout_delete(self) -> None:
        """Ask which layout to forget."""
        self.cockpit.start(self._delete())

    async def _delete(self) -> None:
        picked = await self._pick("Delete layout")
        if picked is None:
            return
        name = clean(picked.name)
        question = ConfirmQuestion(
            f"Delete {name}?", "No terminal is closed.", "Delete", danger=True
        )
        if await self.cockpit.ask(question):
            file = layout_file.layout_file(picked.name)
            await asyncio.to_thread(layout_file.remove_layout, file)
            self.cockpit.tell(f"Deleted {name}")

    async def _pick(self, title: str) -> SavedLayout | None:
        from sshdash.ui.screens.picker import Choice, Picker

        listed = {one.name: one for one in await asyncio.to_thread(layout_file.list_layouts)}
        if not listed:
            self.cockpit.tell(title, "No layout was saved yet")
            return None
        choices = [
            Choice(one.name, clean(one.name), note=_words(one.layout))
            if one.problem is None
            else Choice(one.name, clean(one.name), note=_trouble(one.problem), mark=Mark.FAILED)
            for one in listed.values()
        ]
        picked = await self.cockpit.show(Picker(title, choices, "layout"))
        return listed.get(picked) if picked is not None else None

    # The last time

    async def restore(self) -> None:
        """Open the terminals of the last time again, and keep what is open from now on.

        A file that cannot be read is told, and set aside.
        """
        file = layout_file.last_layout_file()
        try:
            layout = await asyncio.to_thread(layout_file.read_layout, file)
            self._written = layout or ()
            self.open(self._written)
        except SSHDashError as error:
            self.cockpit.report(error)
            self._written = ()
            await asyncio.to_thread(set_aside, file)
        self._timer = self.cockpit.screen.set_interval(_INTERVAL, self._keep)

    async def stop(self) -> None:
        """Keep what is open at the end."""
        if self._timer is not None:
            self._timer.stop()
            await self._keep()

    async def _keep(self) -> None:
        layout = self._now_with_place()
        if layout == self._written:
            return
        async with self._writing:
            try:
                file = layout_file.last_layout_file()
                await asyncio.to_thread(layout_file.write_layout, file, layout)
            except SSHDashError as error:
                log.warning("the layout is not kept: %s", error)
            self._written = layout


def layout_of(tab: TerminalTab) -> TabLayout:
    """Return the layout of a tab."""
    panes = tab.panes
    places = {pane.number: place for place, pane in enumerate(panes)}
    return TabLayout(renamed(tab.area.splits.root, places), tuple(pane.host for pane in panes))


def _words(layout: Layout) -> str:
    """Return what a layout holds: ``2 tabs, 5 terminals: web-1, db-1``."""
    hosts = [host for tab in layout for host in tab.hosts]
    names = ", ".join(map(clean, dict.fromkeys(hosts)))
    counts = f"{count_text(len(layout), 'tab')}, {count_text(len(hosts), 'terminal')}"
    return f"{counts}: {names}" if names else counts


def _trouble(problem: SSHDashError) -> str:
    line = f"line {problem.line}: " if isinstance(problem, ConfigError) and problem.line else ""
    return f"{line}cannot be read" if line else problem.title
