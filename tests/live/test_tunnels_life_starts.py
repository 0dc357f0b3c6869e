"""Tunnels that open by themselves: with sshdash, with their host, and never against a person."""

import asyncio

from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.kept.rule import Rule, Start
from tests.live.life_kit import Lives, lives_of, row
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

ACCEPTED = "Accepted publickey"


def rule(start: Start, name: str = "web", group: str = "") -> Rule:
    """Return a rule that starts by itself."""
    return Rule(name, "sshd", (), start=start, group=group)


def state(lives: Lives, tunnel: str) -> TunnelState:
    return lives.manager.snapshot(tunnel).state


async def test_what_starts_with_sshdash_does_when_it_is_launched(sshd: RealSshd) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        listen = free_port()
        launched = lives.add("L", f"{listen}:127.0.0.1:{port}", rule=rule(Start.LAUNCH))
        hosts = lives.add("D", "0", rule=rule(Start.HOST, "proxy"))
        plain = lives.add("L", f"0:127.0.0.1:{port}")
        first = lives.add("L", "0:localhost:1", rule=rule(Start.LAUNCH, "one", "db"))
        second = lives.add("L", "0:localhost:2", rule=rule(Start.LAUNCH, "two", "db"))
        opened = await lives.manager.launch()
        assert [one.id for one in opened] == [launched, first], "of a group one is enough"
        assert {one.state for one in opened} == {TunnelState.OPEN}
        assert await exchange(listen, b"hello") == b"hello"
        await lives.reach(TunnelState.OPEN, hosts)
        assert (state(lives, plain), state(lives, second)) == (TunnelState.CLOSED,) * 2
        assert await lives.manager.launch() == []


async def test_what_cannot_be_launched_says_why_and_stops_nothing_else(sshd: RealSshd) -> None:
    async with target(echo) as taken, lives_of(sshd.config_file) as lives:
        bad = lives.add("L", f"{taken}:localhost:22", rule=rule(Start.LAUNCH))
        good = lives.add("D", "0", rule=rule(Start.LAUNCH, "proxy"))
        await lives.manager.launch()
        assert (state(lives, bad), state(lives, good)) == (TunnelState.FAILED, TunnelState.OPEN)
        assert "is in use" in lives.manager.snapshot(bad).error


async def test_what_starts_with_its_host_connects_nowhere_itself(sshd: RealSshd) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel = lives.add("D", "0", rule=rule(Start.HOST))
        await lives.manager.launch()
        assert state(lives, tunnel) is TunnelState.CLOSED
        assert sshd.connections() == []
        lease = await lives.backend.connections.lease("sshd", "files")
        await lives.reach(TunnelState.OPEN, tunnel)
        later = lives.add("L", "0:localhost:22", rule=rule(Start.HOST, "late"))
        await lives.reach(TunnelState.OPEN, later)
        assert len(sshd.connections()) == 1
        lease.release()


async def test_a_rule_that_becomes_one_of_its_host_opens_where_that_is_up(sshd: RealSshd) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel = lives.add("D", "0")
        await lives.backend.connections.lease("sshd", "files")
        assert state(lives, tunnel) is TunnelState.CLOSED
        lives.manager.change_rule(tunnel, rule(Start.HOST))
        await lives.reach(TunnelState.OPEN, tunnel)


async def test_a_host_that_is_disconnected_stays_so_and_its_tunnels_with_it(
    sshd: RealSshd,
) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel = lives.add("D", "0", rule=rule(Start.HOST))
        for _ in range(3):
            await lives.backend.connections.lease("sshd", "files")
            await lives.reach(TunnelState.OPEN, tunnel)
            await lives.backend.disconnect("sshd")
            assert state(lives, tunnel) is TunnelState.CLOSED
            assert lives.backend.connections.status("sshd").state is ConnectionState.IDLE
        # sshd lets somebody in before it writes that it did.
        await lives.watch.until(lambda: sshd.log.count(ACCEPTED) >= 3)
        assert sshd.log.count(ACCEPTED) == 3, "the tunnel has made none of its own"


async def test_a_host_disconnected_as_its_tunnel_begins_is_not_connected_by_it(
    sshd: RealSshd,
) -> None:
    async with lives_of(sshd.config_file, reconnect=False) as lives:
        tunnel = lives.add("D", "0", rule=rule(Start.HOST))
        connections = lives.backend.connections
        for turns in range(6):
            lease = asyncio.ensure_future(connections.lease("sshd", "files"))
            await lives.watch.state(ConnectionState.CONNECTED)
            for _ in range(turns):
                await asyncio.sleep(0)
            await connections.disconnect("sshd")
            await asyncio.gather(lease, return_exceptions=True)
            await lives.watch.until(
                lambda: state(lives, tunnel) in (TunnelState.FAILED, TunnelState.CLOSED)
            )
            assert connections.status("sshd").state is ConnectionState.IDLE


async def test_what_a_person_stopped_stays_closed_until_the_host_was_disconnected(
    sshd: RealSshd,
) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel = lives.add("D", "0", rule=rule(Start.HOST))
        await lives.backend.connections.lease("sshd", "files")
        lives.backend.connections.interest("sshd", "files")
        await lives.reach(TunnelState.OPEN, tunnel)
        await lives.manager.stop(tunnel)
        sshd.kill_connections()
        await lives.watch.state(ConnectionState.WAITING)
        await lives.watch.state(ConnectionState.CONNECTED)
        other = await lives.start("D", "0", rule=rule(Start.NEVER, "other"))
        assert other.id == tunnel, "a person may start it all the same"
        await lives.manager.stop(tunnel)
        await lives.backend.disconnect("sshd")
        lives.manager.change_rule(tunnel, rule(Start.HOST))
        await lives.backend.connections.lease("sshd", "files")
        await lives.reach(TunnelState.OPEN, tunnel)


async def test_stopping_what_waits_for_its_host_does_not_keep_it_from_opening(
    sshd: RealSshd,
) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel = lives.add("D", "0", rule=rule(Start.HOST))
        await lives.backend.disconnect("sshd")
        await lives.manager.stop(tunnel)
        await lives.backend.connections.lease("sshd", "files")
        await lives.reach(TunnelState.OPEN, tunnel)


async def test_a_jump_host_that_is_connected_for_another_opens_its_tunnels() -> None:
    async with row() as hosts, lives_of(hosts.config_file) as lives:
        tunnel = lives.add("D", "0", "bastion", rule(Start.HOST))
        await lives.backend.connections.lease("far", "files")
        await lives.reach(TunnelState.OPEN, tunnel)
