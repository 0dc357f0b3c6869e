"""Whether other machines reach a remote forward, which the server's GatewayPorts decides."""

import os

import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.sshd import RealSshd

KEPT_OUT = "other machines cannot connect: the server listens for itself only"
LET_IN = "other machines can connect: the server listens for all"


@pytest.mark.parametrize(
    ("gateway_ports", "text", "exposed", "told"),
    [
        ("no", "*:0:127.0.0.1:{}", False, KEPT_OUT),
        ("no", "*:0", False, KEPT_OUT),
        ("clientspecified", "*:0:127.0.0.1:{}", True, ""),
        ("no", "0:127.0.0.1:{}", False, ""),
        ("clientspecified", "0:127.0.0.1:{}", False, ""),
        ("yes", "0:127.0.0.1:{}", True, LET_IN),
    ],
)
async def test_a_probe_tells_who_can_connect_to_the_server(
    backend_for: BackendFor, gateway_ports: str, text: str, exposed: bool, told: str
) -> None:
    async with target(echo) as port, RealSshd(GatewayPorts=gateway_ports) as sshd:
        backend = await backend_for(sshd.config_file)
        spec = parse_forward(Kind.REMOTE, text.format(port))
        tunnel = backend.tunnels.add("sshd", spec)
        snapshot = await backend.tunnels.start(tunnel)
        assert snapshot.state is TunnelState.OPEN
        assert snapshot.exposed is spec.exposed, "nobody has looked yet"
        result = await backend.tunnels.probe(tunnel)
        assert [one for one in (KEPT_OUT, LET_IN) if one in result.text] == ([told] if told else [])
        assert result.cause is None
        snapshot = backend.tunnels.snapshot(tunnel)
        assert snapshot.exposed is exposed
        assert snapshot.state is TunnelState.OPEN


async def test_a_probe_names_who_else_has_the_port_there(backend_for: BackendFor) -> None:
    async with target(echo) as taken, RealSshd() as sshd:
        backend = await backend_for(sshd.config_file)
        spec = parse_forward(Kind.REMOTE, f"{taken}:127.0.0.1:{taken}")
        tunnel = backend.tunnels.add("sshd", spec)
        # This process has 127.0.0.1: sshd is content with ::1, and does not say so.
        assert (await backend.tunnels.start(tunnel)).state is TunnelState.OPEN
        result = await backend.tunnels.probe(tunnel)
        assert f"(pid {os.getpid()}) has 127.0.0.1:{taken} there" in result.text
        assert result.cause is None


async def test_a_server_without_room_for_a_session_keeps_the_tunnel_where_it_is(
    backend_for: BackendFor,
) -> None:
    async with target(echo) as port, RealSshd(MaxSessions="1") as sshd:
        backend = await backend_for(sshd.config_file)
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.REMOTE, f"*:0:127.0.0.1:{port}"))
        assert (await backend.tunnels.start(tunnel)).state is TunnelState.OPEN
        connection = backend.tunnels._tunnels[tunnel].connection
        other = await backend.connections.lease("sshd", "shell")
        process = await other.session(lambda ssh: ssh.create_process("cat"))
        result = await backend.tunnels.probe(tunnel)
        assert result.cause is None
        assert backend.tunnels._tunnels[tunnel].connection is connection
        listen = int(backend.tunnels.snapshot(tunnel).listen.rpartition(":")[2])
        assert await exchange(listen, b"still there") == b"still there"
        process.close()
        other.release()
