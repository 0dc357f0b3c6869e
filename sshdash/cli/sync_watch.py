"""``sshdash sync --watch``: goes on, and uploads what changes, until it is ended."""

import argparse
import json
import time
from collections.abc import Callable

from sshdash.backend import Backend
from sshdash.cli.context import tell
from sshdash.cli.copy_resume import is_resumable, journal_of_sync
from sshdash.cli.operands import Operand
from sshdash.cli.sync import ends
from sshdash.cli.sync_report import Report
from sshdash.connections.recovery.outages import Outages
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.sync_keep import KeepState, KeepUp, Kept, Wish
from sshdash.sftp.sync_plan import Step
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_run import Outcome
from sshdash.sftp.sync_scan import Comparison


async def watch(
    backend: Backend,
    arguments: argparse.Namespace,
    rules: Rules,
    source: Operand,
    target: Operand,
    report: Report,
) -> int:
    """Keep the target like the source until it is interrupted, which is how it ends."""
    async with ends(backend, source, target) as found:
        trees = found.trees
    outages = Outages(backend.connections, backend.events) if backend.settings.reconnect else None
    journal = journal_of_sync(trees, backend.events)
    queue = TransferQueue(
        backend.filesystem, backend.prompter, backend.events, outages=outages, journal=journal
    )
    before = await queue.restore()

    def done(steps: list[Step], comparison: Comparison, outcome: Outcome) -> None:
        report.begin(comparison, steps)
        report.failures(outcome)

    wish = Wish(*trees, rules, arguments.delete, arguments.modify_window)
    keep = KeepUp(wish, queue, backend.filesystem, outages, _teller(arguments), done)
    try:
        await keep.run()
    finally:
        await queue.close(lambda job: job.id not in before and is_resumable(job))
    return 0


def _teller(arguments: argparse.Namespace) -> Callable[[Kept], None]:
    """Return who tells how it stands: as JSON lines, or in words when that changes."""
    last: list[KeepState] = []

    def as_json(kept: Kept) -> None:
        fields = {"state": kept.state.value, "copied": kept.copied, "deleted": kept.deleted}
        print(json.dumps({"event": "watch", **fields, "problem": kept.problem}), flush=True)

    def in_words(kept: Kept) -> None:
        if kept.state in (KeepState.COMPARING, KeepState.COPYING):
            return
        if [kept.state] != last or kept.problem:
            last[:] = [kept.state]
            clock = time.strftime("%H:%M:%S")
            tell(
                f"sshdash: {clock} {kept.state.value}{f': {kept.problem}' if kept.problem else ''}"
            )

    if arguments.json:
        return as_json
    return (lambda _: None) if arguments.quiet else in_words
