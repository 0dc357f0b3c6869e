"""What happened elsewhere is told once, and not where it is in sight already."""

from types import SimpleNamespace
from typing import Any

from sshdash.errors import FileError
from sshdash.events import TransferChanged, TunnelChanged
from sshdash.sftp.job import FileFailure, TransferSnapshot
from sshdash.states import TransferState, TunnelState
from sshdash.ui.command import Place
from sshdash.ui.notices import Notice
from tests.ui.conftest import Cockpit, Start


def tunnel_failed(c: Cockpit) -> None:
    snapshot = SimpleNamespace(
        id="t1", host="db-1", listen="localhost:5432", target="db:5432", error="port in use"
    )
    tunnels: Any = c.backend.fake_tunnels
    tunnels.snapshot = lambda _: snapshot
    c.backend.events.emit(TunnelChanged("t1", TunnelState.OPENING, TunnelState.FAILED))


def copy_ended(c: Cockpit, state: TransferState) -> None:
    job = TransferSnapshot(
        "j1", "dump.sql", "db-1", "local", "/tmp", state, errors=(FileFailure("x", "disk full"),)
    )
    transfers: Any = c.backend.fake_transfers
    transfers.snapshots = lambda: [job]
    c.backend.events.emit(TransferChanged("j1", TransferState.COPYING, state))


async def test_a_failed_tunnel_is_told(cockpit: Start) -> None:
    async with cockpit() as c:
        tunnel_failed(c)
        await c.until(lambda: c.told)
        assert c.told[0] == "db-1: Tunnel failed: localhost:5432 → db:5432: port in use"


async def test_a_failed_copy_is_told_with_its_first_reason(cockpit: Start) -> None:
    async with cockpit() as c:
        copy_ended(c, TransferState.FAILED)
        await c.until(lambda: c.told)
        assert c.told[0] == "Copy failed: dump.sql: db-1 → local\ndisk full"
        assert c.app.workspace.cockpit.notices.unread == 1


async def test_a_finished_copy_is_told_to_whoever_does_something_else(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        copy_ended(c, TransferState.DONE)
        await c.until(lambda: c.told)
        assert c.told[0].startswith("Copied dump.sql")
        assert c.app.workspace.cockpit.notices.unread == 0
        await c.press("ctrl+g", "f")
        await c.until(lambda: c.current.place is Place.FILES)
        copy_ended(c, TransferState.DONE)
        await c.pilot.pause()
        assert len(c.told) == 1


async def test_a_copy_that_ended_in_an_earlier_run_is_no_news(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        old = TransferSnapshot("j0", "old.sql", "db-1", "local", "/tmp", TransferState.DONE)
        transfers: Any = c.backend.fake_transfers
        transfers.snapshots = lambda: [old]
        for state in (TransferState.DONE, TransferState.FAILED):
            c.backend.events.emit(TransferChanged("j0", state, state))
        copy_ended(c, TransferState.DONE)
        await c.until(lambda: c.told)
        assert len(c.told) == 1
        assert c.told[0].startswith("Copied dump.sql")


def test_a_notice_about_a_file_says_which() -> None:
    error = FileError("cannot make the directory", "/srv/a\x1b", "it exists already", host="web")
    notice = Notice.of_error(error)
    assert (notice.heading, notice.body) == (
        "web: cannot make the directory",
        "/srv/a\\x1b\nit exists already",
    )
