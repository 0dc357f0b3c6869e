"""A tunnel in words: its name, its way, how it is and why, and what to do about it."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

from sshdash.states import TunnelState
from sshdash.tunnels.legs import Cause, Leg, LegState
from sshdash.tunnels.spec import Kind
from sshdash.ui.format import duration_text
from sshdash.ui.theme import AWAY_MARK
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

ANYWHERE = "anywhere (SOCKS · HTTP)"
"""Where a proxy leads: its clients say."""

RUNNING = (
    TunnelState.OPENING,
    TunnelState.OPEN,
    TunnelState.DEGRADED,
    TunnelState.RECONNECTING,
)
"""The states of a tunnel that somebody wants open and has not paused."""

_MINUTE = 60
_TROUBLED = (TunnelState.DEGRADED, TunnelState.FAILED)
_SHORT = {
    Cause.BIND_IN_USE: "port in use",
    Cause.BIND_PRIVILEGED: "root's port",
    Cause.BIND_ADDRESS: "not our address",
    Cause.BIND_REFUSED: "bind refused",
    Cause.PROHIBITED: "prohibited",
    Cause.UNKNOWN_NAME: "unknown name",
    Cause.TARGET_REFUSED: "refused",
    Cause.TARGET_TIMED_OUT: "timed out",
    Cause.UNREACHABLE: "unreachable",
    Cause.OUR_SIDE_REFUSED: "refused here",
    Cause.CONNECTION_DOWN: "host is down",
    Cause.AUTHENTICATION: "login wanted",
    Cause.HOST_KEY: "host key",
    Cause.SHORTAGE: "no room",
    Cause.OTHER: "failed",
}
_NEXT = {
    Cause.BIND_IN_USE: "end what holds the port, or give the tunnel another one (e)",
    Cause.BIND_PRIVILEGED: "ports below 1024 are root's: listen on a higher one (e)",
    Cause.BIND_ADDRESS: "listen on an address that this machine has, or on localhost (e)",
    Cause.BIND_REFUSED: "D shows whether the port is taken there; if not, the server does not "
    "allow it, or permitlisten at the key",
    Cause.PROHIBITED: "the server decides: AllowTcpForwarding and PermitOpen in its sshd_config, "
    "permitopen at the key",
    Cause.UNKNOWN_NAME: "the last host looks the name up, not this machine: name it as it is "
    "known there (e)",
    Cause.TARGET_REFUSED: "nothing listens there, or it turns one away: start the service, or "
    "correct the port (e)",
    Cause.TARGET_TIMED_OUT: "the target is down, or a firewall drops what comes from that host",
    Cause.UNREACHABLE: "that host has no way to the target: go by another one",
    Cause.OUR_SIDE_REFUSED: "nothing listens here: start the service, or correct the port (e)",
    Cause.CONNECTION_DOWN: "it comes back by itself; r tries now",
    Cause.AUTHENTICATION: "Enter starts it, and asks what the host wants to know",
    Cause.HOST_KEY: "connect to the host once and look at its key",
    Cause.SHORTAGE: "close something, or raise the limit (ulimit -n)",
    Cause.OTHER: "r tries again",
}


def is_proxy(tunnel: TunnelSnapshot) -> bool:
    """Return whether the clients say where it leads."""
    return tunnel.spec.is_socks


def name_of(tunnel: TunnelSnapshot) -> str:
    """Return the rule's name, cleaned; empty for a forward that nobody has named."""
    return _cleaned(tunnel.rule.name) if tunnel.rule is not None else ""


def title_of(tunnel: TunnelSnapshot) -> str:
    """Return the name, else the way: what a tunnel is called in a sentence."""
    return name_of(tunnel) or f"{_cleaned(tunnel.listen)} → {_cleaned(tunnel.target)}"


def way_of(tunnel: TunnelSnapshot, short: bool = False) -> tuple[str, str, str]:
    """Return where it listens, the badge where others can reach that, and the target.

    Of a `short` one ``localhost`` is left out of both.
    """
    return _way(tunnel.listen, tunnel.target, tunnel.exposed, is_proxy(tunnel), short)


@lru_cache(maxsize=2048)
def _way(listen: str, target: str, exposed: bool, proxy: bool, short: bool) -> tuple[str, str, str]:
    listen, target = clean(listen, 80), clean(target, 80)
    if short:
        listen, target = listen.removeprefix("localhost"), target.removeprefix("localhost")
    led = "anywhere" if proxy else target
    return listen, " ⚠" if exposed else "", f" → {led}"


@lru_cache(maxsize=2048)
def _cleaned(text: str) -> str:
    return clean(text, 80)


def broken_leg(tunnel: TunnelSnapshot) -> Leg | None:
    """Return the first leg that fails."""
    return next((leg for leg in tunnel.legs if leg.state is LegState.FAILED), None)


def cause_of(tunnel: TunnelSnapshot) -> Cause | None:
    """Return why it does not get through, None where nobody said."""
    leg = broken_leg(tunnel)
    return leg.cause if leg is not None else None


def next_step(tunnel: TunnelSnapshot) -> str:
    """Return what to do about a tunnel that does not get through; empty for one that does."""
    if tunnel.state is TunnelState.DEGRADED or tunnel.state is TunnelState.FAILED:
        cause = cause_of(tunnel)
        if cause is None:
            failed = tunnel.state is TunnelState.FAILED
            cause = Cause.OTHER if failed else Cause.TARGET_REFUSED
        if cause is Cause.CONNECTION_DOWN and tunnel.state is TunnelState.FAILED:
            return "it is not tried again by itself: r does, or Enter"
        return _NEXT[cause]
    return ""


def standing(tunnel: TunnelSnapshot, width: int = 80) -> str:
    """Return how it is in a word or two: since when, until when, or why not.

    Where all of it does not fit in `width` cells, the less important is left out.
    """
    words, short = _standing(tunnel)
    if tunnel.owner:
        owner = _cleaned(tunnel.owner)
        words, short = f"{AWAY_MARK} {words}", f"{AWAY_MARK} {short}"
        for named in (f"{words}, {owner}", f"{words}, {owner.partition(' ')[0]}"):
            if len(named) <= width:
                return named
    return words if len(words) <= width else short


def _standing(tunnel: TunnelSnapshot) -> tuple[str, str]:
    state = tunnel.state
    if state is TunnelState.OPEN and tunnel.uptime is not None:
        words = f"up {uptime_text(tunnel.uptime)}"
        return words, " ".join(words.split()[:3])  # without the smaller unit
    if state is TunnelState.RECONNECTING and tunnel.retry_in is not None:
        words = f"retry {ceil(tunnel.retry_in)} s"
    elif state is TunnelState.RECONNECTING:
        words = "waiting"
    elif state in _TROUBLED and cause_of(tunnel) not in (None, Cause.OTHER):
        words = _SHORT[cause_of(tunnel) or Cause.OTHER]
    elif state is TunnelState.PAUSED and tunnel.holds_port:
        return "paused, keeps port", "paused"
    else:
        words = str(state.value)
    return words, words


def uptime_text(seconds: float) -> str:
    """Return how long it is open, by the minute.

    Rows that change every second would all be drawn every second.
    """
    return duration_text(seconds) if seconds >= _MINUTE else "<1 min"


def meaning(tunnel: TunnelSnapshot) -> str:
    """Return what it is for, in a sentence."""
    listen, target, host = map(_cleaned, (tunnel.listen, tunnel.target, tunnel.host))
    return meaning_of(tunnel.kind, listen, "" if is_proxy(tunnel) else target, host)


def meaning_of(kind: Kind, listen: str, target: str, host: str) -> str:
    """Return what a forward is for; the texts are cleaned, `target` is empty for a proxy."""
    if kind is Kind.REMOTE:
        if target:
            return f"Programs on {host} that connect to {listen} reach {target} as seen from here."
        return f"Programs on {host} with {listen} as their SOCKS proxy connect from here."
    if target:
        return f"Programs here that connect to {listen} reach {target} as {host} sees it."
    return f"Programs here with {listen} as their SOCKS or HTTP proxy connect from {host}."
