"""A pane whose host is out shows it calmly, keeps its listing, and lists again when it is back."""

from pathlib import Path

from textual.widgets import Static

from sshdash.events import ConnectionChanged
from sshdash.states import ConnectionState
from sshdash.ui.outlook import Outlook
from tests.ui.files_app import (
    HOST,
    FilesApp,
    furnish_left,
    furnish_right,
    listed,
    names,
    row_of,
    until,
)


def change(app: FilesApp, old: ConnectionState, new: ConnectionState, reason: str = "") -> None:
    """Move the host's connection and tell."""
    app.fake.connections.state = new
    app.fake.events.emit(ConnectionChanged(HOST, old, new, reason))


async def test_a_lost_pane_waits_with_its_listing_and_comes_back_where_it_was(
    tmp_path: Path,
) -> None:
    app = FilesApp(furnish_left(tmp_path), furnish_right(tmp_path))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        panes = await listed(pilot)
        pane = panes.right
        pane.rows.focus()
        pane.rows.cursor = row_of(pane, "old.txt")
        assert app.fake.connections.interests == [HOST]

        change(app, ConnectionState.CONNECTED, ConnectionState.LOST, "keepalive timeout")
        change(app, ConnectionState.LOST, ConnectionState.WAITING, "keepalive timeout")
        await until(pilot, lambda: pane.problem)
        pane.show_outlook(Outlook("retry 7 s", "trying again in 7 s"))
        await pilot.pause()
        notice = str(pane.query_one(".pane-notice", Static).content)
        assert "◌ Connection lost" in notice
        assert "keepalive timeout" in notice
        assert "trying again in 7 s · Enter tries now" in notice
        assert pane.rows.stale
        assert "old.txt" in names(pane)
        assert not app.told, "a loss that the pane shows was told as well"

        opened = len(app.fake.opened)
        await pilot.press("enter")
        await pilot.pause()
        assert app.fake.connections.retried == [HOST]
        assert len(app.fake.opened) == opened, "the pane dialled by itself"

        (tmp_path / "right" / "new.txt").write_text("new")
        change(app, ConnectionState.WAITING, ConnectionState.CONNECTING)
        change(app, ConnectionState.CONNECTING, ConnectionState.CONNECTED)
        pane.show_outlook(None)
        await until(pilot, lambda: pane.problem is None and "new.txt" in names(pane))
        assert not pane.rows.stale
        assert pane.browser.path == bytes(tmp_path / "right")
        current = pane.browser.current
        assert current is not None
        assert current.label == "old.txt"
        assert app.fake.connections.interests == [HOST]


async def test_a_pane_whose_host_is_disconnected_says_so_and_connects_again_when_asked(
    tmp_path: Path,
) -> None:
    app = FilesApp(furnish_left(tmp_path), furnish_right(tmp_path))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        panes = await listed(pilot)
        pane = panes.right
        pane.rows.focus()
        change(app, ConnectionState.CONNECTED, ConnectionState.IDLE, "disconnected")
        await until(pilot, lambda: pane.problem)
        await pilot.pause()
        notice = str(pane.query_one(".pane-notice", Static).content)
        assert notice.split("\n") == ["▲ Disconnected", "Enter connects again"]
        assert "old.txt" in names(pane)
        assert pane.rows.stale
        assert panes.left.problem is None
        await pilot.press("enter")
        await until(pilot, lambda: pane.problem is None and not pane.rows.stale)
        assert not app.told


async def test_a_pane_that_shows_something_else_needs_the_host_no_more(tmp_path: Path) -> None:
    app = FilesApp(furnish_left(tmp_path), furnish_right(tmp_path))
    async with app.run_test(size=(120, 30)) as pilot:
        panes = await listed(pilot)
        assert app.fake.connections.interests == [HOST]
        app.controller.listings.use(panes.right, "", bytes(tmp_path))
        await until(pilot, lambda: not app.fake.connections.interests)
        app.controller.listings.use(panes.right, HOST, bytes(tmp_path))
        await until(pilot, lambda: app.fake.connections.interests == [HOST])
        await app.controller.end(panes)
        assert not app.fake.connections.interests
