"""A server or a network that goes away: in each phase of the login, and once it is up.

Killed is SIGKILL to the sshd of this connection, frozen is SIGSTOP to it, and cut is a network
that passes nothing on any more and says nothing of it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sshdash.connections.recovery.vigil import Vigil
from sshdash.connections.timeline import Phase
from sshdash.events import EventBus
from sshdash.prompts import AnswerType, HostKeyAnswer, Question, ScriptedPrompter
from sshdash.settings import Settings
from sshdash.terminal.session import ShellSession
from tests.live.connecting import Client, until
from tests.live.failures.catalogue import failure
from tests.live.failures.scene import Scene, Told
from tests.patience import PATIENCE
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

LOSS = "A server or network that goes away"
_WATCHFUL = Settings(connect_timeout=20, keepalive_interval=1, keepalive_count=1)

_SHORT = Settings(connect_timeout=3, keepalive_interval=0)
"""Enough to come to any phase, even where the machine is busy."""

Strike = Callable[[RealSshd, Proxy], None]


def _kill(server: RealSshd, proxy: Proxy) -> None:
    server.kill_connections()


def _freeze(server: RealSshd, proxy: Proxy) -> None:
    server.suspend()


def _cut(server: RealSshd, proxy: Proxy) -> None:
    proxy.stall()


async def _behind_a_network(scene: Scene, settings: Settings) -> tuple[RealSshd, Proxy, Client]:
    """Return a server, the network in front of it and a client that goes through that."""
    server = scene.sshd()
    proxy = await scene.proxy(server.port)
    text = server.config_file.read_text().replace(f"Port {server.port}", f"Port {proxy.port}")
    text = text.replace("ProxyJump sshd", "ProxyJump bastion").replace("Host sshd", "Host bastion")
    server.known_hosts.write_text(
        server.known_hosts.read_text().replace(f":{server.port}", f":{proxy.port}")
    )
    return server, proxy, await scene.client(text, settings=settings)


async def _during(scene: Scene, phase: Phase, strike: Strike, settings: Settings) -> Told:
    server, proxy, client = await _behind_a_network(scene, settings)
    scene.when(client, "bastion", phase, lambda: strike(server, proxy))
    try:
        return await scene.failing(client, "bastion")
    finally:
        server.resume()


async def _once_up(scene: Scene, strike: Strike) -> Told:
    server, proxy, client = await _behind_a_network(scene, _WATCHFUL)
    async with await client.manager.lease("bastion", "shell") as lease:
        strike(server, proxy)
        return await _lost(scene, lease.connection.wait_lost())


async def _lost(scene: Scene, waiting: Awaitable[str]) -> Told:
    async with asyncio.timeout(PATIENCE):
        reason = await waiting
    return Told("Connection lost", scene.neutral(reason), "it is made again by itself")


@failure(LOSS, "The network is cut before the greeting")
async def cut_before_greeting(scene: Scene) -> Told:
    return await _during(scene, Phase.GREETING, _cut, _SHORT)


@failure(LOSS, "The server is killed during the key exchange")
async def killed_in_key_exchange(scene: Scene) -> Told:
    return await _during(scene, Phase.KEX, _kill, _SHORT)


@failure(LOSS, "The server freezes during the key exchange")
async def frozen_in_key_exchange(scene: Scene) -> Told:
    return await _during(scene, Phase.KEX, _freeze, _SHORT)


@failure(LOSS, "The network is cut during the key exchange")
async def cut_in_key_exchange(scene: Scene) -> Told:
    return await _during(scene, Phase.KEX, _cut, _SHORT)


@failure(LOSS, "The server is killed during the login")
async def killed_in_login(scene: Scene) -> Told:
    return await _during(scene, Phase.AUTH, _kill, _SHORT)


@failure(LOSS, "The server freezes during the login")
async def frozen_in_login(scene: Scene) -> Told:
    return await _during(scene, Phase.AUTH, _freeze, _SHORT)


@failure(LOSS, "The network is cut during the login")
async def cut_in_login(scene: Scene) -> Told:
    return await _during(scene, Phase.AUTH, _cut, _SHORT)


@failure(LOSS, "The server gives up while you read the question about its host key")
async def killed_while_asked(scene: Scene) -> Told:
    server = scene.sshd()
    server.known_hosts.write_text("")

    class Slow(ScriptedPrompter):
        async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
            server.kill_connections()
            await until(lambda: not server.connections())
            await asyncio.sleep(0.3)
            return await super().ask(question)

    client = await scene.client(
        server.config_file, prompter=Slow([HostKeyAnswer.ACCEPT]), settings=_SHORT
    )
    async with await client.manager.lease("sshd", "test"):
        return Told(
            "Connected", "on another connection, with the key you accepted", "nothing to do"
        )


@failure(LOSS, "The server is killed while it opens a shell")
async def killed_in_channel(scene: Scene) -> Told:
    return await _opening(scene, _kill)


@failure(LOSS, "The network is cut while a shell is opened")
async def cut_in_channel(scene: Scene) -> Told:
    return await _opening(scene, _cut)


async def _opening(scene: Scene, strike: Strike) -> Told:
    server, proxy, client = await _behind_a_network(scene, _WATCHFUL)
    lease = await client.manager.lease("bastion", "shell")
    strike(server, proxy)
    return await scene.failure_of(ShellSession.open(lease, EventBus(), columns=80, rows=24))


@failure(LOSS, "The server is killed while a shell is open")
async def killed(scene: Scene) -> Told:
    return await _once_up(scene, _kill)


@failure(LOSS, "The server freezes while a shell is open")
async def frozen(scene: Scene) -> Told:
    server, _, client = await _behind_a_network(scene, _WATCHFUL)
    async with await client.manager.lease("bastion", "shell") as lease:
        server.suspend()
        try:
            return await _lost(scene, lease.connection.wait_lost())
        finally:
            server.resume()


@failure(LOSS, "The network is cut while a shell is open")
async def cut(scene: Scene) -> Told:
    return await _once_up(scene, _cut)


@failure(LOSS, "The connection is reset on the way")
async def reset(scene: Scene) -> Told:
    return await _once_up(scene, lambda server, proxy: proxy.reset())


@failure(LOSS, "The server says goodbye with a reason")
async def goodbye(scene: Scene) -> Told:
    server = await scene.loopback()
    client = await scene.client(server.config_file)
    async with await client.manager.lease("loopback", "shell") as lease:
        await until(lambda: server.connections)
        server.connections[0].disconnect(11, "going down for maintenance")
        return await _lost(scene, lease.connection.wait_lost())


@failure(LOSS, "The jump host is killed: what goes through it is lost with it")
async def jump_killed(scene: Scene) -> Told:
    server, _, client = await _behind_a_network(scene, _WATCHFUL)
    async with await client.manager.lease("inner", "shell") as lease:
        server.kill_connections()
        return await _lost(scene, lease.connection.wait_lost())


@failure(LOSS, "The machine slept for an hour, and the network has forgotten the connection")
async def asleep(scene: Scene) -> Told:
    scene.monkeypatch.setattr("sshdash.connections.recovery.vigil.PROBE_SECONDS", 0.5)
    _, proxy, client = await _behind_a_network(scene, Settings(keepalive_interval=0))
    async with await client.manager.lease("bastion", "shell") as lease:
        proxy.stall()
        vigil: Vigil = client.manager._vigil
        vigil.sleep._woke(3600)  # as the watch does when the clock has jumped
        return await _lost(scene, lease.connection.wait_lost())
