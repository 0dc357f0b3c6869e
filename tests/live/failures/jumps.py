"""Jump hosts and proxy commands."""

from tests.live.failures.catalogue import failure
from tests.live.failures.scene import HASTY, Scene, Told
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

JUMPS = "Jump hosts and proxy commands"
_NAMES = ("first", "second", "third")


async def _chain(scene: Scene, *faults: Faults) -> tuple[str, list[LoopbackServer]]:
    """Return a configuration in which each server is reached through the one before."""
    text, servers = "", []
    for at, fault in enumerate(faults):
        server = await scene.loopback(fault)
        jump = f"    ProxyJump {_NAMES[at - 1]}\n" if at else ""
        part = server.config_file.read_text()
        text += part.replace("Host loopback\n", f"Host {_NAMES[at]}\n{jump}")
        servers.append(server)
    return text, servers


def _through_bastion(server: RealSshd) -> str:
    """Return the configuration of a server in which it is the bastion before ``inner``."""
    text = server.config_file.read_text().replace("ProxyJump sshd", "ProxyJump bastion")
    return text.replace("Host sshd inner", "Host bastion inner")


@failure(JUMPS, "The jump host does not forward connections")
async def jump_refuses(scene: Scene) -> Told:
    text, _ = await _chain(scene, Faults(forwarding=False), Faults())
    return await scene.attempt(text, "second")


@failure(JUMPS, "sshd on the jump host has AllowTcpForwarding no")
async def jump_forbids(scene: Scene) -> Told:
    server = scene.sshd(allowtcpforwarding="no")
    return await scene.attempt(_through_bastion(server), "inner")


@failure(JUMPS, "The first jump host is dead")
async def first_jump_dead(scene: Scene) -> Told:
    text, servers = await _chain(scene, Faults(), Faults())
    await servers[0].stop()
    return await scene.attempt(text, "second")


@failure(JUMPS, "The second of two jump hosts is dead")
async def second_jump_dead(scene: Scene) -> Told:
    text = _through_bastion(scene.sshd()).replace("Host bastion", "Host second third bastion")
    more = f"Host second\n    ProxyJump bastion\n    Port {free_port()}\n"
    return await scene.attempt(f"{more}Host third\n    ProxyJump second\n{text}", "third")


@failure(JUMPS, "Nothing listens on the host behind the jump host")
async def target_dead(scene: Scene) -> Told:
    text = _through_bastion(scene.sshd())
    return await scene.attempt(f"Host inner\n    Port {free_port()}\n{text}", "inner")


@failure(JUMPS, "The jump host takes none of your keys")
async def jump_denies(scene: Scene) -> Told:
    text, _ = await _chain(scene, Faults(public_key=False), Faults())
    return await scene.attempt(text, "second")


@failure(JUMPS, "ProxyJump leads back to where it came from")
async def circle(scene: Scene) -> Told:
    return await scene.attempt("Host web\n    ProxyJump db\nHost db\n    ProxyJump web\n")


@failure(JUMPS, "The ProxyCommand ends with an error")
async def proxy_command_fails(scene: Scene) -> Told:
    more = "    ProxyCommand sh -c 'echo no tunnel to %h >&2; exit 3'\n"
    return await scene.attempt(scene.web("db.example", more=more))


@failure(JUMPS, "The program of the ProxyCommand does not exist")
async def proxy_command_missing(scene: Scene) -> Told:
    scene.monkeypatch.setenv("SHELL", "/bin/sh")
    more = "    ProxyCommand no-such-program %h %p\n"
    return await scene.attempt(scene.web("db.example", more=more))


@failure(JUMPS, "The ProxyCommand runs and is silent")
async def proxy_command_silent(scene: Scene) -> Told:
    more = "    ProxyCommand sleep 60\n"
    return await scene.attempt(scene.web("db.example", more=more), settings=HASTY)
