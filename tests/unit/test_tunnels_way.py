"""The legs of a tunnel's way: their places, how each is, and which one fails."""

from typing import Any

import pytest

from sshdash.errors import (
    AuthenticationError,
    ConnectionLost,
    HostKeyError,
    SSHDashError,
    UnreachableError,
    UntrustedError,
)
from sshdash.states import TunnelState
from sshdash.tunnels.causes import BindError, Place, Trouble, refusal_cause, trouble_of
from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.legs import Cause, LegState
from sshdash.tunnels.record import Record
from sshdash.tunnels.spec import Kind
from sshdash.tunnels.way import Way, differences

ROUTE = ("bastion", "db-host")
FAR = Trouble(Place.LINE, Cause.CONNECTION_DOWN, "lost", "db-host")
NEAR = Trouble(Place.LINE, Cause.CONNECTION_DOWN, "lost", "bastion")
BIND = Trouble(Place.LISTENER, Cause.BIND_IN_USE, "in use")
TARGET = Trouble(Place.TARGET, Cause.TARGET_REFUSED, "refused")


def way(kind: Kind = Kind.LOCAL, state: TunnelState = TunnelState.OPEN, **more: Any) -> Way:
    more = {"connected": True, "reached": False, **more}
    return Way(kind, "localhost:5432", "db:5432", ROUTE, state, **more)


def states(one: Way) -> str:
    """Return the states of the legs by their first letters."""
    return "".join(leg.state.value[0] for leg in one.legs)


def places(one: Way) -> list[str]:
    return [one.legs[0].start, *(leg.end for leg in one.legs)]


def test_a_local_forward_leads_from_here_to_the_target() -> None:
    assert places(way()) == ["you :5432", "bastion", "db-host", "db:5432"]
    exposed = Way(Kind.LOCAL, "*:80", "web:80", ("far",), TunnelState.OPEN, True, True)
    assert places(exposed) == ["you *:80", "far", "web:80"]


def test_a_remote_forward_leads_from_the_far_port_back_here_and_on() -> None:
    assert places(way(Kind.REMOTE)) == ["db-host :5432", "bastion", "you", "db:5432"]


@pytest.mark.parametrize(
    ("state", "more", "expected"),
    [
        (TunnelState.CLOSED, {"connected": False}, "iii"),
        (TunnelState.OPENING, {"connected": False}, "ooi"),
        (TunnelState.OPENING, {}, "uui"),
        (TunnelState.OPEN, {}, "uuu"),
        (TunnelState.DEGRADED, {"trouble": TARGET}, "uuf"),
        (TunnelState.RECONNECTING, {"connected": False, "trouble": FAR}, "uwi"),
        (TunnelState.RECONNECTING, {"connected": False, "trouble": NEAR}, "wwi"),
        (TunnelState.PAUSED, {}, "ppp"),
        (TunnelState.FAILED, {"connected": False, "trouble": FAR}, "ifi"),
        (TunnelState.FAILED, {"connected": False, "trouble": NEAR}, "fii"),
        (TunnelState.FAILED, {"connected": False, "trouble": BIND}, "fii"),
    ],
)
def test_how_the_legs_are(state: TunnelState, more: dict[str, Any], expected: str) -> None:
    assert states(way(state=state, **more)) == expected


def test_the_way_of_a_remote_forward_fails_at_the_same_host() -> None:
    gone: dict[str, Any] = {"state": TunnelState.RECONNECTING, "connected": False}
    assert states(way(Kind.REMOTE, trouble=FAR, **gone)) == "wui"
    assert states(way(Kind.REMOTE, trouble=NEAR, **gone)) == "wwi"
    failed = way(Kind.REMOTE, trouble=NEAR, state=TunnelState.FAILED, connected=False).legs
    assert [leg.cause for leg in failed] == [None, Cause.CONNECTION_DOWN, None]


def test_a_port_that_the_old_connection_still_holds() -> None:
    held = Trouble(Place.LISTENER, Cause.BIND_REFUSED, "refused to listen")
    legs = way(Kind.REMOTE, TunnelState.RECONNECTING, trouble=held).legs
    assert [leg.state for leg in legs] == [LegState.WAITING, LegState.UP, LegState.IDLE]
    assert (legs[0].cause, legs[0].message) == (Cause.BIND_REFUSED, "refused to listen")


def test_a_target_that_answered_is_up_and_one_not_tried_unknown() -> None:
    assert way().legs[-1].state is LegState.UNKNOWN
    assert way(reached=True).legs[-1].state is LegState.UP
    assert way(reached=True, trouble=TARGET).legs[-1].cause is None, "that is over"


def test_a_hop_that_is_not_on_the_way_leaves_the_blame_with_the_last_host() -> None:
    odd = Trouble(Place.LINE, Cause.CONNECTION_DOWN, "lost", "renamed")
    assert states(way(state=TunnelState.FAILED, connected=False, trouble=odd)) == "ifi"


def test_each_leg_has_its_own_time() -> None:
    times = [0.01, 0.03, 0.002]
    assert [leg.round_trip for leg in way(round_trips=tuple(times)).legs] == times
    assert [leg.round_trip for leg in way(Kind.REMOTE, round_trips=tuple(times)).legs] == [
        0.03,
        0.01,
        0.002,
    ]
    assert [leg.round_trip for leg in way(round_trips=(0.01,)).legs] == [0.01, None, None]


def test_times_of_legs_are_what_the_farther_host_takes_longer() -> None:
    assert differences([0.25, 0.75]) == [0.25, 0.5]
    assert differences([0.5, 0.25]) == [0.5, 0.0], "it was measured later"
    assert differences([None, 0.5]) == [None, None]
    assert differences([0.5, None, 1.0]) == [0.5, None, None]


@pytest.mark.parametrize(
    ("error", "place", "cause"),
    [
        (BindError(Cause.BIND_IN_USE, "in use"), Place.LISTENER, Cause.BIND_IN_USE),
        (UntrustedError("not trusted"), Place.LINE, Cause.HOST_KEY),
        (HostKeyError("changed"), Place.LINE, Cause.HOST_KEY),
        (AuthenticationError("denied"), Place.LINE, Cause.AUTHENTICATION),
        (UnreachableError("no route"), Place.LINE, Cause.CONNECTION_DOWN),
        (ConnectionLost("gone"), Place.LINE, Cause.CONNECTION_DOWN),
        (SSHDashError("who knows"), Place.LINE, Cause.OTHER),
    ],
)
def test_where_an_error_belongs(error: SSHDashError, place: Place, cause: Cause) -> None:
    error.via = "bastion"
    trouble = trouble_of(error)
    assert (trouble.place, trouble.cause, trouble.hop) == (place, cause, "bastion")


def test_every_refusal_has_a_cause_and_ours_is_told_apart() -> None:
    assert {refusal_cause(one) for one in Refusal} >= {
        Cause.PROHIBITED,
        Cause.TARGET_REFUSED,
        Cause.TARGET_TIMED_OUT,
        Cause.UNKNOWN_NAME,
        Cause.UNREACHABLE,
    }
    assert refusal_cause(Refusal.REFUSED, here=True) is Cause.OUR_SIDE_REFUSED
    assert refusal_cause(Refusal.TIMED_OUT, here=True) is Cause.TARGET_TIMED_OUT


def test_a_record_keeps_the_last_mishaps_and_no_flood_of_the_same_one() -> None:
    record = Record()
    for _ in range(3):
        record.note(BIND)
    [only] = record.mishaps
    assert (only.text, only.count) == ("in use", 3)
    assert 0 < only.first <= only.time
    record.note(FAR)
    record.note(BIND)
    assert [(one.cause, one.count) for one in record.mishaps] == [
        (Cause.CONNECTION_DOWN, 1),
        (Cause.BIND_IN_USE, 4),
    ]
    for _ in range(60):
        record.turned_away("Too many open files")
    assert [(one.text, one.count) for one in record.mishaps][-1] == ("Too many open files", 60)
    assert record.failures == 60
    for number in range(60):
        record.refused(Cause.TARGET_REFUSED, f"client {number}")
    assert len(record.mishaps) == 50
    assert record.mishaps[-1].text == record.error == "client 59"
    record.clear()
    assert (record.error, record.trouble, record.failures) == ("", None, 120)
    assert len(record.mishaps) == 50, "what went wrong is history, and stays"
