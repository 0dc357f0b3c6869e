"""What the person sees of hosts that fail or are lost, and how the keys lead back to them."""

from pathlib import Path

from textual.widgets._toast import Toast

from sshdash.errors import UnreachableError
from sshdash.states import ConnectionState
from tests.ui.conftest import Start


async def test_another_enter_on_a_failed_host_tries_again_in_its_tab(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.refusal = UnreachableError("No answer", host="bastion")
        await c.press("enter")
        await c.until(lambda: c.tabs and c.tabs[0].is_ended)
        await c.press("ctrl+g", "h", "enter")
        await c.until(lambda: c.backend.opened == ["bastion", "bastion"])
        assert len(c.tabs) == 1


async def test_a_loss_is_told_below_the_header_with_its_key(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        c.backend.connect("web-1", ConnectionState.LOST, "gone")
        await c.until(lambda: c.app.screen.query(Toast))
        toast = c.app.screen.query_one(Toast)
        await c.until(lambda: toast.region.width)
        assert toast.region.y == 1
        assert toast.region.right >= 78
        assert "ctrl+g r connects again" in c.told[-1]


async def test_a_loss_that_the_tab_shows_is_not_told_over_it(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        c.backend.connect("bastion", ConnectionState.LOST, "gone")
        await c.until(lambda: any("Connection lost" in one for one in c.told))
        await c.pilot.pause()
        assert not c.app.screen.query(Toast)


async def test_the_header_counts_the_listed_hosts(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        await c.until(lambda: "0/5 connected" in c.drawn)


async def test_escape_stops_at_a_tab(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("f")
        await c.until(lambda: not c.app.workspace.cockpit.in_sidebar)
        await c.press("escape", "escape")
        assert not c.app.workspace.cockpit.in_sidebar
        await c.press("ctrl+g", "h")
        assert c.app.workspace.cockpit.in_sidebar


async def test_home_is_the_first_host_below_its_heading(cockpit: Start, config: Path) -> None:
    only_groups = config.parent / "groups"
    only_groups.write_text(f"Include {config.parent}/staging.conf\n")
    async with cockpit(file=only_groups) as c:
        await c.press("end", "home")
        assert c.hosts.host == "stage-1"
