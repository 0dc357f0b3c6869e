"""What an interrupted ``sshdash cp`` leaves, and how the next one goes on with it.

A copy is known by its sources and its target: whoever gives the same command again has the same.
"""

import hashlib
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from sshdash.cli.context import tell
from sshdash.cli.copy_report import size_text
from sshdash.events import EventBus
from sshdash.paths import transfers_dir
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.sftp.journal import Journal
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.shelf import Shelf
from sshdash.states import TransferState

if TYPE_CHECKING:
    from sshdash.sftp.sync_plan import Tree


def journal_of(requests: Sequence[CopyRequest], events: EventBus) -> Journal:
    """Return where the copies of one command line are kept."""
    return Journal(Shelf(transfers_dir(), _file_of(requests)), events)


def is_left(requests: Sequence[CopyRequest]) -> bool:
    """Return whether an earlier run of them was interrupted, and can be gone on with."""
    return (transfers_dir() / _file_of(requests)).exists()


def _file_of(requests: Sequence[CopyRequest]) -> str:
    known_by = msgspec.msgpack.encode([_key(request) for request in requests])
    return f"cp-{hashlib.blake2b(known_by, digest_size=12).hexdigest()}.db"


def journal_of_sync(trees: "tuple[Tree, Tree]", events: EventBus) -> Journal:
    """Return where the copies of a synchronisation are kept: the next one goes on with them."""
    known_by = msgspec.msgpack.encode(sorted((tree.endpoint, tree.root) for tree in trees))
    name = f"cp-{hashlib.blake2b(known_by, digest_size=12).hexdigest()}.db"
    return Journal(Shelf(transfers_dir(), name), events)


async def begin(queue: TransferQueue, requests: Sequence[CopyRequest], resume: bool) -> list[str]:
    """Queue the requests and return the jobs.

    With `resume`, those go on that an earlier run of the same command left; else what that left
    is removed.
    """
    await queue.restore()
    left = {_key(job.request): job.id for job in queue.snapshots()}
    if not resume:
        jobs = [queue.submit(request) for request in requests]
        for job in left.values():
            queue.cancel(job)
        queue.remove_finished()
        return jobs
    if not left:
        tell("sshdash: nothing was left to resume: copying from the beginning")
    jobs = []
    for request in requests:
        job = left.get(_key(request), "")
        if job:
            queue.retry(job, request)
        else:
            job = queue.submit(request)
        jobs.append(job)
    return jobs


def is_resumable(job: TransferSnapshot) -> bool:
    """Return whether a job ended early, with something done that need not be done again.

    Of what was being written in place, it is known as long that it is neither old nor new.
    """
    ended = job.state is TransferState.PAUSED or job.cut_off
    return job.torn or (ended and bool(job.files_done or job.bytes_done or job.folders_made))


def tell_how_to_go_on(jobs: Sequence[TransferSnapshot]) -> None:
    """Say on stderr that something is kept, and the command that goes on with it."""
    kept = [job for job in jobs if is_resumable(job)]
    if not kept:
        return
    words = sys.argv[1:]
    if "--resume" not in words:
        at = next((place for place, word in enumerate(words) if word in ("cp", "mv")), -1)
        words.insert(at + 1, "--resume")
    size = sum(job.bytes_done for job in kept)
    torn = any(job.torn for job in kept)
    what = "to write it again" if torn and not size else "to go on"
    what = f"{size_text(size)} are kept; {what}" if size else what
    tell(f"sshdash: {what}: {shlex.join(['sshdash', *words])}")


def _key(request: CopyRequest) -> tuple[object, ...]:
    name = request.target_name
    return request.source, request.paths, request.target, request.target_dir, name
