"""How a key signs: by what the user accepts and the server takes, in the user's order."""

from pathlib import Path

import asyncssh
import pytest

from sshdash.connections.login.signing import DiskKeyPair
from sshdash.keys.blob import blob_type

NEW, SHORT, OLD = "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"
CERT = "-cert-v01@openssh.com"
RSA = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
ED = asyncssh.generate_private_key("ssh-ed25519")


def pair(key: asyncssh.SSHKey, certified: bool = False) -> DiskKeyPair:
    async def opened() -> asyncssh.SSHKey:
        return key

    certificate = b""
    if certified:
        certificate = ED.generate_user_certificate(key, "me", principals=["me"]).public_data
    return DiskKeyPair(key.public_data, Path("key"), opened, certificate)


@pytest.mark.parametrize(
    ("accepted", "server", "expected"),
    [
        ([NEW, SHORT], [], [NEW, SHORT]),
        ([SHORT, NEW], [NEW, SHORT], [SHORT, NEW]),
        ([NEW, SHORT], [SHORT], [SHORT]),
        ([NEW, SHORT, OLD], [], [OLD]),
        ([NEW, SHORT, OLD], [NEW, OLD], [NEW, OLD]),
        ([NEW, SHORT], [OLD], []),
        (["ssh-ed25519"], [], []),
    ],
)
@pytest.mark.parametrize("certified", [False, True])
def test_rsa_chooses_by_both_sides(
    accepted: list[str], server: list[str], expected: list[str], certified: bool
) -> None:
    names = accepted + [name + CERT for name in accepted]
    key = pair(RSA, certified)
    found = key.fitting(names, {name.encode() for name in server})
    assert found == [name + CERT * certified for name in expected]
    if found:
        key.prepare(found)
        assert key.sig_algorithm.decode() == expected[0]
        assert key.algorithm.decode() == found[0]


def test_other_keys_have_one_algorithm_whatever_the_server_says() -> None:
    names = ["ssh-ed25519", "ssh-ed25519" + CERT]
    assert pair(ED).fitting(names, {b"rsa-sha2-512"}) == ["ssh-ed25519"]
    assert pair(ED, True).fitting(names, set()) == ["ssh-ed25519" + CERT]
    assert pair(ED, True).fitting(["ssh-ed25519"], set()) == []


def test_a_pair_tells_what_it_is() -> None:
    assert pair(RSA).label == "RSA key"
    assert pair(ED, True).label == "ED25519 certificate key"
    assert pair(RSA, True).rsa_bits == pair(RSA).rsa_bits == 1024
    assert pair(ED).rsa_bits is None
    assert blob_type(pair(ED, True).public_data) == "ssh-ed25519" + CERT
    assert pair(ED, True).fingerprint == ED.get_fingerprint()
