"""Private keys on disk: every format OpenSSH and OpenSSL write, and what is wrong with some."""

import asyncio
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import AuthenticationError
from tests.live.auth_kit import keygen, new_key, public_line, replace, running_agent, secrets, use
from tests.live.connecting import connecting
from tests.servers.programs import require
from tests.servers.sshd import RealSshd

WORDS = "open sesame"


def openssl(*words: str | Path) -> None:
    subprocess.run([require("openssl"), *map(str, words)], check=True, capture_output=True)


def written_by_ssh_keygen(path: Path, kind: str, form: str, passphrase: str) -> None:
    options = ["-b", "2048"] if kind == "rsa" else []
    keygen("-t", kind, "-f", path, "-N", passphrase, "-a", "4", *options, *form.split())


def lonely(path: Path) -> None:
    """Take the public half of a key away, and protect the private one as clouds say."""
    path.with_name(path.name + ".pub").unlink(missing_ok=True)
    path.chmod(0o400)


def write_public(path: Path, line: str) -> None:
    path.with_name(path.name + ".pub").write_text(line)


def move_certificate(path: Path, target: Path) -> Path:
    """Move the certificate of a key away from it."""
    return path.with_name(path.name + "-cert.pub").rename(target)


async def logs_in(sshd: RealSshd, path: Path, public: str, asks: int) -> None:
    """Log in with the key at `path`, without its public half beside it."""
    lonely(path)
    sshd.authorized_keys.write_text(public)
    async with connecting(replace(sshd, IdentityFile=path), (WORDS,)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert len(secrets(client)) == asks


@pytest.mark.parametrize("passphrase", ["", WORDS])
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("ed25519", ""),
        ("ecdsa", ""),
        ("rsa", ""),
        ("rsa", "-m PEM"),
        ("ecdsa", "-m PEM"),
        ("rsa", "-m PKCS8"),
        ("ecdsa", "-m PKCS8"),
    ],
)
async def test_keys_of_ssh_keygen(sshd: RealSshd, kind: str, form: str, passphrase: str) -> None:
    path = sshd.folder / "key"
    written_by_ssh_keygen(path, kind, form, passphrase)
    await logs_in(sshd, path, public_line(path), bool(passphrase))


@pytest.mark.parametrize(
    "cipher",
    [
        "aes256-ctr",
        "aes256-cbc",
        "aes128-cbc",
        "3des-cbc",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
    ],
)
async def test_ciphers_of_the_new_format(sshd: RealSshd, cipher: str) -> None:
    path = sshd.folder / "key"
    written_by_ssh_keygen(path, "ed25519", f"-Z {cipher}", WORDS)
    await logs_in(sshd, path, public_line(path), 1)


@pytest.mark.parametrize("cipher", ["-des3", "-aes128", "-aes192", "-aes256"])
async def test_ciphers_of_traditional_pem(sshd: RealSshd, cipher: str) -> None:
    path = new_key(sshd.folder / "key", "rsa", "", "-b", "2048", "-m", "PEM")
    pem = sshd.folder / "web.pem"
    openssl("rsa", "-in", path, "-traditional", cipher, "-passout", f"pass:{WORDS}", "-out", pem)
    assert "Proc-Type: 4,ENCRYPTED" in pem.read_text()
    await logs_in(sshd, pem, public_line(path), 1)


@pytest.mark.parametrize(
    "protection",
    [
        "-nocrypt",
        "-v2 aes-256-cbc",
        "-v2 aes-128-cbc -v2prf hmacWithSHA512",
        "-v2 des3",
        "-scrypt",
    ],
)
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_pkcs8_as_openssl_writes_it(sshd: RealSshd, kind: str, protection: str) -> None:
    path = sshd.folder / "key"
    written_by_ssh_keygen(path, kind, "-m PEM", "")
    out = sshd.folder / "key.p8"
    words: list[str | Path] = ["pkcs8", "-topk8", "-in", path, "-out", out, *protection.split()]
    if protection != "-nocrypt":
        words += ["-passout", f"pass:{WORDS}"]
    openssl(*words)
    await logs_in(sshd, out, public_line(path), protection != "-nocrypt")


@pytest.mark.parametrize("encrypted", [False, True])
async def test_ed25519_in_pkcs8(sshd: RealSshd, encrypted: bool) -> None:
    """Which OpenSSH reads since release 9.6, and OpenSSL has always written."""
    path = sshd.folder / "ed.pem"
    words: list[str | Path] = ["genpkey", "-algorithm", "ed25519", "-out", path]
    openssl(*words, *(["-aes256", "-pass", f"pass:{WORDS}"] if encrypted else []))
    key = asyncssh.read_private_key(str(path), WORDS if encrypted else None)
    await logs_in(sshd, path, key.export_public_key().decode(), encrypted)


async def test_text_before_a_key_is_passed_over(sshd: RealSshd) -> None:
    """As in the ``.pem`` files of clouds and of OpenSSL's attributes."""
    path = new_key(sshd.folder / "key", "rsa", "", "-b", "2048", "-m", "PEM")
    public = public_line(path)
    path.chmod(0o600)
    path.write_text(f"Bag Attributes\n    friendlyName: web\n{path.read_text()}\n\n")
    await logs_in(sshd, path, public, 0)


async def test_public_half_of_another_key_is_told(sshd: RealSshd) -> None:
    path = new_key(sshd.folder / "key", "rsa", WORDS, "-b", "2048", "-m", "PEM")
    other = new_key(sshd.folder / "other")
    write_public(path, public_line(other))
    sshd.authorized_keys.write_text(public_line(other))
    async with connecting(replace(sshd, IdentityFile=path), (WORDS,)) as client:
        with pytest.raises(AuthenticationError, match="belongs to another key"):
            await client.manager.lease("sshd", "test")


@pytest.mark.parametrize("held_by", ["disk", "agent"])
async def test_rsa_key_that_is_too_short_is_not_used(sshd: RealSshd, held_by: str) -> None:
    path = new_key(sshd.folder / "short", "rsa", "", "-b", "1024")
    sshd.authorized_keys.write_text(public_line(path))
    with running_agent() as agent:
        if held_by == "agent":
            agent.add(path)
        config = replace(sshd, IdentityFile=path, IdentityAgent=agent.path)
        overrides = (("RequiredRSASize", "2048"),)
        async with connecting(config, overrides=overrides) as client:
            with pytest.raises(AuthenticationError, match="fewer than 2048 bits"):
                await client.manager.lease("sshd", "test")


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("PKCS11Provider", "/usr/lib/token.so", "ssh-add -s /usr/lib/token.so"),
        ("PubkeyAcceptedAlgorithms", "ecdsa-sha2-nistp256", "PubkeyAcceptedAlgorithms does not"),
        ("IdentityFile", "~/.ssh/no-such-key", "no-such-key does not exist"),
        ("CertificateFile", "~/.ssh/no-such-cert", "no-such-cert"),
    ],
)
async def test_what_the_configuration_names_and_is_not_used_is_told(
    sshd: RealSshd, keyword: str, value: str, words: str
) -> None:
    sshd.authorized_keys.write_text("")
    async with connecting(use(sshd, **{keyword: value})) as client:
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("sshd", "test")
    assert words in caught.value.detail


@pytest.mark.parametrize("problem", ["expired", "principal", "host"])
async def test_certificate_that_is_no_good_does_not_stop_its_key(
    sshd: RealSshd, problem: str
) -> None:
    authority = new_key(sshd.folder / "authority")
    words = {
        "expired": ["-n", sshd.user, "-V", "20000101:20000102"],
        "principal": ["-n", "nobody"],
        "host": ["-n", "localhost", "-h"],
    }[problem]
    keygen("-s", authority, "-I", "me", *words, f"{sshd.identity}.pub")
    with sshd.authorized_keys.open("a") as file:
        file.write(f"cert-authority {public_line(authority)}")
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        await client.manager.disconnect("sshd")
        sshd.authorized_keys.write_text(f"cert-authority {public_line(authority)}")
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("sshd", "test")
    told = {
        "expired": "expired on 2000-01-0",
        "principal": "certificate",
        "host": "not a certificate",
    }
    assert told[problem] in str(caught.value)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("held_by", ["disk", "agent", "certificate file"])
async def test_certificates_of_every_kind_log_in(sshd: RealSshd, kind: str, held_by: str) -> None:
    authority = new_key(sshd.folder / "authority")
    path = new_key(sshd.folder / "key", kind, WORDS if held_by == "disk" else "")
    keygen("-s", authority, "-I", "me", "-n", sshd.user, f"{path}.pub")
    sshd.authorized_keys.write_text(f"cert-authority {public_line(authority)}")
    config = replace(sshd, IdentityFile=path)
    with running_agent() as agent:
        if held_by == "agent":
            agent.add(path)
            path.unlink()
        if held_by == "certificate file":
            elsewhere = move_certificate(path, sshd.folder / "elsewhere")
            config.write_text(f"Host *\n  CertificateFile {elsewhere}\n{config.read_text()}")
        replace(sshd, IdentityAgent=agent.path)
        async with connecting(config, (WORDS,)) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"
        assert sshd.log.count("Failed publickey") <= 1


@pytest.mark.alone
async def test_opening_a_key_never_holds_the_screen(sshd: RealSshd) -> None:
    """The rounds of a key with many of them run in a thread: timers stay within a frame."""
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", WORDS, "-a", "200")
    ticks: list[tuple[float, float]] = []

    async def tick() -> None:
        while True:
            ticks.append((time.monotonic(), time.thread_time()))
            await asyncio.sleep(0.005)

    async with connecting(sshd.config_file, ("wrong",), (WORDS,)) as client:
        ticking = asyncio.create_task(tick())
        assert await client.run("sshd", "echo ok") == "ok\n"
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(ticks)]
    assert max(worked for _, worked in gaps) < 0.25
    # Each of two passphrases takes nearly half of the time, on a loaded machine as well.
    assert max(passed for passed, _ in gaps) < (ticks[-1][0] - ticks[0][0]) / 4
