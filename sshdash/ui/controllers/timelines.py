"""Shows attempts at connections while they grow, and the last one of a host on request."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual.timer import Timer

from sshdash.errors import FileError
from sshdash.events import ConnectionChanged, Event
from sshdash.states import ConnectionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.steps import steps_of
from sshdash.ui.widgets.files_tab import FilesTab
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.timeline import Timeline

_FRAME = 0.1
"""Seconds between two looks at the attempts that run."""


class TimelineController:
    """Draws the steps of attempts in the tabs that wait for them."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self._timer: Timer | None = None
        self._running: set[str] = set()

    def __repr__(self) -> str:
        return f"<TimelineController [{len(self._running)} attempts]>"

    def why_not(self, command_id: str) -> str:
        """Return why there is no timeline to show, empty where there is one."""
        host = self.cockpit.subject()
        if host is None:
            return "Select a host first"
        return "" if self.latest(host) else f"{clean(host)} was not connected to yet"

    def on_event(self, event: Event) -> None:
        """Look at attempts from their start to their end."""
        if not isinstance(event, ConnectionChanged):
            return
        if event.new is ConnectionState.CONNECTING:
            self._running.add(event.host)
        else:
            self._running.discard(event.host)
        self._look()
        if self._running and self._timer is None:
            self._timer = self.cockpit.screen.set_interval(_FRAME, self._look)
        elif not self._running and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def latest(self, host: str) -> "Timeline | None":
        """Return the timeline of the newest attempt at a host, None where there was none."""
        backend = self.cockpit.backend
        return backend.connections.status(host).timeline if backend.loaded else None

    def action_host_timeline(self) -> None:
        """Show the steps of the last attempt to connect."""
        if host := self.cockpit.subject():
            self.cockpit.start(self._show(host))

    async def _show(self, host: str) -> None:
        from sshdash.ui.screens.timeline import SAVE, TimelineScreen

        screen = TimelineScreen(host, lambda: self.latest(host))
        if await self.cockpit.show(screen) == SAVE and (timeline := self.latest(host)):
            await self._save(host, timeline)

    async def _save(self, host: str, timeline: "Timeline") -> None:
        from sshdash.ui.screens.text_input import TextInputDialog

        name = "".join(char if char.isalnum() or char in "-." else "-" for char in host)
        dialog = TextInputDialog(
            "Save the timeline",
            "a new file; .json for JSON",
            value=f"~/timeline-{name.strip('-.') or 'host'}.txt",
            action="Save",
            select_stem=True,
        )
        if path := await self.cockpit.show(dialog):
            saved = await asyncio.to_thread(save, timeline, path)
            self.cockpit.tell("Saved", str(saved))

    def _look(self) -> None:
        """Draw the steps in the tabs that wait, of which one at most is in sight."""
        tab = self.cockpit.current
        if isinstance(tab, TerminalTab):
            for one in tab.panes:
                timeline = self.latest(one.host) if one.session is None else None
                if timeline is not None:
                    one.panel.show_steps(steps_of(timeline))
        elif isinstance(tab, FilesTab):
            for pane in tab.panes.panes:
                if pane.endpoint and pane.is_waiting and (step := self._step(pane.host)):
                    pane.wait(f"connecting: {step}…")

    def _step(self, host: str) -> str:
        """Return what an attempt at a host is busy with, empty where none runs."""
        timeline = self.latest(host)
        running = [one for one in timeline.entries if one.outcome == "running"] if timeline else []
        if not timeline or not timeline.is_running or not running:
            return ""
        of_hop = f" of {running[-1].hop}" if running[-1].hop else ""
        return f"{running[-1].phase.value}{of_hop}"


def save(timeline: "Timeline", path: str) -> Path:
    """Write a timeline to a new file, as JSON where its name says so; raises FileError."""
    from sshdash.connections.timeline_text import document, text_lines

    target = Path(path.strip()).expanduser()
    if target.suffix == ".json":
        text = json.dumps(document(timeline), indent=2)
    else:
        text = "\n".join(text_lines(timeline, detail=True))
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise FileError(
            "Cannot save the timeline",
            clean(str(target), 400),
            detail=error.strerror or str(error),
            hint="give the name of a file that does not exist yet",
        ) from error
    return target
