"""The file panes when things are hostile, slow, many or gone."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from rich.cells import cell_len

from sshdash.events import ConnectionChanged
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.filesystem import Filesystem
from sshdash.states import ConnectionState
from sshdash.ui.widgets.file_pane_title import PaneTitle
from tests.ui.files_app import (
    HOST,
    LOST,
    FilesApp,
    listed,
    names,
    row_of,
    shown,
    until,
)

_LOST_STATES = ConnectionState.CONNECTED, ConnectionState.LOST


async def test_hostile_names_are_shown_safely_and_copied_exactly(left: Path, right: Path) -> None:
    hostile = [
        b"[bold]x[@click=quit]",
        b"\x1b]0;evil\x07",
        b"two\nlines",
        b"bad\xff",
        "日本".encode(),
    ]
    for name in hostile:
        (left / os.fsdecode(name)).write_bytes(b"content")
    async with FilesApp(left, right).run_test(size=(120, 30)) as pilot:
        panes = await listed(pilot)
        lines = shown(panes.left)
        text = "\n".join(lines)
        assert "[bold]x[@click=quit]" in text
        assert r"\x1b]0;evil\x07" in text
        assert r"two\nlines" in text
        assert r"bad\xff" in text
        assert not any(char in text.replace("\n", "") for char in "\x1b\x07\n\x9b")
        assert len({cell_len(line) for line in lines}) == 1
        await pilot.press("ctrl+a", "c")
        await until(pilot, lambda: all((right / os.fsdecode(name)).exists() for name in hostile))


async def test_a_folder_that_cannot_be_listed_is_told_and_the_old_one_stays(
    left: Path, right: Path
) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        (right / "inbox").rmdir()
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: panes.right.problem)
        assert names(panes.right)[1] == "inbox"
        assert panes.right.query_one(".pane-notice").display
        await pilot.press("escape")
        assert not panes.right.query_one(".pane-notice").display
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "inbox" not in names(panes.right))


async def test_what_was_in_a_removed_folder_is_shown_as_out_of_date(
    left: Path, right: Path
) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("tab")
        os.rename(right, right.with_name("elsewhere"))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: panes.right.problem)
        assert panes.right.rows.stale
        await pilot.press("escape")
        assert panes.right.rows.stale
        await pilot.press("backspace")
        await until(pilot, lambda: panes.right.browser.path == bytes(right.parent))
        assert not panes.right.rows.stale


async def test_a_path_that_is_not_there_leaves_what_is_shown_as_it_is(
    left: Path, right: Path
) -> None:
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("g", *"missing", "enter")
        await until(pilot, lambda: panes.left.problem)
        assert not panes.left.rows.stale


async def test_a_lost_connection_keeps_the_listing_and_enter_connects_again(
    left: Path, right: Path
) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        await pilot.press("tab")
        app.fake.events.emit(ConnectionChanged(HOST, *_LOST_STATES, "keepalive timeout"))
        await until(pilot, lambda: panes.right.problem)
        assert panes.right.rows.stale
        assert names(panes.right) == ["..", "inbox", "old.txt"]
        assert panes.left.problem is None
        await pilot.press("enter")
        await until(pilot, lambda: panes.right.problem is None)
        assert app.fake.opened.count(HOST) == 2
        assert not panes.right.rows.stale


async def test_a_host_that_something_else_connects_again_is_listed_again(
    left: Path, right: Path
) -> None:
    back = ConnectionState.CONNECTING, ConnectionState.CONNECTED
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        app.fake.events.emit(ConnectionChanged(HOST, *_LOST_STATES, "keepalive timeout"))
        await until(pilot, lambda: panes.right.problem)
        app.fake.connections.state = ConnectionState.LOST
        app.fake.events.emit(ConnectionChanged(HOST, *back))
        await until(pilot, lambda: not pilot.app.workers)
        assert app.fake.opened.count(HOST) == 1
        app.fake.connections.state = ConnectionState.CONNECTED
        (right / "new.txt").write_text("new")
        app.fake.events.emit(ConnectionChanged(HOST, *back))
        await until(pilot, lambda: "new.txt" in names(panes.right))
        assert panes.right.problem is None
        assert not panes.right.rows.stale
        assert app.fake.opened.count(HOST) == 2


async def test_a_host_that_cannot_be_reached_says_why_in_the_pane(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    app.fake.unreachable = LOST
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        empty = panes.right.query_one(".pane-empty")
        assert empty.display
        assert "keepalive timeout" in str(empty.render())
        app.fake.unreachable = None
        await pilot.press("tab", "enter")
        await until(pilot, lambda: panes.right.listed)


async def test_esc_stops_connecting(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    never = asyncio.Event()
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        open_now = app.fake.filesystem

        async def hang(endpoint: str) -> Filesystem:
            await never.wait()
            return await open_now(endpoint)

        app.fake.filesystem = hang  # type: ignore[method-assign]
        app.controller.listings.use(panes.left, "slow")
        await until(pilot, lambda: panes.left.query_one(PaneTitle).busy == "connecting…")
        await pilot.press("escape")
        await until(pilot, lambda: panes.left.problem)
        assert "You stopped it" in str(panes.left.query_one(".pane-empty").render())
        app.fake.filesystem = open_now  # type: ignore[method-assign]
        await pilot.press("enter")
        await until(pilot, lambda: panes.left.listed)


async def test_an_old_listing_stays_while_a_slow_folder_is_listed(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    go_on = asyncio.Event()
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        filesystem = panes.left.filesystem
        assert filesystem is not None
        scan = filesystem.scandir

        async def slow(
            path: bytes, refused: list[bytes] | None = None
        ) -> AsyncIterator[list[Entry]]:
            await go_on.wait()
            async for batch in scan(path, refused):
                yield batch

        filesystem.scandir = slow  # type: ignore[method-assign]
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: panes.left.query_one(PaneTitle).busy)
        assert "file1.txt" in names(panes.left)
        await pilot.press("tab", "down")
        assert panes.right.rows.cursor == 1
        go_on.set()
        await until(pilot, lambda: panes.left.browser.path == bytes(left / "src"))
        assert panes.left.query_one(PaneTitle).busy == ""


async def test_a_hundred_thousand_entries_scroll_and_sort(left: Path, right: Path) -> None:
    entries = [Entry(f"file{i}".encode(), Kind.FILE, i) for i in range(100_000)]
    async with FilesApp(left, right).run_test() as pilot:
        panes = await listed(pilot)
        pane = panes.left
        pane.show(b"/big", entries)
        await pilot.press("end")
        assert pane.rows.cursor == 100_000
        assert "file99999" in "\n".join(shown(pane))
        await pilot.press("s")
        await until(pilot, lambda: names(pane)[1] == "file99999")
        await pilot.press("home", "space")
        assert not pane.browser.marks
        await pilot.press("space")
        assert pane.browser.marks == {b"file99999"}


async def test_the_end_of_a_tab_gives_the_file_systems_back(left: Path, right: Path) -> None:
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        assert all(pane.filesystem for pane in panes.panes)
        await app.controller.end(panes)
        assert not any(pane.filesystem for pane in panes.panes)
        await panes.remove()
        app.fake.events.emit(ConnectionChanged(HOST, *_LOST_STATES, "gone"))
        await pilot.pause()
        assert not app.cockpit.notices.unread


async def test_a_pipe_is_not_read_and_says_so(left: Path, right: Path) -> None:
    os.mkfifo(left / "pipe")
    app = FilesApp(left, right)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "pipe")
        await pilot.press("enter")
        await until(pilot, lambda: app.cockpit.notices.unread)
        await pilot.press("up")
        assert panes.left.query_one(PaneTitle).busy == ""
        assert len(app.screen_stack) == 1


async def test_what_cannot_be_deleted_is_told(left: Path, right: Path) -> None:
    app = FilesApp(left, right, True)
    async with app.run_test() as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, "file1.txt")
        os.remove(left / "file1.txt")
        await pilot.press("d")
        await until(pilot, lambda: app.cockpit.notices.unread)
        await until(pilot, lambda: "file1.txt" not in names(panes.left))
        assert "Not everything was deleted" in app.told[0]


async def test_there_is_a_way_up_from_a_folder_that_cannot_be_listed(
    left: Path, right: Path
) -> None:
    app = FilesApp(left, right / "gone")
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        assert panes.right.problem
        panes.focus_pane(panes.right)
        await pilot.press("n")
        assert panes.why_not("files.mkdir") == "The folder cannot be listed"
        await pilot.press("backspace")
        await until(pilot, lambda: panes.right.listed)
        assert panes.right.browser.path == bytes(right)
        assert not panes.right.problem
