"""What a tunnel counts, and what it makes of a server's refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.tunnels.counters import HISTORY, Traffic
from sshdash.tunnels.forwards.refusal import Refusal, classify, refusal_text


def test_the_last_whole_second_is_the_rate() -> None:
    traffic = Traffic(100.2)
    client = traffic.enter(100.2)
    client.count_up(300)
    client.count_down(700)
    traffic.tick(100.9)
    assert traffic.rates == (0, 0)
    traffic.tick(101.1)
    assert traffic.rates == (300, 700)
    assert traffic.history[-1] == 1000
    traffic.tick(102.0)
    assert traffic.rates == (0, 0)
    assert traffic.history[-2:] == (1000, 0)


def test_seconds_nobody_looked_at_share_what_passed() -> None:
    traffic = Traffic(0.0)
    client = traffic.enter(0.0)
    client.count_up(100)
    traffic.tick(4.5)
    assert traffic.history[-4:] == (25, 25, 25, 25)
    client.count_up(1_000_000)
    traffic.tick(1004.5)
    assert len(traffic.history) == HISTORY
    assert set(traffic.history) == {1000}, "a long absence makes no rate that never was"
    assert traffic.minute == (1000.0, 0.0)


def test_the_rate_over_a_minute() -> None:
    traffic = Traffic(50.0)
    client = traffic.enter(50.0)
    client.count_up(600)
    client.count_down(60)
    traffic.tick(52.0)
    assert traffic.minute == (300.0, 30.0), "a tunnel that is younger divides by its age"
    traffic.tick(110.0)
    assert traffic.minute == (10.0, 1.0)
    traffic.tick(170.0)
    assert traffic.minute == (0.0, 0.0)


def test_minutes_and_hours_are_kept_when_the_seconds_have_gone() -> None:
    traffic, day = Traffic(0.0), 24 * 3600
    client = traffic.enter(0.0)
    for second in range(0, 2 * day, 10):
        client.count_up(10)
        client.count_down(20)
        traffic.tick(float(second + 10))
    assert set(traffic.seconds.passed) == {(1, 2)}
    assert set(traffic.minutes.passed) == {(60, 120)}
    assert len(traffic.minutes.passed) == 360
    assert list(traffic.hours.passed) == [(3600, 7200)] * 48
    assert repr(traffic.hours) == "<Spans [48 of 3600 s]>"


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 5000)),
        min_size=1,
        max_size=20,
    )
)
def test_no_byte_is_lost_from_the_hours(steps: list[tuple[int, int, int]]) -> None:
    traffic, now = Traffic(0.0), 0.0
    client = traffic.enter(now)
    for up, down, passed in steps:
        client.count_up(up)
        client.count_down(down)
        now += passed
        traffic.tick(now)
        assert len(traffic.seconds.passed) == 60
        assert sum(map(sum, traffic.seconds.passed)) <= traffic.up + traffic.down
    traffic.tick(now + 3600)
    assert sum(up for up, _ in traffic.hours.passed) == traffic.up
    assert sum(down for _, down in traffic.hours.passed) == traffic.down


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 0.9)), max_size=25
    )
)
def test_no_byte_is_lost_from_the_ring(steps: list[tuple[int, int, float]]) -> None:
    traffic, now = Traffic(0.0), 0.0
    client = traffic.enter(now)
    for up, down, passed in steps:
        client.count_up(up)
        client.count_down(down)
        now += passed
        traffic.tick(now)
    traffic.tick(now + 1)
    assert sum(traffic.history) == traffic.up + traffic.down


def test_clients_come_and_go() -> None:
    traffic = Traffic(0.0)
    first, second = traffic.enter(1.0), traffic.enter(2.0)
    first.count_up(10)
    second.count_up(5)
    second.count_down(7)
    traffic.leave()
    assert (traffic.clients, traffic.total) == (1, 2)
    assert repr(traffic) == "<Traffic [1 of 2 clients, 15 up, 7 down]>"
    assert [repr(one) for one in (first, second)] == [
        "<Visit 1 [10 up, 0 down]>",
        "<Visit 2 [5 up, 7 down]>",
    ]


def test_how_long_the_target_takes_to_reach() -> None:
    traffic = Traffic(0.0)
    assert (traffic.reach, traffic.usual_reach) == (None, None)
    for seconds in (0.5, 0.1, 0.2):
        traffic.reached("db:5432", seconds)
    assert (traffic.reach, traffic.usual_reach) == (0.2, 0.2)
    for _ in range(100):
        traffic.reached("db:5432", 0.3)
    assert traffic.usual_reach == 0.3
    traffic.reached("cache:6379", 0.9)
    assert traffic.usual_reach == 0.9, "another target starts afresh"


@pytest.mark.parametrize(
    ("code", "reason", "refusal"),
    [
        (1, "open failed", Refusal.PROHIBITED),
        (2, "Connection refused", Refusal.REFUSED),
        (2, "Connection timed out", Refusal.TIMED_OUT),
        (2, "No route to host", Refusal.HOST_UNREACHABLE),
        (2, "Network is unreachable", Refusal.NETWORK_UNREACHABLE),
        (2, "Name or service not known", Refusal.UNKNOWN_NAME),
        (2, "Temporary failure in name resolution", Refusal.UNKNOWN_NAME),
        (2, "SSH connection closed", Refusal.LOST),
        (2, "whatever", Refusal.OTHER),
        (3, "", Refusal.UNSUPPORTED),
        (4, "", Refusal.SHORTAGE),
        (99, "Connection refused", Refusal.REFUSED),
    ],
)
def test_refusals(code: int, reason: str, refusal: Refusal) -> None:
    assert classify(code, reason) is refusal


def test_a_servers_words_are_cleaned() -> None:
    text = refusal_text(Refusal.OTHER, "db:80", "\x1b]52;c;aGk=\x07bad\nnews")
    assert text == r"db:80: failed (\x1b]52;c;aGk=\x07bad\nnews)"
    assert refusal_text(Refusal.REFUSED, "db:80", "Connection refused") == (
        "db:80: connection refused"
    )
