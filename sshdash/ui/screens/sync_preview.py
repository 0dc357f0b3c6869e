"""What a synchronisation would do, to look at, to choose from and to start."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from sshdash.errors import SSHDashError
from sshdash.sftp.entries import Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.sync_plan import Act, Step, Way
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_scan import Comparison
from sshdash.ui.file_keys import KEYS, SHORT_KEYS, SYNC_KEYS, SYNC_TITLE
from sshdash.ui.format import clip, count_text, number_text, size_text
from sshdash.ui.screens.help import HelpScreen, HelpSection
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.sync_choice import (
    FAT_WINDOW,
    SyncChoice,
    SyncOptions,
    SyncOrder,
    loss_text,
    totals_text,
)
from sshdash.ui.widgets.file_row_text import TimeForm, shorten_middle, time_cell
from sshdash.ui.widgets.row_list import RowList
from sshdash.ui.widgets.sync_rows import SyncRows

Compare = Callable[[SyncOptions, Callable[[int], None]], Coroutine[Any, Any, Comparison]]
"""Is told what counts, and whom to tell of the progress."""


class SyncScreen(Overlay[SyncOrder]):
    """Compares with `compare` and lists the steps; answers what is to be done, or None.

    `ends` are both trees in words; `command` returns the command line for options; `can_keep` says
    which way the left tree's changes can be followed, None for neither.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False),
        Binding("enter", "run", "Run", show=False),
        Binding("u", "run(True)", "Run and keep up to date", show=False),
        Binding("space", "tick", "Tick", show=False),
        Binding("a", "tick_all", "All or none", show=False),
        Binding("w", "turn", "Which way", show=False),
        Binding("x", "delete", "Delete or not", show=False),
        Binding("c", "content", "Compare content", show=False),
        Binding("2", "window", "Times within 2 s", show=False),
        Binding("p", "patterns", "Patterns", show=False),
        Binding("r", "again", "Compare again", show=False),
        Binding("less_than_sign", "decide(False)", "The right one wins", show=False),
        Binding("greater_than_sign", "decide(True)", "The left one wins", show=False),
        Binding("d", "copy_list", "Copy the list", show=False),
        Binding("y", "copy_command", "Copy the command", show=False),
        Binding("question_mark", "keys", "Keys", show=False),
    ]

    def __init__(
        self,
        ends: tuple[str, str],
        compare: Compare,
        command: Callable[[SyncOptions], str],
        way: Way = Way.RIGHT,
        can_keep: Way | None = None,
    ) -> None:
        super().__init__()
        self.ends = ends
        self.options = SyncOptions(way)
        self.choice = SyncChoice()
        self._compare = compare
        self._command = command
        self._can_keep = can_keep
        self._comparison: Comparison | None = None
        self._busy = ""
        self._problem: SSHDashError | None = None

    def compose(self) -> ComposeResult:
        """Lay out the two ends and the options above the list, the sum below it."""
        with Vertical(classes="sheet sync") as frame:
            frame.border_title = Content(f" {SYNC_TITLE} ")
            yield Static(id="sync-ends", markup=False)
            yield Static(id="sync-options", markup=False)
            yield SyncRows(self.choice)
            yield Static(id="sync-empty", markup=False)
            yield Static(id="sync-detail", markup=False)
            yield Static(id="sync-sum", markup=False)

    def on_mount(self) -> None:
        """Begin to compare."""
        self.query_one(SyncRows).focus()
        self.action_again()

    def on_resize(self) -> None:
        """Give the texts the room there is."""
        self.call_after_refresh(self._draw)

    # -- comparing

    def action_again(self) -> None:
        """Compare anew."""
        self._busy, self._problem, self._comparison = "comparing…", None, None
        self._begin(self._look)

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Worker[None]:
        """Run the newest look at the trees in place of an older one."""
        return self.run_worker(work, group="compare", exclusive=True)

    async def _look(self) -> None:
        options = self.options
        self.choice.clear()
        self._list_changed()
        try:
            self._comparison = await self._compare(options, self._seen)
        except SSHDashError as error:
            self._busy, self._problem = "", error
            self._list_changed()
            return
        await self._plan()

    def _seen(self, count: int) -> None:
        self._busy = f"comparing… {count_text(count, 'name')}"
        self._draw_sum()

    def _replan(self) -> None:
        if self._comparison is not None:
            self._begin(self._plan)
        self._draw()

    async def _plan(self) -> None:
        if self._comparison is not None:
            await self.choice.load(self._comparison, self.options)
        self._busy = ""
        self._list_changed()

    def _list_changed(self) -> None:
        rows = self.query_one(SyncRows)
        rows.reset_lines()
        rows.cursor = 0
        self._draw()

    # -- what the keys do

    def action_close(self) -> None:
        """Go back and do nothing."""
        self.dismiss(None)

    def action_run(self, keep: bool = False) -> None:
        """Answer what is ticked."""
        if self._comparison is None or self._busy:
            self._say("It is not compared yet")
        elif keep and self._can_keep is not self.options.way:
            self._say("Only a folder here can be kept up to date on a host, that way alone")
        elif not (steps := self.choice.ticked) and not keep and not self._is_to_remember:
            self._say("Nothing is ticked")
        else:
            may_delete = not self.choice.problems
            totals, comparison = self.choice.totals, self._comparison
            self.dismiss(SyncOrder(self.options, steps, totals, may_delete, keep, comparison))

    @property
    def _is_to_remember(self) -> bool:
        """Whether both are the same and that is not remembered yet."""
        present = self._comparison and self._comparison.present
        return not self.choice.steps and bool(present and (present.fresh or present.unseen))

    def action_tick(self) -> None:
        """Tick the step under the cursor, or not, and go on to the next."""
        rows = self.query_one(SyncRows)
        if rows.current is not None:
            self.choice.toggle(rows.cursor)
            rows.action_move(1)
            self._ticks_changed()

    def action_tick_all(self) -> None:
        """Tick everything, or nothing."""
        self.choice.tick_all()
        self._ticks_changed()

    def action_decide(self, to_right: bool) -> None:
        """Let the left side win a conflict, or the right one."""
        rows = self.query_one(SyncRows)
        if rows.current is None:
            return
        if not self.choice.decide(rows.cursor, to_right):
            self._say("There is nothing to decide here")
        self._ticks_changed()

    def action_turn(self) -> None:
        """Go the other way, or both."""
        before = self.options.way
        self.options = replace(self.options, way=before.turned)
        if Way.BOTH in (before, self.options.way):
            self.action_again()  # what is remembered counts for both ways alone
        else:
            self._replan()

    def action_delete(self) -> None:
        """Delete what is only on the end that changes; both ways, what is gone since last time."""
        if self.options.way is Way.BOTH:
            self.options = replace(self.options, forget=not self.options.forget)
        else:
            self.options = replace(self.options, delete=not self.options.delete)
        if self._problem is not None:
            self.action_again()  # it may have been that nobody can tell what was the last time
        else:
            self._replan()

    def action_content(self) -> None:
        """Compare the content of files of the same size, or their times."""
        self.options = replace(self.options, checksum=not self.options.checksum)
        self.action_again()

    def action_window(self) -> None:
        """Take times for the same that differ by what FAT rounds them to, or not."""
        self.options = replace(self.options, window=0 if self.options.window else FAT_WINDOW)
        self.action_again()

    def action_patterns(self) -> None:
        """Ask for patterns of what is left out."""
        dialog = TextInputDialog(
            "Leave out",
            "Patterns as in .gitignore, with spaces between them; !name takes it in again",
            value=" ".join(self.options.lines),
            action="Compare",
            check=_problem_of,
        )
        self.app.push_screen(dialog, self._use_patterns)

    def _use_patterns(self, answer: str | None) -> None:
        if answer is not None:
            self.options = replace(self.options, lines=tuple(answer.split()))
            self.action_again()

    def action_copy_list(self) -> None:
        """Put what would be done on the clipboard, one step a line."""
        lines = [_line(step) for step in self.choice.ticked]
        self.app.copy_to_clipboard("\n".join(lines) + "\n")
        self._say(f"Copied {count_text(len(lines), 'line')}: what would be done")

    def action_copy_command(self) -> None:
        """Put the command that does the same on the clipboard."""
        words = self._command(self.options)
        self.app.copy_to_clipboard(words)
        self._say(f"Copied: {words}")

    def action_keys(self) -> None:
        """Tell the keys."""
        self.app.push_screen(HelpScreen(SYNC_TITLE, (HelpSection(SYNC_TITLE, SYNC_KEYS),)))

    def _say(self, text: str) -> None:
        self.notify(text, markup=False)

    # -- drawing

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._draw_detail()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.choice.toggle(event.index)
        self._ticks_changed()

    def _ticks_changed(self) -> None:
        self.query_one(SyncRows).refresh()
        self._draw_sum()
        self._draw_detail()

    @property
    def _width(self) -> int:
        return self.query_one("#sync-ends").content_size.width

    def _draw(self) -> None:
        frame = self.query_one(".sync")
        frame.border_subtitle = Content(KEYS if self.size.width >= 100 else SHORT_KEYS)
        self._draw_ends()
        self.query_one("#sync-options", Static).update(self._options_text())
        self._draw_sum()
        self._draw_detail()

    def _draw_ends(self) -> None:
        room = max((self._width - 5) // 2, 8)
        left, right = (shorten_middle(end, room) for end in self.ends)
        text = Content.assemble(
            Content.styled(left, "bold $foreground"),
            Content.styled(f"  {self.options.way.value}  ", "bold $accent"),
            Content.styled(right, "bold $foreground"),
        )
        self.query_one("#sync-ends", Static).update(text)

    def _options_text(self) -> Content:
        options = self.options
        patterns = " ".join(options.lines)
        shown_patterns = clip(patterns, max(self._width - 58, 8)) if patterns else "none"
        facts = (
            ("w", "way", {Way.RIGHT: "right", Way.LEFT: "left", Way.BOTH: "both"}[options.way]),
            ("x", "delete", "yes" if options.deletes else "no"),
            ("c", "by", "content" if options.checksum else "time"),
            ("2", "times", f"± {options.window} s" if options.window else "exact"),
            ("p", "without", shown_patterns),
        )
        parts = []
        for key, label, value in facts:
            parts += [
                Content.styled(key, "bold $foreground"),
                Content.styled(f" {label} ", "$muted"),
                Content.styled(f"{value}  ", "$accent"),
            ]
        return Content.assemble(*parts)

    def _draw_sum(self) -> None:
        self.query_one("#sync-sum", Static).update(self._sum_text())
        empty = self.query_one("#sync-empty", Static)
        rows = self.query_one(SyncRows)
        rows.display = bool(self.choice.steps)
        empty.display = not rows.display
        empty.update(self._empty_text())

    def _sum_text(self) -> Content:
        if self._busy or self._problem is not None:
            return Content("")
        totals = self.choice.totals
        words = totals_text(totals, size_text(totals.size))
        first = "   first time: nothing is deleted" if self.choice.is_first and totals else ""
        same = f"{first}   {number_text(self.choice.same)} the same"
        return Content.assemble(
            Content.styled(loss_text(self.choice.loss), "$warning"),
            Content.styled(words, "bold $foreground"),
            Content.styled(same, "$muted"),
        )

    def _empty_text(self) -> Content:
        if self._problem is not None:
            error = self._problem
            lines = [line for line in (error.detail, error.hint and f"→ {error.hint}") if line]
            title = f"{error.host}: {error.title}" if error.host else error.title
            return Content.assemble(
                Content.styled(title, "$error"), Content("\n" + "\n".join(lines))
            )
        same = "Both are the same."
        options = self.options
        if options.way is not Way.BOTH and not options.deletes:
            end = "right" if options.way is Way.RIGHT else "left"
            same = f"Nothing to copy. What only the {end} has stays; x shows what that is."
        if self._is_to_remember:
            same += " Enter remembers that: what you delete from now on goes on the other, too."
        return Content.styled(self._busy or same, "$muted")

    def _draw_detail(self) -> None:
        """Tell all of the step under the cursor: its whole place, and why."""
        step = self.query_one(SyncRows).current
        detail = self.query_one("#sync-detail", Static)
        detail.update(_detail_text(step, self._width) if step is not None else Content(""))


def _detail_text(step: Step, width: int) -> Content:
    sides = []
    for name, entry in (("left", step.left), ("right", step.right)):
        if entry is not None:
            when = time_cell(entry, TimeForm.FULL, 0)
            size = f"{size_text(entry.size)} " if entry.kind is Kind.FILE else ""
            sides.append(f"{name} {size}{when}")
    warns = step.act in (Act.CONFLICT, Act.CHANGED)
    why = Content.styled(step.why or " ", "$warning" if warns else "$muted")
    return Content("\n").join(
        [
            Content.styled(shorten_middle(shown(step.place) or ".", width), "$foreground"),
            Content.styled("   ".join(sides), "$muted") if not step.why else why,
        ]
    )


def _line(step: Step) -> str:
    return f"{step.act.value:<9} {'→' if step.to_right else '←'} {shown(step.place)}"


def _problem_of(text: str) -> str:
    """Return what is wrong with patterns, empty for nothing."""
    try:
        Rules(text.split())
    except SSHDashError as error:
        return error.detail
    return ""
