"""Edits ssh_config for the list of hosts: forms, removal, order, undo, the person's own editor.

What works on files is imported by the actions, to keep it out of the way of the first frame.
"""

import asyncio
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError, UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.following import Following
from sshdash.ui.controllers.hosts import HostBoard
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.config.catalog import HostEntry
    from sshdash.config.editor import ConfigEditor
    from sshdash.config.plan import Found, Plan
    from sshdash.ui.controllers.host_desk import HostDesk

_OF_A_HOST = frozenset({"host.edit", "host.clone", "host.remove", "host.move_up", "host.move_down"})


class HostEdits:
    """The edits of one run."""

    def __init__(self, cockpit: Cockpit, board: HostBoard, following: Following) -> None:
        self.cockpit = cockpit
        self.board = board
        self.following = following
        self._editor: ConfigEditor | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def editor(self) -> "ConfigEditor":
        """Return what edits the configuration."""
        from sshdash.config.editor import ConfigEditor

        if self._editor is None:
            backend = self.cockpit.backend
            self._editor = ConfigEditor(backend.source, backend.resolver.cache)
        return self._editor

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        host = self.cockpit.sidebar.hosts.host
        if command_id in _OF_A_HOST:
            if host is None:
                return "Select a host first"
            if all(one.alias != host for one in self.cockpit.backend.catalog.hosts):
                return "The host is not in ssh_config; a adds one"
        if (
            command_id in ("host.move_up", "host.move_down")
            and self.cockpit.sidebar.filter_input.value
        ):
            return "The list is filtered; Esc shows it in its order"
        if command_id == "host.undo" and not (self._editor and self._editor.done):
            return "Nothing was edited in this run; sshdash hosts undo knows earlier ones"
        return ""

    # Forms

    def action_host_add(self) -> None:
        """Ask for a new host."""
        self.cockpit.start(self._add())

    async def _add(self) -> None:
        from sshdash.config.draft import HostDraft
        from sshdash.ui.controllers.host_desk import AddDesk

        files = await asyncio.to_thread(self.editor.files)
        desk = AddDesk(self, HostDraft(), files)
        await desk.renew(self._file_in_sight(files))
        await self._fill_in(desk)

    def _file_in_sight(self, files: list[str]) -> str:
        """Return the file of the host or group under the cursor, else the main one."""
        entry = self._entry()
        return entry.file if entry is not None and entry.file in files else files[0]

    def _entry(self) -> "HostEntry | None":
        """Return the host under the cursor, on a heading the first of its group."""
        hosts = self.cockpit.sidebar.hosts
        for entry in self.cockpit.backend.catalog.hosts:
            if entry.alias == hosts.host:
                return entry
            if hosts.on_heading and clean(entry.group) == hosts.group:
                return entry
        return None

    def action_host_edit(self) -> None:
        """Ask for other settings of the host."""
        self.cockpit.start(self._edit(clone=False))

    def action_host_clone(self) -> None:
        """Ask for the name of a copy of the host."""
        self.cockpit.start(self._edit(clone=True))

    async def _edit(self, clone: bool) -> None:
        from sshdash.ui.controllers.host_desk import CloneDesk, EditDesk

        name = self.cockpit.sidebar.hosts.host
        if name is None:
            return
        found = await asyncio.to_thread(self.editor.find, name)
        if not await self._is_for_a_form(found):
            return
        desk = (CloneDesk if clone else EditDesk)(self, found, name)
        desk.known = await asyncio.to_thread(self.editor.known)
        await self._fill_in(desk)

    async def _is_for_a_form(self, found: "Found") -> bool:
        """Return whether a block can be shown in fields; offer the person's editor if not."""
        lines = found.block.text().expandtabs(1).replace("\r\n", "\n").split("\n")
        if not found.block.plain:
            why = f"It is for more than one host: Host {clean(' '.join(found.block.patterns))}"
        elif any(clean(line, len(line) + 8) != line for line in lines):
            why = "It holds characters that a form cannot show."
        else:
            return True
        question = ConfirmQuestion(
            "Open the block in your editor?", f"{found.place}\n{why}", "Open in editor"
        )
        if await self.cockpit.ask(question):
            await self._open_file()
        return False

    async def _fill_in(self, desk: "HostDesk") -> None:
        from sshdash.ui.screens.host_form import HostForm

        plan = await self.cockpit.show(HostForm(desk))
        if plan is not None:
            await self._tell(plan, desk.warnings)

    # Without a form

    def action_host_remove(self) -> None:
        """Show what would go, and ask."""
        self.cockpit.start(self._remove(), failed=self._failed)

    async def _remove(self) -> None:
        from sshdash.ui.screens.host_remove import RemoveDialog

        name = self.cockpit.sidebar.hosts.host
        if name is None:
            return
        found = await asyncio.to_thread(self.editor.find, name)
        if not found.block.plain:
            await self._is_for_a_form(found)
            return
        others = [clean(one) for one in found.block.patterns if one != name]
        lines = [
            clean(line.rstrip("\r").expandtabs(4), 400)
            for line in found.block.text().rstrip("\n").split("\n")
        ]
        note = await asyncio.to_thread(self.editor.jumping_through, found.block.patterns)
        dialog = RemoveDialog(clean(name), found.place, lines, others, note)
        answer = await self.cockpit.show(dialog)
        if answer is None:
            return
        if answer == "block":
            plan = await asyncio.to_thread(self.editor.remove, found)
        else:
            plan = await asyncio.to_thread(self.editor.drop, found, name)
        await self._tell(plan, await self.write(plan))

    def action_host_move_up(self) -> None:
        """Put the host before the one above."""
        self.cockpit.start(self._move(-1), failed=self._failed)

    def action_host_move_down(self) -> None:
        """Put the host after the one below."""
        self.cockpit.start(self._move(1), failed=self._failed)

    async def _move(self, delta: int) -> None:
        name = self.cockpit.sidebar.hosts.host
        if name is None:
            return
        async with self._one_at_a_time:
            found = await asyncio.to_thread(self.editor.find, name)
            plan = await asyncio.to_thread(self.editor.step, found, delta)
            warnings = await self.write(plan)
            await self._show_again(name)
        for warning in warnings:
            self.cockpit.tell(plan.title, warning, severity="warning")

    def action_host_undo(self) -> None:
        """Take back the last edit of this run."""
        self.cockpit.start(self._undo(), failed=self._failed)

    async def _undo(self) -> None:
        async with self._one_at_a_time:
            if not self.editor.done:
                return
            plan = await asyncio.to_thread(self.editor.undo, self.editor.done[-1])
            await self._tell(plan, await self.write(plan))

    async def write(self, plan: "Plan") -> list[str]:
        """Prove and write a change off the loop, and return what may surprise in it."""
        return await asyncio.to_thread(self.editor.save, plan)

    def _failed(self, error: SSHDashError) -> None:
        """Show an error; of a file that was changed meanwhile, both versions."""
        from sshdash.config.saving import ChangedSince
        from sshdash.ui.screens.changed_file import ChangedFileDialog

        if isinstance(error, ChangedSince):
            self.cockpit.keep(error)
            self.cockpit.screen.app.push_screen(ChangedFileDialog(error))
        else:
            self.cockpit.report(error)

    async def _tell(self, plan: "Plan", warnings: list[str]) -> None:
        await self._show_again(plan.names[0] if plan.names else None)
        if not plan.changes:
            return
        hint = "" if plan.undoes else "u takes it back"
        title = plan.title[:1].upper() + plan.title[1:] if plan.undoes else plan.title
        detail = "\n".join([plan.place, *warnings])
        severity = "warning" if warnings else "information"
        self.cockpit.tell(title, detail, hint, severity=severity)  # type: ignore[arg-type]

    async def _show_again(self, name: str | None) -> None:
        """Read the files again and put the cursor on a host."""
        hosts = self.cockpit.sidebar.hosts
        await self.following.read_again()
        hosts.show(self.board.rows())
        if name is not None:
            hosts.go_to(name)

    # The person's editor

    def action_host_open_file(self) -> None:
        """Open the file of the host, or the main one, where the host stands."""
        self.cockpit.start(self._open_file())

    async def _open_file(self) -> None:
        from sshdash.ui.outside import editor_command, run_outside

        backend = self.cockpit.backend
        host = self.cockpit.sidebar.hosts.host
        entry = self._entry()
        if entry is None and backend.source.user_file is None:
            raise UsageError("There is no configuration to edit", "-F none was given")
        path, line = (entry.file, entry.line) if entry else (str(backend.source.user_file), 1)
        status = await run_outside(self.cockpit.screen.app, editor_command(path, line))
        await self._show_again(host)
        if status:
            raise SSHDashError("Your editor ended with a failure", f"exit status {status}")
