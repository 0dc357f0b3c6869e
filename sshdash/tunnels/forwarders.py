"""Which forward a spec takes."""

from typing import TYPE_CHECKING

from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.dynamic import DynamicForwarder
from sshdash.tunnels.forwarder import Forwarder, LocalForwarder, Observer
from sshdash.tunnels.remote import RemoteForwarder
from sshdash.tunnels.spec import ForwardSpec, Kind

if TYPE_CHECKING:
    from sshdash.connections.connection import Connection

_FORWARDERS: dict[Kind, type[Forwarder]] = {
    Kind.LOCAL: LocalForwarder,
    Kind.REMOTE: RemoteForwarder,
    Kind.DYNAMIC: DynamicForwarder,
}


def forwarder_for(
    spec: ForwardSpec, connection: "Connection", traffic: Traffic, observer: Observer
) -> Forwarder:
    """Return what runs a forward on a connection, not listening yet."""
    gateway_ports = spec.kind is not Kind.REMOTE and connection.resolved.flag("gatewayports")
    return _FORWARDERS[spec.kind](spec, connection.ssh, traffic, observer, gateway_ports)
