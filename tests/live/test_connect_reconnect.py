"""Connections come back: by themselves where that helps, and never against a person's will."""

import asyncio
import contextlib

import pytest

from sshdash.connections.recovery import backoff
from sshdash.connections.snapshot import ConnectionSnapshot
from sshdash.errors import AuthenticationError, UnreachableError
from sshdash.events import ConnectionChanged, Event
from sshdash.settings import Settings
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting, until
from tests.live.reconnect_kit import through_line
from tests.servers.loopback import LoopbackServer, Phase
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

IDLE = ConnectionState.IDLE
CONNECTING = ConnectionState.CONNECTING
CONNECTED = ConnectionState.CONNECTED
FAILED = ConnectionState.FAILED
LOST = ConnectionState.LOST
WAITING = ConnectionState.WAITING


@pytest.fixture
def longest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every wait take as long as it may."""
    monkeypatch.setattr(backoff.Backoff.__init__, "__defaults__", (0.5, 30.0, lambda: 1.0))


async def pause(seconds: float = 0.02) -> None:
    """Let time pass in which nothing is to be waited for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def test_a_killed_server_is_back_without_anybody_asking(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        manager = client.manager
        with manager.interest("sshd", "shell"):
            lease = await manager.lease("sshd", "shell")
            await asyncio.to_thread(sshd.stop)
            await client.reaches("sshd", WAITING)
            told = [event for event in client.told(ConnectionChanged) if event.new is WAITING]
            assert told[0].reason == "the connection broke off"
            with pytest.raises(Exception, match="Connection lost"):
                _ = lease.connection.ssh
            await until(lambda: manager.status("sshd").attempts)
            await asyncio.to_thread(sshd.start)
            await client.reaches("sshd", CONNECTED)
            assert await client.run("sshd", "echo back") == "back\n"
        assert client.states("sshd")[:4] == [CONNECTING, CONNECTED, LOST, WAITING]
        assert set(client.states("sshd")[4:]) == {CONNECTING, CONNECTED, FAILED, WAITING}
        assert manager.status("sshd").attempts == 0


def waits_of(client: Client, host: str) -> list[tuple[ConnectionSnapshot, float]]:
    """Return a list that gets what is told of each wait as it begins, and its seconds."""
    waits: list[tuple[ConnectionSnapshot, float]] = []

    def note(event: Event) -> None:
        if isinstance(event, ConnectionChanged) and event.new is WAITING:
            status = client.manager.status(host)
            assert status.retry_at is not None
            waits.append((status, status.retry_at - asyncio.get_running_loop().time()))

    client.bus.subscribe(note)
    return waits


@pytest.mark.usefixtures("longest_waits")
async def test_the_next_attempt_can_be_counted_down() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        waits = waits_of(client, "loopback")
        client.manager.interest("loopback", "tunnel")
        await client.manager.lease("loopback", "tunnel")
        await server.stop()
        await until(lambda: len(waits) == 3)
        assert [status.attempts for status, _ in waits] == [0, 1, 2]
        assert all(0 < left <= most for (_, left), most in zip(waits, (0.5, 1, 2), strict=True))
        assert [status.reason for status, _ in waits[1:]] == ["Connection refused"] * 2


async def test_try_now_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff.Backoff.__init__, "__defaults__", (600.0, 600.0, lambda: 1.0))
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "tunnel")
        await client.manager.lease("loopback", "tunnel")
        server.drop_connections()
        await client.reaches("loopback", WAITING)
        client.manager.retry_now("loopback")
        await client.reaches("loopback", CONNECTED)
        assert client.manager.status("loopback").retry_at is None


async def test_without_interest_what_is_lost_stays_lost() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("loopback", "shell")
        server.drop_connections()
        await lease.connection.wait_lost()
        assert client.manager.status("loopback").state is LOST
        assert client.manager.status("loopback").retry_at is None


async def test_reconnecting_can_be_turned_off() -> None:
    settings = Settings(reconnect=False)
    async with (
        LoopbackServer() as server,
        connecting(server.config_file, settings=settings) as client,
    ):
        client.manager.interest("loopback", "shell")
        lease = await client.manager.lease("loopback", "shell")
        server.drop_connections()
        await lease.connection.wait_lost()
        assert client.manager.status("loopback").state is LOST


async def test_what_a_person_disconnected_stays_so() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        await client.manager.disconnect("loopback")
        assert client.states("loopback") == [CONNECTING, CONNECTED, IDLE]
        assert server.accepted == 1


async def test_a_person_ends_the_waiting() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        await server.stop()
        await until(lambda: client.manager.status("loopback").attempts > 1)
        await client.manager.disconnect("loopback")
        assert client.manager.status("loopback").state is IDLE
        assert client.manager.status("loopback").retry_at is None


async def test_nobody_wants_it_any_more() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        wants = [client.manager.interest("loopback", purpose) for purpose in ("shell", "files")]
        await client.manager.lease("loopback", "shell")
        await server.stop()
        await client.reaches("loopback", WAITING)
        wants[0].release()
        wants[0].release()
        assert client.manager.status("loopback").state is not IDLE
        wants[1].release()
        await client.reaches("loopback", IDLE)


async def test_a_first_attempt_that_fails_is_not_repeated(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        client.manager.interest("sshd", "tunnel")
        await asyncio.to_thread(sshd.stop)
        with pytest.raises(UnreachableError):
            await client.manager.lease("sshd", "tunnel")
        assert client.states("sshd") == [CONNECTING, FAILED]
        assert client.manager.status("sshd").retry_at is None


async def test_a_refused_login_is_not_repeated(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        manager = client.manager
        manager.interest("sshd", "shell")
        await manager.lease("sshd", "shell")
        sshd.authorized_keys.write_text("")
        await asyncio.to_thread(sshd.kill_connections)
        await client.reaches("sshd", FAILED)
        status = manager.status("sshd")
        assert status.reason == "Permission denied"
        assert status.gives_up == "the login was refused"
        assert status.retry_at is None
        with pytest.raises(AuthenticationError):
            await manager.lease("sshd", "shell")
        assert client.states("sshd")[-2:] == [CONNECTING, FAILED]


async def test_a_changed_host_key_is_not_tried_again() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        await server.change_host_key()
        await client.reaches("loopback", FAILED)
        await until(lambda: client.manager.status("loopback").gives_up)
        assert client.manager.status("loopback").gives_up == "the host key was not accepted"


async def test_a_person_may_still_retry_what_was_given_up(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        keys = sshd.authorized_keys.read_text()
        client.manager.interest("sshd", "shell")
        await client.manager.lease("sshd", "shell")
        sshd.authorized_keys.write_text("")
        await asyncio.to_thread(sshd.kill_connections)
        await client.reaches("sshd", FAILED)
        sshd.authorized_keys.write_text(keys)
        client.manager.retry_now("sshd")
        await client.reaches("sshd", CONNECTED)
        assert client.manager.status("sshd").gives_up == ""


# -- hammering --------------------------------------------------------------------------------


async def test_42_a_server_that_flaps_is_followed_with_longer_and_longer_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    real = backoff.Backoff.next

    def shortened(self: backoff.Backoff, turned_away: bool = False, refused: bool = False) -> float:
        waits.append(real(self, turned_away, refused))
        return 0.01

    monkeypatch.setattr(backoff.Backoff, "next", shortened)
    phases = [Phase.CONNECTED, Phase.AUTHENTICATING, Phase.AUTHENTICATED, None]
    async with LoopbackServer() as server, Proxy(server.port) as line:
        config = through_line(server, line)
        async with connecting(config) as client:
            client.manager.interest("loopback", "shell")
            await client.manager.lease("loopback", "shell")
            for flap in range(30):
                server.faults.disconnect_at = phases[flap % len(phases)]
                line.refusing = flap % 5 == 4
                seen = len(waits)
                while len(waits) == seen:
                    line.reset()
                    await pause()
            assert all(0 <= wait <= 30 for wait in waits)
            assert max(waits[-10:]) > 5, "the waits stay short"
            server.faults.disconnect_at, line.refusing = None, False
            await client.reaches("loopback", CONNECTED)
            assert await client.run("loopback", "echo ok") == "ok\n"


async def test_44_a_server_that_turns_us_away_is_given_time() -> None:
    """MaxStartups and penalties: closed before a greeting."""
    async with LoopbackServer() as server, Proxy(server.port) as line:
        config = through_line(server, line)
        async with connecting(config) as client:
            waits = waits_of(client, "loopback")
            client.manager.interest("loopback", "shell")
            await client.manager.lease("loopback", "shell")
            line.refusing = True
            line.cut()
            await until(lambda: len(waits) == 2)
            assert waits[-1][0].attempts == 1
            assert waits[-1][1] > 1.5
            assert line.accepted == 2


async def test_a_connection_that_held_for_a_while_starts_again_with_short_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backoff, "STEADY", 0.2)
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        waits = waits_of(client, "loopback")
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        for _ in range(4):
            server.drop_connections()
            await client.reaches("loopback", WAITING)
            await client.reaches("loopback", CONNECTED)
            await pause(0.25)
        server.drop_connections()
        await client.reaches("loopback", WAITING)
        assert waits[-1][1] <= 0.5


# -- the way there ----------------------------------------------------------------------------


async def test_the_way_is_worked_out_anew_for_each_attempt() -> None:
    async with LoopbackServer() as old, LoopbackServer() as new:
        config = old.config_file
        async with connecting(config) as client:
            client.manager.interest("loopback", "shell")
            await client.manager.lease("loopback", "shell")
            config.write_text(new.config_file.read_text())
            await old.stop()
            await client.reaches("loopback", WAITING)
            await client.reaches("loopback", CONNECTED)
            assert new.accepted == 1
            assert client.manager.status("loopback").address.endswith(f":{new.port}")


async def test_a_configuration_that_went_wrong_is_told_and_not_retried() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        good = server.config_file.read_text()
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        server.config_file.write_text(good + "    Port none\n")
        server.drop_connections()
        await client.reaches("loopback", FAILED)
        assert client.manager.status("loopback").gives_up == "the configuration is wrong"
        server.config_file.write_text(good)
        client.manager.retry_now("loopback")
        await client.reaches("loopback", CONNECTED)


async def test_closing_ends_the_waiting() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        await server.stop()
        await client.reaches("loopback", WAITING)
        await client.manager.close()
        assert client.manager.status("loopback").state is IDLE
        told = client.told(ConnectionChanged)
        assert told[-1].new is IDLE
