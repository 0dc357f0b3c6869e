"""Compares the folders of two panes, shows what could be done about it, and does it."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from sshdash.errors import Cancelled, FileError, SSHDashError, UsageError
from sshdash.paths import sync_dir
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.compare import Criteria
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.find import index_tree
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.sync_after import look_again
from sshdash.sftp.sync_identity import identity, refuse_overlap
from sshdash.sftp.sync_keep import Wish
from sshdash.sftp.sync_memory import Pair, SyncMemory, UnreadableMemory
from sshdash.sftp.sync_past import Past
from sshdash.sftp.sync_plan import Act, Step, Tree, Way
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_run import Outcome, Synchronisation
from sshdash.sftp.sync_scan import Comparison, End, Scan
from sshdash.sftp.sync_sums import digests
from sshdash.sftp.trash import move_to_trash
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import count_text, number_text
from sshdash.ui.screens.sync_preview import SyncScreen
from sshdash.ui.sync_choice import SyncOptions, SyncOrder
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.widgets.file_pane import FilePane

log = logging.getLogger(__name__)

_WHEN = "after everything is copied, and only if that went well"


class SyncController:
    """What the commands about both folders do."""

    def __init__(self, cockpit: Cockpit, listings: Listings) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend
        self.listings = listings
        self._memory = SyncMemory(sync_dir(), self.backend.events)

    async def preview(self, left: FilePane, right: FilePane) -> None:
        """Show what differs in two panes, and do what the person asks for."""
        await self._preview(_trees(left, right), (_words(left), _words(right)))

    async def compare_again(self, copy: CopyRequest) -> None:
        """Show what differs in the folders of a synchronisation of which `copy` was a part.

        Raises UsageError for another copy.
        """
        if copy.base is None:
            raise UsageError("Only a synchronisation can be compared again", hint="r retries")
        trees = Tree(copy.source, copy.base), Tree(copy.target, copy.target_dir)
        left, right = (names.place(clean(tree.endpoint), tree.root) for tree in trees)
        await self._preview(trees, (left, right))

    async def _preview(self, trees: tuple[Tree, Tree], words: tuple[str, str]) -> None:
        pair: Pair = "", ""

        async def compare(options: SyncOptions, seen: Callable[[int], None]) -> Comparison:
            nonlocal pair
            rules, past = Rules(options.lines), None
            criteria = Criteria(options.window, options.checksum)
            async with self._ends(trees) as ends:
                real = await _real(trees, ends)
                # To resolve a host may run a command of Match exec, or ask a name server.
                await asyncio.to_thread(refuse_overlap, real, self.backend.resolve)
                if options.way is Way.BOTH:
                    pair = await asyncio.to_thread(self._pair, real)
                    past = await self._recall(pair, options)
                return await Scan(*ends, rules, criteria, digests, seen, past).everything()

        keeps = _keeping_way(*trees)
        screen = SyncScreen(
            words,
            compare,
            lambda options: command_line(trees, options),
            keeps or Way.RIGHT,
            keeps,
        )
        order = await self.cockpit.show(screen)
        if order is not None and await self._is_meant(trees, order):
            await self._carry_out(trees, pair, order)

    async def keep(self, left: FilePane, right: FilePane) -> None:
        """Keep the folder on the host like the one here; end that where it is so already."""
        local, remote = _local_first(_trees(left, right))
        running = self.backend.keepers.find(local, remote)
        if running is not None:
            await self.backend.keepers.stop(running.id)
            self.cockpit.tell("Not kept up to date any more", shown(local.root))
            return
        question = ConfirmQuestion(
            "Keep the folder on the host up to date?",
            f"What is new or changed in {shown(local.root)} is uploaded at once, from now on, to "
            f"{names.place(clean(remote.endpoint), remote.root)}. Nothing is deleted there.",
            action="Keep up to date",
        )
        if await self.cockpit.ask(question):
            self._keep(Wish(local, remote, Rules()))

    @asynccontextmanager
    async def _ends(self, trees: tuple[Tree, Tree]) -> AsyncIterator[tuple[End, End]]:
        """Open both trees."""
        left = await self.backend.filesystem(trees[0].endpoint)
        try:
            right = await self.backend.filesystem(trees[1].endpoint)
            try:
                yield self._end(left, trees[0]), self._end(right, trees[1])
            finally:
                await right.close()
        finally:
            await left.close()

    def _end(self, filesystem: Filesystem, tree: Tree) -> End:
        lease = self.backend.connections.lease
        index = partial(index_tree, lease, tree.endpoint, tree.root)
        return End(filesystem, tree.root, index=index)

    async def _is_meant(self, trees: tuple[Tree, Tree], order: SyncOrder) -> bool:
        """Ask, where anything is to be deleted."""
        if not order.totals.deletes or not order.may_delete:
            return True
        question = _deletion_question(trees, order.steps)
        answer = await self.cockpit.ask(question)
        return bool(answer)

    async def _carry_out(self, trees: tuple[Tree, Tree], pair: Pair, order: SyncOrder) -> None:
        queue, opened = self.backend.transfers, self.backend.filesystem
        both = order.options.way is Way.BOTH
        doom = partial(self._memory.doom, pair) if both else None
        run = Synchronisation(*trees, queue, opened, move_to_trash, deleting=doom)
        self.cockpit.start(self._run(run, trees, pair, order), aside=True)

    async def _run(
        self, run: Synchronisation, trees: tuple[Tree, Tree], pair: Pair, order: SyncOrder
    ) -> None:
        rules = Rules(order.options.lines)
        comparison = order.comparison if order.options.way is Way.BOTH else None
        if comparison is not None:
            if order.options.forget:
                await self._memory.begin_anew(pair)
            await self._memory.settle(pair, comparison, rules)
        try:
            one_way = comparison is None
            outcome = await run.run(
                order.steps,
                order.may_delete,
                stale=() if one_way else None,  # not all of it may have been ticked
                to_right=order.options.way is Way.RIGHT,
            )
            ended = outcome.error is not None
            if outcome.refused and not ended and await self._may_go_for_good(outcome):
                await run.delete_refused(outcome)
        finally:
            for tree in trees:
                self.listings.refresh_folder(tree.endpoint, tree.root)
        if comparison is not None and not ended:
            await self._remember(trees, pair, comparison, rules, order, outcome)
        if isinstance(outcome.error, Cancelled):
            raise outcome.error
        self._tell(outcome, order)
        if order.keep and not ended:
            local, remote = _local_first(trees)
            options = order.options
            self._keep(Wish(local, remote, rules, options.deletes, options.window))

    async def _recall(self, pair: Pair, options: SyncOptions) -> Past:
        """Return what is known from the last time; where that cannot be read, say the key."""
        try:
            return await self._memory.recall(pair, options.checksum, options.forget)
        except UnreadableMemory as error:
            error.hint = error.hint.replace("--resync", "x")
            raise

    async def _remember(
        self,
        trees: tuple[Tree, Tree],
        pair: Pair,
        comparison: Comparison,
        rules: Rules,
        order: SyncOrder,
        outcome: Outcome,
    ) -> None:
        """Note for the next time what both have in common now."""
        assert comparison.present is not None
        past, window = comparison.present.past, order.options.window
        try:
            async with self._ends(trees) as ends:
                learned = await look_again(ends, rules, past, order.steps, outcome, window)
        except SSHDashError as error:
            # What is alike is seen so the next time; what was deleted is on neither end then.
            log.info("both folders could not be looked at again: %s", error)
        else:
            await self._memory.note(pair, *learned)

    def _pair(self, trees: tuple[Tree, Tree]) -> Pair:
        """Return what both are known by: a link that leads elsewhere now is another folder."""
        left, right = (identity(tree, self.backend.resolve) for tree in trees)
        return left, right

    async def _may_go_for_good(self, outcome: Outcome) -> bool:
        """Ask about what the trash did not take."""
        question = names.trash_question([step.place for step in outcome.refused], outcome.refusal)
        answer = await self.cockpit.prompter.ask(question)
        return bool(answer)

    def _keep(self, wish: Wish) -> None:
        keepers = self.backend.keepers
        if keepers.find(wish.local, wish.remote) is None:
            keepers.start(wish)
        where = names.place(clean(wish.remote.endpoint), wish.remote.root)
        self.cockpit.tell("Kept up to date from now on", f"{shown(wish.local.root)} to {where}")

    def _tell(self, outcome: Outcome, order: SyncOrder) -> None:
        """Tell what became of it."""
        copied = sum(copy.files_done - copy.skipped for copy in outcome.copies)
        words = f"copied {count_text(copied, 'file')}"
        if outcome.deleted:
            words += f", deleted {number_text(outcome.deleted)}"
        if outcome.is_whole:
            self.cockpit.tell("In step", words)
            return
        why = _why(outcome)
        if outcome.not_deleted:
            kept = number_text(outcome.not_deleted)
            why += f"; nothing was deleted ({kept} would have been)"
        self.cockpit.report(
            SSHDashError("Not everything is in step", f"{words}; {why}", "compare again with =")
        )


async def _real(trees: tuple[Tree, Tree], ends: tuple[End, End]) -> tuple[Tree, Tree]:
    """Return both with their paths without links."""
    roots = []
    for end in ends:
        root = end.root
        with suppress(FileError):  # told by the comparison
            root = await end.filesystem.realpath(root)
        roots.append(root)
    return Tree(trees[0].endpoint, roots[0]), Tree(trees[1].endpoint, roots[1])


def _why(outcome: Outcome) -> str:
    """Return the first thing that went wrong."""
    for copy in outcome.copies:
        for file in (*copy.errors, *copy.left_out):
            return f"{file.path}: {file.reason}"
        if copy.reason:
            return copy.reason
        if copy.skipped:
            return f"{count_text(copy.skipped, 'file')} appeared there meanwhile and stayed"
    for place, reason in outcome.failures:
        return f"{shown(place) or '.'}: {reason}"
    if outcome.error is not None:
        return str(outcome.error)
    if outcome.refused:
        return f"{count_text(len(outcome.refused), 'entry', 'entries')}: the trash does not take it"
    return "not everything could be compared"


def command_line(trees: tuple[Tree, Tree], options: SyncOptions) -> str:
    """Return the command that does the same without the screen."""
    source, target = trees if options.way is not Way.LEFT else (trees[1], trees[0])
    words = ["sshdash", "sync"]
    if options.way is Way.BOTH:
        words += ["--both"] + ["--resync"] * options.forget
    words += ["--delete"] * (options.deletes and options.way is not Way.BOTH)
    words += ["--checksum"] * options.checksum
    words += ["--modify-window", str(options.window)] if options.window else []
    for line in options.lines:
        words += ["--exclude", line]
    return shlex.join([*words, *(_operand(tree) for tree in (source, target))])


def _deletion_question(trees: tuple[Tree, Tree], steps: Sequence[Step]) -> ConfirmQuestion:
    """Return what is asked before anything is deleted: how many entries, and where."""
    counts = [0, 0]
    for step in steps:
        counts[step.to_right] += step.act is Act.DELETE
    lost = {tree.endpoint: count for tree, count in zip(trees, counts, strict=True) if count}
    total = count_text(sum(counts), "entry", "entries")
    if "" in lost and len(lost) > 1:
        here = count_text(lost[""], "entry", "entries")
        detail = f"{here} here to the trash, the others for good, {_WHEN}."
        return ConfirmQuestion(f"Delete {total}?", detail, action="Sync and delete", danger=True)
    if "" in lost:
        return ConfirmQuestion(
            f"Move {total} to the trash?",
            f"What is in the trash can be taken out again. It goes there {_WHEN}.",
            action="Sync and move to trash",
        )
    return ConfirmQuestion(
        f"Delete {total}?",
        f"For good, {_WHEN}.",
        action="Sync and delete",
        danger=True,
    )


def _operand(tree: Tree) -> str:
    path = names.text(tree.root)
    return f"{tree.endpoint}:{path}" if tree.endpoint else path


def _trees(left: FilePane, right: FilePane) -> tuple[Tree, Tree]:
    one, other = ((pane.endpoint, pane.browser.path) for pane in (left, right))
    return Tree(*one), Tree(*other)


def _local_first(trees: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
    return trees if not trees[0].endpoint else (trees[1], trees[0])


def _keeping_way(left: Tree, right: Tree) -> Way | None:
    """Return the way that a folder here can be followed, None where none of them is here."""
    if bool(left.endpoint) is bool(right.endpoint):
        return None
    return Way.LEFT if left.endpoint else Way.RIGHT


def _words(pane: FilePane) -> str:
    return f"{pane.label}:{shown(pane.browser.path)}"
