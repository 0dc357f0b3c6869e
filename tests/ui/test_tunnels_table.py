"""The table of tunnels: what its rows tell, how they are listed, and what its keys ask for."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.color_triplet import ColorTriplet
from textual.color import Color
from textual.theme import Theme
from textual.widgets import Input, Static

from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.legs import Cause, Leg, LegState
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind
from sshdash.ui.format import clip_address
from sshdash.ui.theme import MARKS, THEMES
from sshdash.ui.widgets.sparkline import sparkline
from sshdash.ui.widgets.terminal_paint import named_colours
from sshdash.ui.widgets.tunnel_columns import TunnelColumns, Wishes, head_text
from sshdash.ui.widgets.tunnel_messages import AddTunnel, ChangeAll, ChangeTunnel, TunnelStep
from sshdash.ui.widgets.tunnel_order import Sorting, arranged, to_open
from tests.ui.files_app import until
from tests.ui.tunnel_stage import (
    CLOSED,
    FAILED,
    NAMED,
    OPEN,
    ORDERS,
    PROHIBITED,
    TunnelsApp,
    fleet,
    tunnel,
)


def ids(app: TunnelsApp) -> list[str]:
    return [one.id for one in app.table.listing.tunnels]


def asked(app: TunnelsApp) -> list[Any]:
    return [
        (one.step, [each.id for each in one.tunnels])
        if isinstance(one, ChangeAll)
        else (one.step, one.tunnel.id)
        for one in app.requests
        if isinstance(one, ChangeAll | ChangeTunnel)
    ]


async def test_rows_tell_state_route_clients_and_rates() -> None:
    app = TunnelsApp([OPEN, CLOSED, FAILED])
    async with app.run_test(size=(160, 30)) as pilot:
        await pilot.pause()
        first, second, third = app.lines()
        assert first.startswith(" ● L localhost:5432 → db:5432")
        for part in ("db-1", "  3  ", "8.4 MB/s", "▅█", "up 1 min"):
            assert part in first
        assert second.startswith(" ○ D localhost:1080 → anywhere")
        assert second.rstrip().endswith("closed")
        assert third.startswith(" ✖ R")
        assert third.rstrip().endswith("failed")
        assert r"\x1b[31m[b]" in third
        assert "\x1b" not in third
        head = app.head()
        assert first.index("localhost") == head.index("listens")
        assert first.index("8.4 MB/s") + 8 == head.index("↓") + 1
        assert first.index("up 1 min") == head.index("state")


async def test_a_rule_is_named_once_with_its_colour_and_tags() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        lines = app.lines()
        assert "orders-db #prod #billing" in lines[0]
        assert "metrics #ops" in lines[3]
        assert "metrics" not in lines[4]
        assert "└" in lines[4]
        name = next(
            part for part in app.table.listing.rows.render_line(0) if part.text == "orders-db"
        )
        assert name.style is not None
        assert name.style.color is not None
        cyan = named_colours(app.current_theme)[6]
        assert name.style.color.triplet == ColorTriplet(*cyan)


@pytest.mark.parametrize("colour", ["black", "cyan", "white", "bright_yellow"])
@pytest.mark.parametrize("theme", THEMES)
async def test_every_colour_of_a_rule_can_be_read(theme: Theme, colour: str) -> None:
    app = TunnelsApp([replace(NAMED, rule=replace(ORDERS, colour=colour))], theme.name)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        rows = app.table.listing.rows
        [name] = [part for part in rows.render_line(0) if part.text == "orders-db"]
        assert name.style is not None
        assert name.style.color is not None
        assert name.style.color.triplet is not None
        ground = Color.parse(theme.surface or "")
        shown = Color(*name.style.color.triplet)
        light = sorted((_luminance(shown), _luminance(ground)))
        assert (light[1] + 0.05) / (light[0] + 0.05) >= 2.8


def _luminance(colour: Color) -> float:
    """Return the relative luminance, from 0 to 1."""
    parts = [one / 255 for one in colour.rgb]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_rows_say_why_and_until_when() -> None:
    app = TunnelsApp([PROHIBITED, *fleet()[5:]])
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        ends = [line.rstrip() for line in app.lines()]
        assert ends[0].endswith("prohibited")
        assert ends[1].endswith("retry 3 s")
        assert "*:8080 ⚠ → localhost:3000" in ends[1]
        assert ends[2].endswith("paused, keeps port")
        assert ends[5].endswith("↗ up 1 min, forward")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TunnelState.PAUSED, "↗ paused"),
        (TunnelState.RECONNECTING, "↗ retry 3 s"),
        (TunnelState.FAILED, "↗ failed"),
    ],
)
async def test_what_another_process_runs_shows_how_it_is_there(
    state: TunnelState, words: str
) -> None:
    there = replace(fleet()[-1], state=state, retry_in=2.4, uptime=None)
    app = TunnelsApp([OPEN, there])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.lines()[1].rstrip().endswith(words)
        assert app.lines()[1].startswith(f" {MARKS[state].shape} ")
        app.table.select(there.id)
        await until(pilot, lambda: "↗ forward (4211) runs it" in app.table.detail.text)
        assert app.table.detail.text.count("forward (4211)") == 1


@pytest.mark.parametrize("width", [80, 90])
async def test_a_narrow_table_keeps_what_matters(width: int) -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        first, second, third, *_ = app.lines()
        for part in ("orders-db", ":5432 → db:5432", "48.0 kB/s", "8.4 MB/s", "up 3 h"):
            assert part in first
        assert second.rstrip().endswith("prohibited")
        assert "7.2 MB " in third
        assert {cell_len(line) for line in app.lines()} == {cell_len(first)}


@pytest.mark.parametrize(
    ("address", "width", "shown"),
    [
        (" → db.internal.example:5432", 27, " → db.internal.example:5432"),
        (" → db.internal.example:5432", 18, " → db.intern…:5432"),
        (" → [2001:db8::1]:80", 14, " → [2001:d…:80"),
        (" → db.internal.example:5432", 10, " → db.int…"),
        (" → /var/run/postgresql/x", 10, " → /var/r…"),
    ],
)
def test_a_long_target_keeps_its_port(address: str, width: int, shown: str) -> None:
    assert clip_address(address, width) == shown


async def test_all_rows_name_their_ports_alike() -> None:
    long = tunnel(4, Kind.LOCAL, "33793:a-rather-long-name-of-a-database.internal.example:5432")
    app = TunnelsApp([OPEN, long])
    async with app.run_test(size=(110, 30)) as pilot:
        await pilot.pause()
        assert not any("localhost" in line for line in app.lines())
        app.tunnels = [OPEN, long, tunnel(5, Kind.LOCAL, "80:localhost:8080")]
        await until(pilot, lambda: any(" :80 → :8080 " in line for line in app.lines()))
        app.tunnels = [OPEN]
        await until(pilot, lambda: "localhost:5432" in app.lines()[0])


@pytest.mark.parametrize("width", range(34, 220, 7))
@pytest.mark.parametrize("way", [10, 30, 80])
@pytest.mark.parametrize("name", [0, 30])
def test_columns_fill_the_width(width: int, way: int, name: int) -> None:
    columns = TunnelColumns.fit(width, Wishes(name, 9, way, way - 9))
    assert len(head_text(columns)) == width


async def test_rows_follow_the_snapshots() -> None:
    app = TunnelsApp([CLOSED])
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "closed" in app.lines()[0])
        app.tunnels = [replace(CLOSED, state=TunnelState.OPENING), OPEN]
        await until(pilot, lambda: len(app.table.listing.tunnels) == 2)
        assert " ◌ " in app.lines()[0]
        assert "opening" in app.lines()[0]
        await pilot.press("down")
        app.tunnels = [OPEN]
        await until(pilot, lambda: len(app.table.listing.tunnels) == 1)
        current = app.table.listing.rows.current
        assert current is not None
        assert current.id == "t1"


async def test_only_rows_that_look_different_are_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = TunnelsApp([OPEN, CLOSED, PROHIBITED])
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        drawn: list[int] = []
        rows = app.table.listing.rows
        monkeypatch.setattr(rows, "refresh_lines", lambda y, *_: drawn.append(y))
        monkeypatch.setattr(rows, "refresh", lambda *_, **__: drawn.append(-1))
        app.table.update()
        assert drawn == []
        app.tunnels = [replace(OPEN, uptime=61.9), CLOSED, replace(PROHIBITED, clients=2)]
        app.table.update()
        assert drawn == [2]


async def test_calm_tunnels_are_looked_at_less_often() -> None:
    looks: list[int] = []
    app = TunnelsApp([CLOSED])
    async with app.run_test() as pilot:
        app.table._source = lambda: looks.append(1) or [CLOSED]  # type: ignore[func-returns-value]
        app.table.update()
        for _ in range(6):
            app.table._look()
        calm = len(looks)
        assert calm <= 2
        app.table.wake()
        app.table._look()
        assert len(looks) == calm + 1
        app.table._source = lambda: looks.append(1) or [OPEN]  # type: ignore[func-returns-value]
        app.table.update()
        before = len(looks)
        for _ in range(6):
            app.table._look()
        assert len(looks) == before + 6
        await pilot.pause()


async def test_the_times_of_the_way_at_the_cursor_are_measured_while_it_is_in_sight() -> None:
    app = TunnelsApp([OPEN, replace(OPEN, id="t77")])
    async with app.run_test() as pilot:
        app.table._look()
        assert set(app.seen) == {OPEN.id}
        await pilot.press("j")
        app.seen.clear()
        app.table._look()
        assert set(app.seen) == {"t77"}
        app.table.display = False
        await pilot.pause()
        app.seen.clear()
        app.table._look()
        assert app.seen == []


async def test_rows_are_filtered_sorted_and_listed_by_host() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("slash", *"web", "space", *"3001", "backspace")
        await until(pilot, lambda: ids(app) == ["t6", "t8"])
        assert "2 of 10" in str(app.table.query_one(".tunnels-said").render())
        await pilot.press("enter")
        assert app.table.listing.rows.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: len(ids(app)) == 10)
        assert not app.table.query_one(".tunnels-bar").display
        await pilot.press("s")
        assert ids(app)[:3] == ["t10", "t4", "t8"]
        await pilot.press("s")
        assert ids(app)[0] == "t1"
        await pilot.press("s", "s", "g")
        await until(pilot, lambda: app.lines()[0].startswith(" db-1  via bastion   3 tunnels"))
        assert app.lines()[4].startswith(" web")
        assert "✖ 1" in app.lines()[9]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("postgres", ["t1", "t10"]),
        ("redis prohibited", ["t4"]),
        ("#billing", ["t1"]),
        ("replica reports", ["t1"]),
        ("paused", ["t9"]),
        ("socks", ["t5", "t11"]),
        ("bastion reconnecting", ["t8"]),
    ],
)
async def test_the_filter_knows_services_states_tags_notes_and_hosts(
    words: str, found: list[str]
) -> None:
    tunnels = arranged(fleet(), Sorting.LISTED, by_host=False, words=words)
    assert [one.id for one in tunnels] == found


@pytest.mark.parametrize("before", [(), ("m",)])
async def test_a_filter_without_a_match_says_what_it_was_and_how_to_clear_it(
    before: tuple[str, ...],
) -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*before, "slash", *"nowhere")
        empty = app.table.query_one(".tunnels-empty", Static)
        await until(pilot, lambda: empty.display)
        assert "No tunnel matches “nowhere”" in str(empty.render())
        assert "Esc clears the filter and shows all 10." in str(empty.render())
        assert not app.table.detail.display
        await pilot.press("enter")
        said = app.table.query_one(".tunnels-said")
        await until(pilot, lambda: "0 of 10  ·  Esc shows all" in str(said.render()))
        await pilot.press("escape")
        await until(pilot, lambda: len(ids(app)) == 10 and not empty.display)
        assert app.table.is_mapped is bool(before)


async def test_a_tunnel_that_is_filtered_out_is_shown_when_it_is_gone_to() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("slash", *"metrics", "enter")
        await until(pilot, lambda: len(ids(app)) == 2)
        app.table.select("t11")
        await until(pilot, lambda: app.table.current and app.table.current.id == "t11")


async def test_keys_start_and_stop_all_of_the_host_at_the_cursor() -> None:
    failed = replace(CLOSED, id="t4", state=TunnelState.FAILED)
    app = TunnelsApp([OPEN, CLOSED, FAILED, failed])
    async with app.run_test() as pilot:
        await pilot.press("S", "X", "down", "down", "X")
        assert asked(app) == [(TunnelStep.START, ["t2", "t4"]), (TunnelStep.STOP, ["t1"])]
        assert app.table.why_not("tunnels.stop_all").startswith("No tunnel of web")
        app.tunnels = [OPEN]
        app.table.update()
        assert app.table.why_not("tunnels.start_all") == "Every tunnel of db-1 is open"


async def test_of_a_group_one_rule_is_opened_with_all_of_the_host() -> None:
    def member(number: int, group: str, state: TunnelState) -> TunnelSnapshot:
        rule = Rule(f"r{number // 2}", "db-1", (OPEN.spec,), group=group)
        return replace(CLOSED, id=f"g{number}", host="db-1", rule=rule, state=state)

    closed = [member(number, "a", TunnelState.CLOSED) for number in range(4)]
    apart = replace(CLOSED, id="apart", host="db-1", rule=None)
    assert [one.id for one in to_open("db-1", [*closed, apart])] == ["g0", "g1", "apart"]
    paused = replace(closed[3], state=TunnelState.PAUSED)
    assert [one.id for one in to_open("db-1", [*closed[:3], paused])] == ["g2", "g3"]
    runs = replace(closed[0], host="elsewhere", id="x", state=TunnelState.OPEN)
    runs = replace(runs, rule=Rule("r9", "elsewhere", (OPEN.spec,), group="a"))
    assert not to_open("db-1", [*closed, runs])
    app = TunnelsApp([*closed, runs])
    async with app.run_test() as pilot:
        await pilot.pause()
        why = app.table.why_not("tunnels.start_all")
        assert why == "Every tunnel of db-1 is open, or another of its group is"
        app.tunnels = [*closed]
        app.table.update()
        assert not app.table.why_not("tunnels.start_all")


async def test_what_failed_is_tried_again_by_the_key_that_its_hint_names() -> None:
    leg = Leg("you", "db-1", LegState.FAILED, cause=Cause.CONNECTION_DOWN, message="it is down")
    failed = replace(CLOSED, state=TunnelState.FAILED, error="it is down", legs=(leg,))
    app = TunnelsApp([failed])
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "→ it is not tried again by itself: r" in app.table.detail.text)
        assert not app.table.why_not("tunnels.restart")
        await pilot.press("r")
        assert asked(app) == [(TunnelStep.RESTART, failed.id)]
        assert app.table.why_not("tunnels.pause") == "The tunnel is not open"


async def test_keys_ask_for_changes() -> None:
    paused = replace(CLOSED, id="t5", state=TunnelState.PAUSED)
    app = TunnelsApp([OPEN, CLOSED, paused])
    async with app.run_test() as pilot:
        await pilot.press("enter", "r", "p", "P", "down")
        await pilot.press("space", "r", "p", "P", "y", "Y", "d", "a", "down", "p")
        assert asked(app) == [
            (TunnelStep.STOP, "t1"),
            (TunnelStep.RESTART, "t1"),
            (TunnelStep.PAUSE, "t1"),
            (TunnelStep.PROBE, "t1"),
            (TunnelStep.START, "t2"),
            (TunnelStep.COPY_COMMAND, "t2"),
            (TunnelStep.EXPORT, "t2"),
            (TunnelStep.REMOVE, "t2"),
            (TunnelStep.RESUME, "t5"),
        ]
        added = [one for one in app.requests if isinstance(one, AddTunnel)]
        assert [one.host for one in added] == ["db-1"]


async def test_all_forwards_of_a_rule_are_changed_together() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test() as pilot:
        await pilot.press("down", "down", "down", "down", "enter", "e")
        assert asked(app) == [(TunnelStep.STOP, ["t6", "t7"])]
        assert app.requests[0].name == "metrics"
        assert [one.id for one in app.requests[1].tunnels] == ["t6", "t7"]


async def test_of_what_runs_elsewhere_only_that_is_done_which_its_owner_can_do() -> None:
    app = TunnelsApp(fleet()[-1:])
    async with app.run_test() as pilot:
        await pilot.press("d", "e", "r", "P", "x")
        assert not app.requests
        assert "forward (4211)" in app.table.why_not("tunnels.edit")
        await pilot.press("y", "p", "enter", "t")
        assert asked(app) == [
            (TunnelStep.COPY_COMMAND, "t12"),
            (TunnelStep.PAUSE, "t12"),
            (TunnelStep.STOP, "t12"),
            (TunnelStep.TAKE_OVER, "t12"),
        ]


async def test_without_tunnels_it_says_how_to_add_one() -> None:
    app = TunnelsApp([])
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.table.query_one(".tunnels-empty").display
        await pilot.press("enter", "d", "m", "slash")
        assert not app.requests
        assert not app.table.query_one(Input).has_focus
        assert app.table.why_not("tunnels.add") == ""


async def test_a_failed_one_is_known_by_its_cause() -> None:
    leg = replace(PROHIBITED.legs[2], cause=Cause.BIND_IN_USE)
    app = TunnelsApp([replace(NAMED, state=TunnelState.FAILED, legs=(leg,))])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.lines()[0].rstrip().endswith("port in use"))


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [
        ((), 4, "····"),
        ((0, 0), 2, "··"),
        ((1, 0, 8), 3, "▂·█"),
        ((5,), 3, "··█"),
        ((1, 2, 3), 2, "▆█"),
        ((1, 10**9), 2, "▁█"),
        ((1,), 0, ""),
    ],
)
def test_sparklines(values: tuple[int, ...], width: int, bars: str) -> None:
    assert sparkline(values, width) == bars


async def test_none_are_told_of_only_once_it_is_known_that_there_are_none() -> None:
    app = TunnelsApp([])
    app.reading = True
    async with app.run_test() as pilot:
        empty = app.table.query_one(".tunnels-empty", Static)
        await until(pilot, lambda: str(empty.render()).startswith("Reading which tunnels"))
        app.reading = False
        await until(pilot, lambda: str(empty.render()).startswith("No tunnels yet"))
