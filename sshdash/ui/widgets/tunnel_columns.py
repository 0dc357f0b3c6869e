"""The columns of the tunnel table: which there are at a width, and how wide."""

from __future__ import annotations

from dataclasses import dataclass

_GAP = 2
_MARK = 3
_KIND = 2
"""The letter of the kind with a space behind it."""
_HOST = (4, 10, 20)
"""At least, at first, and at most."""
_NAME = (6, 12, 28)
_WAY = (16, 56)
_CLIENTS = 3
_TRAFFIC = 9
_SPARK = (6, 30)
_STANDING = (11, 20)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How wide the columns would like to be; 0 for one that has nothing to show."""

    name: int
    host: int
    way: int
    short_way: int
    """The way without ``localhost``."""


@dataclass(frozen=True, slots=True)
class TunnelColumns:
    """The widths of the columns; 0 leaves a column out."""

    name: int
    way: int
    host: int
    clients: int
    traffic: int
    spark: int
    standing: int
    short: bool
    """Whether ``localhost`` is left out of all listening addresses, which are then shorter."""

    @classmethod
    def fit(cls, width: int, wishes: Wishes) -> TunnelColumns:
        """Return the columns for a width.

        Where it leads and how it is stay at any width; host, traffic, name, clients and
        sparkline come in while there is room, and what is left makes them wider.
        """
        room = width - _MARK - _KIND - _WAY[0] - _GAP - _STANDING[0]
        host = name = traffic = clients = spark = 0
        if wishes.host and room >= _GAP + _HOST[0]:
            host = min(max(wishes.host, _HOST[0]), _HOST[1], room - _GAP)
            room -= _GAP + host
        if room >= 2 * _TRAFFIC + 1 + _GAP:
            traffic = _TRAFFIC
            room -= 2 * _TRAFFIC + 1 + _GAP
        if wishes.name and room >= _GAP + _NAME[0]:
            name = min(max(wishes.name, _NAME[0]), _NAME[1], room - _GAP)
            room -= _GAP + name
        short = wishes.way > _WAY[0] + room
        wanted = min(max(wishes.short_way if short else wishes.way, _WAY[0]), _WAY[1])
        way = _WAY[0] + min(wanted - _WAY[0], max(room, 0))
        room -= way - _WAY[0]
        if room >= _GAP + _CLIENTS:
            clients = _CLIENTS
            room -= _GAP + _CLIENTS
        if room >= _GAP + _SPARK[0]:
            spark = _SPARK[0]
            room -= _GAP + spark
        more = _Room(room)
        name += more.take(min(wishes.name, _NAME[2]) - name) if name else 0
        host += more.take(min(wishes.host, _HOST[2]) - host) if host else 0
        standing = _STANDING[0] + more.take(_STANDING[1] - _STANDING[0])
        spark += more.take(_SPARK[1] - spark) if spark else 0
        return cls(name, way + max(more.left, 0), host, clients, traffic, spark, standing, short)


@dataclass(slots=True)
class _Room:
    left: int

    def take(self, wanted: int) -> int:
        """Return as much of what is wanted as there is."""
        taken = max(min(wanted, self.left), 0)
        self.left -= taken
        return taken


def head_text(columns: TunnelColumns) -> str:
    """Return the names of the columns on a line."""
    gap = " " * _GAP
    text = " " * _MARK
    if columns.name:
        text += f"{'name':<{columns.name}}{gap}"
    text += " " * _KIND + f"{'listens → target':<{columns.way}}"
    if columns.host:
        text += f"{gap}{'host':<{columns.host}}"
    if columns.clients:
        text += f"{gap}{'cli':>{columns.clients}}"
    if columns.traffic:
        text += f"{gap}{'↑':>{columns.traffic}} {'↓':>{columns.traffic}}"
    if columns.spark:
        text += f"{gap}{'last 30 s' if columns.spark >= 9 else 'rate':<{columns.spark}}"
    return f"{text}{gap}{'state':<{columns.standing}}"
