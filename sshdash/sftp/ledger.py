"""What a running job knows of itself: counted as it happens, read by whoever looks."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from sshdash.prompts import ConflictChoice
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.job import FileFailure, FileProgress
from sshdash.sftp.partial import Partial
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


class Ledger:
    """Files, bytes, failures and what is finished. Kept over retries."""

    def __init__(self) -> None:
        self.files_done = 0
        self.files_total = 0
        self.bytes_total = 0
        self.skipped = 0
        self.failures: dict[bytes, str] = {}
        """Source path to reason, in the order they came."""
        self.left_out: dict[bytes, str] = {}
        """Likewise, what is not copied on purpose. Stays over retries."""
        self.done: set[tuple[bytes, bytes]] = set()
        """Keys of sources whose targets are as they should be: a retry leaves them alone."""
        self.choice: ConflictChoice | None = None
        """What the person answered about all targets that exist. Stays over retries."""
        self.created: dict[bytes, Source] = {}
        """Places of directories made here to their sources, which still lack time and mode."""
        self.leftovers: set[bytes] = set()
        """Temporary files on the target that could not be removed yet."""
        self.partials: dict[bytes, Partial] = {}
        """By target, what a lost connection left to go on with."""
        self.places: dict[tuple[bytes, bytes], bytes] = {}
        """By key, where sources go that are kept beside what is there."""
        self.choices: dict[tuple[bytes, bytes], ConflictChoice] = {}
        """What the person answered about single targets that exist."""
        self.restarted: dict[bytes, str] = {}
        """Source path to why the file was started over after an interruption."""
        self.fits = False
        """Whether there was room for everything, or the person wanted it copied all the same."""
        self.verified = 0
        """Files whose checksums are the same on both ends."""
        self.verified_by: dict[str, None] = {}
        """How the checksums were found, in the order of their first use."""
        self.resumed = 0
        """How often a file was gone on with."""
        self._finished_bytes = 0
        self._tracks: set[Track] = set()

    def restart(self) -> None:
        """Forget what a retry will find anew; what is done stays done."""
        self.files_total = self.files_done
        self.bytes_total = self._finished_bytes
        self.failures.clear()
        self._tracks.clear()

    @property
    def bytes_done(self) -> int:
        """Bytes that have arrived, in finished files, in those under way and in those kept."""
        kept = sum(partial.done for partial in self.partials.values())
        return self._finished_bytes + sum(track.done for track in self._tracks) + kept

    def found(self, entry: Entry) -> None:
        """Count something to copy."""
        self.files_total += 1
        if entry.kind is Kind.FILE:
            self.bytes_total += entry.size

    def skip(self, source: Source) -> None:
        """Note that the person left something as it is."""
        self._uncount(source.entry)
        self.skipped += 1
        self.done.add(source.key)

    def fail(self, path: bytes, reason: str, entry: Entry | None = None) -> None:
        """Note a failure; `entry` where the source had been counted."""
        self.failures[path] = reason
        if entry is not None:
            self._uncount(entry)

    def leave_out(self, path: bytes, reason: str, entry: Entry | None = None) -> None:
        """Note something that is not to be copied; `entry` where it had been counted."""
        self.left_out[path] = reason
        if entry is not None:
            self._uncount(entry)

    @contextmanager
    def tracking(self, source: Source) -> Iterator[Track]:
        """Follow one file from its first byte to its last, and count it where it succeeds."""
        entry = source.entry
        track = Track(entry.name, entry.size)
        self._tracks.add(track)
        try:
            yield track
        finally:
            self._tracks.discard(track)
        self.files_done += 1
        self.done.add(source.key)
        # Pseudo files hold more or less than they claim.
        self.bytes_total += track.done - (entry.size if entry.kind is Kind.FILE else 0)
        self._finished_bytes += track.done

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

    def _uncount(self, entry: Entry) -> None:
        self.files_total -= 1
        if entry.kind is Kind.FILE:
            self.bytes_total -= entry.size


def _first(reasons: dict[bytes, str]) -> tuple[FileFailure, ...]:
    first = islice(reasons.items(), _SHOWN_FAILURES)
    return tuple(FileFailure(shown(path), reason) for path, reason in first)
