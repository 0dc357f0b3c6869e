"""Logging in: nothing the server takes, or what stands in the way of it."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncssh

from sshdash.prompts import RefusingPrompter
from tests.live.failures.catalogue import failure
from tests.live.failures.scene import Scene, Told
from tests.servers.loopback import Faults
from tests.servers.sshd import RealSshd

LOGIN = "The login"


def _keygen(*words: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, words)], check=True, capture_output=True)


def _stranger(path: Path, kind: str = "ssh-ed25519") -> Path:
    """Write a private key that no server knows."""
    asyncssh.generate_private_key(kind).write_private_key(str(path))
    path.chmod(0o600)
    return path


def _replace(server: RealSshd, old: str, new: str) -> Path:
    """Replace a line of the client's configuration."""
    text = server.config_file.read_text()
    assert old in text
    server.config_file.write_text(text.replace(old, new))
    return server.config_file


def _with_identity(server: RealSshd, *paths: Path) -> Path:
    lines = "\n    ".join(f"IdentityFile {path}" for path in paths)
    return _replace(server, f"IdentityFile {server.identity}", lines)


def _encrypt(server: RealSshd) -> None:
    _keygen("-p", "-f", server.identity, "-P", "", "-N", "open sesame", "-a", "4")


@failure(LOGIN, "The server takes none of your keys, and nothing else")
async def no_method_left(scene: Scene) -> Told:
    server = scene.sshd()
    config = _with_identity(server, _stranger(scene.folder / "id_other"))
    return await scene.attempt(config, "sshd")


@failure(LOGIN, "You have no key at all, and the server only takes keys")
async def no_key(scene: Scene) -> Told:
    server = scene.sshd()
    return await scene.attempt(_with_identity(server, scene.folder / "id_missing"), "sshd")


@failure(LOGIN, "The password is wrong, three times")
async def wrong_password(scene: Scene) -> Told:
    server = await scene.loopback(Faults(public_key=False, password="right"))
    answers = [("wrong",), ("wrong",), ("wrong",)]
    return await scene.attempt(server.config_file, "loopback", *answers)


@failure(LOGIN, "A password is needed, and nobody can be asked")
async def nobody_to_ask(scene: Scene) -> Told:
    server = await scene.loopback(Faults(public_key=False, password="right"))
    return await scene.attempt(server.config_file, "loopback", prompter=RefusingPrompter())


@failure(LOGIN, "You close the question for the password")
async def dismissed(scene: Scene) -> Told:
    server = await scene.loopback(Faults(public_key=False, password="right"))
    return await scene.attempt(server.config_file, "loopback")


@failure(LOGIN, "Too many keys: the server gives up before the right one")
async def too_many_failures(scene: Scene) -> Told:
    server = scene.sshd(maxauthtries="2")
    keys = [_stranger(scene.folder / f"id_{number}") for number in range(4)]
    return await scene.attempt(_with_identity(server, *keys, server.identity), "sshd")


@failure(LOGIN, "The key file can be read by others")
async def key_open_to_others(scene: Scene) -> Told:
    server = scene.sshd()
    server.identity.chmod(0o644)
    return await scene.attempt(server.config_file, "sshd")


@failure(LOGIN, "The passphrase of the key is wrong, three times")
async def wrong_passphrase(scene: Scene) -> Told:
    server = scene.sshd()
    _encrypt(server)
    return await scene.attempt(server.config_file, "sshd", ("a",), ("b",), ("c",))


@failure(LOGIN, "The key has a passphrase, and nobody can be asked")
async def nobody_for_the_passphrase(scene: Scene) -> Told:
    server = scene.sshd()
    _encrypt(server)
    return await scene.attempt(server.config_file, "sshd", prompter=RefusingPrompter())


@failure(LOGIN, "The key file is of a kind that is not supported")
async def unsupported_key(scene: Scene) -> Told:
    server = scene.sshd()
    path = scene.folder / "id_putty"
    path.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\n")
    path.chmod(0o600)
    return await scene.attempt(_with_identity(server, path), "sshd")


@failure(LOGIN, "The key file is no key at all")
async def no_key_file(scene: Scene) -> Told:
    server = scene.sshd()
    path = scene.folder / "id_notes"
    path.write_text("remember the milk\n")
    path.chmod(0o600)
    return await scene.attempt(_with_identity(server, path), "sshd")


@failure(LOGIN, "The key file is damaged")
async def damaged_key(scene: Scene) -> Told:
    server = scene.sshd()
    text = server.identity.read_text()
    path = scene.folder / "id_damaged"
    path.write_text(text[: len(text) // 2])
    path.chmod(0o600)
    return await scene.attempt(_with_identity(server, path), "sshd")


@failure(LOGIN, "The password has expired, and the server wants a new one, but gets none")
async def password_expired(scene: Scene) -> Told:
    faults = Faults(public_key=False, password="old", expired=True)
    faults.instructions = "Your password has expired."
    server = await scene.loopback(faults)
    return await scene.attempt(server.config_file, "loopback", ("old",))


@failure(LOGIN, "The server ends the login with a reason of its own")
async def sent_away(scene: Scene) -> Told:
    from tests.servers.loopback import Phase

    faults = Faults(disconnect_at=Phase.AUTHENTICATING)
    faults.disconnect_reason = "This host is closed for maintenance"
    server = await scene.loopback(faults)
    return await scene.attempt(server.config_file, "loopback")


# -- agents -----------------------------------------------------------------------------------


def _with_agent(server: RealSshd, agent: Path) -> Path:
    """Let the client take its keys from an agent alone."""
    _replace(server, "IdentityAgent none", f"IdentityAgent {agent}")
    _replace(server, "IdentitiesOnly yes", "IdentitiesOnly no")
    return _replace(server, f"    IdentityFile {server.identity}\n", "")


class _Agent:
    """A real ssh-agent with one key."""

    def __init__(self, scene: Scene, key: Path, *options: str) -> None:
        self.path = scene.folder / "agent"
        environment = {**os.environ, "SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
        self._process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(self.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert self._process.stdout
        self._process.stdout.readline()
        environment["SSH_AUTH_SOCK"] = str(self.path)
        adding = ["ssh-add", "-q", *options, str(key)]
        subprocess.run(adding, check=True, capture_output=True, env=environment)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@failure(LOGIN, "SSH_AUTH_SOCK or IdentityAgent names an agent that is gone")
async def agent_gone(scene: Scene) -> Told:
    server = scene.sshd()
    return await scene.attempt(_with_agent(server, scene.folder / "agent"), "sshd")


@failure(LOGIN, "The agent does not sign: you say no, or nobody can confirm")
async def agent_refuses(scene: Scene) -> Told:
    server = scene.sshd()
    agent = _Agent(scene, server.identity, "-c")
    try:
        return await scene.attempt(_with_agent(server, agent.path), "sshd")
    finally:
        agent.end()


@failure(LOGIN, "The agent goes away between listing its keys and signing")
async def agent_dies(scene: Scene) -> Told:
    server = scene.sshd()
    real = _Agent(scene, server.identity)
    tasks: set[asyncio.Task[None]] = set()

    async def list_and_die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_unix_connection(str(real.path))
        try:
            while True:
                size = await reader.readexactly(4)
                request = await reader.readexactly(int.from_bytes(size, "big"))
                if request[0] == 13:  # SSH_AGENTC_SIGN_REQUEST
                    break
                there[1].write(size + request)
                answer = await there[0].readexactly(4)
                writer.write(answer + await there[0].readexactly(int.from_bytes(answer, "big")))
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            there[1].close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(list_and_die(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    front = scene.folder / "front"
    listener = await asyncio.start_unix_server(accept, str(front))
    try:
        return await scene.attempt(_with_agent(server, front), "sshd")
    finally:
        listener.close()
        real.end()
        if tasks:
            await asyncio.wait(tasks, timeout=2)
