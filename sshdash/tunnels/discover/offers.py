"""What to forward of what listens on a host, and how: a free port here, a name, a web address."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from sshdash.states import TunnelState
from sshdash.tunnels.discover.listening import Discovered, Listening
from sshdash.tunnels.discover.services import (
    SSH,
    Service,
    scheme_of,
    service_of,
    service_of_socket,
    usual_port,
)
from sshdash.tunnels.ports import port_here
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind, host_port

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that listens on a host, and the forward that would lead to it."""

    listening: Listening
    service: Service | None
    """What answers there, None where nobody knows."""
    scheme: str
    """How a browser would ask it, empty for what is nothing for one."""
    port: int
    """Free here; 0 lets the system choose."""
    tunnel: str = ""
    """The id of the tunnel that leads there already, empty where none does."""
    tunnel_listens: str = ""
    """Where that one listens, empty where it is not open."""
    tunnel_state: TunnelState | None = None

    @property
    def spec(self) -> ForwardSpec:
        """Return the forward that leads there.

        What a host says is not parsed as a person's words are: nothing in it is expanded.
        """
        one = self.listening
        if one.path:
            return ForwardSpec(Kind.LOCAL, None, self.port, target_path=one.path)
        return ForwardSpec(Kind.LOCAL, None, self.port, one.target, one.port)

    @property
    def page(self) -> str:
        """Return the address it will have for a browser, empty unless it is known to be a page."""
        is_page = self.service is not None and self.service.scheme and self.port
        return f"{self.scheme}://localhost:{self.port}/" if is_page else ""


def offers(host: str, found: Discovered, tunnels: Iterable[TunnelSnapshot]) -> list[Offer]:
    """Return what is offered of what listens on `host`, given the tunnels there are.

    Looks for free ports on this machine, which takes microseconds each.
    """
    listed = list(tunnels)
    here = (one for one in listed if one.kind is not Kind.REMOTE)
    taken = {port for one in here if (port := listening_port(one))}
    leading = [one for one in listed if one.host == host and one.kind is Kind.LOCAL]
    made = []
    for one in found.listening:
        offer = _offer(one, leading, taken)
        if offer.port and not offer.tunnel:
            taken.add(offer.port)
        made.append(offer)
    return made


def _offer(one: Listening, leading: list[TunnelSnapshot], taken: set[int]) -> Offer:
    if one.path:
        service = service_of_socket(one.path)
        port, scheme = usual_port(service), ""
    else:
        service = SSH if one.carries_us else service_of(one.port, one.process)
        port = one.port
        scheme = "" if one.carries_us else scheme_of(one.port, one.process)
    for tunnel in leading:
        spec = tunnel.spec
        if one.path:
            leads = one.path == spec.target_path
        else:
            leads = spec.target_port == one.port and spec.target_host.lower() in one.reached_by
        if leads:
            listens = tunnel.listen if tunnel.state in _LISTENS else ""
            here, state = listening_port(tunnel), tunnel.state
            return Offer(one, service, scheme, here, tunnel.id, listens, state)
    return Offer(one, service, scheme, port_here(port, taken))


_LISTENS = frozenset({TunnelState.OPEN, TunnelState.DEGRADED, TunnelState.RECONNECTING})


def listening_port(tunnel: TunnelSnapshot) -> int:
    """Return the port that a tunnel listens on, 0 where it has none yet."""
    port = tunnel.listen.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0


def local_address(tunnel: TunnelSnapshot) -> str:
    """Return where programs here reach what a tunnel leads to: ``localhost:5432``.

    Empty where they do not. It is made of nothing that a host says.
    """
    port = listening_port(tunnel)
    if tunnel.kind is not Kind.LOCAL or not port:
        return ""
    return host_port(_host(tunnel.spec.bind or "localhost"), port)


def web_address(tunnel: TunnelSnapshot, scheme: str | None = None) -> str:
    """Return the address of what a tunnel leads to, for a browser, empty where there is none.

    `scheme` is known of what was discovered; without it, the target's port tells.
    """
    address = local_address(tunnel)
    if scheme is None:
        scheme = scheme_of(tunnel.spec.target_port) if tunnel.spec.target_port else ""
    return f"{scheme}://{address}/" if scheme in ("http", "https") and address else ""


def _host(bind: str) -> str:
    """Return the name that reaches a bound address from here."""
    try:
        address = ip_address(bind)
    except ValueError:
        return bind if _NAME.fullmatch(bind) else "localhost"
    return "localhost" if address.is_unspecified else f"{address}"
