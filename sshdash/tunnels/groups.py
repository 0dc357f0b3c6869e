"""Exclusive groups: of the rules of one group, one runs at a time."""

from collections.abc import Iterable

from sshdash.tunnels.tunnel import Tunnel


def running_rivals(tunnel: Tunnel, tunnels: Iterable[Tunnel]) -> list[Tunnel]:
    """Return the tunnels that have to close for this one: of other rules of its rule's group."""
    rule = tunnel.rule
    if rule is None or not rule.group:
        return []
    return [
        one
        for one in tunnels
        if one.is_running
        and one.rule is not None
        and one.rule.group == rule.group
        and one.rule.name != rule.name
    ]
