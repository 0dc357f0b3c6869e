"""What listens on a host, made from what its tools tell of single sockets. Pure."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One listening socket, as a tool tells of it."""

    address: str
    """An IP address, ``0.0.0.0`` or ``::`` for all; one of IPv6 may name its interface."""
    port: int
    process: str = ""
    """Its name, cleaned; empty where it cannot be seen."""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """What listens on one port of a host, on one address or on the IPv4 and IPv6 twins of it."""

    port: int
    """0 for a Unix socket."""
    addresses: tuple[str, ...]
    process: str = ""
    """Its name, cleaned; empty where it cannot be seen."""
    pid: int | None = None
    path: str = ""
    """Of a Unix socket."""
    carries_us: bool = False
    """Whether it is the sshd that tells all this."""

    @property
    def is_loopback(self) -> bool:
        """Return whether only the host itself reaches it."""
        return bool(self.path) or all(
            ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in self.addresses
        )

    @property
    def where(self) -> str:
        """Return its address in short: ``localhost``, ``*``, ``10.0.0.5``, a path."""
        if self.path:
            return self.path
        if _ANY.intersection(self.addresses):
            return "*"
        return "localhost" if _LOOPBACK.issuperset(self.addresses) else self.addresses[0]

    @property
    def target(self) -> str:
        """Return what the host itself reaches it by: a name, an address, a path."""
        if self.path:
            return self.path
        if _ANY.intersection(self.addresses) or _LOOPBACK.issubset(self.addresses):
            return "localhost"
        return self.addresses[0]

    @property
    def reached_by(self) -> frozenset[str]:
        """Return every name that leads to it on the host."""
        names = {self.target, *self.addresses}
        if (_LOOPBACK | _ANY).intersection(self.addresses):
            names |= {"localhost", *_LOOPBACK}
        return frozenset(names)


@dataclass(frozen=True, slots=True)
class Discovered:
    """What one host told of what listens on it."""

    listening: tuple[Listening, ...]
    via: tuple[str, ...]
    """The tools that told."""
    complete: bool = True
    """Whether all of it was read."""

    @property
    def hides_processes(self) -> bool:
        """Return whether the processes of some ports could not be seen."""
        return any(not one.process for one in self.listening if not one.path)


def endpoint(address: str, port: str, process: str = "", pid: int | None = None) -> Endpoint | None:
    """Return a socket on an address as tools write them, None for what is none.

    IPv4 addresses in IPv6 ones are unfolded; the interface is kept only where it is needed.
    """
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535):
        return None
    bare, percent, zone = address.partition("%")
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    needs_zone = percent and found.version == 6 and found.is_link_local
    if needs_zone and not (zone.isascii() and zone.isalnum()):
        return None
    return Endpoint(f"{found}%{zone}" if needs_zone else f"{found}", int(port), process, pid)


def fold(endpoints: Iterable[Endpoint], ours: Endpoint | None = None) -> list[Listening]:
    """Return one line for each port and kind of address, by port.

    What several tools tell of one socket is one; the twins of IPv4 and IPv6 are one where the
    same process, or none that can be seen, has both. `ours` is where this connection arrived.
    """
    known: dict[tuple[int, str], Endpoint] = {}
    for one in endpoints:
        there = known.get((one.port, one.address))
        if there is None or (one.process and not there.process):
            known[one.port, one.address] = one
    folded: dict[tuple[int, str, int | None], Listening] = {}
    for one in known.values():
        key = (one.port, _kind(one.address), one.pid)
        before = folded.get(key)
        addresses = (*before.addresses, one.address) if before is not None else (one.address,)
        folded[key] = Listening(
            one.port, tuple(sorted(addresses, key=_order)), one.process, one.pid
        )
    return [
        replace(one, carries_us=ours is not None and _has(one, ours))
        for one in sorted(folded.values(), key=lambda one: (one.port, _order(one.addresses[0])))
    ]


def _has(listening: Listening, end: Endpoint) -> bool:
    there = _ANY.union((end.address,)).intersection(listening.addresses)
    return listening.port == end.port and bool(there)


def _kind(address: str) -> str:
    if address in _ANY:
        return "*"
    return "localhost" if address in _LOOPBACK else address


def _order(address: str) -> tuple[bool, str]:
    """IPv4 goes first."""
    return ":" in address, address
