"""Whether other machines reach a remote forward, which the server's GatewayPorts decides."""

import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.tunnel_kit import echo, target
from tests.servers.sshd import RealSshd

KEPT_OUT = "other machines cannot connect: the server listens for itself only"


@pytest.mark.parametrize(
    ("gateway_ports", "text", "exposed", "told"),
    [
        ("no", "*:0:127.0.0.1:{}", False, True),
        ("no", "*:0", False, True),
        ("clientspecified", "*:0:127.0.0.1:{}", True, False),
        ("no", "0:127.0.0.1:{}", False, False),
    ],
)
async def test_a_probe_tells_whether_the_server_keeps_others_out(
    backend_for: BackendFor, gateway_ports: str, text: str, exposed: bool, told: bool
) -> None:
    async with target(echo) as port, RealSshd(GatewayPorts=gateway_ports) as sshd:
        backend = await backend_for(sshd.config_file)
        spec = parse_forward(Kind.REMOTE, text.format(port))
        tunnel = backend.tunnels.add("sshd", spec)
        snapshot = await backend.tunnels.start(tunnel)
        assert snapshot.state is TunnelState.OPEN
        assert snapshot.exposed is spec.exposed, "nobody has looked yet"
        result = await backend.tunnels.probe(tunnel)
        assert (KEPT_OUT in result.text) is told
        assert result.cause is None
        snapshot = backend.tunnels.snapshot(tunnel)
        assert snapshot.exposed is exposed
        assert snapshot.state is TunnelState.OPEN
