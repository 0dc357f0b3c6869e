"""Connections come back: by themselves where that helps, and never against a person's will."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import asyncssh
import pytest

from sshdash.connections.recovery import backoff, supervisor
from sshdash.connections.snapshot import ConnectionSnapshot
from sshdash.errors import AuthenticationError, UnreachableError
from sshdash.events import AnswerAwaited, ConnectionChanged
from sshdash.prompts import Question, SecretQuestion
from sshdash.settings import Settings
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting, until
from tests.servers.loopback import Faults, LoopbackServer, Phase
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


def through_line(server: LoopbackServer, line: Proxy) -> Path:
    """Have the server's client configuration lead through `line`."""
    for file in (server.known_hosts, server.config_file):
        file.write_text(file.read_text().replace(str(server.port), str(line.port)))
    return server.config_file


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


@pytest.mark.usefixtures("longest_waits")
async def test_the_next_attempt_can_be_counted_down() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        manager, loop = client.manager, asyncio.get_running_loop()
        manager.interest("loopback", "tunnel")
        await manager.lease("loopback", "tunnel")
        await server.stop()

        async def waits(attempts: int) -> ConnectionSnapshot:
            await until(lambda: manager.status("loopback").attempts == attempts)
            await client.reaches("loopback", WAITING)
            return manager.status("loopback")

        for attempts, longest in ((0, 0.5), (1, 1.0), (2, 2.0)):
            status = await waits(attempts)
            assert status.retry_at is not None
            assert 0 < status.retry_at - loop.time() <= longest
            if attempts:
                assert status.reason == "Connection refused"


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


# -- questions --------------------------------------------------------------------------------


class Person:
    """Answers when told to."""

    def __init__(self, *answers: tuple[str, ...] | None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, question: Question[object]) -> object:
        assert isinstance(question, SecretQuestion)
        self.asked += 1
        await self.may_answer.wait()
        return self.answers.pop(0)


async def test_a_question_nobody_expected_is_announced_and_asked_once() -> None:
    faults = Faults(public_key=False, prompts=[("Code: ", True)], answers=["1"])
    person = Person(("1",), ("1",))
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, prompter=person) as client,  # type: ignore[arg-type]
    ):
        manager = client.manager
        manager.interest("loopback", "shell")
        await manager.lease("loopback", "shell")
        person.may_answer.clear()
        server.drop_connections()
        await until(lambda: manager.status("loopback").asking)
        assert manager.status("loopback").state is CONNECTING
        person.may_answer.set()
        await client.reaches("loopback", CONNECTED)
        assert not manager.status("loopback").asking
        assert [event.waiting for event in client.told(AnswerAwaited)] == [True, False]
        assert person.asked == 2


async def test_a_password_is_replayed_and_not_asked_again() -> None:
    faults = Faults(public_key=False, password="secret")
    person = Person(("secret",), ("secret",))
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, prompter=person) as client,  # type: ignore[arg-type]
    ):
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        for _ in range(2):
            server.drop_connections()
            await client.reaches("loopback", WAITING)
            await client.reaches("loopback", CONNECTED)
        assert person.asked == 1
        await client.manager.disconnect("loopback")
        await client.manager.lease("loopback", "shell")
        assert person.asked == 2, "what was disconnected by hand is forgotten"


async def test_a_password_is_not_replayed_to_another_host_key() -> None:
    """StrictHostKeyChecking may let any server in; what was typed was typed for one of them."""
    person = Person(("secret",), None)
    overrides = (("StrictHostKeyChecking", "no"), ("UserKnownHostsFile", "/dev/null"))
    async with LoopbackServer(Faults(public_key=False, password="secret")) as server:
        async with connecting(server.config_file, prompter=person, overrides=overrides) as client:  # type: ignore[arg-type]
            client.manager.interest("loopback", "shell")
            await client.manager.lease("loopback", "shell")
            server.host_key = asyncssh.generate_private_key("ssh-ed25519")
            await server.stop()
            await server.start()
            await client.reaches("loopback", FAILED)
        assert person.asked == 2
        assert [secret for kind, secret in server.attempts if kind == "password"] == ["secret"]


async def test_a_password_that_changed_is_asked_for_again() -> None:
    faults = Faults(public_key=False, password="old")
    person = Person(("old",), ("new",), ("new",))
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, prompter=person) as client,  # type: ignore[arg-type]
    ):
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        faults.password = "new"
        for _ in range(2):
            server.drop_connections()
            await client.reaches("loopback", WAITING)
            await client.reaches("loopback", CONNECTED)
        assert person.asked == 2
        tried = [secret for kind, secret in server.attempts if kind == "password"]
        assert tried == ["old", "old", "new", "new"]


async def test_a_dismissed_question_is_not_asked_again() -> None:
    faults = Faults(public_key=False, prompts=[("Code: ", True)], answers=["1"])
    person = Person(("1",), None)
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, prompter=person) as client,  # type: ignore[arg-type]
    ):
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        server.drop_connections()
        await client.reaches("loopback", FAILED)
        assert client.manager.status("loopback").gives_up == "a question was dismissed"
        assert person.asked == 2


async def test_a_question_that_nobody_answers_is_not_asked_all_night() -> None:
    faults = Faults(public_key=False, prompts=[("Code: ", True)], answers=["1"])
    person = Person(("1",), ("1",), ("1",))
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, prompter=person) as client,  # type: ignore[arg-type]
    ):
        manager = client.manager
        manager.interest("loopback", "shell")
        await manager.lease("loopback", "shell")
        person.may_answer.clear()
        server.drop_connections()
        await until(lambda: manager.status("loopback").asking)
        server.drop_connections()  # LoginGraceTime is over
        await client.reaches("loopback", FAILED)
        assert manager.status("loopback").gives_up == "nobody answered its question"
        assert not manager.status("loopback").asking
        person.may_answer.set()
        manager.retry_now("loopback")
        await client.reaches("loopback", CONNECTED)
        assert person.asked == 3


async def test_a_jump_host_asks_for_those_behind_it_and_says_so(tmp_path: Path) -> None:
    person = Person(("1",), ("1",))
    async with star(tmp_path) as hosts:
        faults = hosts.hop.faults
        faults.public_key, faults.prompts, faults.answers = False, [("Code: ", True)], ["1"]
        async with connecting(hosts.config, prompter=person) as client:  # type: ignore[arg-type]
            manager = client.manager
            manager.interest("b", "shell")
            await manager.lease("b", "shell")
            person.may_answer.clear()
            hosts.hop.drop_connections()
            await until(lambda: manager.status("a").asking)
            assert manager.status("b").state is WAITING
            person.may_answer.set()
            await client.reaches("b", CONNECTED)
            assert person.asked == 2


# -- jump hosts -------------------------------------------------------------------------------


class Star:
    """A jump host ``a`` and three hosts behind it, ``b``, ``c`` and ``d``."""

    def __init__(self, hop: LoopbackServer, far: list[LoopbackServer], config: Path) -> None:
        self.hop, self.far, self.config = hop, far, config


@asynccontextmanager
async def star(folder: Path) -> AsyncIterator[Star]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(LoopbackServer()) for _ in "abcd"]
        text = ""
        for name, server in zip("abcd", servers, strict=True):
            jump = "" if name == "a" else "    ProxyJump a\n"
            text += server.config_file.read_text().replace("loopback\n", f"{name}\n{jump}", 1)
        config = folder / "star"
        config.write_text(text)
        yield Star(servers[0], servers[1:], config)


async def connect_all(client: Client) -> None:
    for name in "bcd":
        client.manager.interest(name, "shell")
    await asyncio.gather(*(client.manager.lease(name, "shell") for name in "bcd"))


def is_coming_back(client: Client, name: str) -> bool:
    return client.manager.status(name).state in (WAITING, CONNECTING)


async def test_47_a_dead_jump_host_is_dialled_once_and_all_follow(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        manager = client.manager
        await connect_all(client)
        assert hosts.hop.accepted == 1
        await hosts.hop.stop()
        for name in "bcd":
            await client.reaches(name, WAITING)
            status = manager.status(name)
            assert status.reason.startswith("via a: ")
            assert status.retry_at == manager.status("a").retry_at
            told = [event.reason for event in client.told(ConnectionChanged) if event.host == name]
            assert "via a: the connection broke off" in told
        before = len(client.states("a"))
        await until(lambda: manager.status("a").attempts == 3)
        await client.reaches("a", WAITING)
        assert manager.status("b").reason == "via a: Connection refused"
        assert manager.status("b").attempts == 3
        assert client.states("a")[before:].count(CONNECTING) <= 3
        assert CONNECTING not in client.states("b")[client.states("b").index(LOST) :]
        await hosts.hop.start()
        for name in "bcd":
            await client.reaches(name, CONNECTED)
        assert hosts.hop.accepted == 2
        assert [server.accepted for server in hosts.far] == [2, 2, 2]


async def test_trying_one_of_them_now_brings_all_back(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        await connect_all(client)
        await hosts.hop.stop()
        await until(lambda: client.manager.status("a").attempts >= 2)
        await hosts.hop.start()
        client.manager.retry_now("c")
        for name in "bcd":
            await client.reaches(name, CONNECTED)
        assert hosts.hop.accepted == 2


async def test_a_jump_host_that_a_person_disconnected_stays_so(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        manager = client.manager
        await connect_all(client)
        await manager.disconnect("a")
        for name in "bcd":
            await client.reaches(name, LOST)
            assert manager.status(name).reason == "via a: disconnected"
            assert manager.status(name).gives_up == "its jump host was disconnected"
        manager.retry_now("b")
        for name in "bcd":
            await client.reaches(name, CONNECTED)


async def test_a_jump_host_that_refuses_the_login_is_to_blame_for_all(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        await connect_all(client)
        hosts.hop.faults.public_key = False
        hosts.hop.drop_connections()
        for name in "bcd":
            await client.reaches(name, FAILED)
            status = client.manager.status(name)
            assert status.reason == "via a: Permission denied"
            assert status.gives_up == "the login was refused"
        assert hosts.hop.accepted == 2


async def test_nobody_waits_behind_a_jump_host_any_more(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        wants = [client.manager.interest(name, "shell") for name in "bc"]
        await asyncio.gather(*(client.manager.lease(name, "shell") for name in "bc"))
        await hosts.hop.stop()
        for name in "abc":
            await until(partial(is_coming_back, client, name))
        wants[0].release()
        assert client.manager.status("b").state is IDLE
        assert client.manager.status("a").state is not IDLE
        wants[1].release()
        await client.reaches("a", IDLE)


async def test_a_loss_behind_a_living_jump_host_leaves_it_alone(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        await connect_all(client)
        hosts.far[0].drop_connections()
        await client.reaches("b", WAITING)
        assert client.manager.status("b").reason == "the connection broke off"
        await client.reaches("b", CONNECTED)
        assert hosts.hop.accepted == 1
        assert LOST not in client.states("c")


# -- hammering --------------------------------------------------------------------------------


async def test_42_a_server_that_flaps_is_followed_with_longer_and_longer_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    real = backoff.Backoff.next

    def shortened(self: backoff.Backoff, turned_away: bool = False) -> float:
        waits.append(real(self, turned_away))
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
            manager, loop = client.manager, asyncio.get_running_loop()
            manager.interest("loopback", "shell")
            await manager.lease("loopback", "shell")
            line.refusing = True
            line.cut()
            await until(lambda: manager.status("loopback").attempts)
            await client.reaches("loopback", WAITING)
            retry_at = manager.status("loopback").retry_at
            assert retry_at is not None
            assert retry_at - loop.time() > 1.5
            assert line.accepted == 2


async def test_a_connection_that_held_for_a_while_starts_again_with_short_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "STEADY", 0.2)
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        for _ in range(4):
            server.drop_connections()
            await client.reaches("loopback", WAITING)
            await client.reaches("loopback", CONNECTED)
            await pause(0.25)
        server.drop_connections()
        await client.reaches("loopback", WAITING)
        retry_at = client.manager.status("loopback").retry_at
        assert retry_at is not None
        assert retry_at - asyncio.get_running_loop().time() <= 0.5


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
