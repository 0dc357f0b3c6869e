"""Recordings, played: a file's events, and the terminal as it was at any moment of them.

What was recorded is what a remote sent. It is fed to an emulator of ours and never to the
terminal that sshdash runs in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from sshdash.errors import UsageError
from sshdash.terminal.asciicast import (
    LONGEST_LINE,
    CastEvent,
    Code,
    Header,
    read_events,
    read_header,
)
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.transcript import Transcript
from sshdash.untrusted import clean

_PIECE = 64 * 1024
"""Characters that the emulator takes at a time while looking for a place."""


@contextmanager
def open_recording(path: Path) -> Iterator[tuple[Header, Iterator[CastEvent]]]:
    """Open a recording; its events are read as they are asked for.

    Raises UsageError, naming the line, for what is no recording, and where it cannot be read.
    """
    name = str(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError("Cannot read the recording", f"{clean(name)}: {error.strerror}") from error
    with file:
        lines = _lines(file, name)
        header, version = read_header(next(lines, ""), name)
        yield header, read_events(lines, name, version)


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    number = 0
    try:
        while line := file.readline(LONGEST_LINE + 2):
            number += 1
            yield line.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        where = f"{clean(name)}:{number or 1}: {what}"
        raise UsageError("Not a recording that can be played", where) from error


def text_of(events: Iterator[CastEvent]) -> Iterator[str]:
    """Return what a person would read of a recording, by whole lines."""
    transcript = Transcript()
    for event in events:
        if event.code is Code.OUTPUT:
            yield transcript.feed(event.text.encode("utf-8", "replace"))
        elif event.code is Code.MARK and event.text:
            yield transcript.note(clean(event.text))
    yield transcript.finish()


def without_pauses(events: Iterator[CastEvent], limit: float) -> Iterator[CastEvent]:
    """Return the events with no more than `limit` seconds between two of them; 0 is no limit."""
    before = at = 0.0
    for event in events:
        pause = event.at - before
        before = event.at
        at += min(pause, limit) if limit else pause
        yield replace(event, at=at)


class Playback:
    """A recording with a place in it: the emulator shows the terminal as it was there."""

    def __init__(self, header: Header, events: Iterator[CastEvent]) -> None:
        self.header = header
        self.events = tuple(events)
        self.emulator = Emulator(header.columns, header.rows, 0)
        self._next = 0

    def __repr__(self) -> str:
        return f"<Playback [{self._next} of {len(self.events)} events]>"

    @property
    def duration(self) -> float:
        """Return how many seconds it takes."""
        return self.events[-1].at if self.events else 0.0

    @property
    def at_end(self) -> bool:
        """Return whether there is nothing more to come."""
        return self._next >= len(self.events)

    @property
    def next_at(self) -> float:
        """Return when something happens next; the end where nothing does."""
        return self.duration if self.at_end else self.events[self._next].at

    def go_to(self, at: float) -> bool:
        """Go to a moment, back or forward; return whether the terminal was begun anew."""
        anew = self._next > 0 and self.events[self._next - 1].at > at
        if anew:
            self._next = 0
            self.emulator = Emulator(self.header.columns, self.header.rows, 0)
        waiting: list[str] = []
        size = 0
        while not self.at_end and self.events[self._next].at <= at:
            event = self.events[self._next]
            self._next += 1
            if event.code is Code.OUTPUT:
                waiting.append(event.text)
                size += len(event.text)
            if size > _PIECE or event.code is Code.RESIZE:
                self._feed(waiting)
                size = 0
            if event.code is Code.RESIZE:
                self.emulator.resize(*event.size)
        self._feed(waiting)
        return anew

    def _feed(self, waiting: list[str]) -> None:
        self.emulator.feed("".join(waiting).encode("utf-8", "replace"))
        self.emulator.take_replies()  # nobody asked
        waiting.clear()
