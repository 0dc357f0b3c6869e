"""What several tunnels carry together."""

from dataclasses import replace

from sshdash.states import TunnelState
from sshdash.tunnels.counters import HISTORY
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from sshdash.tunnels.totals import Totals, by_rule, total

SPEC = parse_forward(Kind.LOCAL, "5432:db:5432")
TUNNEL = TunnelSnapshot(
    id="t1",
    host="db-1",
    kind=Kind.LOCAL,
    spec=SPEC,
    source="ad hoc",
    listen="localhost:5432",
    target="db:5432",
    route=("db-1",),
    state=TunnelState.OPEN,
    exposed=False,
    clients=2,
    clients_total=5,
    failures=1,
    bytes_up=100,
    bytes_down=1000,
    rate_up=1.5,
    rate_down=2.0,
    history=(*(0,) * (HISTORY - 2), 3, 4),
    error="",
    uptime=60.0,
    minute_up=0.5,
    minute_down=7.0,
    reconnects=1,
)


def test_figures_are_added_up() -> None:
    other = replace(TUNNEL, id="t2", state=TunnelState.DEGRADED, uptime=90.0, clients=1)
    closed = replace(TUNNEL, id="t3", state=TunnelState.CLOSED, uptime=None, clients=0)
    assert total([TUNNEL, other, closed]) == Totals(
        tunnels=3,
        open=2,
        clients=3,
        clients_total=15,
        failures=3,
        bytes_up=300,
        bytes_down=3000,
        rate_up=4.5,
        rate_down=6.0,
        minute_up=1.5,
        minute_down=21.0,
        reconnects=3,
        uptime=90.0,
        history=(*(0,) * (HISTORY - 2), 9, 12),
    )


def test_nothing_is_nothing() -> None:
    assert total([]) == Totals()
    assert len(total([]).history) == HISTORY


def test_a_rule_is_the_sum_of_its_forwards() -> None:
    rule = Rule("reports", "db-1", (SPEC, SPEC))
    named = replace(TUNNEL, rule=rule)
    other = replace(TUNNEL, rule=replace(rule, name="web"), clients=9)
    sums = by_rule([named, other, named, TUNNEL])
    assert list(sums) == ["reports", "web"]
    assert sums["reports"] == total([named, named])
    assert sums["web"].clients == 9
