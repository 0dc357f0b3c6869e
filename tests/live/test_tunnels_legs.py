"""The leg that fails is named, with its cause: every fault on a tunnel's way, met for real."""

import asyncio
import os
import socket
from pathlib import Path

import asyncssh
import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.legs import Cause, Leg, LegState
from sshdash.tunnels.snapshot import TunnelSnapshot
from tests.live.life_kit import Lives, lives_of, row, turned_away
from tests.live.tunnel_kit import echo, exchange, free_to_use, target
from tests.live.tunnel_kit import until as when
from tests.servers.loopback import LoopbackServer
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


def failing(tunnel: TunnelSnapshot) -> tuple[int, Leg]:
    """Return the one leg that something is wrong with, and its place on the way."""
    bad = [(place, leg) for place, leg in enumerate(tunnel.legs) if leg.cause is not None]
    assert len(bad) == 1, tunnel.legs
    assert bad[0][1].message
    return bad[0]


async def meet(lives: Lives, option: str, text: str, host: str = "sshd") -> TunnelSnapshot:
    """Open a forward whose clients are turned away; return how it is then."""
    tunnel, port = await lives.open(option, text, host)
    assert await turned_away(port)
    await lives.reach(TunnelState.DEGRADED, tunnel)
    return lives.manager.snapshot(tunnel)


# --- where it listens ---


async def test_a_port_in_use_names_its_holder_and_a_free_one(sshd: RealSshd) -> None:
    async with target(echo) as taken, lives_of(sshd.config_file) as lives:
        tunnel = await lives.start("L", f"{taken}:localhost:22")
        place, leg = failing(tunnel)
        assert (place, leg.state, leg.cause) == (0, LegState.FAILED, Cause.BIND_IN_USE)
        assert leg.start == f"you :{taken}"
        assert f"(pid {os.getpid()})" in leg.message
        free = int(leg.message.rpartition("port ")[2].partition(" is free")[0])
        assert free_to_use(free)
        assert [one.cause for one in tunnel.mishaps] == [Cause.BIND_IN_USE]
        assert tunnel.mishaps[0].text == leg.message


async def test_a_privileged_port(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    # The tests may run as root, to whom no port is denied.
    monkeypatch.setattr("sshdash.tunnels.forwards.listener.bound_socket", denied)
    async with lives_of(sshd.config_file) as lives:
        place, leg = failing(await lives.start("L", "80:localhost:22"))
        assert (place, leg.cause) == (0, Cause.BIND_PRIVILEGED)
        assert "root" in leg.message
        assert "8080" in leg.message


@pytest.mark.parametrize("bind", ["192.0.2.1", "no-such-name.invalid"])
async def test_an_address_that_is_not_ours(sshd: RealSshd, bind: str) -> None:
    async with lives_of(sshd.config_file) as lives:
        place, leg = failing(await lives.start("D", f"{bind}:0"))
        assert (place, leg.cause) == (0, Cause.BIND_ADDRESS)


async def test_a_server_that_lets_us_listen_elsewhere_only() -> None:
    async with (
        RealSshd(PermitListen="127.0.0.1:1") as server,
        lives_of(server.config_file) as lives,
    ):
        tunnel = await lives.start("R", "127.0.0.1:0:localhost:22")
        place, leg = failing(tunnel)
        assert (place, leg.cause, leg.start) == (0, Cause.BIND_REFUSED, "sshd :0")
        assert "PermitListen" in leg.message
        exposed = await lives.start("R", f"*:{free_port()}:localhost:22")
        assert "GatewayPorts" in failing(exposed)[1].message


# --- on the line ---


async def test_a_host_that_cannot_be_reached_is_the_leg_that_fails() -> None:
    async with row() as hosts, lives_of(hosts.config_file) as lives:
        hosts.far.stop()
        tunnel = await lives.start("D", "0", "far")
        assert [leg.state for leg in tunnel.legs] == [
            LegState.IDLE,
            LegState.FAILED,
            LegState.IDLE,
        ]
        assert tunnel.legs[1].cause is Cause.CONNECTION_DOWN
        await lives.backend.disconnect("bastion")
        hosts.bastion.stop()
        place, leg = failing(await lives.start("L", f"{free_port()}:db:5432", "far"))
        assert (place, leg.end, leg.cause) == (0, "bastion", Cause.CONNECTION_DOWN)
        place, leg = failing(await lives.start("R", "0:localhost:3000", "far"))
        assert (place, leg.start, leg.end) == (1, "bastion", "you")


async def test_the_hop_that_is_lost_is_named_while_it_is_waited_for() -> None:
    async with row() as hosts, lives_of(hosts.config_file) as lives:
        tunnel, _ = await lives.open("D", "0", "far")
        hosts.far.stop()
        await lives.reach(TunnelState.RECONNECTING, tunnel)
        snapshot = lives.manager.snapshot(tunnel)
        assert [leg.state for leg in snapshot.legs] == [
            LegState.UP,
            LegState.WAITING,
            LegState.IDLE,
        ]
        assert failing(snapshot)[0] == 1
        hosts.far.start()
        await lives.reach(TunnelState.OPEN, tunnel)
        assert lives.manager.snapshot(tunnel).reconnects == 1

        hosts.bastion.stop()
        await lives.reach(TunnelState.RECONNECTING, tunnel)
        place, leg = failing(lives.manager.snapshot(tunnel))
        assert (place, leg.state, leg.cause) == (0, LegState.WAITING, Cause.CONNECTION_DOWN)
        await lives.watch.until(lambda: lives.manager.snapshot(tunnel).attempts >= 1)
        place, leg = failing(lives.manager.snapshot(tunnel))
        assert (place, leg.end) == (0, "bastion")
        hosts.bastion.start()
        await lives.reach(TunnelState.OPEN, tunnel)
        after = lives.manager.snapshot(tunnel)
        assert (after.attempts, after.reconnects) == (0, 2)
        assert {one.cause for one in after.mishaps} == {Cause.CONNECTION_DOWN}


async def test_a_login_that_is_refused(sshd: RealSshd) -> None:
    sshd.authorized_keys.write_text("")
    async with lives_of(sshd.config_file) as lives:
        place, leg = failing(await lives.start("L", "0:localhost:22"))
        assert (place, leg.end, leg.cause) == (0, "sshd", Cause.AUTHENTICATION)


async def test_a_login_that_is_refused_when_the_connection_is_made_again(sshd: RealSshd) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel, _ = await lives.open("L", "0:localhost:22")
        sshd.authorized_keys.write_text("")
        sshd.kill_connections()
        await lives.watch.until(lambda: lives.backend.connections.status("sshd").gives_up)
        snapshot = lives.manager.snapshot(tunnel)
        assert snapshot.state is TunnelState.RECONNECTING
        assert failing(snapshot)[1].cause is Cause.AUTHENTICATION


async def test_a_host_key_that_changed() -> None:
    async with LoopbackServer() as server:
        await server.change_host_key()
        async with lives_of(server.config_file) as lives:
            place, leg = failing(await lives.start("L", "0:localhost:22", "loopback"))
            assert (place, leg.cause) == (0, Cause.HOST_KEY)


async def test_a_server_that_nothing_vouches_for(tmp_path: Path) -> None:
    async with LoopbackServer() as server:
        server.known_hosts.write_text("")
        text = server.config_file.read_text()
        await server.change_host_key()
        config = tmp_path / "config"
        config.write_text(f"{text}    StrictHostKeyChecking no\n")
        server.known_hosts.write_text(
            f"[127.0.0.1]:{server.port} "
            + asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        )
        async with lives_of(config) as lives:
            place, leg = failing(await lives.start("L", "0:localhost:22", "loopback"))
            assert (place, leg.cause) == (0, Cause.HOST_KEY)
            assert "not trusted" in leg.message


# --- to the target ---


async def test_a_target_that_refuses_and_answers_again(sshd: RealSshd) -> None:
    port = free_port()
    async with lives_of(sshd.config_file) as lives:
        tunnel = await meet(lives, "L", f"0:127.0.0.1:{port}")
        place, leg = failing(tunnel)
        assert (place, leg.start, leg.end) == (1, "sshd", f"127.0.0.1:{port}")
        assert (leg.state, leg.cause) == (LegState.FAILED, Cause.TARGET_REFUSED)
        assert tunnel.legs[0].state is LegState.UP
        listen = int(tunnel.listen.rpartition(":")[2])
        server = await asyncio.start_server(lambda *ends: ends[1].close(), "127.0.0.1", port)
        async with server:
            assert await turned_away(listen), "it accepts and says nothing"
            await lives.reach(TunnelState.OPEN, tunnel.id)
        assert lives.manager.snapshot(tunnel.id).legs[1].state is LegState.UP


async def test_a_target_that_nobody_has_tried_is_not_said_to_be_well(sshd: RealSshd) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        tunnel, listen = await lives.open("L", f"0:127.0.0.1:{port}")
        assert lives.manager.snapshot(tunnel).legs[1].state is LegState.UNKNOWN
        assert await exchange(listen, b"x") == b"x"
        assert lives.manager.snapshot(tunnel).legs[1].state is LegState.UP


async def test_our_own_side_that_refuses(sshd: RealSshd) -> None:
    async with lives_of(sshd.config_file) as lives:
        tunnel = await meet(lives, "R", f"127.0.0.1:0:127.0.0.1:{free_port()}")
        place, leg = failing(tunnel)
        assert (place, leg.start, leg.cause) == (1, "you", Cause.OUR_SIDE_REFUSED)


async def test_a_server_that_does_not_allow_it() -> None:
    async with (
        RealSshd(PermitOpen="127.0.0.1:1") as server,
        lives_of(server.config_file) as lives,
    ):
        place, leg = failing(await meet(lives, "L", "0:127.0.0.1:22"))
        assert (place, leg.cause) == (1, Cause.PROHIBITED)


async def test_a_name_that_is_not_known_there(sshd: RealSshd) -> None:
    async with lives_of(sshd.config_file) as lives:
        place, leg = failing(await meet(lives, "L", "0:no-such-name.invalid:80"))
        assert (place, leg.cause) == (1, Cause.UNKNOWN_NAME)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Connection timed out", Cause.TARGET_TIMED_OUT),
        ("No route to host", Cause.UNREACHABLE),
        ("Network is unreachable", Cause.UNREACHABLE),
        ("The moon is wrong\x1b[2J", Cause.OTHER),
    ],
)
async def test_what_a_server_says_of_a_target(
    reason: str, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> object:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, reason)

    monkeypatch.setattr("tests.servers.loopback._Server._open_forward", refuse)
    async with LoopbackServer() as server, lives_of(server.config_file) as lives:
        place, leg = failing(await meet(lives, "L", "0:db:5432", "loopback"))
        assert (place, leg.cause) == (1, cause)
        assert "\x1b" not in leg.message


# --- how long it takes ---


async def test_each_leg_has_its_round_trip_once_keepalives_were_answered() -> None:
    async with row() as hosts:
        text = hosts.config_file.read_text()
        hosts.config_file.write_text(f"{text}Host *\n    ServerAliveInterval 1\n")
        async with lives_of(hosts.config_file) as lives:
            tunnel, _ = await lives.open("D", "0", "far")

            def measured() -> bool:
                legs = lives.manager.snapshot(tunnel).legs
                return all(leg.round_trip is not None for leg in legs[:2])

            await when(measured, "both legs were measured")
            assert all(
                leg.round_trip is not None and 0 <= leg.round_trip < 5
                for leg in lives.manager.snapshot(tunnel).legs[:2]
            )
