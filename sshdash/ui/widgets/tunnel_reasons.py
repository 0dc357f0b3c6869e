"""Why a command of the tunnels is not available now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sshdash.states import TunnelState
from sshdash.ui.widgets.tunnel_order import to_open
from sshdash.ui.widgets.tunnel_words import RUNNING
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_ALWAYS = ("add", "sort", "group", "quit")
_OURS = ("restart", "remove", "edit", "probe", "cut", "history")
"""What can be done only with tunnels that run here."""


def why_not(name: str, tunnel: TunnelSnapshot | None, tunnels: Sequence[TunnelSnapshot]) -> str:
    """Return why the command `name` does nothing with `tunnel`, empty where it does something."""
    if name in _ALWAYS:
        return ""
    if not tunnels:
        return "There are no tunnels yet; a adds one"
    if name in ("filter", "map"):
        return ""
    if tunnel is None:
        return "No tunnel matches the filter"
    if tunnel.owner and name in _OURS:
        return f"It runs in {clean(tunnel.owner, 60)}: take it over first"
    if not tunnel.owner and name == "take":
        return "It is no other process's"
    return _of_one(name, tunnel, tunnels)


def _of_one(name: str, tunnel: TunnelSnapshot, tunnels: Sequence[TunnelSnapshot]) -> str:
    running = tunnel.state in RUNNING
    if name == "restart" and not running and tunnel.state is not TunnelState.FAILED:
        return "The tunnel is not open"
    if name == "pause" and not running and tunnel.state is not TunnelState.PAUSED:
        return "The tunnel is not open"
    if name == "probe" and tunnel.state not in (TunnelState.OPEN, TunnelState.DEGRADED):
        return "The tunnel is not open"
    if name == "cut" and not tunnel.clients:
        return "The tunnel has no clients"
    own = [one.state in RUNNING for one in tunnels if one.host == tunnel.host]
    if name == "start_all" and not to_open(tunnel.host, tunnels):
        rest = "" if all(own) else ", or another of its group is"
        return f"Every tunnel of {clean(tunnel.host, 60)} is open{rest}"
    if name == "stop_all" and not any(own):
        return f"No tunnel of {clean(tunnel.host, 60)} is open"
    return ""
