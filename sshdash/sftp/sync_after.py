"""What two trees have in common after a synchronisation: only what was really done counts."""

import asyncio
from collections.abc import Sequence

from sshdash.sftp.compare import Criteria, Pair, Relation
from sshdash.sftp.entries import Entry
from sshdash.sftp.sync_past import Past, Present, Record, record_of
from sshdash.sftp.sync_plan import COPIES, RUNS, Act, Step
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_run import Outcome
from sshdash.sftp.sync_scan import Comparison, End, Scan
from sshdash.sftp.sync_sums import digests

Learned = tuple[dict[bytes, Record], list[bytes]]
"""What is to be remembered, and places that are to be forgotten."""


async def look_again(
    ends: tuple[End, End],
    rules: Rules,
    past: Past,
    steps: Sequence[Step],
    outcome: Outcome,
    window: int = 0,
) -> Learned:
    """Look at the folders in which something was to be done. Raises FileError."""
    done, folders = await asyncio.to_thread(_places, steps)
    if not done:
        return {}, []
    scan = Scan(*ends, rules, Criteria(window), digests, past=Past(past.records))
    found = await scan.these(folders)
    return await asyncio.to_thread(_learned, found, done, outcome)


def _places(steps: Sequence[Step]) -> tuple[dict[bytes, Step], set[bytes]]:
    """Return what was to be done by place, and the folders that is in."""
    done = {step.place: step for step in steps if step.act in RUNS}
    return done, {place.rpartition(b"/")[0] for place in done}


def _learned(found: Comparison, done: dict[bytes, Step], outcome: Outcome) -> Learned:
    present = found.present
    assert present is not None
    if outcome.copied_all:
        for pair in found.pairs:
            step = done.get(pair.place)
            if step is not None and (record := _copied(pair, step)) is not None:
                present.fresh[pair.place] = record
    return present.fresh, _gone(found.pairs, done, present) if not found.problems else []


def _copied(pair: Pair, step: Step) -> Record | None:
    """Return what a copy came to that does not look alike; None where it is not what was copied.

    The time may be rounded there, or not be set; and the source may have changed since, which
    the next comparison is to notice.
    """
    source, target = (pair.left, pair.right) if step.to_right else (pair.right, pair.left)
    was = step.source
    if step.act not in COPIES or pair.relation is not Relation.DIFFERENT:
        return None
    if was is None or source is None or target is None or not _is_copy(was, target):
        return None
    record = record_of(was, target)
    return record if step.to_right else record.turned


def _is_copy(source: Entry, target: Entry) -> bool:
    return source.kind is target.kind and source.size == target.size


def _gone(pairs: Sequence[Pair], done: dict[bytes, Step], present: Present) -> list[bytes]:
    """Return what was deleted and is not there now.

    Made anew on the other end meanwhile, it is new there: as something that is remembered, it
    would seem to be deleted here and go, too.
    """
    still = {pair.place for pair in pairs if not _is_lost(pair, done.get(pair.place))}
    return [
        place
        for place, step in done.items()
        if step.act is Act.DELETE and place in present.unseen and place not in still
    ]


def _is_lost(pair: Pair, step: Step | None) -> bool:
    """Return whether what a step changes is not there any more."""
    return step is not None and (pair.right if step.to_right else pair.left) is None
