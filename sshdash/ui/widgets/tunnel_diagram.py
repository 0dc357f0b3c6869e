"""A tunnel as one line, from who connects to where the bytes end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

Part = tuple[str, str]
"""A text and the role it has: end, hop, line, broken or here."""

_LINE = {
    TunnelState.CLOSED: " ┄┄▷ ",
    TunnelState.OPENING: " ╌╌▷ ",
    TunnelState.OPEN: " ──▶ ",
    TunnelState.DEGRADED: " ──▶ ",
    TunnelState.RECONNECTING: " ╌╌▷ ",
    TunnelState.PAUSED: " ╌‖╌ ",
    TunnelState.FAILED: " ─✖─ ",
}
_REFUSED = " ─▲─ "


def diagram(tunnel: TunnelSnapshot) -> list[Part]:
    """Return the parts of the line, the way the clients' bytes go.

    A local or dynamic forward begins here, a remote one at the listening port of the far host.
    Where it is broken the line is too: before the first hop for a tunnel that failed, before
    the target for one whose target refuses.
    """
    line = _LINE[tunnel.state]
    last = _REFUSED if tunnel.state is TunnelState.DEGRADED else line
    hops = [clean(hop, 60) for hop in tunnel.route]
    port = tunnel.listen
    if tunnel.kind is Kind.REMOTE:
        hops.reverse()
        first = hops[0] if hops else clean(tunnel.host, 60)
        ends: list[Part] = [(f"{first} {port}", "end")]
        middle = [*hops[1:], "you"]
    else:
        ends = [(f"you {port}", "end")]
        middle = hops
    target = "anywhere (SOCKS5)" if tunnel.spec.is_socks else tunnel.target
    parts = list(ends)
    for hop in middle:
        parts += [(line, "line"), (hop, "here" if hop == "you" else "hop")]
    return [*parts, (last, "line"), (target, "end")]
