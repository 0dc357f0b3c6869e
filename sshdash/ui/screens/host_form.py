"""A host of ssh_config in fields, with what would be written below them while it is typed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any, ClassVar, Protocol

from textual import on
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static, TextArea
from textual.worker import Worker

from sshdash.config.diff import shown
from sshdash.config.draft import FIELDS, HostDraft
from sshdash.config.inherited import Inherited
from sshdash.config.plan import Plan
from sshdash.config.saving import ChangedSince
from sshdash.errors import SSHDashError
from sshdash.ui.explanation import place_of
from sshdash.ui.screens.dialog import choice, text
from sshdash.ui.screens.form import Form
from sshdash.ui.widgets.difference import Difference
from sshdash.ui.widgets.host_field import HostField
from sshdash.untrusted import clean

_PLACEHOLDERS = {
    "names": "as typed after ssh",
    "hostname": "address or name",
    "user": "as here",
    "port": "22",
    "identity": "~/.ssh/id_ed25519",
    "jump": "through which host",
}
_ROWS = (("names", "hostname"), ("user", "port"), ("identity", "jump"))
_WIDEST = 200
_LABELS = {"names": "Host", **FIELDS}


class Desk(Protocol):
    """What the form works on: a file of the configuration, and a block of it or a place for one."""

    title: str
    action: str
    first: str
    """The field that has the focus at first."""
    draft: HostDraft
    files: tuple[tuple[str, str], ...]
    """Shown name and path of the files to choose from; one or none where there is no choice."""
    file: str

    def plan(self, draft: HostDraft) -> Plan:
        """Return what the draft would change. Raises UsageError. Called in a thread."""
        ...

    def inherited(self, draft: HostDraft) -> Mapping[str, Inherited]:
        """Return what fields of the draft get from elsewhere if left empty. Called in a thread."""
        ...

    def save(self, plan: Plan) -> Awaitable[None]:
        """Write it. Raises SSHDashError, and then nothing is written."""
        ...

    def renew(self, file: str) -> Awaitable[None]:
        """Go on with a file as it is now. Raises SSHDashError."""
        ...


class HostForm(Form[Plan]):
    """Asks for a host and writes it; stays open, with all that was typed, where that fails."""

    discarding = "Nothing of it has been written to the file."
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", show=False, priority=True),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.title)
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        self.desk = desk
        self._saving = False
        self.changed: ChangedSince | None = None
        """Where somebody else wrote the file meanwhile."""

    def body(self) -> Iterable[Widget]:
        """Return the fields and what they come to."""
        for row in _ROWS:
            yield Horizontal(*(part for name in row for part in self._field(name)), classes="pair")
        yield text("Other keywords, one per line as in the file", "field-label others-label")
        yield TextArea(self.desk.draft.others, id="others", compact=True, classes="field")
        if len(self.desk.files) > 1:
            select = Select(
                self.desk.files, value=self.desk.file, allow_blank=False, compact=True, id="file"
            )
            yield Horizontal(text("file", "field-label"), select, classes="pair")
        yield Static(classes="form-result", markup=False)
        yield VerticalScroll(Difference(), classes="form-preview")

    def buttons(self) -> Iterable[Button]:
        """Return cancel and save."""
        renew = choice("Take the file as it is now", "renew")
        renew.display = False
        return choice("Cancel", "cancel"), renew, choice(self.desk.action, "save", "primary")

    def _field(self, name: str) -> tuple[Widget, Widget]:
        field = HostField(getattr(self.desk.draft, name), _PLACEHOLDERS[name], name)
        return text(_LABELS[name], "field-label"), field

    def on_mount(self) -> None:
        """Show what is there."""
        words = f" ctrl+s {self.desk.action.lower()}s  Esc cancels "
        self.query_one(".dialog").border_subtitle = Content(words)
        self.query_one(f"#{self.desk.first}", Input).focus()
        self._look()

    def draft(self) -> HostDraft:
        """Return what is typed."""
        typed = {
            one.name: self.query_one(f"#{one.name}", Input).value
            for one in fields(HostDraft)
            if one.name != "others"
        }
        return HostDraft(**typed, others=self.query_one("#others", TextArea).text)

    # What it comes to

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _look(self) -> None:
        if self.changed is None and not self._saving:
            self._begin(self._preview, "preview")

    def _merge(self, before: HostDraft, typed: HostDraft) -> None:
        """Show what the file has now in the fields that were not touched."""
        for one in fields(HostDraft):
            now = getattr(self.desk.draft, one.name)
            if getattr(typed, one.name) != getattr(before, one.name):
                continue
            if one.name == "others":
                self.query_one("#others", TextArea).text = now
            else:
                self.query_one(f"#{one.name}", Input).value = now

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> Worker[None]:
        return self.run_worker(work, group=group, exclusive=True)

    async def _preview(self) -> None:
        draft = self.draft()
        self._show_inherited(await asyncio.to_thread(self.desk.inherited, draft))
        try:
            plan = await asyncio.to_thread(self.desk.plan, draft)
        except SSHDashError as error:
            self._tell(error)
            return
        words = f"{plan.place}" if plan.changes else f"{plan.place}: nothing changes yet"
        self._say(words)
        self.query_one(Difference).show(shown(plan.brief))

    def _show_inherited(self, found: Mapping[str, Inherited]) -> None:
        """Show in the empty fields what the host gets from elsewhere, and from where."""
        for name in FIELDS:
            field = self.query_one(f"#{name}", HostField)
            if one := found.get(name):
                value = clean(one.value, _WIDEST)
                places = (place_of(one.origin), clean(one.origin.block, _WIDEST))
                field.inherit(*(f"{value}  ({place})" for place in places if place), value)
            else:
                field.inherit()

    def _say(self, words: str, wrong: bool = False) -> None:
        result = self.query_one(".form-result", Static)
        result.set_class(wrong, "-wrong")
        result.update(Content(words))

    def _tell(self, error: SSHDashError) -> None:
        """Show what is wrong where what would be written stands otherwise."""
        hint = f"→ {error.hint}" if error.hint else ""
        if isinstance(error, ChangedSince):
            self._say(f"{error.title}; nothing was written. This is what somebody else did:", True)
            self.query_one(Difference).show(shown(error.difference))
            return
        self._say("\n".join(filter(None, (error.title, error.detail, hint))), wrong=True)
        self.query_one(Difference).show(())

    # Choices

    @property
    def is_changed(self) -> bool:
        """Return whether something was typed that is not written, or being written."""
        return not self._saving and self.draft() != self.desk.draft

    def on_choice(self, name: str) -> None:
        """Save, or go on with the file as it is now."""
        if name == "renew":
            self._begin(partial(self._renew, self.desk.file), "save")
        else:
            self.action_save()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_save()

    @on(Select.Changed, "#file")
    def _other_file(self, event: Select.Changed) -> None:
        event.stop()
        if event.value != self.desk.file and not self._saving:
            self._begin(partial(self._renew, str(event.value)), "save")

    def action_save(self) -> None:
        """Write what is typed, once."""
        if self.changed is None and not self._saving:
            self._saving = True
            # A preview that is under way would take the place of what is told of the saving.
            self.workers.cancel_group(self, "preview")
            self._begin(self._save, "save")

    async def _save(self) -> None:
        try:
            plan = await self._saved()
        except ChangedSince as error:
            self._offer_renewal(error)
        except SSHDashError as error:
            self._tell(error)
        else:
            self.dismiss(plan)

    async def _saved(self) -> Plan:
        try:
            plan = await asyncio.to_thread(self.desk.plan, self.draft())
            if plan.changes:
                await self.desk.save(plan)
            return plan
        finally:
            self._saving = False

    def dismiss(self, result: Plan | None = None) -> AwaitComplete:
        """Go, but not while the file is being written: that cannot be taken back by going."""
        return AwaitComplete() if self._saving else super().dismiss(result)

    def _offer_renewal(self, error: ChangedSince) -> None:
        self.changed = error
        self._tell(error)
        for button in self.query(Button):
            if button.name == "renew":
                button.display = True
                button.focus()
            elif button.name == "save":
                button.display = False

    async def _renew(self, file: str) -> None:
        before, typed = self.desk.draft, self.draft()
        try:
            await self.desk.renew(file)
        except SSHDashError as error:
            self._tell(error)
            return
        self.changed = None
        self._merge(before, typed)
        for button in self.query(Button):
            button.display = button.name != "renew"
        self._look()
