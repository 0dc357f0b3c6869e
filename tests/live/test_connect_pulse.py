"""Round trips to a host and to the hops before it, measured while somebody looks."""

import asyncio

import pytest

from sshdash.backend import Backend
from sshdash.connections.recovery import pulse
from sshdash.connections.transport.transport import Transport
from sshdash.states import TunnelState
from sshdash.tunnels.legs import LegState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.test_tunnels_backend import backend_on, reached
from tests.live.tunnel_kit import echo, target, until
from tests.servers.sshd import RealSshd


async def test_a_look_at_a_tunnel_measures_every_hop_of_its_way(sshd: RealSshd) -> None:
    async with backend_on(sshd) as backend:
        tunnel = backend.tunnels.add("inner", parse_forward(Kind.DYNAMIC, "0"))
        backend.tunnels.look(tunnel)  # nothing is connected, and nothing happens
        await backend.tunnels.start(tunnel)
        lease = await backend.connections.lease("inner", "files")
        try:
            beat = lease.connection.pulse
            backend.tunnels.look(tunnel)
            await until(lambda: None not in beat.round_trips, "two round trips")
            assert len(beat.round_trips) == 2
            assert all(seconds and 0 < seconds < 60 for seconds in beat.round_trips)
            statuses = [backend.connections.status(host) for host in ("sshd", "inner")]
            assert tuple(one.keepalive_rtt for one in statuses) == beat.round_trips
            first = beat.round_trips
            await lease.connection.pulse.measure()
            assert beat.round_trips <= first, "the shortest is told"
        finally:
            lease.release()


async def test_every_leg_of_a_tunnels_way_has_its_time(sshd: RealSshd) -> None:
    async with target(echo) as port, backend_on(sshd) as backend:
        for kind, ends in ((Kind.LOCAL, ["sshd", "inner"]), (Kind.REMOTE, ["sshd", "you"])):
            tunnel = backend.tunnels.add("inner", parse_forward(kind, f"0:127.0.0.1:{port}"))
            await backend.tunnels.start(tunnel)
            backend.tunnels.look(tunnel)
            assert (await backend.tunnels.probe(tunnel)).cause is None
            await until(lambda: _timed(backend, tunnel), "a time on every leg")  # noqa: B023
            snapshot = backend.tunnels.snapshot(tunnel)
            assert [leg.end for leg in snapshot.legs] == [*ends, f"127.0.0.1:{port}"]
            assert snapshot.legs[-1].state is LegState.UP
            if kind is Kind.REMOTE:
                assert snapshot.legs[-1].round_trip == snapshot.usual_reach


def _timed(backend: Backend, tunnel: str) -> bool:
    return all(leg.round_trip is not None for leg in backend.tunnels.snapshot(tunnel).legs)


async def test_looking_all_the_time_measures_now_and_then(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    ask = Transport._make_keepalive_request

    async def count(self: Transport) -> None:
        nonlocal asked
        asked += 1
        await ask(self)

    monkeypatch.setattr(Transport, "_make_keepalive_request", count)
    monkeypatch.setattr(pulse, "FRESH", float("inf"))
    async with backend_on(sshd) as backend:
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, "0"))
        await backend.tunnels.start(tunnel)
        before = asked
        for _ in range(50):
            backend.tunnels.look(tunnel)
            await asyncio.sleep(0)
        await until(lambda: backend.connections.status("sshd").keepalive_rtt is not None)
        for _ in range(50):
            backend.tunnels.look(tunnel)
            await asyncio.sleep(0)
        assert asked == before + 1
        monkeypatch.setattr(pulse, "FRESH", 0.0)
        backend.tunnels.look(tunnel)
        await until(lambda: asked == before + 2, "a measurement that is due")


async def test_a_server_that_freezes_leaves_no_measurement_behind(sshd: RealSshd) -> None:
    async with backend_on(sshd) as backend:
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, "0"))
        await backend.tunnels.start(tunnel)
        sshd.suspend()
        try:
            backend.tunnels.look(tunnel)
            probing = asyncio.ensure_future(backend.tunnels.probe(tunnel))
            await asyncio.sleep(0)
            await backend.disconnect("sshd")
            assert backend.tunnels.snapshot(tunnel).state is TunnelState.CLOSED
            assert (await probing).cause is not None
        finally:
            sshd.resume()


async def test_a_lost_connection_has_no_pulse(sshd: RealSshd) -> None:
    async with backend_on(sshd, reconnect=False) as backend:
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, "0"))
        await backend.tunnels.start(tunnel)
        lease = await backend.connections.lease("sshd", "files")
        sshd.kill_connections()
        await reached(backend, [tunnel], TunnelState.FAILED)
        assert await lease.connection.pulse.measure() is None
        lease.release()
