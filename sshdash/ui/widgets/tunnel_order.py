"""Which tunnels the table lists, and in which order."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from sshdash.states import TunnelState
from sshdash.tunnels.discover.services import service_of, service_of_socket
from sshdash.ui.widgets.tunnel_words import RUNNING, name_of, standing, title_of, way_of
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sshdash.tunnels.snapshot import TunnelSnapshot
    from sshdash.tunnels.spec import ForwardSpec


class Sorting(Enum):
    """What the table is sorted by; the value is what the screen calls it."""

    LISTED = "as listed"
    STATE = "trouble first"
    TRAFFIC = "traffic"
    NAME = "name"

    @property
    def following(self) -> Sorting:
        """The one after it, round and round."""
        every = list(Sorting)
        return every[(every.index(self) + 1) % len(every)]


_TROUBLE = (
    TunnelState.FAILED,
    TunnelState.DEGRADED,
    TunnelState.RECONNECTING,
    TunnelState.OPENING,
    TunnelState.PAUSED,
    TunnelState.OPEN,
    TunnelState.CLOSED,
)


def arranged(
    tunnels: Iterable[TunnelSnapshot], sorting: Sorting, *, by_host: bool, words: str = ""
) -> list[TunnelSnapshot]:
    """Return the tunnels that have all `words`, sorted; by host first where that is wanted.

    Hosts keep the order in which their first tunnel was listed.
    """
    wanted = words.casefold().split()
    found = [one for one in tunnels if not wanted or _matches(one, wanted)]
    if sorting is Sorting.STATE:
        found.sort(key=lambda one: _TROUBLE.index(one.state))
    elif sorting is Sorting.TRAFFIC:
        found.sort(key=_traffic, reverse=True)
    elif sorting is Sorting.NAME:
        found.sort(key=lambda one: title_of(one).casefold())
    if by_host:
        places: dict[str, int] = {}
        for one in found:
            places.setdefault(one.host, len(places))
        found.sort(key=lambda one: places[one.host])
    return found


def _traffic(tunnel: TunnelSnapshot) -> tuple[int, int]:
    """Return a key that does not change with every byte, so that rows do not dance."""
    minute = int(tunnel.minute_up + tunnel.minute_down)
    return minute.bit_length(), (tunnel.bytes_up + tunnel.bytes_down).bit_length()


def _matches(tunnel: TunnelSnapshot, wanted: list[str]) -> bool:
    rule = tunnel.rule
    said = [clean(tunnel.host, 80), tunnel.kind.word, *way_of(tunnel), standing(tunnel)]
    said += [name_of(tunnel), str(tunnel.state.value), service_word(tunnel.spec)]
    said += [clean(hop, 80) for hop in tunnel.route]
    if rule is not None:
        said += [clean(rule.note, 200), rule.group, *(f"#{tag}" for tag in rule.tags)]
    text = " ".join(said).casefold()
    return all(word in text for word in wanted)


@lru_cache(maxsize=2048)
def service_word(spec: ForwardSpec) -> str:
    """Return what usually answers where a forward leads, like ``postgres``."""
    if spec.is_socks:
        return "socks proxy"
    service = service_of_socket(spec.target_path) or service_of(spec.target_port)
    return service.name if service is not None else ""


def to_open(host: str, tunnels: Sequence[TunnelSnapshot]) -> list[TunnelSnapshot]:
    """Return what is closed of a host, to be opened together.

    Of an exclusive group that is the rule that runs anywhere, else the first of the host.
    """
    chosen: dict[str, str] = {}
    closed = [one for one in tunnels if one.host == host and one.state not in RUNNING]
    in_use = (one for one in tunnels if one.state not in (TunnelState.CLOSED, TunnelState.FAILED))
    for one in (*in_use, *closed):
        if one.rule is not None:
            chosen.setdefault(one.rule.group, one.rule.name)
    return [
        one
        for one in closed
        if one.rule is None or not one.rule.group or chosen[one.rule.group] == one.rule.name
    ]


def siblings(tunnel: TunnelSnapshot, tunnels: Iterable[TunnelSnapshot]) -> list[TunnelSnapshot]:
    """Return all forwards of the rule of `tunnel`, itself among them."""
    if tunnel.rule is None:
        return [tunnel]
    same = [
        one
        for one in tunnels
        if one.rule is not None and one.rule.name == tunnel.rule.name and one.host == tunnel.host
    ]
    return same or [tunnel]
