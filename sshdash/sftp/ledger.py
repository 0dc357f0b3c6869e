"""What a running job knows of itself: counted as it happens, read by whoever looks."""

import heapq
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

import msgspec

from sshdash.prompts import ConflictChoice
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.in_place import Tears
from sshdash.sftp.job import FileFailure, FileProgress
from sshdash.sftp.partial import Partial
from sshdash.sftp.seen import Seen, seen_of
from sshdash.sftp.tasks import CancelledTooLate
from sshdash.sftp.turns import Turns
from sshdash.sftp.under_way import UnderWay
from sshdash.sftp.walk import Source
from sshdash.untrusted import clean

_SHOWN_FILES = 4
_SHOWN_FAILURES = 100


class Track:
    """One file under way."""

    __slots__ = ("done", "name", "total")

    def __init__(self, name: bytes, total: int) -> None:
        self.name = name
        self.total = total
        self.done = 0

    def advance(self, size: int) -> None:
        """Count bytes; a negative number where a file is started over."""
        self.done += size


class Fact(IntEnum):
    """What a note is about. The numbers are in files: they stay what they are."""

    DONE = 1
    CHOICE = 2
    CHOICE_FOR_ALL = 3
    PLACE = 4
    FOLDER = 5
    TORN = 6


class Note(NamedTuple):
    """Something that has to outlive the process, about a source by its key."""

    fact: Fact
    source: bytes
    place: bytes
    value: bytes = b""


class Agreed(NamedTuple):
    """What the person answered about a target that exists."""

    choice: ConflictChoice
    seen: Seen | None
    """What was there then: about something else the person is asked anew."""


async def _unrecorded() -> None:
    """Nothing outlives the process."""


class Ledger:
    """Files, bytes, failures and what is finished. Kept over retries."""

    last_done = 0.0
    """When nothing was left to do about a source last, in monotonic seconds."""
    fits = False
    """Whether there was room for everything, or the person wanted it copied all the same."""

    def __init__(self) -> None:
        self.notes: list[Note] | None = None
        """What was not written to the disk yet; None where nothing is written at all."""
        self.recorded: Callable[[], Awaitable[None]] = _unrecorded
        """Returns once all that is known by now is on the disk."""
        self.under_way: dict[bytes, UnderWay] = {}
        """By target, the files under way."""
        self.files_done = self.files_total = self.skipped = 0
        self.files_failed = self.bytes_failed = 0
        """What of the failures had been counted, and is in no total any more."""
        self.failures: dict[bytes, str] = {}
        """Source path to reason, in the order they came."""
        self.left_out: dict[bytes, str] = {}
        """Likewise, what is not copied on purpose. Stays over retries."""
        self.done: set[tuple[bytes, bytes]] = set()
        """Keys of sources whose targets are as they should be: a retry leaves them alone."""
        self.choice: ConflictChoice | None = None
        """What the person answered about all targets that were known then. Stays over retries."""
        self.created: dict[bytes, Source] = {}
        """Places of directories made here to their sources, which still lack time and mode."""
        self.leftovers: set[bytes] = set()
        """Temporary files on the target that could not be removed yet."""
        self.partials: dict[bytes, Partial] = {}
        """By target, what a lost connection left to go on with."""
        self.others: dict[bytes, bytes | None] = {}
        """What jobs before it left in the same folder, as in `unfinished`: it stays theirs."""
        self.places: dict[tuple[bytes, bytes], bytes] = {}
        """By key, where sources go that are kept beside what is there."""
        self.torn = Tears(lambda path, value: self._note(Fact.TORN, (path, b""), value), self.fail)
        """Sources that were being written in place when that ended early. Stays over retries."""
        self.choices: dict[tuple[bytes, bytes], Agreed] = {}
        """What the person answered about single targets that exist."""
        self.restarted: dict[bytes, str] = {}
        """Source path to why the file was started over after an interruption."""
        self.bytes_finished = self.bytes_total = self.verified = 0
        """The last: files whose checksums are the same on both ends."""
        self.verified_by: dict[str, None] = {}
        """How the checksums were found, in the order of their first use."""
        self.resumed = 0
        """How often a file was gone on with."""
        self._tracks: set[Track] = set()

    def restart(self) -> None:
        """Forget what a retry will find anew; what is done stays done."""
        self.files_total = self.files_done
        self.bytes_total = self.bytes_finished
        self.failures.clear()
        self.files_failed = self.bytes_failed = 0
        self._tracks.clear()

    @property
    def bytes_done(self) -> int:
        """Bytes that have arrived, in finished files, in those under way and in those kept."""
        kept = sum(partial.done for partial in self.partials.values())
        return self.bytes_finished + sum(track.done for track in self._tracks) + kept

    def found(self, entry: Entry) -> None:
        """Count something to copy."""
        self.files_total += 1
        if entry.kind is Kind.FILE:
            self.bytes_total += entry.size

    def skip(self, source: Source) -> None:
        """Note that the person left something as it is."""
        self._uncount(source.entry)
        self.skipped += 1
        self.settle(source)

    def settle(self, *sources: Source) -> None:
        """Note that nothing is left to do about sources, in no run."""
        self.last_done = time.monotonic()
        keys = [source.key for source in sources]
        self.done.update(keys)
        if self.notes is not None:
            self.notes += [Note(Fact.DONE, path, place) for path, place in keys]

    def chose(self, source: Source, choice: ConflictChoice, for_all: bool) -> None:
        """Note what the person answered about a target that exists."""
        seen = None if source.existing is None else seen_of(source.existing)
        self.choices[source.key] = Agreed(choice, seen)
        words = [choice.value, *map(str, seen or ())]
        self._note(Fact.CHOICE, source.key, " ".join(words).encode())
        if for_all:
            self.choice = choice
            self._note(Fact.CHOICE_FOR_ALL, (b"", b""), choice.value.encode())

    def keep_beside(self, source: Source, place: bytes) -> None:
        """Note where a source goes that is kept beside what is there."""
        self.places[source.key] = place
        self._note(Fact.PLACE, source.key, place)

    def unfinished(self) -> dict[bytes, bytes | None]:
        """Return the temporary files that were left, and the target of each where it is known."""
        known = {one.part: target for target, one in self.partials.items()}
        return dict.fromkeys(self.leftovers) | known

    def agrees(self, source: Source) -> bool:
        """Return whether a target is what it was when the person answered, if that was asked."""
        answer = self.choices.get(source.key)
        if answer is None or answer.seen is None or source.existing is None:
            return True
        return answer.seen == seen_of(source.existing)

    def answered(self, source: Source) -> ConflictChoice | None:
        """Return what the person answered about a target, None where that has changed since."""
        answer = self.choices.get(source.key)
        return answer.choice if answer is not None and self.agrees(source) else None

    def abandon(self, target: bytes) -> None:
        """Have what was kept of a file removed: it is not gone on with."""
        if (partial := self.partials.pop(target, None)) is not None:
            self.leftovers.add(partial.part)

    async def make(self, folders: list[Source]) -> None:
        """Note directories that are about to be made, and have to get time and mode later."""
        if self.notes is not None:
            turns = Turns()
            for folder in folders:
                await turns.take()
                self._note(Fact.FOLDER, (folder.path, folder.place), folder.entry)
        await self.recorded()

    def fail(self, path: bytes, reason: str, entry: Entry | None = None) -> None:
        """Note a failure; `entry` where the source had been counted."""
        self.failures[path] = reason
        if entry is not None:
            self._uncount(entry)
            self.files_failed += 1
            self.bytes_failed += entry.size if entry.kind is Kind.FILE else 0

    def leave_out(self, path: bytes, reason: str, entry: Entry | None = None) -> None:
        """Note something that is not to be copied; `entry` where it had been counted."""
        self.left_out[path] = reason
        if entry is not None:
            self._uncount(entry)

    @contextmanager
    def tracking(self, source: Source) -> Iterator[Track]:
        """Follow one file from its first byte to its last, and count it where it succeeds.

        Even where it is cancelled then: CancelledTooLate.
        """
        track = Track(source.entry.name, source.entry.size)
        self._tracks.add(track)
        try:
            yield track
        except CancelledTooLate:
            self._count(source, track)
            raise
        finally:
            self._tracks.discard(track)
        self._count(source, track)

    def _count(self, source: Source, track: Track) -> None:
        """Count a file that has arrived."""
        entry = source.entry
        self.failures.pop(source.path, None)  # of an attempt before
        self.files_done += 1
        self.settle(source)
        # Pseudo files hold more or less than they claim.
        self.bytes_total += track.done - (entry.size if entry.kind is Kind.FILE else 0)
        self.bytes_finished += track.done

    def arrive(self, *files: Source) -> int:
        """Count files all of which is there, as they were listed; return their bytes."""
        size = sum([file.entry.size for file in files])
        self.files_done += len(files)
        self.bytes_finished += size
        self.settle(*files)
        return size

    @contextmanager
    def gathering(self, files: int, size: int) -> Iterator[Track]:
        """Follow the bytes of files that come in together; each is counted by itself later."""
        with self._showing(Track(b"%d small files" % files, size)) as track:
            yield track

    @contextmanager
    def discarding(self, files: int) -> Iterator[None]:
        """Tell meanwhile that files which came together are taken away, as not all is whole."""
        with self._showing(Track(b"taking away %d small files that are not whole" % files, 0)):
            yield

    @contextmanager
    def _showing(self, track: Track) -> Iterator[Track]:
        self._tracks.add(track)
        try:
            yield track
        finally:
            self._tracks.discard(track)

    def restarts(self) -> tuple[FileFailure, ...]:
        """Return the first of what was started over, and why."""
        return _first(self.restarted)

    def current(self) -> tuple[FileProgress, ...]:
        """Return the largest files under way."""
        largest = heapq.nlargest(_SHOWN_FILES, self._tracks, key=lambda track: track.total)
        return tuple(FileProgress(clean(t.name), t.done, t.total) for t in largest)

    def errors(self) -> tuple[FileFailure, ...]:
        """Return the first failures."""
        return _first(self.failures)

    def omissions(self) -> tuple[FileFailure, ...]:
        """Return the first of what was left out."""
        return _first(self.left_out)

    def _note(self, fact: Fact, key: tuple[bytes, bytes], value: bytes | Entry = b"") -> None:
        if self.notes is not None:
            data = value if isinstance(value, bytes) else msgspec.msgpack.encode(value)
            self.notes.append(Note(fact, *key, data))

    def _uncount(self, entry: Entry) -> None:
        self.files_total -= 1
        if entry.kind is Kind.FILE:
            self.bytes_total -= entry.size


def _first(reasons: dict[bytes, str]) -> tuple[FileFailure, ...]:
    first = islice(reasons.items(), _SHOWN_FAILURES)
    return tuple(FileFailure(shown(path), reason) for path, reason in first)
