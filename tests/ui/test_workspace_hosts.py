"""The list of hosts: what it shows, how one moves and filters, what the card tells."""

import asyncio
from dataclasses import replace
from pathlib import Path

from sshdash.errors import UnreachableError
from sshdash.states import ConnectionState
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.host_list import HostRow
from sshdash.ui.widgets.status_bar import KeyHint, StatusBar
from tests.ui.conftest import Cockpit, Start
from tests.ui.tunnel_stage import OPEN


async def test_hosts_are_listed_in_order_with_their_groups(cockpit: Start) -> None:
    async with cockpit() as c:
        assert c.hosts.shown_hosts == ["bastion", "web-1", "db-1", "stage-1", "stage-2"]
        assert c.hosts.host == "bastion"
        assert c.app.focused is c.hosts


async def test_tunnels_of_other_processes_are_counted_though_nothing_tells_of_them(
    cockpit: Start,
) -> None:
    async with cockpit() as c:
        await c.until(lambda: c.backend.loaded)
        c.backend.fake_tunnels.listed = [replace(OPEN, host="web-1")] * 2
        await c.until(lambda: "2⇄" in c.drawn)
        c.backend.fake_tunnels.listed = []
        await c.until(lambda: "2⇄" not in c.drawn)


async def test_keys_move_the_cursor_over_hosts_and_headings(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("j", "down")
        assert c.hosts.host == "db-1"
        await c.press("j")
        assert c.hosts.on_heading
        await c.press("G")
        assert c.hosts.host == "stage-2"
        await c.press("k", "g")
        assert c.hosts.host == "bastion"


async def test_a_group_folds_and_unfolds(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("G", "space")
        assert c.hosts.shown_hosts == ["bastion", "web-1", "db-1"]
        assert c.hosts.on_heading
        await c.press("space")
        assert "stage-1" in c.hosts.shown_hosts
        await c.press("enter")
        assert "stage-1" not in c.hosts.shown_hosts
        assert c.backend.opened == []


async def test_the_filter_is_fuzzy_and_enter_opens_the_best_match(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("slash")
        await c.type("sg2")
        assert c.hosts.shown_hosts == ["stage-2"]
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["stage-2"])
        assert len(c.hosts.shown_hosts) == 5
        assert c.hosts.host == "stage-2"


async def test_arrows_move_in_the_list_while_the_filter_is_typed(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("slash")
        await c.type("stage")
        assert c.hosts.host == "stage-1"
        await c.press("down")
        assert c.hosts.host == "stage-2"


async def test_an_address_in_the_filter_is_connected_to(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("slash")
        await c.type("me@192.0.2.7")
        await c.until(lambda: "no host matches" in c.drawn)
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["me@192.0.2.7"])
        assert len(c.hosts.shown_hosts) >= 5


async def test_what_is_no_address_is_told(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("slash")
        await c.type("nope$(x)")
        await c.press("enter")
        assert "is not a destination" in c.told[-1]
        assert c.backend.opened == []


async def test_the_footer_has_the_keys_of_the_filter(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("slash")
        await c.until(lambda: [one.title for one in keys(c)] == ["Shell", "Move", "All hosts"])
        await c.press("escape")
        await c.until(lambda: len(keys(c)) > 4)


async def test_escape_leaves_the_filter_and_keeps_the_host(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("slash")
        await c.type("db")
        await c.press("escape")
        assert c.app.focused is c.hosts
        assert len(c.hosts.shown_hosts) == 5
        assert c.hosts.host == "db-1"


async def test_the_card_follows_the_cursor_and_the_filter(cockpit: Start) -> None:
    async with cockpit() as c:
        card = c.app.workspace.cockpit.sidebar.card
        await c.press("j", "j")
        await c.until(lambda: card.facts and card.facts.host == "db-1")
        await c.until(lambda: card.facts.address == "admin@10.0.0.50:22")
        assert card.facts.route == ("bastion", "db-1")
        assert [text for _, text in card.facts.forwards] == ["L 5432 → db:5432"]
        await c.press("slash")
        await c.type("web")
        await c.until(lambda: card.facts.host == "web-1")


async def test_states_and_counts_are_shown_beside_the_host(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("web-1")
        c.backend.connect("db-1", ConnectionState.FAILED, "Connection refused")
        await c.until(lambda: _row(c, "db-1").mark is Mark.FAILED)
        assert _row(c, "db-1").reason == "Connection refused"
        await c.until(lambda: _row(c, "web-1").mark is Mark.UP)
        assert _row(c, "web-1").counts == "1▮"


async def test_a_failed_host_tells_its_reason_in_the_card(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.refusal = UnreachableError("Connection refused", host="bastion")
        await c.press("enter")
        card = c.app.workspace.cockpit.sidebar.card
        await c.until(lambda: card.facts and card.facts.problem == "Connection refused")


async def test_the_card_tells_of_further_connections(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        states = c.backend.connections.states
        states["bastion"] = replace(states["bastion"], spares=2)
        card = c.app.workspace.cockpit.sidebar.card
        c.app.workspace.cockpit.refresh_hosts()
        await c.until(lambda: card.facts and card.facts.state[1].endswith(", 3 connections"))


async def test_what_the_person_cancelled_is_no_failure(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.connect("web-1", ConnectionState.IDLE, "Authentication cancelled")
        await c.pilot.pause()
        assert _row(c, "web-1").reason == ""


async def test_hosts_connected_to_by_address_get_a_group(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("me@192.0.2.77:2222")
        await c.until(lambda: "me@192.0.2.77:2222" in c.hosts.shown_hosts)


async def test_reload_reads_the_configuration_again(cockpit: Start, config: Path) -> None:
    async with cockpit() as c:
        await asyncio.to_thread(config.write_text, "Host fresh\n    HostName 192.0.2.9\n")
        await c.press("R")
        await c.until(lambda: c.hosts.shown_hosts == ["fresh"])


async def test_hostile_host_names_are_text(cockpit: Start, tmp_path: Path) -> None:
    file = tmp_path / "evil"
    file.write_text("Host [red]x[/] [@click=app.exit]quit[/] [/]\n    User [bold]me[/]\n")
    file.chmod(0o600)
    async with cockpit(file=file) as c:
        assert c.hosts.shown_hosts == ["[red]x[/]", "[@click=app.exit]quit[/]", "[/]"]
        await c.press("j", "enter")
        await c.until(lambda: c.tabs and c.tabs[0].view)
        assert c.tabs[0].tab_title == "[@click=app.exit]quit[/]"
        await c.until(lambda: "[@click=app.exit]quit[/]" in c.drawn)


async def test_the_ssh_command_of_a_host_is_copied(cockpit: Start, config: Path) -> None:
    async with cockpit() as c:
        await c.press("j", "y")
        assert c.app.clipboard == f"ssh -F {config} web-1"
        assert c.told[-1].endswith(c.app.clipboard)


def keys(c: Cockpit) -> tuple[KeyHint, ...]:
    return c.app.workspace.query_one(StatusBar).hints


def _row(c: Cockpit, host: str) -> HostRow:
    rows: list[HostRow] = c.app.workspace.board.rows()
    return next(row for row in rows if row.host == host)
