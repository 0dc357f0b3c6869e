"""Tunnels on the shared connections of a whole backend."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.events import Event, TunnelChanged, TunnelRemoved
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.connecting import until
from tests.live.tunnel_kit import echo, exchange, target
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


@contextlib.asynccontextmanager
async def backend_on(server: RealSshd, **settings: Any) -> AsyncIterator[Backend]:
    """Run a backend whose configuration knows the server."""
    source = ConfigSource.standard(str(server.config_file))
    async with Backend(Settings(**settings), RefusingPrompter(), source) as backend:
        await backend.load()
        yield backend


async def reached(backend: Backend, tunnels: list[str], state: TunnelState) -> None:
    """Wait until all these tunnels are in a state."""
    changed = asyncio.Event()
    unsubscribe = backend.events.subscribe(lambda event: changed.set())
    async with asyncio.timeout(PATIENCE):
        while {backend.tunnels.snapshot(one).state for one in tunnels} != {state}:
            changed.clear()
            await changed.wait()
    unsubscribe()


def both_loopbacks(port: int) -> contextlib.ExitStack:
    """Hold a port of every loopback address: sshd is content with one of them."""
    held = contextlib.ExitStack()
    held.enter_context(socket.create_server(("127.0.0.1", port)))
    with contextlib.suppress(OSError):  # no IPv6 here
        held.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
    return held


async def test_tunnels_of_a_host_share_its_connection_and_start_again(sshd: RealSshd) -> None:
    async with target(echo) as port, backend_on(sshd, reconnect=False) as backend:
        specs = [parse_forward(Kind.LOCAL, f"0:127.0.0.1:{port}"), parse_forward(Kind.DYNAMIC, "0")]
        tunnels = [backend.tunnels.add("sshd", spec) for spec in specs]
        assert [backend.tunnels.add("sshd", spec) for spec in specs] == tunnels
        await asyncio.gather(*(backend.tunnels.start(one) for one in tunnels))
        await reached(backend, tunnels, TunnelState.OPEN)
        assert len(sshd.connections()) == 1
        assert backend.live().tunnels == 2
        assert backend.connections.status("sshd").leases == {"tunnel": 2}

        sshd.kill_connections()
        await reached(backend, tunnels, TunnelState.FAILED)
        assert "Connection lost" in backend.tunnels.snapshot(tunnels[0]).error
        assert backend.tunnels.failure(tunnels[0])

        snapshot = await backend.tunnels.start(tunnels[0])
        assert snapshot.state is TunnelState.OPEN
        assert (snapshot.error, backend.tunnels.failure(tunnels[0])) == ("", None)
        listen = int(snapshot.listen.rpartition(":")[2])
        assert await exchange(listen, b"back again") == b"back again"

        await backend.disconnect("sshd")
        assert backend.tunnels.snapshot(tunnels[0]).state is TunnelState.CLOSED
        assert backend.live().tunnels == 0


async def test_through_a_jump_host_with_the_route_shown(sshd: RealSshd) -> None:
    async with target(echo) as port, backend_on(sshd) as backend:
        tunnel = backend.tunnels.add("inner", parse_forward(Kind.LOCAL, f"0:127.0.0.1:{port}"))
        snapshot = await backend.tunnels.start(tunnel)
        assert snapshot.route == ("sshd", "inner")
        assert snapshot.uptime is not None
        listen = int(snapshot.listen.rpartition(":")[2])
        data = b"0123456789" * 300_000
        assert await exchange(listen, data) == data
        snapshot = backend.tunnels.snapshot(tunnel)
        assert (snapshot.bytes_up, snapshot.bytes_down) == (len(data), len(data))


async def test_a_host_that_cannot_be_reached(sshd: RealSshd) -> None:
    sshd.stop()
    async with backend_on(sshd) as backend:
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, "0"))
        snapshot = await backend.tunnels.start(tunnel)
        assert snapshot.state is TunnelState.FAILED
        assert "refused" in snapshot.error.lower()
        sshd.start()
        assert (await backend.tunnels.start(tunnel)).state is TunnelState.OPEN


async def test_stopping_while_the_host_is_being_dialled(sshd: RealSshd) -> None:
    async with backend_on(sshd) as backend:
        tunnel = backend.tunnels.add("inner", parse_forward(Kind.DYNAMIC, "0"))
        for _ in range(3):
            starting = asyncio.ensure_future(backend.tunnels.start(tunnel))
            await reached(backend, [tunnel], TunnelState.OPENING)
            await backend.tunnels.stop(tunnel)
            assert (await starting).state is TunnelState.CLOSED
        assert (await backend.tunnels.start(tunnel)).state is TunnelState.OPEN


async def test_what_is_told_about_a_tunnels_life(sshd: RealSshd) -> None:
    told: list[Event] = []
    async with backend_on(sshd) as backend:
        backend.events.subscribe(told.append)
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, "0"))
        await backend.tunnels.start(tunnel)
        await backend.tunnels.remove(tunnel)
        await backend.tunnels.remove(tunnel)
        with pytest.raises(KeyError):
            backend.tunnels.snapshot(tunnel)
    about = [event for event in told if isinstance(event, TunnelChanged | TunnelRemoved)]
    assert about == [
        TunnelChanged(tunnel, TunnelState.CLOSED, TunnelState.OPENING),
        TunnelChanged(tunnel, TunnelState.OPENING, TunnelState.OPEN),
        TunnelChanged(tunnel, TunnelState.OPEN, TunnelState.CLOSED),
        TunnelRemoved(tunnel, "sshd", "-D 0"),
    ]


async def test_the_route_of_a_closed_tunnel_is_planned(sshd: RealSshd) -> None:
    async with backend_on(sshd) as backend:
        manager = TunnelManager(
            backend.connections.lease,
            backend.events,
            lambda host: (*backend.summary(host).route, host),
        )
        tunnel = manager.add("inner", parse_forward(Kind.DYNAMIC, "0"), "config")
        assert manager.snapshot(tunnel).route == ("sshd", "inner")
        assert manager.snapshot(tunnel).source == "config"
        tunnel = manager.add("-bad", parse_forward(Kind.DYNAMIC, "0"))
        assert manager.snapshot(tunnel).route == ("-bad",)


async def test_a_remote_forward_first_started_while_the_connection_dies_waits_for_the_next(
    sshd: RealSshd,
) -> None:
    async with target(echo) as port, backend_on(sshd) as backend:
        await backend.connections.lease("sshd", "files")
        spec = parse_forward(Kind.REMOTE, f"{free_port()}:127.0.0.1:{port}")
        tunnel = backend.tunnels.add("sshd", spec)
        sshd.suspend()  # the server is gone, and nobody has noticed yet
        starting = asyncio.create_task(backend.tunnels.start(tunnel))
        await reached(backend, [tunnel], TunnelState.OPENING)
        sshd.kill_connections()
        assert (await starting).state is TunnelState.RECONNECTING
        await reached(backend, [tunnel], TunnelState.OPEN)
        assert await exchange(spec.port, b"hello") == b"hello"


async def test_a_remote_forward_started_in_an_outage_waits_for_a_port_that_is_still_held(
    sshd: RealSshd,
) -> None:
    async with target(echo) as port, backend_on(sshd) as backend:
        await backend.connections.lease("sshd", "files")
        backend.connections.interest("sshd", "files")
        spec = parse_forward(Kind.REMOTE, f"{free_port()}:127.0.0.1:{port}")
        tunnel = backend.tunnels.add("sshd", spec)
        with both_loopbacks(spec.port):
            await asyncio.to_thread(sshd.stop)
            status = backend.connections.status
            await until(lambda: status("sshd").state is ConnectionState.WAITING)
            assert (await backend.tunnels.start(tunnel)).state is TunnelState.RECONNECTING
            await asyncio.to_thread(sshd.start)
            await until(lambda: "refused to listen" in backend.tunnels.snapshot(tunnel).error)
            assert backend.tunnels.snapshot(tunnel).state is TunnelState.RECONNECTING
        await reached(backend, [tunnel], TunnelState.OPEN)
        assert await exchange(spec.port, b"hello") == b"hello"
