"""What the program in a session reports of itself, told on at a bounded rate."""

import asyncio
from collections.abc import Callable

from sshdash.terminal.effects import Effects
from sshdash.terminal.osc import ClipboardWrite, Directory, Notification, Progress

INTERVAL = 0.1
"""Seconds between two times that something is told."""
STALE = 20.0
"""Seconds without news after which a progress is over: a program may have died."""
_HERE = ("", "localhost")


class Reports:
    """Looks at the emulator's effects after it was fed and calls `changed`, not too often."""

    def __init__(self, effects: Effects, changed: Callable[[], None]) -> None:
        self._effects = effects
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.TimerHandle | None = None
        self._stale: asyncio.TimerHandle | None = None
        self._machine = ""
        """The machine the shell said it is on first: others are reached from it."""

    def __repr__(self) -> str:
        return f"<Reports [{self.directory or 'no folder'}, {self.progress}]>"

    @property
    def directory(self) -> str:
        """The folder the shell is in, by its own word (OSC 7); empty where it is not known.

        It comes from the remote: it is to be quoted where it becomes part of a command.
        """
        told = self._effects.directory
        return told.path if told is not None and self._is_here(told) else ""

    @property
    def progress(self) -> Progress | None:
        """How far a program is (OSC 9;4)."""
        return self._effects.progress

    def take_notifications(self) -> tuple[Notification, ...]:
        """Return what programs want read, once."""
        taken = tuple(self._effects.notifications)
        self._effects.notifications.clear()
        return taken

    def take_clipboard(self) -> ClipboardWrite | None:
        """Return the text a program wants on the clipboard, once: the last it has sent."""
        taken, self._effects.clipboard = self._effects.clipboard, None
        return taken

    def collect(self) -> None:
        """Look whether something was told since the last time."""
        if not self._effects.told:
            return
        self._effects.told = False
        if self._effects.directory is not None and not self._machine:
            self._machine = self._effects.directory.host
        self._watch_progress()
        if self._due is None:
            self._due = self._loop.call_later(INTERVAL, self._tell)

    def end(self) -> None:
        """The program has ended: what it said last is told now, and it is nowhere any more."""
        waiting = self._due is not None
        self.stop()
        self._effects.progress = self._effects.directory = None
        if waiting:
            self._changed()

    def forget(self) -> None:
        """Another program begins: nothing was told yet."""
        self._machine = ""
        self._effects.forget()
        self.stop()

    def stop(self) -> None:
        """Tell nothing any more."""
        for timer in (self._due, self._stale):
            if timer is not None:
                timer.cancel()
        self._due = self._stale = None

    def _is_here(self, told: Directory) -> bool:
        return told.host in _HERE or self._machine in ("", told.host)

    def _watch_progress(self) -> None:
        if self._stale is not None:
            self._stale.cancel()
            self._stale = None
        if self._effects.progress is not None:
            self._stale = self._loop.call_later(STALE, self._expire)

    def _expire(self) -> None:
        self._stale = None
        self._effects.progress = None
        self._changed()

    def _tell(self) -> None:
        self._due = None
        self._changed()
