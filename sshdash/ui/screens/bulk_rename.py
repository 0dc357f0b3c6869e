"""Many files get other names by a pattern, which are seen before anything happens."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, RadioSet, Static
from textual.worker import Worker

from sshdash.errors import SSHDashError, UsageError
from sshdash.terminal.pattern import TooSlow, compile_pattern, interrupted_after
from sshdash.ui.arranging import aside
from sshdash.ui.format import clip, count_text, number_text
from sshdash.ui.rename_pattern import Case, RenamePattern, Verdict, verdict
from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.ui.widgets.ticks import Radio, Tick
from sshdash.untrusted import clean

_AT_ONCE = 200
"""Names that are worked out without a pause."""
_SOON = 2_000
"""Names that are worked out before anybody would ask."""
_SECONDS = 0.006
"""Seconds that an expression may take for so many."""
_REST = 0.08
"""Seconds after a key before the names are worked out."""


class NewNames(RowList):
    """Each old name and the new one, and what is wrong with it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"names--old", "names--new", "names--wrong"}

    def __init__(self, old: Sequence[bytes]) -> None:
        super().__init__()
        self._old = self._new = old
        self._wrong: Sequence[str] = [""] * len(old)

    def item_count(self) -> int:
        """Return how many names there are."""
        return len(self._old)

    def show(self, new: Sequence[bytes], said: Verdict) -> None:
        """Show other new names, from the first that is wrong."""
        self._new, self._wrong = new, said.wrong
        if said.first_wrong is not None:
            self.cursor = said.first_wrong
        self.refresh()

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return one pair of names."""
        old, new, wrong = clean(self._old[line]), clean(self._new[line]), self._wrong[line]
        half = max((width - 15) // 2, 8)
        before = clip(old, half)
        changed = self._new[line] != self._old[line]
        after = clip(new, half) if changed else "·"
        gap = " " * (half - cell_len(before))
        said = " " * (half - cell_len(after)) + f" ✖ {wrong}" if wrong else ""
        look = "names--wrong" if wrong else "names--new" if changed else "names--old"
        return [
            (f" {before}{gap}", self.look("names--old")),
            ("  →  ", self.look("names--old")),
            (after, self.look(look)),
            (said, self.look("names--wrong")),
        ]


class BulkRenameDialog(Dialog[list[bytes]]):
    """Asks for a pattern; answers the new names, in the order of the old ones."""

    AUTO_FOCUS = "#find"

    def __init__(self, old: Sequence[bytes], others: Collection[bytes], where: str) -> None:
        super().__init__(f"Rename {count_text(len(old), 'item')}")
        self._old = old
        self._others = others
        self._where = where
        self._new: list[bytes] | None = None
        self._resting: Timer | None = None
        self._working: Worker[None] | None = None

    def body(self) -> Iterable[Widget]:
        """Return the fields above the names."""
        yield text(f"In {self._where}", "lead")
        yield Horizontal(
            text("find", "field-label"),
            Input(compact=True, classes="field", id="find", placeholder="the whole name"),
            Tick("regex", id="regex", compact=True),
            classes="pair",
        )
        yield Horizontal(
            text("replace by", "field-label"),
            Input(compact=True, classes="field", id="replacement"),
            classes="pair",
        )
        yield Horizontal(
            text("letters", "field-label"),
            RadioSet(
                *(Radio(case.value, case is Case.AS_IS, name=case.name) for case in Case),
                classes="rename-case",
                compact=True,
            ),
            classes="pair",
        )
        yield text("{n} {n:03} count · {name} {ext} parts of the old name · \\1 a group", "lead")
        yield NewNames(self._old)
        yield Static(classes="field-problem", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Return cancel and rename, which is off until there are names to give."""
        rename = choice("Rename", "rename", "primary")
        rename.disabled = True
        return choice("Cancel", "cancel"), rename

    def on_mount(self) -> None:
        """Name the keys, and show that nothing changes yet."""
        self.query_one(".dialog").border_subtitle = Content(" Enter renames  Esc cancels ")
        self._renew()

    def on_choice(self, name: str) -> None:
        """Answer the names, where they can be given."""
        if self._new is not None:
            self.dismiss(self._new)

    @on(Input.Changed)
    @on(Tick.Changed)
    @on(RadioSet.Changed)
    def _changed(self, event: Input.Changed | Tick.Changed | RadioSet.Changed) -> None:
        event.stop()
        self._set(None, "Working out the names…" if len(self._old) > _SOON else "")
        if self._working is not None:  # else names of the pattern before could still be answered
            self._working.cancel()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST, self._renew)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.on_choice("rename")

    def _renew(self) -> None:
        self._working = self.run_worker(self._work_out, exclusive=True)

    async def _work_out(self) -> None:
        try:
            pattern = self._pattern()
            new: list[bytes] = []
            for start in range(0, len(self._old), _AT_ONCE):
                with interrupted_after(_SECONDS):
                    for number, name in enumerate(self._old[start : start + _AT_ONCE], start):
                        new.append(pattern.apply(name, number))
                await asyncio.sleep(0)
        except TooSlow:
            self._set(None, "The expression takes too long")
            return
        except SSHDashError as error:
            self._set(None, error.title)
            return
        said = await aside(verdict, self._old, new, self._others)
        self.query_one(NewNames).show(new, said)
        if said.bad:
            self._set(None, f"{count_text(said.bad, 'name')} cannot be given")
        elif said.changed:
            self._set(new, "", said.changed)
        else:
            asked = any(field.value for field in self.query(Input))
            self._set(None, "No name would be another one" if asked else "")

    def _pattern(self) -> RenamePattern:
        find = self.query_one("#find", Input).value
        replacement = self.query_one("#replacement", Input).value
        pressed = self.query_one(RadioSet).pressed_button
        case = Case[pressed.name] if pressed is not None and pressed.name else Case.AS_IS
        regex = self.query_one("#regex", Tick).value
        if len(replacement) > 1000:
            raise UsageError("too long")
        found = compile_pattern(find, regex=regex) if find else None
        return RenamePattern(found, replacement, case)

    def _set(self, new: list[bytes] | None, problem: str, changed: int = 0) -> None:
        self._new = new
        self.query_one(".field-problem", Static).update(Content(problem))
        button = self.query_one(".-primary", Button)
        button.disabled = new is None
        button.label = Content(f"Rename {number_text(changed)}" if changed else "Rename")
        button.refresh(layout=True)  # a label that grows would be cut off
