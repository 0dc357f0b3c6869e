"""What lies above the workspace, and above that; and a tab with nothing in it."""

from msgspec.structs import replace
from textual.widgets._toast import Toast

from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.job import TransferSnapshot
from sshdash.states import TransferState
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.picker import Picker
from sshdash.ui.widgets.status_bar import StatusBar
from tests.ui.conftest import Cockpit, Start
from tests.ui.tunnel_stage import CLOSED, OPEN


def toasts(c: Cockpit) -> list[str]:
    return [str(toast.render()) for toast in c.app.screen.query(Toast)]


async def told(c: Cockpit) -> None:
    """Tell one of each kind, and wait until they are in sight."""
    cockpit = c.app.workspace.cockpit
    cockpit.tell("Copied")
    cockpit.tell("Look out", severity="warning")
    cockpit.tell("It broke", severity="error")
    await c.until(lambda: len(toasts(c)) == 3)


async def test_a_dialog_has_no_news_over_it_but_what_went_wrong(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        await told(c)
        c.app.push_screen(ConfirmDialog(ConfirmQuestion("Really?", "", "Yes")))
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog) and len(toasts(c)) == 2)
        assert toasts(c) == ["Look out", "It broke"]
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.app.workspace and len(toasts(c)) == 2)


async def test_what_only_informs_waits_until_a_question_is_answered(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        c.app.push_screen(ConfirmDialog(ConfirmQuestion("Really?", "", "Yes")))
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        c.app.workspace.cockpit.tell("Copied")
        c.app.workspace.cockpit.tell("It broke", severity="error")
        await c.until(lambda: toasts(c) == ["It broke"])
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.app.workspace and "Copied" in toasts(c))


async def test_what_is_told_over_a_picker_is_seen(cockpit: Start) -> None:
    async with cockpit() as c:
        await told(c)
        await c.press("colon")
        await c.until(lambda: isinstance(c.app.screen, Picker) and len(toasts(c)) == 2)
        c.app.workspace.cockpit.tell("Copied again")
        await c.until(lambda: "Copied again" in toasts(c))


async def test_no_transfers_offer_no_keys_of_jobs_or_of_the_tab_before(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("f")
        await c.until(lambda: c.tabs and c.current.panes.active.listed)
        c.app.action_command("view.transfers")
        await c.until(lambda: c.current.tab_title == "transfers")
        await c.until(lambda: c.current.list.has_focus_within)
        bar = c.app.screen.query_one(StatusBar)
        await c.until(lambda: "Limit all" in str(bar.render()))
        assert not any(word in str(bar.render()) for word in ("Pause", "Retry", "View", "Copy"))
        await c.press("escape")
        await c.until(lambda: c.current.tab_title != "transfers")


async def test_the_footer_names_the_keys_that_do_something_for_the_copy_at_the_cursor(
    cockpit: Start,
) -> None:
    async with cockpit() as c:
        running = TransferSnapshot("1", "a", "local", "web", "/", TransferState.COPYING)
        ended = replace(running, id="2", title="b", state=TransferState.DONE, ended=1.0)
        c.backend.transfers.snapshots = lambda: [running, ended]
        c.app.action_command("view.transfers")
        bar = c.app.screen.query_one(StatusBar)
        await c.until(lambda: "p Pause/resume   x Cancel" in str(bar.render()))
        assert "Retry" not in str(bar.render())
        await c.press("down")
        await c.until(lambda: "Pause" not in str(bar.render()))
        assert "c Clear finished   t Back" in str(bar.render())
        await c.press("equals_sign")
        await c.until(lambda: "Only a sync can be compared again" in c.told[-1])


async def test_the_footer_names_what_enter_does_on_the_map_of_tunnels(cockpit: Start) -> None:
    async with cockpit(size=(120, 30)) as c:
        c.app.workspace.panels.tunnels.snapshots = lambda: [OPEN, CLOSED]
        await c.press("t")
        bar = c.app.screen.query_one(StatusBar)
        await c.until(lambda: c.tabs and c.current.table.listing.tunnels)
        await c.until(lambda: "Enter Start/stop" in str(bar.render()))
        await c.press("slash")
        await c.until(lambda: "Enter To the list   Esc Show all" in str(bar.render()))
        assert "Add" not in str(bar.render())
        await c.press("escape")
        await c.until(lambda: "Enter Start/stop" in str(bar.render()))
        await c.press("m")
        await c.until(lambda: "Enter Go to it" in str(bar.render()))
        assert "m Table" in str(bar.render())
        await c.press("enter")
        await c.until(lambda: "Enter Start/stop" in str(bar.render()))


async def test_the_footer_names_the_keys_of_a_field_that_is_typed_in(cockpit: Start) -> None:
    async with cockpit(size=(120, 30)) as c:
        await c.press("f")
        await c.until(lambda: c.tabs and c.current.panes.left.listed)
        bar = c.app.screen.query_one(StatusBar)
        c.current.panes.focus_pane(c.current.panes.left)
        await c.until(lambda: "v View" in str(bar.render()))
        await c.press("slash")
        await c.until(lambda: "Enter To the list   Esc Show all" in str(bar.render()))
        assert "View" not in str(bar.render())
