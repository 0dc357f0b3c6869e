"""The server's host key: unknown, changed, revoked, or a certificate that does not hold."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncssh

from sshdash.events import WarningRaised
from sshdash.prompts import HostKeyAnswer, RefusingPrompter
from tests.live.failures.catalogue import failure
from tests.live.failures.scene import Scene, Told
from tests.servers.sshd import RealSshd

TRUST = "The host key"


def _keygen(*words: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, words)], check=True, capture_output=True)


def _public(path: Path) -> str:
    key = asyncssh.read_private_key(str(path))
    return key.export_public_key().decode().strip()


def _certified(scene: Scene, names: str, validity: str, lines: str = "{authority}\n") -> RealSshd:
    """Return a server with a host certificate whose signer is known.

    `lines` is its known_hosts, with ``{authority}``, ``{signer}`` and ``{key}`` in it.
    """
    authority = scene.folder / "ca"
    _keygen("-t", "ed25519", "-f", authority, "-N", "")
    signer = authority.with_suffix(".pub").read_text().strip()
    server = scene.sshd()
    host_key = server.host_keys["ed25519"]
    public = host_key.with_suffix(".pub")
    public.write_text(_public(host_key) + "\n")
    _keygen("-s", authority, "-I", "host", "-h", "-n", names, "-V", validity, public)
    server.options["hostcertificate"] = f"{host_key}-cert.pub"
    server.restart()
    known = lines.format(
        authority=f"@cert-authority * {signer}", signer=signer, key=_public(host_key)
    )
    server.known_hosts.write_text(known)
    return server


@failure(TRUST, "The host key is unknown, and nobody can be asked")
async def unknown_host_key(scene: Scene) -> Told:
    server = scene.sshd()
    server.known_hosts.write_text("")
    return await scene.attempt(server.config_file, "sshd", prompter=RefusingPrompter())


@failure(TRUST, "The host key is unknown, and StrictHostKeyChecking is yes")
async def strict_checking(scene: Scene) -> Told:
    server = scene.sshd()
    server.known_hosts.write_text("")
    options = {"StrictHostKeyChecking": "yes"}
    return await scene.attempt(server.config_file, "sshd", options=options)


@failure(TRUST, "You say no to an unknown host key")
async def not_accepted(scene: Scene) -> Told:
    server = scene.sshd()
    server.known_hosts.write_text("")
    return await scene.attempt(server.config_file, "sshd")


@failure(TRUST, "The host key has changed")
async def changed(scene: Scene) -> Told:
    server = await scene.loopback()
    await server.change_host_key()
    return await scene.attempt(server.config_file, "loopback")


@failure(TRUST, "The host key is marked @revoked in known_hosts")
async def revoked_by_mark(scene: Scene) -> Told:
    server = await scene.loopback()
    known = server.known_hosts.read_text()
    server.known_hosts.write_text(f"@revoked {known}")
    return await scene.attempt(server.config_file, "loopback")


@failure(TRUST, "The host key is in RevokedHostKeys")
async def revoked_by_list(scene: Scene) -> Told:
    server = await scene.loopback()
    listed = scene.folder / "revoked"
    listed.write_text(server.host_key.export_public_key().decode())
    options = {"RevokedHostKeys": str(listed)}
    return await scene.attempt(server.config_file, "loopback", options=options)


@failure(TRUST, "RevokedHostKeys cannot be read")
async def revocations_missing(scene: Scene) -> Told:
    server = await scene.loopback()
    options = {"RevokedHostKeys": str(scene.folder / "missing")}
    return await scene.attempt(server.config_file, "loopback", options=options)


@failure(TRUST, "The host's certificate has expired")
async def certificate_expired(scene: Scene) -> Told:
    server = _certified(scene, "127.0.0.1", "20000101:20000102")
    return await scene.attempt(server.config_file, "sshd")


@failure(TRUST, "The host's certificate is for another name")
async def certificate_for_another(scene: Scene) -> Told:
    server = _certified(scene, "elsewhere.example", "+1d")
    return await scene.attempt(server.config_file, "sshd")


@failure(TRUST, "The authority that signed the host's certificate is revoked")
async def authority_revoked(scene: Scene) -> Told:
    lines = "{authority}\n@revoked * {signer}\n"
    server = _certified(scene, "127.0.0.1", "+1d", lines)
    return await scene.attempt(server.config_file, "sshd")


@failure(TRUST, "The key inside the host's certificate is revoked")
async def certified_key_revoked(scene: Scene) -> Told:
    lines = "{authority}\n@revoked * {key}\n"
    server = _certified(scene, "127.0.0.1", "+1d", lines)
    return await scene.attempt(server.config_file, "sshd")


@failure(TRUST, "The host's RSA key is shorter than RequiredRSASize")
async def host_key_too_short(scene: Scene) -> Told:
    server = await scene.loopback()
    server.host_key = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
    await server.stop()
    await server.start()
    options = {"RequiredRSASize": "2048"}
    return await scene.attempt(server.config_file, "loopback", options=options)


@failure(TRUST, "The disk is full while an accepted host key is written to known_hosts")
async def disk_full(scene: Scene) -> Told:
    """A warning, not an error: the key counts for this run, and the user is told."""
    server = scene.sshd()
    server.known_hosts.write_text("# there was something before\n")
    _fill_disk(scene, server.known_hosts)
    client = await scene.client(server.config_file, HostKeyAnswer.ACCEPT)
    async with await client.manager.lease("sshd", "test"):
        (warning,) = client.told(WarningRaised)
    assert server.known_hosts.read_text() == "# there was something before\n"
    detail, _, hint = warning.detail.partition("; ")
    return Told(scene.neutral(warning.title), scene.neutral(detail), scene.neutral(hint))


def _fill_disk(scene: Scene, file: Path) -> None:
    """Let writes to files in the folder of `file` fail as those to a full disk do."""
    real: Callable[..., int] = os.write
    folder = str(file.parent)

    def write(descriptor: int, data: bytes) -> int:
        place = os.readlink(f"/proc/self/fd/{descriptor}") if os.path.isdir("/proc/self") else ""
        if place.startswith(folder) and "known_hosts" in place:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    scene.monkeypatch.setattr(os, "write", write)
