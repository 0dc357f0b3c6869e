"""Private keys on disk, and the ring of opened ones."""

import asyncio
import base64
import os
from pathlib import Path

import asyncssh
import pytest

from sshdash.keys.agent import AgentUnavailable, open_agent
from sshdash.keys.identities import Passphrase, load_certificate, load_identity, unlock
from sshdash.keys.keyring import KeyRing, WrongPassphrase
from sshdash.prompts import SecretAnswer

pytestmark = pytest.mark.filterwarnings("ignore:.*bcrypt.kdf.* called with only")

FORMATS = ["openssh", "pkcs8-pem", "pkcs1-pem"]


def write(
    path: Path, kind: str = "openssh", passphrase: str | None = None, mode: int = 0o600
) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    key.write_private_key(str(path), kind, passphrase=passphrase, rounds=1)
    path.chmod(mode)
    return key


@pytest.mark.parametrize("kind", FORMATS)
def test_plain_key(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "id"
    key = write(path, kind)
    identity = load_identity(path)
    assert identity
    assert (identity.blob, identity.private, identity.encrypted, identity.problem) == (
        key.public_data,
        True,
        False,
        "",
    )
    assert unlock(path).public_data == key.public_data


@pytest.mark.parametrize("kind", FORMATS)
def test_encrypted_key(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "id"
    key = write(path, kind, "right")
    identity = load_identity(path)
    assert identity
    assert identity.encrypted
    assert identity.blob == (key.public_data if kind == "openssh" else None)
    for wrong in (None, "wrong"):
        with pytest.raises(Passphrase):
            unlock(path, wrong)
    assert unlock(path, "right").public_data == key.public_data


def test_public_half_tells_what_an_encrypted_pem_does_not(tmp_path: Path) -> None:
    path = tmp_path / "id"
    key = write(path, "pkcs8-pem", "right")
    key.write_public_key(str(path) + ".pub")
    identity = load_identity(path)
    assert identity
    assert identity.blob == key.public_data


def test_public_half_alone_is_for_an_agent(tmp_path: Path) -> None:
    path = tmp_path / "id"
    key = write(path)
    key.write_public_key(str(path) + ".pub")
    path.unlink()
    for name in (path, tmp_path / "id.pub"):
        identity = load_identity(name)
        assert identity
        assert identity.blob == key.public_data
        assert not identity.private
        assert not identity.problem


def test_no_file_is_no_identity(tmp_path: Path) -> None:
    assert load_identity(tmp_path / "none") is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_key_that_others_can_read_has_a_problem(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "id"
    write(path, mode=mode)
    identity = load_identity(path)
    assert identity
    assert f"{mode:04o}" in identity.problem
    assert f"chmod 600 {path}" in identity.problem


def test_damaged_and_foreign_files_have_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "id"
    write(path)
    path.write_text(path.read_text()[:120])
    damaged = load_identity(path)
    assert damaged
    assert damaged.problem
    path.write_text("hello\n")
    foreign = load_identity(path)
    assert foreign
    assert "neither" in foreign.problem


def test_certificate_beside_the_key_and_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "id"
    key = write(path)
    authority = asyncssh.generate_private_key("ssh-ed25519")
    first = authority.generate_user_certificate(key, "first", principals=["me"])
    second = authority.generate_user_certificate(key, "second", principals=["me"])
    stranger = authority.generate_user_certificate(authority, "other", principals=["me"])
    first.write_certificate(str(path) + "-cert.pub")
    identity = load_identity(path)
    assert identity
    assert identity.certificate
    assert identity.certificate.blob == first.public_data
    second.write_certificate(str(tmp_path / "second"))
    elsewhere = load_certificate(tmp_path / "second")
    assert (elsewhere.blob, elsewhere.key) == (second.public_data, key.public_data)
    stranger.write_certificate(str(path) + "-cert.pub")
    identity = load_identity(path)
    assert identity
    assert identity.certificate is None


def test_pipe_is_no_key_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        identity = load_identity(tmp_path / name)
        assert identity
        assert "cannot be read" in identity.problem


def test_certificate_that_no_server_takes_says_why(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    for problem, first, last in (
        ("expired on", 0, 1),
        ("is not valid before", 1 << 40, 1 << 41),
    ):
        made = key.generate_user_certificate(
            key, "me", principals=["me"], valid_after=first, valid_before=last
        )
        made.write_certificate(str(tmp_path / "cert"))
        assert problem in load_certificate(tmp_path / "cert").problem
    key.generate_host_certificate(key, "host").write_certificate(str(tmp_path / "cert"))
    assert "not a certificate for users" in load_certificate(tmp_path / "cert").problem
    (tmp_path / "cert").write_text("hello\n")
    with pytest.raises(ValueError, match=r"\w"):
        load_certificate(tmp_path / "cert")


class Answers:
    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.attempts: list[int] = []

    async def __call__(self, path: Path, attempt: int) -> SecretAnswer | None:
        self.attempts.append(attempt)
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        return None if answer is None else SecretAnswer((answer,))


async def test_ring_asks_once_for_all_who_wait(tmp_path: Path) -> None:
    path = tmp_path / "id"
    write(path, passphrase="right")
    ring = KeyRing()
    ask = Answers("wrong", "right")
    keys = await asyncio.gather(*(ring.private_key(path, True, ask) for _ in range(5)))
    assert len({id(key) for key in keys}) == 1
    assert ask.attempts == [1, 2]
    assert repr(ring) == "<KeyRing [1 open]>"


async def test_ring_asks_again_for_a_file_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "id"
    write(path, passphrase="one")
    ring = KeyRing()
    await ring.private_key(path, True, Answers("one"))
    path.unlink()
    key = write(path, passphrase="second")
    again = await ring.private_key(path, True, Answers("second"))
    assert again.public_data == key.public_data


async def test_ring_gives_up_after_three_and_at_once_without_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "id"
    write(path, passphrase="right")
    ring = KeyRing()
    ask = Answers("a", "b", "c", "right")
    with pytest.raises(WrongPassphrase, match="3 times"):
        await ring.private_key(path, True, ask)
    assert ask.attempts == [1, 2, 3]
    for nothing in (None, ""):
        with pytest.raises(WrongPassphrase, match="no passphrase"):
            await ring.private_key(path, True, Answers(nothing))


async def test_agent_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AgentUnavailable):
        await open_agent(str(tmp_path / "agent"))


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN )PENSSH PRIVATE KEY-----\nAAAA\n-----END )PENSSH PRIVATE KEY-----\n",
        b"-----BEGIN *?SSH PRIVATE KEY-----\nAAAA\n-----END *?SSH PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_damage_of_any_kind_is_a_problem_of_the_key(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(text)
    path.chmod(0o600)
    identity = load_identity(path)
    assert identity
    assert identity.problem
    with pytest.raises(ValueError, match=r"\w"):
        unlock(path)


def test_numbers_that_do_not_belong_together_are_a_problem_of_the_key(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    body = bytearray(key.export_private_key("pkcs1-der"))
    body[20] ^= 0xFF
    path = tmp_path / "key"
    text = base64.encodebytes(bytes(body)).decode()
    path.write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{text}-----END RSA PRIVATE KEY-----\n")
    path.chmod(0o600)
    identity = load_identity(path)
    assert identity
    assert identity.problem
