"""What several tunnels carry together, now and when."""

from dataclasses import replace

from sshdash.states import TunnelState
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.totals import Totals, by_rule, history_of, total
from tests.ui.tunnel_stage import OPEN

TUNNEL = replace(
    OPEN,
    clients=2,
    clients_total=5,
    failures=1,
    bytes_up=100,
    bytes_down=1000,
    rate_up=1.5,
    rate_down=2.0,
    minute_up=0.5,
    minute_down=7.0,
    reconnects=1,
)


def test_figures_are_added_up() -> None:
    other = replace(TUNNEL, id="t2", state=TunnelState.DEGRADED, clients=1)
    closed = replace(TUNNEL, id="t3", state=TunnelState.CLOSED, clients=0)
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
        states={"open": 1, "degraded": 1, "closed": 1},
    )
    assert total([]) == Totals()


def test_a_rule_is_the_sum_of_its_forwards() -> None:
    rule = Rule("reports", "db-1", (TUNNEL.spec,))
    named = replace(TUNNEL, rule=rule)
    other = replace(TUNNEL, rule=replace(rule, name="web"), clients=9)
    sums = by_rule([named, other, named, TUNNEL])
    assert list(sums) == ["reports", "web"]
    assert sums["reports"] == total([named, named])
    assert sums["web"].clients == 9


def test_histories_are_added_from_their_newest_end() -> None:
    old = Traffic(0.0)
    client = old.enter(0.0)
    for minute in range(1, 4):
        client.count_up(60)
        old.tick(minute * 60.0)
    young = Traffic(120.0)
    young.enter(120.0).count_down(7)
    client.count_up(5)
    history = history_of([old, young], 190.0)
    assert history.minutes == ((60, 0), (60, 0), (60, 7), (5, 0)), "the last minute still runs"
    assert history.hours == ((185, 7),)
    assert (history.bytes_up, history.bytes_down) == (185, 7)
    assert len(history.seconds) == 60


def test_no_tunnels_have_no_history() -> None:
    history = history_of([], 10.0)
    assert (history.seconds, history.minutes, history.bytes_up) == ((), (), 0)
