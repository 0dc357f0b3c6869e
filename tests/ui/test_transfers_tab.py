"""The tab of all copies: what it shows, and what its keys do."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from msgspec.structs import replace
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from sshdash.backend import Backend
from sshdash.events import EventBus
from sshdash.paths import styles_dir
from sshdash.prompts import ScriptedPrompter
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.sftp.queue import TransferQueue
from sshdash.states import TransferState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.transfers import TransfersController
from sshdash.ui.theme import DARK, THEMES, own_variables
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.transfer_list import Jobs
from sshdash.ui.widgets.transfers_tab import TransfersTab
from tests.ui.files_app import until
from tests.unit.memory_files import MemoryFilesystem


async def no_comparison(request: CopyRequest) -> None:
    """Nothing is compared here."""


class TransfersApp(App[None]):
    """The tab on a queue whose host gives nothing until it is let."""

    def __init__(self) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.far, self.near = MemoryFilesystem("far"), MemoryFilesystem()
        self.near.folder(b"/to")
        self.flowing = asyncio.Event()
        self.queue = TransferQueue(self.open, ScriptedPrompter([]), EventBus(), 1)
        self.tab = TransfersTab(self.queue.snapshots, self.queue.totals)
        backend = SimpleNamespace(transfers=self.queue, settings=SimpleNamespace(prefix="ctrl+g"))
        self.backend = cast(Backend, backend)

    async def open(self, endpoint: str) -> Filesystem:
        await self.flowing.wait()
        return self.far if endpoint else self.near

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return own_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.tab

    def on_mount(self) -> None:
        cockpit = Cockpit(cast(Any, self.screen), self.backend, ScriptedPrompter([]))
        self.controller = TransfersController(cockpit, lambda request: None, no_comparison)

    async def on_unmount(self) -> None:
        await self.queue.close()

    @on(Tab.Requested)
    def _requested(self, event: Tab.Requested) -> None:
        self.controller.change(cast(Any, event.request))

    def action_command(self, command_id: str) -> None:
        getattr(self.tab.list, f"action_{command_id.replace('.', '_')}")()

    def submit(self, *names: str) -> None:
        for name in names:
            self.far.file(b"/" + name.encode(), b"x" * 100)
            self.queue.submit(CopyRequest("far", (b"/" + name.encode(),), "", b"/to"))

    @property
    def titles(self) -> list[tuple[str, TransferState]]:
        return [(job.title, job.state) for job in self.tab.list.jobs]

    @property
    def head(self) -> str:
        return str(self.tab.query_one(".transfers-head", Static).render())


async def opened(pilot: "Pilot[None]") -> TransfersApp:
    """Return the app with three copies listed, the first of them running."""
    app = cast(TransfersApp, pilot.app)
    app.submit("one", "two", "three")
    await until(pilot, lambda: len(app.tab.list.jobs) == 3)
    app.tab.on_show_tab()
    await until(pilot, lambda: app.tab.list.has_focus_within)
    return app


async def test_a_copy_is_paused_and_goes_on_with_p() -> None:
    async with TransfersApp().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await pilot.press("p")
        await until(pilot, lambda: ("one", TransferState.PAUSED) in app.titles)
        assert ("two", TransferState.SCANNING) in app.titles, "its place was not given on"
        assert "1 paused" in app.head
        place = [title for title, _ in app.titles].index("one")
        await pilot.press("home", *["down"] * place, "p")
        await until(pilot, lambda: ("one", TransferState.QUEUED) in app.titles)
        app.flowing.set()
        await until(pilot, lambda: "3 done" in app.head)
        assert app.near.below(b"/to") == dict.fromkeys((b"one", b"two", b"three"), b"x" * 100)


async def test_all_are_paused_and_go_on_with_one_key() -> None:
    async with TransfersApp().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await pilot.press("P")
        await until(pilot, lambda: "3 paused" in app.head)
        app.flowing.set()
        await pilot.press("P")
        await until(pilot, lambda: "3 done" in app.head)


async def test_the_order_is_changed_and_the_cursor_goes_with_the_copy() -> None:
    async with TransfersApp().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await pilot.press("end", "K")
        await until(pilot, lambda: [title for title, _ in app.titles] == ["one", "three", "two"])
        current = app.tab.query_one(Jobs).current
        assert current is not None
        assert current.title == "three"
        await pilot.press("J")
        await until(pilot, lambda: [title for title, _ in app.titles] == ["one", "two", "three"])


async def test_a_limit_is_set_shown_and_taken_away() -> None:
    async with TransfersApp().run_test(size=(100, 30)) as pilot:
        app = await opened(pilot)
        await pilot.press("l", *"2 M", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        problem = app.screen.query_one(".field-problem", Static)
        await until(pilot, lambda: "unit" in str(problem.render()))
        await pilot.press(*"B/s", "enter")
        await until(pilot, lambda: app.tab.list.jobs[0].limit == 2_000_000)
        await pilot.press("L", *"500 kB/s", "enter")
        await until(pilot, lambda: "all ≤ 500 kB/s" in app.head)
        await pilot.press("L", "backspace", "enter")
        await until(pilot, lambda: "all ≤" not in app.head)


async def test_everything_in_sum_the_graph_and_every_complaint_are_there(tmp_path: Path) -> None:
    app = TransfersApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.submit(*(f"n{number}" for number in range(3)))
        app.flowing.set()
        app.queue.submit(CopyRequest("far", tuple(b"/gone %d" % n for n in range(12)), "", b"/to"))
        await until(pilot, lambda: "1 failed" in app.head and "3 done" in app.head)
        app.tab.on_show_tab()
        jobs = app.tab.query_one(Jobs)
        await pilot.press("home")

        def drawn() -> str:
            lines = (jobs.render_line(y) for y in range(jobs.size.height))
            return "\n".join("".join(part.text for part in line) for line in lines)

        while jobs.current is not None and jobs.current.state is not TransferState.FAILED:
            await pilot.press("down")
        await until(pilot, lambda: "/gone 11: " in drawn())
        assert "↑" in app.head
        assert "nothing runs" in app.head


async def test_without_copies_it_says_how_to_begin_one() -> None:
    app = TransfersApp()
    async with app.run_test(size=(80, 24)) as pilot:
        empty = app.tab.query_one(".transfers-empty", Static)
        await until(pilot, lambda: empty.display)
        assert "copies" in str(empty.render())


async def test_only_lines_in_sight_of_copies_that_changed_are_made() -> None:
    app = TransfersApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.submit(*(f"n{number}" for number in range(50)))
        await until(pilot, lambda: len(app.tab.list.jobs) == 50)
        jobs = app.tab.query_one(Jobs)
        for line in range(jobs.size.height):
            jobs.render_line(line)
        before = dict(jobs._made)
        running = app.queue.snapshots()[0]
        assert 0 < len(before) < 50
        jobs.show([replace(running, files_done=7), *app.queue.snapshots()[1:]])
        for line in range(jobs.size.height):
            jobs.render_line(line)
        made: list[TransferSnapshot] = [
            job for name, (job, _, lines) in jobs._made.items() if lines is not before[name][2]
        ]
        assert [job.files_done for job in made] == [7]
