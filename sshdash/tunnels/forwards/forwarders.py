"""Which forward a spec takes."""

from typing import TYPE_CHECKING

from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.forwards.dynamic import DynamicForwarder
from sshdash.tunnels.forwards.forwarder import Forwarder
from sshdash.tunnels.forwards.local import LocalForwarder
from sshdash.tunnels.forwards.observer import Observer
from sshdash.tunnels.forwards.options import ForwardOptions
from sshdash.tunnels.forwards.remote import RemoteForwarder
from sshdash.tunnels.forwards.remote_dynamic import RemoteDynamicForwarder
from sshdash.tunnels.spec import ForwardSpec, Kind

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

_FORWARDERS: dict[Kind, type[Forwarder]] = {
    Kind.LOCAL: LocalForwarder,
    Kind.REMOTE: RemoteForwarder,
    Kind.DYNAMIC: DynamicForwarder,
}


def early_forwarder(
    spec: ForwardSpec, options: ForwardOptions, traffic: Traffic, observer: Observer
) -> Forwarder | None:
    """Return what takes its port here before there is a connection; None where that has to wait.

    So has what others could reach by GatewayPorts: that is known for certain once connected.
    """
    if spec.kind is Kind.REMOTE or (options.gateway_ports and spec.bind is None):
        return None
    return _FORWARDERS[spec.kind](spec, None, traffic, observer, options)


def forwarder_for(
    spec: ForwardSpec, lease: "Lease", traffic: Traffic, observer: Observer
) -> Forwarder:
    """Return what runs a forward on a lease's connection, not listening yet."""
    options = ForwardOptions.of(lease.resolved)
    is_remote_socks = spec.kind is Kind.REMOTE and spec.is_socks
    make = RemoteDynamicForwarder if is_remote_socks else _FORWARDERS[spec.kind]
    return make(spec, lease.connection.ssh, traffic, observer, options)
