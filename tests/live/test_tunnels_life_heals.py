"""Tunnels come back by themselves, on the ports they had, from whatever their connection met."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.kept.rule import Meanwhile, Rule
from sshdash.tunnels.legs import Cause, LegState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.life_kit import Lives, lives_of, turned_away
from tests.live.outage_kit import through
from tests.live.reconnect_kit import Suspension
from tests.live.test_tunnels_backend import both_loopbacks
from tests.live.tunnel_kit import echo, exchange, free_to_use, target
from tests.live.tunnel_kit import until as when
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

QUICK = {"keepalive_interval": 1, "keepalive_count": 1}
REFUSE = Rule("refusing", "sshd", (), meanwhile=Meanwhile.REFUSE)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a server that still holds a port asked again soon, and one that is restarted often."""
    monkeypatch.setattr("sshdash.tunnels.course._PAUSES", (0.1,))
    monkeypatch.setattr("sshdash.connections.recovery.backoff.STEADY", 0.0)


class Line(Lives):
    """Tunnels whose way to the server leads through a proxy, `line`, and an echo's `port`."""

    line: Proxy
    port: int


@contextlib.asynccontextmanager
async def on_a_line(sshd: RealSshd, folder: Path, **settings: object) -> AsyncIterator[Line]:
    """Run a backend behind a proxy, and a target that echoes."""
    async with (
        target(echo) as port,
        Proxy(sshd.port) as line,
        lives_of(through(sshd, line, folder), **settings) as found,
    ):
        lives = Line(found.backend)
        lives.line, lives.port = line, port
        yield lives


async def all_kinds(lives: Lives, port: int) -> dict[str, int]:
    """Open a forward of each kind; return their ids and ports."""
    remote = free_port()
    opened = [
        await lives.open("L", f"0:127.0.0.1:{port}"),
        await lives.open("R", f"127.0.0.1:{remote}:127.0.0.1:{port}"),
        await lives.open("D", "0"),
    ]
    return dict(opened)


async def carry(lives: Lives, tunnels: dict[str, int]) -> None:
    """See that each tunnel is open on the port it had, and carries."""
    await lives.reach(TunnelState.OPEN, *tunnels)
    for tunnel, port in tunnels.items():
        snapshot = lives.manager.snapshot(tunnel)
        assert int(snapshot.listen.rpartition(":")[2]) == port
        if snapshot.kind is not Kind.DYNAMIC:
            assert await exchange(port, b"carried") == b"carried"
        else:
            with socket.create_connection(("127.0.0.1", port)):
                pass


# --- what a connection meets, in every state of a tunnel ---

FAULTS = ("killed", "restarted", "frozen", "dropped", "reset")


async def befall(fault: str, sshd: RealSshd, line: Proxy) -> None:
    """Do something to every connection; what is new afterwards works."""
    if fault == "killed":
        sshd.kill_connections()
    elif fault == "restarted":
        await asyncio.to_thread(sshd.restart)
    elif fault == "frozen":
        sshd.suspend()
    elif fault == "dropped":
        line.stall()
    else:
        line.reset()


def mend(fault: str, sshd: RealSshd, line: Proxy) -> None:
    """End what does not end by itself: a frozen process that holds a port, a dead network."""
    if fault == "frozen":
        sshd.kill_connections()
    elif fault == "dropped":
        line.flow()


@pytest.mark.parametrize("fault", FAULTS)
async def test_open_and_degraded_tunnels_come_back(
    sshd: RealSshd, fault: str, tmp_path: Path
) -> None:
    closed = free_port()
    async with on_a_line(sshd, tmp_path, **QUICK) as lives:
        line, port = lives.line, lives.port
        tunnels = await all_kinds(lives, port)
        degraded, bad = await lives.open("L", f"0:127.0.0.1:{closed}")
        assert await turned_away(bad)
        await lives.reach(TunnelState.DEGRADED, degraded)
        # A server that is restarted may be back before that is over.
        lost = lives.reach(TunnelState.RECONNECTING, degraded)
        await asyncio.gather(lost, befall(fault, sshd, line))
        mend(fault, sshd, line)
        await carry(lives, tunnels)
        await lives.reach(TunnelState.OPEN, degraded)
        await when(lambda: line.connections == 1, "that they share one connection")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_paused_tunnel_stays_paused_and_keeps_its_ports(
    sshd: RealSshd, fault: str, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path, **QUICK) as lives:
        line, port = lives.line, lives.port
        tunnels = await all_kinds(lives, port)
        for one in tunnels:
            await lives.manager.pause(one)
        lost = lives.watch.state(ConnectionState.WAITING)
        await asyncio.gather(lost, befall(fault, sshd, line))
        mend(fault, sshd, line)
        await lives.watch.state(ConnectionState.CONNECTED)
        for one, held in tunnels.items():
            await when(lambda held=held: not free_to_use(held), "the port is held")  # type: ignore[misc]
            assert lives.manager.snapshot(one).state is TunnelState.PAUSED
        for one in tunnels:
            await lives.manager.resume(one)
        await carry(lives, tunnels)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_tunnel_that_is_opening_opens_later(
    sshd: RealSshd, fault: str, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path, **QUICK) as lives:
        line, port = lives.line, lives.port
        await lives.backend.connections.lease("sshd", "files")
        sshd.suspend()  # the server's answer is waited for from here on
        listen = free_port()
        tunnel = lives.add("R", f"127.0.0.1:{listen}:127.0.0.1:{port}")
        starting = asyncio.ensure_future(lives.manager.start(tunnel))
        await lives.reach(TunnelState.OPENING, tunnel)
        await befall(fault, sshd, line)
        assert (await starting).state is TunnelState.RECONNECTING
        sshd.kill_connections()
        mend(fault, sshd, line)
        await carry(lives, {tunnel: listen})


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_tunnel_that_was_coming_back_comes_back_after_all(
    sshd: RealSshd, fault: str, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path, **QUICK) as lives:
        line, port = lives.line, lives.port
        tunnels = await all_kinds(lives, port)
        line.refusing = True
        line.reset()
        await lives.reach(TunnelState.RECONNECTING, *tunnels)
        await lives.watch.until(lambda: lives.manager.snapshot(next(iter(tunnels))).attempts)
        await befall(fault, sshd, line)
        line.refusing = False
        mend(fault, sshd, line)
        await carry(lives, tunnels)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_draining_tunnel_ends_with_its_clients(
    sshd: RealSshd, fault: str, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path, **QUICK) as lives:
        line, port = lives.line, lives.port
        tunnel, listen = await lives.open("L", f"0:127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        stopping = asyncio.ensure_future(lives.manager.stop(tunnel, drain=600))
        await lives.reach(TunnelState.CLOSED, tunnel)
        await befall(fault, sshd, line)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await reader.read(1) == b""
            await stopping
        writer.close()
        mend(fault, sshd, line)


# --- what clients meet meanwhile ---


async def test_clients_wait_or_are_refused_while_the_connection_is_made_again(
    sshd: RealSshd,
) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        waiting, listen = await lives.open("L", f"0:127.0.0.1:{port}")
        refusing, other = await lives.open("L", f"0:localhost:{port}", rule=REFUSE)
        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, waiting, refusing)
        asking = asyncio.ensure_future(exchange(listen, b"patient"))
        await when(lambda: lives.manager.snapshot(waiting).clients == 1, "the client waits")
        assert await turned_away(other)
        assert not free_to_use(other), "nobody else gets the port"
        await asyncio.to_thread(sshd.start)
        assert await asking == b"patient"
        await lives.reach(TunnelState.OPEN, refusing)
        assert await exchange(other, b"again") == b"again"


# --- how often it is tried ---


async def test_89_forty_tunnels_of_a_host_come_back_over_one_attempt(
    sshd: RealSshd, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path) as lives:
        line, port = lives.line, lives.port
        opened = [lives.add("L", f"{free_port()}:127.0.0.1:{port}") for _ in range(38)]
        opened += [lives.add("R", f"{free_port()}:127.0.0.1:{port}") for _ in range(2)]
        await asyncio.gather(*map(lives.manager.start, opened))
        await lives.reach(TunnelState.OPEN, *opened)
        assert line.accepted == 1
        line.reset()
        await lives.reach(TunnelState.RECONNECTING, *opened)
        await lives.reach(TunnelState.OPEN, *opened)
        assert line.accepted == 2


async def test_89_forty_tunnels_wait_for_a_server_by_the_attempts_of_their_host(
    sshd: RealSshd, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path) as lives:
        line, port = lives.line, lives.port
        opened = [lives.add("L", f"{free_port()}:127.0.0.1:{port}") for _ in range(40)]
        await asyncio.gather(*map(lives.manager.start, opened))
        failed = 0

        def failures() -> int:
            nonlocal failed
            failed = max(failed, lives.backend.connections.status("sshd").attempts)
            return failed

        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, *opened)
        before = line.accepted
        await lives.watch.until(lambda: failures() >= 1)
        assert line.accepted - before <= failed + 1
        await asyncio.to_thread(sshd.start)
        await lives.watch.until(
            lambda: (
                failures()
                and all(lives.manager.snapshot(one).state is TunnelState.OPEN for one in opened)
            )
        )
        assert line.accepted - before <= failed + 1


async def test_90_what_fails_at_first_is_not_tried_again(sshd: RealSshd, tmp_path: Path) -> None:
    sshd.authorized_keys.write_text("")
    async with Proxy(sshd.port) as line, lives_of(through(sshd, line, tmp_path)) as lives:
        snapshot = await lives.start("D", "0")
        assert (snapshot.state, snapshot.retry_in) == (TunnelState.FAILED, None)
        assert lives.backend.connections.status("sshd").retry_at is None
        assert line.accepted == 1


async def test_a_flapping_network_ends_with_all_open_and_nothing_leaked(
    sshd: RealSshd, tmp_path: Path
) -> None:
    async with on_a_line(sshd, tmp_path) as lives:
        line, port = lives.line, lives.port
        tunnels = await all_kinds(lives, port)
        await carry(lives, tunnels)
        before = _held()
        for cut in range(20):
            clients = [
                await asyncio.open_connection("127.0.0.1", listen) for listen in tunnels.values()
            ]
            (line.reset if cut % 2 else line.cut)()
            await lives.reach(TunnelState.RECONNECTING, *tunnels)
            for _, writer in clients:
                writer.close()
            lives.backend.connections.retry_now("sshd")
            await lives.reach(TunnelState.OPEN, *tunnels)
        await carry(lives, tunnels)
        assert [lives.manager.snapshot(one).reconnects for one in tunnels] == [20, 20, 20]
        await when(lambda: _held() <= before, "nothing is left of the cuts")
        await when(
            lambda: all(not lives.manager.snapshot(one).clients for one in tunnels),
            "no clients are left",
        )


def _held() -> tuple[int, int]:
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())


# --- ports ---


async def test_a_port_taken_there_during_an_outage_is_waited_for(sshd: RealSshd) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        listen = free_port()
        tunnel, _ = await lives.open("R", f"{listen}:127.0.0.1:{port}")
        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, tunnel)
        with both_loopbacks(listen):
            await asyncio.to_thread(sshd.start)
            await lives.watch.until(
                lambda: lives.manager.snapshot(tunnel).legs[0].cause is Cause.BIND_REFUSED
            )
            snapshot = lives.manager.snapshot(tunnel)
            assert snapshot.legs[0].state is LegState.WAITING
            assert snapshot.attempts >= 1
            assert snapshot.retry_in is not None
            assert snapshot.state is TunnelState.RECONNECTING
        await carry(lives, {tunnel: listen})


async def test_a_port_here_is_kept_over_an_outage_and_lost_only_by_closing(
    sshd: RealSshd,
) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        tunnel, listen = await lives.open("L", f"{free_port()}:127.0.0.1:{port}")
        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, tunnel)
        assert not free_to_use(listen)
        await lives.manager.stop(tunnel)
        with socket.create_server(("127.0.0.1", listen)):
            await asyncio.to_thread(sshd.start)
            snapshot = await lives.manager.start(tunnel)
            assert snapshot.legs[0].cause is Cause.BIND_IN_USE
        assert (await lives.manager.start(tunnel)).state is TunnelState.OPEN
        await carry(lives, {tunnel: listen})


@pytest.mark.parametrize("open_to_all", [True, False])
async def test_a_port_taken_in_an_outage_listens_as_match_exec_then_has_it(
    sshd: RealSshd, tmp_path: Path, open_to_all: bool
) -> None:
    """Nobody knows before the connection what the command says by then."""
    config, flag = tmp_path / "config", tmp_path / "flag"
    text = sshd.config_file.read_text()
    config.write_text(f'Match exec "test -e {flag}"\n    GatewayPorts yes\n{text}')
    config.chmod(0o600)
    async with target(echo) as port, lives_of(config) as lives:
        first, _ = await lives.open("L", f"{free_port()}:127.0.0.1:{port}")
        assert not lives.manager.snapshot(first).exposed
        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, first)
        listen = free_port()
        early = await lives.start("L", f"{listen}:127.0.0.1:{port}")
        assert early.state is TunnelState.RECONNECTING, early.error
        assert early.listen == f"localhost:{listen}"
        asking = asyncio.ensure_future(exchange(listen, b"patient"))
        await when(lambda: lives.manager.snapshot(early.id).clients == 1, "the client waits")
        if open_to_all:
            flag.touch()
        await asyncio.to_thread(sshd.start)
        await lives.reach(TunnelState.OPEN, early.id)
        now = lives.manager.snapshot(early.id)
        assert now.exposed is open_to_all
        assert now.listen == (f"*:{listen}" if open_to_all else f"localhost:{listen}")
        [said] = await asyncio.gather(asking, return_exceptions=True)
        assert isinstance(said, OSError | asyncio.IncompleteReadError) or said in (b"", b"patient")
        assert open_to_all or said == b"patient", "who waits is carried by the same listener"
        await carry(lives, {early.id: listen})


async def test_a_remote_port_led_elsewhere_while_it_waits(sshd: RealSshd) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        old, new = free_port(), free_port()
        tunnel, _ = await lives.open("R", f"{old}:127.0.0.1:{port}")
        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, tunnel)
        await lives.manager.repoint(tunnel, parse_forward(Kind.REMOTE, f"{new}:127.0.0.1:{port}"))
        await asyncio.to_thread(sshd.start)
        await carry(lives, {tunnel: new})


# --- a server that changes its mind ---


async def test_a_server_that_forbids_forwarding_and_then_allows_it(sshd: RealSshd) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        sshd.options["allowtcpforwarding"] = "no"
        await asyncio.to_thread(sshd.restart)
        local, listen = await lives.open("L", f"0:127.0.0.1:{port}")
        assert await turned_away(listen)
        await lives.reach(TunnelState.DEGRADED, local)
        assert lives.manager.snapshot(local).legs[1].cause is Cause.PROHIBITED
        there = free_port()
        remote = await lives.start("R", f"{there}:127.0.0.1:{port}")
        assert remote.legs[0].cause is Cause.BIND_REFUSED
        sshd.options["allowtcpforwarding"] = "yes"
        await asyncio.to_thread(sshd.restart)
        await lives.reach(TunnelState.RECONNECTING, local)
        assert (await lives.manager.start(remote.id)).state is not TunnelState.FAILED
        await carry(lives, {local: listen, remote.id: there})

        sshd.options["allowtcpforwarding"] = "no"
        await asyncio.to_thread(sshd.restart)
        await lives.watch.until(
            lambda: lives.manager.snapshot(remote.id).legs[0].cause is Cause.BIND_REFUSED
        )
        assert lives.manager.snapshot(remote.id).state is TunnelState.RECONNECTING
        sshd.options["allowtcpforwarding"] = "yes"
        await asyncio.to_thread(sshd.restart)
        await carry(lives, {local: listen, remote.id: there})


# --- sleep, and clocks ---


async def test_tunnels_come_back_from_sleep_on_a_dead_line(
    sshd: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspension = Suspension(monkeypatch)
    async with on_a_line(sshd, tmp_path, keepalive_interval=0) as lives:
        line, port = lives.line, lives.port
        tunnels = await all_kinds(lives, port)
        line.stall()
        suspension.slept = 600
        await lives.reach(TunnelState.RECONNECTING, *tunnels)
        assert "asleep" in lives.manager.snapshot(next(iter(tunnels))).error
        line.cut()
        line.flow()
        await carry(lives, tunnels)


async def test_a_clock_that_is_set_changes_nothing(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        tunnels = await all_kinds(lives, port)
        for years in (1, -30):
            monkeypatch.setattr("time.time", lambda years=years: 1.8e9 + years * 3.2e7)
            await carry(lives, tunnels)
            for one in tunnels:
                snapshot = lives.manager.snapshot(one)
                assert snapshot.uptime is not None
                assert 0 <= snapshot.uptime < 600
                assert snapshot.reconnects == 0
