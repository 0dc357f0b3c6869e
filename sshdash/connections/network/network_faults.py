"""Why a name has no address, or none of its addresses answers."""

import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.network.system_faults import explain_socket
from sshdash.errors import UnreachableError
from sshdash.untrusted import clean

_FAMILIES = {"inet": "IPv4", "inet6": "IPv6"}
_NO_WAY = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTUNREACH)


def name_failed(error: OSError | UnicodeError, host: str, resolved: ResolvedHost) -> Exception:
    """Return the error of a name that has no address."""
    failure = explain_socket(error, host, resolved.hostname, resolved.port)
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        failure.title = "The name server does not answer"
        failure.hint = "are you online, or is a VPN missing? an address needs no name server"
        return failure
    family = _FAMILIES.get((resolved.get("addressfamily") or "").lower())
    if family:
        failure.title = f"The name has no {family} address"
        failure.hint = f"AddressFamily {resolved.get('addressfamily')} leaves no other"
    return failure


def all_failed(
    errors: Sequence[OSError], found: Sequence[Any], host: str, resolved: ResolvedHost
) -> UnreachableError:
    """Return the error of the last address, with the others' reasons in its detail."""
    failure = explain_socket(errors[-1], host, resolved.hostname, resolved.port)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if addresses != [resolved.hostname]:
        failure.detail += f" ({clean(', '.join(addresses))})"
    if len(errors) > 1:
        reasons = ", ".join(dict.fromkeys(system_reason(error) for error in errors))
        failure.detail += f"; {len(errors)} addresses tried: {reasons}"
    only_six = all(family == socket.AF_INET6 for family, *_ in found)
    if only_six and all(error.errno in _NO_WAY for error in errors):
        failure.title = "No IPv6 here, and the host has no other address"
        failure.hint = "use a network with IPv6, or a jump host that has it (ProxyJump)"
    return failure


def system_reason(error: OSError) -> str:
    """Return the system's words for one address."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
