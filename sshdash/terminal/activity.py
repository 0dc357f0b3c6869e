"""What a session does while nobody looks at it: output, silence, and commands that end. Pure.

A shell with semantic prompts (OSC 133, FinalTerm) tells when a command begins and ends. Without
them it is guessed: a command begins with Enter, and has ended once its output has stopped.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sshdash.terminal.sight import Sight

QUIET = 3.0
"""Seconds without output after which a command without semantic prompts counts as ended."""
_MARK = re.compile(rb"\x1b\]133;([CD])(?:;(\d{1,3})[;\x07\x1b]|[\x07\x1b]|;[^\d])")
_BEGINNING = re.compile(rb"\](?<=\x1b\])133;")
"""The same in its rarest byte: there are many Escapes in a flood."""
_TAIL = 12
"""Bytes of a mark that may have come with the piece before."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    seconds: float
    status: int | None = None
    """What it returned, where the shell told."""


class Activity:
    """Follows one session; whoever looks asks it now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.size = 0
        """Bytes of output so far: more than at the last look means activity."""
        self.sight = Sight()
        self._clock = clock
        self._output_at = 0.0
        self._watched: float | None = None
        """Since when its silence is waited for, None where it is not."""
        self._silent_from: float | None = None
        """When the output came after which its silence was told of."""
        self._entered: float | None = None
        """When Enter was pressed last, None where the command behind it was told of already."""
        self._began: float | None = None
        """When the command began that a semantic prompt told of."""
        self._has_marks = False
        self._tail = b""
        self._finished: Finished | None = None

    def __repr__(self) -> str:
        return f"<Activity [{self.size} bytes{', marks' if self._has_marks else ''}]>"

    def output(self, data: bytes) -> None:
        """Take note of what the remote sent."""
        self.size += len(data)
        self._output_at = self._clock()
        if self._tail or b"\x1b" in data:
            joined = self._tail + data if self._tail else data
            if b"]" in joined and _BEGINNING.search(joined):
                self._read_marks(joined)
            start = joined.rfind(b"\x1b", -_TAIL)
            self._tail = joined[start:] if start >= 0 and not _MARK.match(joined, start) else b""

    @property
    def at_prompt(self) -> bool | None:
        """Whether the shell waits for a command, None where it does not tell."""
        return self._began is None if self._has_marks else None

    def typed(self, data: bytes) -> None:
        """Take note of what was typed."""
        if b"\r" in data:
            self._entered = self._clock()

    @property
    def watches_silence(self) -> bool:
        """Return whether somebody wants to be told when it is silent."""
        return self._watched is not None

    def watch_silence(self, wanted: bool) -> None:
        """Wait for silence from now on, or not any more."""
        self._watched = self._clock() if wanted else None
        self._silent_from = None

    def take_silence(self, seconds: float) -> bool:
        """Return whether it has been silent for so long; once for every time that it is."""
        if self._watched is None:
            return False
        since = max(self._output_at, self._watched)
        if since == self._silent_from or self._clock() - since < seconds:
            return False
        self._silent_from = since
        return True

    def take_finished(self, longer_than: float) -> Finished | None:
        """Return the command that took so many seconds and has ended since the last call."""
        if self._has_marks:
            finished, self._finished = self._finished, None
            return finished if finished and finished.seconds >= longer_than else None
        if self._entered is None or self._output_at < self._entered:
            return None
        took = self._output_at - self._entered
        if took < longer_than or self._clock() - self._output_at < QUIET:
            return None
        self._entered = None
        return Finished(took)

    def _read_marks(self, data: bytes) -> None:
        for mark in _MARK.finditer(data):
            self._has_marks = True
            if mark.group(1) == b"C":
                self._began = self._output_at
            elif self._began is not None:
                status = int(mark.group(2)) if mark.group(2) else None
                self._finished = Finished(self._output_at - self._began, status)
                self._began = None
