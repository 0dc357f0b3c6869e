"""What the form of a host works on: a new one, one there is, a copy of one."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sshdash.config.destination import Destination
from sshdash.config.draft import FIELDS, HostDraft
from sshdash.config.inherited import Inherited, inherited
from sshdash.config.options import Origin
from sshdash.config.plan import Found, Plan, short
from sshdash.errors import SSHDashError
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.controllers.host_edits import HostEdits


class HostDesk:
    """A file of the configuration, and the block in it that the form is about."""

    title = ""
    action = "Save"
    first = "names"

    def __init__(self, edits: "HostEdits", draft: HostDraft, files: list[str]) -> None:
        self.edits = edits
        self.draft = draft
        self.files = tuple((short(file), file) for file in files)
        self.file = files[0]
        self.warnings: list[str] = []
        """What may surprise in what was saved."""
        self.known: dict[str, str] = {}

    def plan(self, draft: HostDraft) -> Plan:
        """Return what the draft would change. Raises UsageError."""
        raise NotImplementedError

    def inherited(self, draft: HostDraft) -> Mapping[str, Inherited]:
        """Return what each field gets from elsewhere where it is left empty.

        Nothing while there is no name, or where the configuration cannot be read.
        """
        names = draft.name_list
        if not names:
            return {}
        try:
            resolved = self.edits.cockpit.backend.resolver.preview(Destination(names[0]))
        except SSHDashError:
            return {}
        found = inherited(resolved, [word.lower() for word in FIELDS.values()], self._is_own)
        fields = {word.lower(): field for field, word in FIELDS.items()}
        return {fields[keyword]: one for keyword, one in found.items()}

    def _is_own(self, origin: Origin) -> bool:
        """Return whether a line is one of those that the form is about."""
        return False

    async def save(self, plan: Plan) -> None:
        """Write it. Raises SSHDashError, and then nothing is written."""
        self.warnings = await self.edits.write(plan)

    async def renew(self, file: str) -> None:
        """Go on with a file as it is now. Raises SSHDashError."""
        self.file = file
        self.known = await asyncio.to_thread(self.edits.editor.known)
        await asyncio.to_thread(self._read)

    def _read(self) -> None:
        raise NotImplementedError


class AddDesk(HostDesk):
    """A host that is not there yet."""

    title = "Add a host"
    action = "Add"
    _place: Found

    def _read(self) -> None:
        self._place = self.edits.editor.open(self.file)

    def plan(self, draft: HostDraft) -> Plan:
        """Return what adds the host."""
        names, settings = draft.name_list, draft.settings()
        return self.edits.editor.add(names, settings, self._place, self.known)


class EditDesk(HostDesk):
    """A host that is there."""

    first = "hostname"

    def __init__(self, edits: "HostEdits", found: Found, name: str) -> None:
        super().__init__(edits, HostDraft.of(found.block), [found.version.path])
        self.title = f"Edit {clean(name)}"
        self.name = name
        self.found = found

    def _read(self) -> None:
        self.found = self.edits.editor.find_plain(self.name)
        self.draft = HostDraft.of(self.found.block)

    def _is_own(self, origin: Origin) -> bool:
        first = self.found.line
        lines = range(first, first + len(self.found.block.body) + 1)
        return origin.line in lines and os.path.realpath(origin.file) == self.found.version.target

    def plan(self, draft: HostDraft) -> Plan:
        """Return what changes the host."""
        settings = draft.settings(self.found.block)
        return self.edits.editor.change(self.found, settings, draft.name_list, self.known)


class CloneDesk(EditDesk):
    """A copy of a host."""

    action = "Add"
    first = "names"

    def __init__(self, edits: "HostEdits", found: Found, name: str) -> None:
        super().__init__(edits, found, name)
        self.title = f"Clone {clean(name)}"
        self.draft = replace(self.draft, names="")

    def _read(self) -> None:
        super()._read()
        self.draft = replace(self.draft, names="")

    def plan(self, draft: HostDraft) -> Plan:
        """Return what adds the copy."""
        settings = draft.settings(self.found.block)
        return self.edits.editor.clone(self.found, draft.name_list, settings, self.known)
