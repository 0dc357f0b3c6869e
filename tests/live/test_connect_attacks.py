"""Servers, networks and agents that misbehave on purpose while a connection is made."""

import asyncio
import contextlib
import random
from pathlib import Path

import asyncssh
import psutil
import pytest

from sshdash.errors import AuthenticationError, Cancelled, ConnectError, SSHDashError
from sshdash.events import BannerReceived
from sshdash.prompts import AnswerType, Question, SecretQuestion
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting, until
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd

ESCAPE = "\x1b]0;pwned\x07\x1b[2J\u202e\u009b31m"


class Slow:
    """Somebody who never answers, and notices when the question is taken away."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.withdrawn = asyncio.Event()

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.withdrawn.set()
        return None


def use(server: LoopbackServer | RealSshd, **options: object) -> Path:
    """Put options before all others in a server's client configuration."""
    text = server.config_file.read_text()
    lines = "".join(f"{key} {value}\n" for key, value in options.items())
    server.config_file.write_text(lines + text)
    return server.config_file


def sockets() -> int:
    return len(psutil.Process().net_connections(kind="inet"))


# -- passwords that must change ---------------------------------------------------------------


def expiring() -> Faults:
    return Faults(public_key=False, password="old", expired=True, instructions=f"Expired {ESCAPE}")


async def test_a_password_that_expired_is_changed_and_used() -> None:
    async with LoopbackServer(expiring()) as server:
        answers = (("old",), ("old", "new", "other"), ("old", "new", "new"))
        async with connecting(server.config_file, *answers) as client:
            assert await client.run("loopback", "echo in") == "in\n"
            assert server.attempts[-1] == ("change", "old → new")
            asked = [one for one in client.prompter.asked if isinstance(one, SecretQuestion)]
            assert "New password" in asked[1].title
            assert asked[1].instructions.startswith("Expired \\x1b")
            assert "did not match" in asked[2].title
            assert not any(prompt.echo for one in asked for prompt in one.prompts)


async def test_a_password_change_can_be_dismissed() -> None:
    async with LoopbackServer(expiring()) as server:
        async with connecting(server.config_file, ("old",), None) as client:
            with pytest.raises(Cancelled):
                await client.manager.lease("loopback", "x")
            assert server.attempts == [("password", "old")]
        async with connecting(server.config_file, ("old",), *[("a", "b", "c")] * 9) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "x")
            assert len(client.prompter.asked) <= 6


async def test_a_refused_password_change_is_a_denial() -> None:
    async with LoopbackServer(expiring()) as server:
        wrong = ("wrong", "new", "new")
        async with connecting(server.config_file, ("old",), wrong) as client:
            with pytest.raises((AuthenticationError, Cancelled)):
                await client.manager.lease("loopback", "x")


# -- questions that lose their point ----------------------------------------------------------


async def test_a_server_that_leaves_while_somebody_types_takes_the_question_away() -> None:
    slow = Slow()
    async with (
        LoopbackServer(Faults(public_key=False, password="x")) as server,
        connecting(server.config_file, prompter=slow) as client,
    ):
        leasing = asyncio.ensure_future(client.manager.lease("loopback", "x"))
        await slow.asked.wait()
        server.drop_connections()
        with pytest.raises(ConnectError, match="cut the connection"):
            await asyncio.wait_for(leasing, PATIENCE)
        assert slow.withdrawn.is_set()


async def test_disconnecting_while_somebody_types_takes_the_question_away() -> None:
    slow = Slow()
    async with (
        LoopbackServer(Faults(public_key=False, password="x")) as server,
        connecting(server.config_file, prompter=slow) as client,
    ):
        leasing = asyncio.ensure_future(client.manager.lease("loopback", "x"))
        await slow.asked.wait()
        await client.manager.disconnect("loopback")
        with pytest.raises(Cancelled):
            await leasing
        assert slow.withdrawn.is_set()
        await until(lambda: not server.connections)


# -- texts ------------------------------------------------------------------------------------


async def test_a_flood_of_banners_is_cut_short() -> None:
    class Flood(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self.connection = conn

        def begin_auth(self, username: str) -> bool:
            for number in range(3000):
                self.connection.send_auth_banner(f"{number} {ESCAPE}\n" * 5)
            return False

    async with LoopbackServer() as server:
        await server.stop()
        acceptor = await asyncssh.listen(
            "127.0.0.1", server.port, server_factory=Flood, server_host_keys=[server.host_key]
        )
        async with connecting(server.config_file) as client:
            await client.manager.lease("loopback", "x")
            told = "\n".join(event.text for event in client.told(BannerReceived))
            assert told.startswith("0 \\x1b")
            assert len(told.splitlines()) <= 200
            assert not any(char in told for char in "\x1b\x07\u202e\u009b")
        acceptor.close()
        await acceptor.wait_closed()


async def test_the_reason_of_a_failure_is_short_and_the_error_has_the_rest() -> None:
    async with LoopbackServer() as server:
        await server.change_host_key()
        async with connecting(server.config_file) as client:
            with pytest.raises(SSHDashError) as caught:
                await client.manager.lease("loopback", "x")
            assert client.manager.status("loopback").reason == "HOST KEY CHANGED"
            shows, has, where = caught.value.detail.split("\n")[1:]
            assert shows.endswith(server.fingerprint)
            assert has.startswith("known_hosts has ED25519 SHA256:")
            assert where == f"at {server.known_hosts}:1"
            assert "\n" not in str(caught.value)


# -- preferences ------------------------------------------------------------------------------


async def test_authentication_methods_that_nobody_knows_are_passed_over() -> None:
    async with LoopbackServer() as server:
        config = use(server, PreferredAuthentications="frobnicate,publickey")
        async with connecting(config) as client:
            assert await client.run("loopback", "echo in") == "in\n"


async def test_environment_that_is_not_utf8_is_sent_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = RealSshd(acceptenv="ODD_*")
    async with server:
        monkeypatch.setenv("ODD_NAME", "caf\udce9")
        async with connecting(use(server, SendEnv="ODD_NAME")) as client:
            shown = await client.run("sshd", 'printf %s "$ODD_NAME" | od -An -tx1')
            assert shown.split() == ["63", "61", "66", "e9"]


# -- agents -----------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ["closes", "garbage", "short", "half a list", "dies at signing"])
async def test_an_agent_that_misbehaves_does_not_stop_a_key_file(
    sshd: RealSshd, tmp_path: Path, manner: str
) -> None:
    blob = asyncssh.read_public_key(f"{sshd.identity}.pub").public_data

    def string(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    listed = b"\x0c" + (1).to_bytes(4, "big") + string(blob) + string(ESCAPE.encode())
    replies = {
        "closes": b"",
        "garbage": b"\x00\x00\x00\x05hello",
        "short": b"\x00\x00\x00\x02\x0c",
        "half a list": string(b"\x0c\x00\x00\x00\x09"),
        "dies at signing": string(listed),
    }

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readexactly(5)
            writer.write(replies[manner])
            await writer.drain()
            if manner == "dies at signing":
                await reader.readexactly(5)
        writer.close()

    path = tmp_path / "agent"
    listening = await asyncio.start_unix_server(agent, path)
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(text.replace("IdentityAgent none", f"IdentityAgent {path}"))
    async with connecting(sshd.config_file) as client:
        if manner == "dies at signing":
            with pytest.raises(AuthenticationError) as caught:
                await client.manager.lease("sshd", "x")
            assert "agent" in caught.value.detail
            assert "\x1b" not in str(caught.value)
        else:
            assert await client.run("sshd", "echo in") == "in\n"
    listening.close()
    await listening.wait_closed()


# -- cancelling -------------------------------------------------------------------------------


async def connect_and_cancel(client: Client, host: str, seconds: float) -> None:
    leasing = asyncio.ensure_future(client.manager.lease(host, "x"))
    await asyncio.sleep(seconds)
    leasing.cancel()
    with contextlib.suppress(asyncio.CancelledError, SSHDashError):
        (await leasing).release()
    await client.manager.disconnect(host)


@pytest.mark.parametrize("host", ["sshd", "inner"])
async def test_cancelling_at_any_moment_leaves_nothing_behind(sshd: RealSshd, host: str) -> None:
    before = sockets()
    async with connecting(sshd.config_file) as client:
        await client.run(host, "true")
        await client.manager.disconnect(host)
        await until(lambda: sockets() <= before)
        dice = random.Random(7)
        for _ in range(40):
            await connect_and_cancel(client, host, dice.uniform(0, 0.25))
        states = {status.state for status in client.manager.statuses()}
        await until(lambda: sockets() <= before)
        assert states <= {ConnectionState.IDLE}
        assert await client.run(host, "echo fine") == "fine\n"
