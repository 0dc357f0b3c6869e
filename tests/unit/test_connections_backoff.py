"""How long an outage's waits are, and what is not tried again."""

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.connections.recovery.backoff import CAP, FIRST, GATE, STEADY, Backoff
from sshdash.connections.recovery.retrying import refused, turned_away, why_not
from sshdash.errors import (
    AuthenticationError,
    Cancelled,
    ConfigError,
    ConnectError,
    ConnectionLost,
    HostKeyError,
    SSHDashError,
    UnreachableError,
)


def longest() -> float:
    """Draw the longest wait each time."""
    return 1.0


def test_the_ceiling_doubles_up_to_half_a_minute() -> None:
    backoff = Backoff(draw=longest)
    assert [backoff.next() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_connection_that_held_begins_again() -> None:
    backoff = Backoff(draw=longest)
    for _ in range(20):
        backoff.next()
    backoff.reset()
    assert backoff.next() == FIRST


def test_a_server_that_takes_us_and_drops_us_is_met_with_longer_waits() -> None:
    backoff = Backoff(draw=longest)
    waits = []
    for _ in range(13):
        backoff.held(0.2)
        waits.append(backoff.next())
    assert waits == [*[0.5] * 5, 1, 2, 4, 8, 16, 30, 30, 30]


def out_of_favours() -> Backoff:
    """Return one whose connections have not held of late."""
    backoff = Backoff(draw=longest)
    for _ in range(5):
        backoff.held(0)
    return backoff


def test_a_server_that_is_restarted_a_few_times_is_waited_for_as_the_first_time() -> None:
    backoff = Backoff(draw=longest)
    for _ in range(5):
        backoff.held(1.0)
        assert [backoff.next(), backoff.next(refused=True)] == [0.5, 1.0]
    assert backoff.next() > 1.0


def test_favours_come_back_while_it_holds() -> None:
    backoff = out_of_favours()
    for _ in range(9):
        backoff.next()
    backoff.held(STEADY / 5 - 0.1)
    assert backoff.next() > FIRST
    backoff.held(STEADY / 5 + 0.1)
    assert backoff.next() == FIRST


def test_on_a_train_it_is_up_for_longer_than_it_is_waited_for() -> None:
    backoff = out_of_favours()
    waits = []
    for _ in range(40):
        backoff.held(4.5)
        waits.append(backoff.next())
    assert max(waits) <= 4.5 / 2


def test_a_long_outage_is_not_held_against_the_connection_after_it() -> None:
    backoff = out_of_favours()
    waits = [backoff.next() for _ in range(9)]
    backoff.held(2)
    waits += [backoff.next() for _ in range(3)]  # nobody answers at first
    assert waits[-4:] == [30, 1, 2, 4]


def test_a_port_where_nobody_listens_is_tried_more_often() -> None:
    backoff = Backoff(draw=longest)
    waits = [backoff.next()]
    while waits[-1] < CAP:
        waits.append(backoff.next(refused=True))
        assert waits[-1] == CAP or waits[-1] <= max(1.0, waits[-2] * 1.1)
    assert len([wait for wait in waits if wait <= 1.5]) >= 5, "as long as a server takes to start"
    assert len(waits) < 50, "but not for ever"


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=50), st.floats(GATE, 100))
def test_one_that_held_is_not_waited_for_longer_than_half_of_that(
    before: list[float | None], held: float
) -> None:
    backoff = Backoff(draw=longest)
    for seconds in before:
        if seconds is None:
            backoff.next()
        else:
            backoff.held(seconds)
    backoff.held(held)
    wait = backoff.next()
    assert wait <= held / 2
    assert held < STEADY or wait == FIRST


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), max_size=200))
def test_no_wait_is_negative_or_longer_than_the_cap(
    draws: list[tuple[float, bool, bool]],
) -> None:
    shares = iter([share for share, _, _ in draws])
    backoff = Backoff(draw=lambda: next(shares))
    for _, away, silent in draws:
        assert 0 <= backoff.next(away, silent) <= CAP


def test_waits_are_spread_over_the_whole_range() -> None:
    waits = []
    for _ in range(2000):
        backoff = Backoff()
        waits.append([backoff.next() for _ in range(7)][-1])
    assert min(waits) < 3
    assert max(waits) > 27
    assert 13 < sum(waits) / len(waits) < 17


def test_a_server_that_turns_us_away_gets_time() -> None:
    backoff = Backoff(draw=lambda: 0.0)
    assert [backoff.next(turned_away=True) for _ in range(4)] == [2, 4, 8, 15]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (AuthenticationError("Permission denied"), "login"),
        (HostKeyError("HOST KEY CHANGED"), "host key"),
        (ConfigError("The SSH configuration is wrong", "config", 3), "configuration"),
        (Cancelled("Authentication cancelled"), "dismissed"),
    ],
)
def test_what_a_person_decides_is_not_repeated(error: SSHDashError, says: str) -> None:
    assert says in why_not(error)


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("Connection refused"),
        UnreachableError("Name does not resolve"),
        UnreachableError("Connection timed out"),
        ConnectionLost("Connection lost"),
        ConnectError("The ProxyCommand failed"),
    ],
)
def test_what_the_network_does_is(error: SSHDashError) -> None:
    assert why_not(error) == ""


def test_the_cause_behind_a_jump_host_counts() -> None:
    error = ConnectError("via a: No cipher in common")
    error.__cause__ = asyncssh.KeyExchangeFailed("No matching cipher")
    assert "algorithm" in why_not(error)


def test_a_refused_connection_is_not_a_server_that_is_tired_of_us() -> None:
    nobody = UnreachableError("Connection refused")
    nobody.__cause__ = ConnectionRefusedError()
    closed = UnreachableError("Closed before an SSH greeting")
    closed.__cause__ = asyncssh.ConnectionLost("Connection lost")
    assert not turned_away(nobody)
    assert turned_away(closed)
    assert refused(nobody)
    assert not refused(closed)
