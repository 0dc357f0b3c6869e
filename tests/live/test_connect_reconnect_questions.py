"""A connection that comes back asks a person once, and nothing that it knows already."""

from pathlib import Path

import asyncssh

from sshdash.events import AnswerAwaited
from sshdash.states import ConnectionState
from tests.live.connecting import connecting, until
from tests.live.reconnect_kit import Person, star
from tests.servers.loopback import Faults, LoopbackServer

CONNECTING = ConnectionState.CONNECTING
CONNECTED = ConnectionState.CONNECTED
FAILED = ConnectionState.FAILED
WAITING = ConnectionState.WAITING


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
