"""Our end of a connection: BindAddress and BindInterface."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Iterable
from typing import Any

from sshdash.config.resolver import ResolvedHost

SocketAddress = tuple[Any, ...]


async def local_address(resolved: ResolvedHost, family: int) -> SocketAddress | None:
    """Return the address to connect from, None where the system may choose.

    BindAddress goes before BindInterface, as with ssh. Raises OSError for an address that does
    not exist, or an interface that has none of this family.
    """
    chosen = resolved.get("bindaddress")
    if chosen is None:
        interface = resolved.get("bindinterface")
        if interface is None:
            return None
        chosen = await asyncio.to_thread(_address_of, interface, family)
    loop = asyncio.get_running_loop()
    flags = socket.AI_PASSIVE
    kind = socket.SOCK_STREAM
    try:
        found = await loop.getaddrinfo(chosen, None, family=family, type=kind, flags=flags)
    except socket.gaierror as error:  # not the name of the host that does not resolve
        raise OSError(errno.EADDRNOTAVAIL, error.strerror) from error
    return found[0][4]


def _address_of(interface: str, family: int) -> str:
    """Return an address of a network interface; raises OSError where it has none."""
    import psutil

    state = psutil.net_if_stats().get(interface)
    entries = psutil.net_if_addrs().get(interface, ()) if state and state.isup else ()
    address = best_address(entry.address for entry in entries if entry.family == family)
    if address is None:
        reason = f"{os.strerror(errno.EADDRNOTAVAIL)}: interface {interface} has no address of ours"
        raise OSError(errno.EADDRNOTAVAIL, reason)
    return address


def best_address(addresses: Iterable[str]) -> str | None:
    """Return the first of an interface's addresses that leads far, else the first of all."""
    known = list(addresses)
    far = [address for address in known if not _is_near(address)]
    return next(iter(far or known), None)


def _is_near(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed == ipaddress.IPv4Address("127.0.0.1")
    return parsed.is_link_local or parsed.is_loopback
