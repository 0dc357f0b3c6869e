"""What is kept of a copy job on the disk, so that another run of sshdash can go on with it."""

from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

import msgspec

from sshdash.prompts import ConflictChoice
from sshdash.sftp.entries import Entry
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Agreed, Fact, Ledger, Note
from sshdash.sftp.partial import Partial
from sshdash.sftp.walk import Source
from sshdash.states import TransferState

_REASONS = 1000
"""Failures that are told after a crash, of each sort."""

Reasons = list[tuple[bytes, str]]


class Standing(msgspec.Struct, kw_only=True):
    """How a job stands in figures. Fields may be added; those that are missing have defaults."""

    reason: str = ""
    cut_off: bool = False
    started: float = 0.0
    """Seconds since the epoch, as the monotonic clock begins anew with each boot."""
    ended: float = 0.0
    files_done: int = 0
    files_total: int = 0
    bytes_finished: int = 0
    bytes_total: int = 0
    files_failed: int = 0
    bytes_failed: int = 0
    skipped: int = 0
    resumed: int = 0
    limit: int = 0
    verified: int = 0
    verified_by: list[str] = msgspec.field(default_factory=list)
    failures: Reasons = msgspec.field(default_factory=list)
    left_out: Reasons = msgspec.field(default_factory=list)
    restarted: Reasons = msgspec.field(default_factory=list)


class PartRow(NamedTuple):
    """A temporary file that may be on the target."""

    part: bytes
    target: bytes
    """The name it is to get; empty where it is only to be removed."""
    entry: bytes
    """What the source was, encoded; empty likewise."""
    done: int
    replacing: bool


class Kept(msgspec.Struct):
    """One job as it was read."""

    uid: str
    state: str
    """A `TransferState`'s value, or `SWEPT`."""
    request: CopyRequest
    standing: Standing
    parts: list[PartRow] = msgspec.field(default_factory=list)
    notes: list[Note] = msgspec.field(default_factory=list)


SWEPT = "swept"
"""In place of a state: it was taken off the list, but its temporary files are not removed yet."""


def pack(value: CopyRequest | Standing | Entry) -> bytes:
    """Return a value as bytes."""
    return msgspec.msgpack.encode(value)


def request_of(data: bytes) -> CopyRequest:
    """Return a request. Raises msgspec.DecodeError where it is none that is understood."""
    return msgspec.msgpack.decode(data, type=CopyRequest)


def standing_of(data: bytes) -> Standing:
    """Return figures. Raises msgspec.DecodeError likewise."""
    return msgspec.msgpack.decode(data, type=Standing)


def figures(ledger: Ledger, standing: Standing) -> Standing:
    """Fill in what a ledger counts, and return it."""
    standing.files_done, standing.files_total = ledger.files_done, ledger.files_total
    standing.bytes_finished, standing.bytes_total = ledger.bytes_finished, ledger.bytes_total
    standing.files_failed, standing.bytes_failed = ledger.files_failed, ledger.bytes_failed
    standing.skipped, standing.resumed = ledger.skipped, ledger.resumed
    standing.verified, standing.verified_by = ledger.verified, list(ledger.verified_by)
    standing.failures = list(islice(ledger.failures.items(), _REASONS))
    standing.left_out = list(islice(ledger.left_out.items(), _REASONS))
    standing.restarted = list(islice(ledger.restarted.items(), _REASONS))
    return standing


def parts_of(ledger: Ledger, before: Mapping[bytes, PartRow]) -> dict[bytes, PartRow]:
    """Return every temporary file that a job may have on its target now.

    What is as it was `before` is the same object: a thousand small files are looked at many times.
    """
    rows = {}
    for target, one in ledger.under_way.items():
        row = before.get(one.part)
        if row is None or (row.target, row.done) != (target, one.done):
            row = _part_row(target, one.so_far())
        rows[one.part] = row
    for target, partial in ledger.partials.items():
        if target not in ledger.under_way:
            rows[partial.part] = _part_row(target, partial)
    for part in ledger.leftovers:
        rows.setdefault(part, PartRow(part, b"", b"", 0, False))
    return rows


def _part_row(target: bytes, partial: Partial) -> PartRow:
    return PartRow(partial.part, target, pack(partial.entry), partial.done, partial.replacing)


def ledger_of(kept: Kept) -> Ledger:
    """Return the ledger of a job that was kept. Raises msgspec.DecodeError and ValueError."""
    ledger, standing = Ledger(), kept.standing
    ledger.files_done, ledger.files_total = standing.files_done, standing.files_total
    ledger.bytes_finished, ledger.bytes_total = standing.bytes_finished, standing.bytes_total
    ledger.files_failed, ledger.bytes_failed = standing.files_failed, standing.bytes_failed
    ledger.skipped, ledger.resumed = standing.skipped, standing.resumed
    ledger.verified, ledger.verified_by = standing.verified, dict.fromkeys(standing.verified_by)
    ledger.failures.update(standing.failures)
    ledger.left_out.update(standing.left_out)
    ledger.restarted.update(standing.restarted)
    for row in kept.parts:
        if not row.entry:
            ledger.leftovers.add(row.part)
            continue
        # Nobody knows any more whether it was about to get its name: it is looked at.
        entry = msgspec.msgpack.decode(row.entry, type=Entry)
        partial = Partial(row.part, entry, row.done, row.replacing, placing=True)
        ledger.partials[row.target] = partial
    for note in kept.notes:
        _recall(ledger, note)
    return ledger


def known(state: str) -> str:
    """Return a state as it was written. Raises ValueError for one that nobody knows."""
    return state if state == SWEPT else TransferState(state).value


def state_of(kept: Kept) -> TransferState:
    """Return the state of a job that was kept: paused, unless it had ended."""
    state = TransferState(kept.state)
    ended = (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)
    return state if state in ended else TransferState.PAUSED


def _recall(ledger: Ledger, note: Note) -> None:
    key = note.source, note.place
    if note.fact == Fact.DONE:
        ledger.done.add(key)
    elif note.fact == Fact.CHOICE:
        choice, *seen = note.value.decode().split()
        # Files of earlier versions do not tell what was there.
        then = (int(seen[0]), int(seen[1])) if len(seen) == 2 else None
        ledger.choices[key] = Agreed(ConflictChoice(choice), then)
    elif note.fact == Fact.CHOICE_FOR_ALL:
        ledger.choice = ConflictChoice(note.value.decode())
    elif note.fact == Fact.TORN:
        ledger.torn.recall(note.source, note.value)
    elif note.fact == Fact.PLACE:
        ledger.places[key] = note.value
    elif note.fact == Fact.FOLDER:
        entry = msgspec.msgpack.decode(note.value, type=Entry)
        ledger.created[note.place] = Source(note.source, note.place, entry)
