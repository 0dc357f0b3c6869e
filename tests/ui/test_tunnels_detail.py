"""The tunnel at the cursor: its way and what moves on it, its trouble, its clients; the map."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Meanwhile
from sshdash.tunnels.legs import LegState
from sshdash.tunnels.snapshot import ProbeResult, TunnelSnapshot
from sshdash.ui.widgets.tunnel_diagram import diagram
from sshdash.ui.widgets.tunnel_facts import brief, full, trouble
from sshdash.ui.widgets.tunnel_map import map_lines
from sshdash.ui.widgets.tunnel_messages import CutClient, TunnelStep
from tests.ui.files_app import until
from tests.ui.tunnel_stage import (
    CLIENTS,
    CLOSED,
    FAILED,
    METRICS,
    NAMED,
    OPEN,
    PROHIBITED,
    TunnelsApp,
    fleet,
    legs,
)

UP, FAIL = LegState.UP, LegState.FAILED


def drawn(*snapshots: TunnelSnapshot, width: int = 200, step: int = 0) -> list[str]:
    lines = diagram(snapshots, width, step)
    return ["".join(text for text, _ in line) for line in lines]


def ways(snapshot: TunnelSnapshot) -> list[str]:
    """Return the places of the diagram, in order."""
    return [text for text, role in diagram([snapshot], 200)[0] if role in ("end", "hop", "here")]


# The diagram


def test_diagrams_go_the_way_of_the_bytes() -> None:
    assert ways(OPEN) == ["you :5432", "bastion", "db-1", "db:5432"]
    remote = replace(FAILED, state=TunnelState.OPEN, host="db-1")
    assert ways(remote) == ["db-1 :9000", "bastion", "you", "localhost:3000"]
    assert ways(CLOSED)[-1] == "anywhere (SOCKS · HTTP)"
    assert drawn(CLOSED)[0].count("▷") == 3


def test_it_tells_what_clients_of_a_paused_tunnel_meet() -> None:
    def told(**changes: Any) -> str:
        paused = replace(NAMED, state=TunnelState.PAUSED, **changes)
        return "\n".join("".join(part for part, _ in line) for line in trouble(paused))

    assert NAMED.rule is not None
    refusing = replace(NAMED.rule, meanwhile=Meanwhile.REFUSE)
    assert "clients wait for a minute at most, 3 now." in told(holds_port=True, clients=3)
    assert "clients are refused" in told(holds_port=True, rule=refusing)
    assert "its port is free" in told(holds_port=False)


@pytest.mark.parametrize("width", [30, 78, 200])
def test_facts_are_on_lines_of_their_own_and_none_is_broken(width: int) -> None:
    counted = replace(OPEN, clients_total=3, failures=1, uptime=100.0, reconnects=2, bytes_up=9)
    for lines in (brief(counted, width), full(counted, width)):
        told = ["".join(text for text, _ in line) for line in lines]
        facts = [line for line in told if "LocalForward" in line or "reconnects" in line]
        assert all(cell_len(line) <= width for line in facts)
        assert not any(line.startswith(" ") or line.endswith("·") for line in facts)
        assert len(facts) == (1 if width == 200 else 2)


def test_each_leg_has_its_time_and_its_state() -> None:
    line = drawn(replace(PROHIBITED, legs=legs(UP, UP, FAIL, times=(0.012, 0.003))))[0]
    assert " 12 ms " in line
    assert " 3.0 ms " in line
    assert line.index("3.0 ms") < line.index("✖") < line.index("cache:6379")
    assert line.count("▶") == 2
    states = {
        LegState.IDLE: "┄",
        LegState.OPENING: "╌",
        LegState.PAUSED: "‖",
        LegState.WAITING: "◌",
        LegState.UNKNOWN: "─▷",
        LegState.FAILED: "✖",
    }
    for state, shape in states.items():
        assert shape in drawn(replace(CLOSED, legs=legs(UP, state, LegState.IDLE)))[0]


def test_what_moves_goes_along_the_way_and_stands_still_when_nothing_does() -> None:
    up = replace(OPEN, rate_up=5000.0, rate_down=0.0)
    first, later = drawn(up, step=0)[0], drawn(up, step=1)[0]
    assert "▸" in first
    assert "◂" not in first
    assert later.index("▸") == first.index("▸") + 1
    down = replace(OPEN, rate_down=5000.0)
    assert drawn(down, step=2)[0].index("◂") == drawn(down, step=1)[0].index("◂") - 1
    assert "◂" in drawn(down)[0]
    both = drawn(replace(up, rate_down=5000.0))[0]
    assert "▸" in both
    assert "◂" in both
    idle = replace(OPEN, rate_down=0.0)
    assert drawn(idle, step=0) == drawn(idle, step=7)
    assert not {"▸", "◂"} & set(drawn(idle)[0])


@pytest.mark.parametrize("width", range(24, 160, 9))
def test_a_diagram_goes_on_below_where_it_has_no_room(width: int) -> None:
    lines = drawn(NAMED, width=width)
    longest = max(len("db-1 ──▶ anywhere"), 24)
    assert all(cell_len(line) <= max(width, longest) for line in lines)
    text = " ".join(lines)
    for place in ("you :5432", "bastion", "db-1", "db:5432"):
        assert place in text
    assert len(lines) == 1 or width < 70


def test_the_forwards_of_a_rule_stand_below_each_other() -> None:
    one, two = (tunnel for tunnel in fleet() if tunnel.rule is METRICS)
    first, second = drawn(one, two, width=110)
    assert first.index("bastion") == second.index("bastion")
    assert first.rstrip().endswith("grafana.internal:3000")
    assert second.rstrip().endswith("prometheus.internal:9090")


async def test_the_diagram_moves_only_while_bytes_do() -> None:
    app = TunnelsApp([OPEN])
    async with app.run_test(size=(100, 30)) as pilot:
        flow = app.table.detail.flow
        await until(pilot, lambda: flow.step > 1)
        app.tunnels = [replace(OPEN, rate_down=0.0)]
        app.table.update()
        still = flow.step
        assert not flow.is_moving
        await pilot.pause(0.3)
        assert flow.step == still
        app.animation_level = "none"
        app.tunnels = [OPEN]
        app.table.update()
        assert not flow.is_moving
        assert "◂" in app.detail()


# What is told


async def test_trouble_is_told_first_with_what_to_do() -> None:
    app = TunnelsApp([PROHIBITED])
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "administratively prohibited" in app.detail())
        first, then, meaning, *_ = app.table.detail.text.splitlines()
        assert first.startswith("✖ db-1 → db:5432: db-1 does not open channels")
        assert "PermitOpen" in then
        assert meaning.startswith("Programs here that connect to localhost:6379")


async def test_the_detail_tells_the_whole_error_cleaned() -> None:
    app = TunnelsApp([OPEN, FAILED])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        await until(pilot, lambda: "pid 812" in app.detail())
        assert "\x1b" not in app.detail()
        assert "✖" in app.detail()


async def test_all_about_a_tunnel_where_there_is_room_or_it_is_asked_for() -> None:
    app = TunnelsApp([NAMED])
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        told = app.table.detail.text
        for words in (
            "“the replica, for reports”  #prod  ·  #billing  ·  opens with sshdash",
            "84.0 MB   now  8.4 MB/s   last minute  7.9 MB/s",
            "3 clients open, 17 in all",
            "2 reconnects",
            "15 ms there and back",
            "● probe PostgreSQL, encryption on offer in 12 ms",
            "db:5432 refused: Connection refused",
        ):
            assert words in told
        assert told.index("refused: Conn") < told.index("keepalive timeout")
        await pilot.press("i")
        assert "last minute" not in app.table.detail.text
        app.tunnels = [replace(NAMED, probe=ProbeResult(0.0, None, "refused \x1b[1m"))]
        await pilot.press("i")
        app.table.update()
        assert "▲ probe refused \\x1b[1m" in app.table.detail.text


# Clients


async def test_clients_are_pulled_only_while_they_are_seen() -> None:
    app = TunnelsApp([OPEN, CLOSED])
    app.clients["t1"] = CLIENTS
    async with app.run_test(size=(120, 24)) as pilot:
        app.table.update()
        assert not app.pulled
        assert not app.table.clients.display
        await pilot.press("i")
        assert set(app.pulled) == {"t1"}
        assert app.table.clients.display
        app.pulled.clear()
        await pilot.press("down")
        app.table.update()
        assert not app.pulled


async def test_a_client_is_found_and_cut() -> None:
    app = TunnelsApp([OPEN])
    app.clients["t1"] = CLIENTS
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.press("x")
        await until(pilot, lambda: app.table.clients.has_focus)
        line = "".join(part.text for part in app.table.clients.render_line(0))
        for words in ("127.0.0.1:50311", "psql (8123)", "→ db:5432", "11 min", "3.4 MB"):
            assert words in line
        await pilot.press("down", "enter", "x")
        (cut,) = app.requests
        assert isinstance(cut, CutClient)
        assert cut.client.process == "python3 (9001)"
        app.clients["t1"] = CLIENTS[1:]
        app.table.update()
        assert app.table.clients.current == CLIENTS[1]
        await pilot.press("escape")
        assert app.table.listing.rows.has_focus
        await pilot.press("x")
        await until(pilot, lambda: app.table.clients.has_focus)
        app.tunnels = [replace(OPEN, clients=0)]
        app.table.update()
        await until(pilot, lambda: app.table.listing.rows.has_focus)


# The map


def test_the_map_leads_from_here_over_the_hosts_to_the_targets() -> None:
    lines = map_lines(fleet())
    words = [(len(line.stem), line.words) for line in lines]
    assert words[0][1] == "you"
    hosts = [line.words for line in lines if not line.tunnel]
    assert hosts == ["you", "bastion", "db-1", "web", "stage-db", "ci"]
    by_words = {line.words: line for line in lines}
    assert by_words["bastion"].note == "6 of 7 open"
    assert by_words["bastion"].figures == "↑ 48.0 kB/s  ↓ 8.5 MB/s"
    assert by_words["L :5432 ─▶ db:5432"].tunnel == "t1"
    assert by_words["R localhost:3000 ◀─ *:8080 ⚠"].note == "retry 3 s"
    depth = {text: indent for indent, text in words}
    assert depth["bastion"] < depth["db-1"] < depth["L :5432 ─▶ db:5432"]


async def test_enter_on_the_map_goes_to_the_tunnel() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("down", "m")
        current = app.table.current
        assert app.table.is_mapped
        assert current is not None
        assert current.id == "t4"
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: not app.table.is_mapped)
        current = app.table.listing.rows.current
        assert current is not None
        assert current.id == "t6"
        assert not app.requests
        await pilot.press("m", "escape")
        assert not app.table.is_mapped
        assert app.table.listing.rows.has_focus


async def test_a_rule_and_all_tunnels_are_summed_up() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Σ 6 of 10 open" in str(app.table.detail.border_title))
        words = str(app.table.detail.border_title)
        assert " · 4 clients · ↑ 48.0 kB/s ↓ 8.5 MB/s · ↑ 1.9 MB ↓ 91.2 MB " in words
        assert "Σ" not in app.table.detail.text
        app.table.select("t7")
        await until(pilot, lambda: "Σ metrics  2 of 2 open · 1 client" in app.table.detail.text)


async def test_the_history_of_what_runs_here_is_asked_for() -> None:
    app = TunnelsApp(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("h")
        assert [one.step for one in app.requests] == [TunnelStep.HISTORY]
        app.table.select("t12")
        assert "take it over first" in app.table.why_not("tunnels.history")
