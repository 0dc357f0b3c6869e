"""What the person sees of hosts that are out, and how the keys hurry or stop their return."""

import time

from textual.widgets._toast import Toast

from sshdash.events import HostRestored
from sshdash.live_counts import LiveCounts
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.controllers.outages import OutageController, restored_text
from sshdash.ui.general_actions import what_ends
from sshdash.ui.theme import Mark
from tests.ui.conftest import Cockpit, Start


def lose(c: Cockpit, host: str = "web-1", wait: float = 9.0) -> None:
    """Lose a host, which is then waited for."""
    c.backend.connect(host, ConnectionState.CONNECTED)
    c.backend.connect(host, ConnectionState.LOST, "keepalive timeout")
    c.backend.connect(
        host,
        ConnectionState.WAITING,
        "keepalive timeout",
        attempts=2,
        retry_at=time.monotonic() + wait,
    )


async def test_the_list_and_the_card_count_down(cockpit: Start) -> None:
    async with cockpit() as c:
        c.hosts.go_to("web-1")
        lose(c)
        await c.until(lambda: "retry 9 s" in c.drawn)
        await c.until(lambda: "retry 8 s · 2 failed" in c.drawn)
        await c.until(lambda: "keepalive timeout" in c.drawn)
        await c.until(lambda: "r try now · d stop" in c.drawn)
        row = next(row for row in c.app.workspace.board.rows() if row.host == "web-1")
        assert (row.mark, row.reason) == (Mark.BUSY, "retry 8 s")


async def test_a_loss_out_of_sight_is_told_once_and_its_return_in_a_line(cockpit: Start) -> None:
    async with cockpit() as c:
        lose(c)
        await c.until(lambda: c.app.screen.query(Toast))
        for _ in range(3):
            c.backend.connect("web-1", ConnectionState.CONNECTING)
            c.backend.connect("web-1", ConnectionState.FAILED, "Connection refused")
            c.backend.connect("web-1", ConnectionState.WAITING, "Connection refused")
        await c.pilot.pause()
        assert len(c.told) == 1
        assert "it is tried again by itself; ctrl+g r tries now" in c.told[0]
        c.backend.connect("web-1", ConnectionState.CONNECTED)
        c.backend.events.emit(HostRestored("web-1", 12.3, shells=2, tunnels=1, copies=1))
        await c.until(lambda: len(c.told) == 2)
        heading = "web-1 is back after 12 s: 2 shells, 1 tunnel, 1 copy restored"
        assert c.told[1].startswith(heading)


async def test_r_tries_now_and_d_stops(cockpit: Start) -> None:
    async with cockpit() as c:
        c.hosts.go_to("web-1")
        lose(c)
        await c.press("r")
        assert c.backend.fake_connections.retried == ["web-1"]
        await c.press("d")
        await c.until(lambda: c.backend.disconnected == ["web-1"])


async def test_the_prefix_tries_now_from_the_lost_shell(cockpit: Start) -> None:
    async with cockpit() as c:
        c.hosts.go_to("web-1")
        tab = await c.shell("web-1")
        lose(c)
        c.backend.move(tab.session.id, SessionState.LOST)
        await c.until(lambda: tab.tab_mark is Mark.BUSY)
        await c.until(lambda: tab.tab_title == "web-1 retry 9 s")
        assert not c.app.screen.query(Toast), "what the tab shows was told over it"
        await c.until(lambda: "→ ctrl+g r try now" in c.drawn)
        await c.press("ctrl+g", "r")
        assert c.backend.fake_connections.retried == ["web-1"]
        assert not c.backend.reopened


async def test_the_card_of_a_host_that_failed_says_how_to_try_again(cockpit: Start) -> None:
    async with cockpit() as c:
        c.hosts.go_to("web-1")
        c.backend.connect("web-1", ConnectionState.FAILED, "Connection refused")
        await c.until(lambda: "→ r try again" in c.drawn)


async def test_a_host_that_is_given_up_says_why(cockpit: Start) -> None:
    async with cockpit() as c:
        c.hosts.go_to("web-1")
        lose(c)
        c.backend.connect(
            "web-1",
            ConnectionState.FAILED,
            "Permission denied",
            gives_up="the login was refused",
        )
        await c.until(lambda: any("not tried again: the login was refused" in t for t in c.told))
        await c.until(lambda: "r try once more · d stop" in c.drawn)
        await c.press("r")
        assert c.backend.fake_connections.retried == ["web-1"]


def test_what_came_back_in_words() -> None:
    assert restored_text(HostRestored("web", 0.2)) == "web is back after 1 s"
    told = restored_text(HostRestored("web", 125, tunnels=2, missing=1))
    assert told == "web is back after 2 min 05 s: 2 tunnels restored, 1 not yet"


def test_leaving_says_what_waits() -> None:
    assert what_ends(LiveCounts(shells=2, tunnels=1)) == "2 shells and 1 tunnel will end."
    assert "2 copies will be paused" in what_ends(LiveCounts(transfers=2))
    waiting = what_ends(LiveCounts(waiting=1))
    assert waiting == "1 shell or tunnel waits for a lost host, and will not come back."
    assert what_ends(LiveCounts(tunnels=1, waiting=2)).splitlines() == [
        "1 tunnel will end.",
        "2 shells or tunnels wait for a lost host, and will not come back.",
    ]


async def test_nothing_is_looked_at_again_and_again_for_a_host_that_stays_out(
    cockpit: Start,
) -> None:
    async with cockpit() as c:
        parts = c.app.workspace.controllers
        outages = next(one for one in parts if isinstance(one, OutageController))
        c.backend.connect("web-1", ConnectionState.CONNECTED)
        c.backend.connect("web-1", ConnectionState.LOST, "keepalive timeout")
        await c.until(lambda: outages._timer is None)
        lose(c)
        await c.until(lambda: "retry 8 s" in c.drawn)
        assert outages._timer is not None
