"""Verdicts on host keys, without any network."""

from pathlib import Path

import asyncssh
import pytest

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.trust.evidence import Evidence, ShownKey, Verdict, read_evidence
from sshdash.connections.trust.host_policy import HostPolicy, Strictness
from sshdash.keys.known_hosts import hash_name, parse_known_hosts

GOOD, OTHER = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
ECDSA = asyncssh.generate_private_key("ecdsa-sha2-nistp256")


def line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def evidence(text: str, name: str = "web", plain: str = "") -> Evidence:
    known = parse_known_hosts(text, "kh")
    return Evidence(
        known,
        tuple(known.matching(name)),
        tuple(known.matching(plain)) if plain else (),
    )


def verdict(text: str, name: str = "web", plain: str = "") -> tuple[Verdict, int]:
    found = evidence(text, name, plain).verdict(ShownKey(GOOD.public_data))
    return found.verdict, found.line.line if found.line else 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (Verdict.UNKNOWN, 0)),
        ("web {good}", (Verdict.KNOWN, 1)),
        ("web {other}", (Verdict.CHANGED, 1)),
        ("web {other}\nweb {good}", (Verdict.KNOWN, 2)),
        ("web {ecdsa}", (Verdict.CHANGED, 1)),
        ("web {ecdsa}\nweb {other}", (Verdict.CHANGED, 2)),
        ("10.0.0.1 {good}", (Verdict.UNKNOWN, 0)),
        ("db {good}", (Verdict.UNKNOWN, 0)),
        ("* {good}", (Verdict.KNOWN, 1)),
        ("*,!web {good}", (Verdict.UNKNOWN, 0)),
        ("web {good}\n@revoked * {good}", (Verdict.REVOKED, 2)),
        ("@revoked db {good}\nweb {good}", (Verdict.KNOWN, 2)),
        ("@cert-authority web {good}", (Verdict.UNKNOWN, 0)),
        ("{hashed} {good}", (Verdict.KNOWN, 1)),
        ("{hashed} {other}", (Verdict.CHANGED, 1)),
    ],
)
def test_verdicts(text: str, expected: tuple[Verdict, int]) -> None:
    filled = text.format(
        good=line(GOOD), other=line(OTHER), ecdsa=line(ECDSA), hashed=hash_name("web")
    )
    assert verdict(filled) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web {good}", Verdict.KNOWN),
        ("web {other}", Verdict.UNKNOWN),
        ("[web]:2222 {other}\nweb {good}", Verdict.CHANGED),
        ("[web]:2222 {good}\nweb {other}", Verdict.KNOWN),
        ("@revoked web {good}\n[web]:2222 {good}", Verdict.REVOKED),
        ("@revoked [web]:2222 {good}\nweb {good}", Verdict.REVOKED),
    ],
)
def test_verdicts_on_another_port(text: str, expected: Verdict) -> None:
    filled = text.format(good=line(GOOD), other=line(OTHER))
    assert verdict(filled, "[web]:2222", "web")[0] is expected


def test_known_types_and_authorities() -> None:
    known = evidence(f"web {line(ECDSA)}\n@cert-authority web {line(OTHER)}\ndb {line(GOOD)}\n")
    assert known.known_types() == {"ecdsa-sha2-nistp256"}
    assert known.has_authority()
    assert not evidence(f"@cert-authority db {line(OTHER)}\n").has_authority()


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (None, Strictness.ASK),
        ("ask", Strictness.ASK),
        ("yes", Strictness.REFUSE),
        ("true", Strictness.REFUSE),
        ("accept-new", Strictness.ADD),
        ("no", Strictness.OFF),
        ("off", Strictness.OFF),
        ("something", Strictness.ASK),
    ],
)
def test_strictness(value: str | None, meaning: Strictness) -> None:
    assert Strictness.of(value) is meaning


def policy(tmp_path: Path, text: str) -> HostPolicy:
    config = tmp_path / "config"
    config.write_text(text)
    return HostPolicy.of("web", Resolver(ConfigSource.standard(str(config))).resolve("web"))


def test_policy_of_a_configuration(tmp_path: Path) -> None:
    found = policy(
        tmp_path,
        "HostName Web.Example\nPort 2222\nUserKnownHostsFile /a /b\nGlobalKnownHostsFile none\n"
        "HashKnownHosts yes\nRevokedHostKeys /r\nRequiredRSASize 3072\n",
    )
    assert found == HostPolicy(
        host="web",
        name="[web.example]:2222",
        plain_name="web.example",
        hostname="web.example",
        dns_name="web.example",
        port=2222,
        user_files=(Path("/a"), Path("/b")),
        global_files=(),
        strictness=Strictness.ASK,
        hash_names=True,
        revoked_files=(Path("/r"),),
        rsa_bits=3072,
        update="no",
        signatures=found.signatures,
    )


@pytest.mark.parametrize("value", ["none", "/dev/null"])
def test_no_file_never_means_no_check(tmp_path: Path, value: str) -> None:
    found = policy(tmp_path, f"UserKnownHostsFile {value}\nGlobalKnownHostsFile none\n")
    assert found.file is None
    assert found.strictness is Strictness.ASK
    unknown = read_evidence(found, frozenset()).verdict(ShownKey(GOOD.public_data))
    assert unknown.verdict is Verdict.UNKNOWN


def test_unreadable_revocations_are_an_error(tmp_path: Path) -> None:
    found = policy(tmp_path, f"RevokedHostKeys {tmp_path / 'missing'}\n")
    with pytest.raises(OSError, match="No such file"):
        read_evidence(found, frozenset())
