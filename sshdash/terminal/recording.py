"""Recordings of sessions: what the remote sent, in files that a thread writes.

Only output is recorded. SSH does not tell the client whether the remote echoes, so that what is
typed could be a password; what was not echoed is not in the output, and so in no recording.
"""

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from sshdash.config.patterns import matches_host
from sshdash.events import (
    EventBus,
    RecordingEnded,
    RecordingsRemoved,
    RecordingStarted,
    WarningRaised,
)
from sshdash.settings import Settings
from sshdash.terminal.asciicast import CastEncoder, Header
from sshdash.terminal.recording_files import (
    RecordingFile,
    folder_name,
    open_folder,
    remove_old,
)
from sshdash.terminal.transcript import Transcript
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

WAITING = 4 * 1024 * 1024
"""Bytes that may wait for the disk; what comes on top of them is dropped, which is told."""
_PIECE = 8192
_TURN, _REST = 0.001, 0.0003
"""Seconds that text is made for without a rest, and of the rest."""
_ITEM = 64
"""Bytes that an item of the queue takes beside its data."""
_MEGABYTE = 1_000_000
_PATIENCE = 5.0
"""Seconds that the disk gets to take what is left when everything ends."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing to write, at a time of the monotonic clock."""

    kind: Literal["output", "screen", "resize", "mark", "end"]
    at: float
    data: bytes = b""
    numbers: tuple[int, ...] = ()
    """Columns and rows of a resize, the exit status of an end."""


class _Encoder(Protocol):
    """Turns items into the lines of a format."""

    suffix: str

    def begin(self, header: Header, at: float) -> str:
        """Return how a file begins."""

    def item(self, item: _Item) -> str:
        """Return the lines for an item."""


class _Cast:
    suffix = "cast"

    def __init__(self) -> None:
        self._encoder = CastEncoder()

    def begin(self, header: Header, at: float) -> str:
        return self._encoder.begin(header, at)

    def item(self, item: _Item) -> str:
        if item.kind in ("output", "screen"):
            return self._encoder.output(item.at, item.data)
        if item.kind == "resize":
            return self._encoder.resize(item.at, *item.numbers)
        if item.kind == "mark":
            return self._encoder.mark(item.at, item.data.decode())
        return self._encoder.end(item.at, item.numbers[0] if item.numbers else None)


class _Text:
    suffix = "txt"

    def __init__(self) -> None:
        self._transcript = Transcript()
        self._turn = 0.0

    def begin(self, header: Header, at: float) -> str:
        moment = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(header.timestamp))
        return f"[{header.title}, {moment}]\n"

    def item(self, item: _Item) -> str:
        if item.kind == "output":
            pieces = range(0, len(item.data), _PIECE)
            return "".join(self._feed(item.data[at : at + _PIECE]) for at in pieces)
        if item.kind == "mark":
            return self._transcript.note(item.data.decode())
        if item.kind == "end" and item.numbers:
            return self._transcript.note(f"exit {item.numbers[0]}")
        return self._transcript.finish() if item.kind == "end" else ""

    def _feed(self, data: bytes) -> str:
        """Read a piece, and let the event loop have its turn: this holds the interpreter."""
        if time.monotonic() >= self._turn:
            time.sleep(_REST)
            self._turn = time.monotonic() + _TURN
        return self._transcript.feed(data)


class Recording:
    """One session's recording. Its methods return at once; a thread writes.

    On the event loop, `began` is called once there are files, and `over` in the end: with the
    reason where it ended early. `removed` is called with old recordings that were removed first.
    """

    def __init__(
        self,
        root: Path,
        host: str,
        header: Header,
        settings: Settings,
        began: Callable[["Recording"], None],
        over: Callable[["Recording", str], None],
        removed: Callable[[list[Path]], None],
    ) -> None:
        self.paths: tuple[Path, ...] = ()
        """The files so far; several where it was cut into pieces, or is kept in both formats."""
        self.is_over = False
        self._root = root
        self._host = host
        self._header = header
        self._settings = settings
        self._began, self._over, self._removed = began, over, removed
        self._loop = asyncio.get_running_loop()
        self._finished = asyncio.Event()
        self._change = threading.Condition()
        self._waiting: deque[_Item] = deque()
        self._size = 0
        self._dropped = 0
        self._ending = False
        self._begun = time.monotonic()
        self._thread = threading.Thread(
            target=self._run, name=f"recording {folder_name(host)}", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        names = ", ".join(path.name for path in self.paths)
        return f"<Recording {names or 'not begun'} [{'over' if self._ending else 'running'}]>"

    # -- on the event loop

    def output(self, data: bytes) -> None:
        """Record what the remote sent."""
        self._put(_Item("output", time.monotonic(), data))

    def screen(self, written: bytes) -> None:
        """Record what the terminal shows already; the plain text begins with what comes next."""
        self._put(_Item("screen", time.monotonic(), written))

    def resize(self, columns: int, rows: int) -> None:
        """Record another size of the terminal."""
        self._put(_Item("resize", time.monotonic(), numbers=(columns, rows)))

    def mark(self, label: str) -> None:
        """Record a marker of our own."""
        self._put(_Item("mark", time.monotonic(), label.encode("utf-8", "replace")))

    def end(self, status: int | None = None) -> None:
        """End it, with the session's exit status where that is the reason; twice is once."""
        if not self._ending:
            numbers = () if status is None else (status,)
            self._put(_Item("end", time.monotonic(), numbers=numbers), always=True)
            self._ending = True

    async def wait(self) -> None:
        """Return once everything is written, or cannot be."""
        await self._finished.wait()

    def _put(self, item: _Item, always: bool = False) -> None:
        if self._ending or self.is_over:
            return
        with self._change:
            size = len(item.data) + _ITEM
            if self._size + size > WAITING and not always:
                self._dropped += len(item.data)
                return
            if self._dropped:
                words = f"{self._dropped:,} bytes were not recorded: the disk was too slow"
                self._waiting.append(_Item("mark", item.at, words.encode()))
                self._dropped = 0
            self._waiting.append(item)
            self._size += size
            self._change.notify()

    # -- in the thread

    def _run(self) -> None:
        writer = _Writer(self)
        reason = ""
        try:
            if gone := remove_old(
                self._root,
                self._settings.record_days,
                self._settings.record_total_mb * _MEGABYTE,
            ):
                self._tell(self._removed, gone)
            writer.open()
            self._tell(self._began, self)
            while not writer.ended:
                writer.write(self._take())
        except OSError as error:
            reason = error.strerror or str(error)
        except Exception:  # a defect: nobody is above to catch it, and stderr is the screen
            log.exception("%r failed", self)
            reason = "a defect; the log has the details"
        finally:
            writer.close()
            self._tell(self._end, reason)

    def _take(self) -> deque[_Item]:
        """Return what waits, as soon as anything does."""
        with self._change:
            while not self._waiting:
                self._change.wait()
            taken, self._waiting, self._size = self._waiting, deque(), 0
        return taken

    def _tell(self, function: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *values)
        except RuntimeError:  # the loop is closed: nobody listens any more
            log.info("%r ended after everything else", self)

    def _end(self, reason: str) -> None:
        self.is_over = True
        with self._change:
            self._waiting.clear()
        self._over(self, reason)
        self._finished.set()


class _Writer:
    """Writes items to the files of one recording; in its thread only."""

    def __init__(self, recording: Recording) -> None:
        self.ended = False
        self._recording = recording
        self._settings = recording._settings
        self._header = recording._header
        self._stem = time.strftime("%Y-%m-%dT%H%M%S", time.localtime(self._header.timestamp))
        self._folder = -1
        wanted = self._settings.record_format
        self._encoders: list[_Encoder] = []
        if wanted in ("cast", "both"):
            self._encoders.append(_Cast())
        if wanted in ("text", "both"):
            self._encoders.append(_Text())
        self._files: list[RecordingFile] = []
        self._stems: list[str] = []
        self._pieces = [1, 1]
        """Of each encoder, how many files there are."""

    def open(self) -> None:
        """Make the first files."""
        self._folder = open_folder(self._recording._root, self._recording._host)
        for encoder in self._encoders:
            self._files.append(self._begin(encoder, self._stem, self._recording._begun))
            self._stems.append(self._files[-1].stem)

    def _begin(self, encoder: _Encoder, stem: str, at: float) -> RecordingFile:
        file = RecordingFile(self._folder, stem, encoder.suffix)
        recording = self._recording
        path = recording._root / folder_name(recording._host) / file.name
        recording.paths = (*recording.paths, path)
        try:
            file.write(encoder.begin(self._header, at))
        except OSError:
            file.close()
            raise
        return file

    def write(self, items: deque[_Item]) -> None:
        """Write what came, each piece to a file that has room for it."""
        for item in items:
            if item.kind == "resize":
                columns, rows = item.numbers
                self._header = replace(self._header, columns=columns, rows=rows)
            self.ended = self.ended or item.kind == "end"
        for place, encoder in enumerate(self._encoders):
            self._files[place].write("".join(map(encoder.item, items)))
            if self._files[place].size > self._settings.record_file_mb * _MEGABYTE:
                self._rotate(place, items[-1].at)

    def _rotate(self, place: int, at: float) -> None:
        """Go on in another file; a recording that is over needs none."""
        if self.ended:
            return
        self._header = replace(self._header, timestamp=int(time.time()))
        encoder, file = self._encoders[place], self._files[place]
        self._pieces[place] += 1
        stem = f"{self._stems[place]}_part{self._pieces[place]}"
        self._files[place] = self._begin(encoder, stem, at)
        file.close()

    def close(self) -> None:
        """Close everything."""
        for file in self._files:
            file.close()
        if self._folder >= 0:
            os.close(self._folder)


class Recorder:
    """Starts the recordings of sessions, as the settings say, and tells of them."""

    def __init__(self, root: Path, settings: Settings, events: EventBus) -> None:
        self.root = root
        self._settings = settings
        self._events = events
        self._running: set[Recording] = set()

    def __repr__(self) -> str:
        return f"<Recorder [{len(self._running)} running]>"

    def wants(self, host: str) -> bool:
        """Return whether the sessions of a host are recorded from their beginning."""
        name = host.rpartition("@")[2]
        patterns = ",".join(self._settings.record)
        return bool(patterns) and (matches_host(host, patterns) or matches_host(name, patterns))

    def start(self, session: str, host: str, columns: int, rows: int, term: str) -> Recording:
        """Begin to record a session."""

        def began(recording: Recording) -> None:
            paths = tuple(map(str, recording.paths))
            self._events.emit(RecordingStarted(session, host, paths))

        def over(recording: Recording, reason: str) -> None:
            self._running.discard(recording)
            paths = tuple(map(str, recording.paths))
            self._events.emit(RecordingEnded(session, host, paths, clean(reason)))
            if reason:
                where = str(recording.paths[-1] if recording.paths else self.root)
                detail = f"{clean(where)}: {clean(reason)}; the session goes on"
                self._events.emit(WarningRaised("The recording has stopped", detail, host=host))

        header = Header(columns, rows, int(time.time()), term, clean(host))
        recording = Recording(
            self.root, host, header, self._settings, began, over, self._tell_removed
        )
        self._running.add(recording)
        return recording

    def _tell_removed(self, paths: list[Path]) -> None:
        self._events.emit(RecordingsRemoved(tuple(map(str, paths))))

    async def close(self) -> None:
        """End every recording and wait until they are written, for a while."""
        running = tuple(self._running)
        for recording in running:
            recording.end()
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*(recording.wait() for recording in running))
        except TimeoutError:
            log.warning("%d recordings were not written in time", len(self._running))
