"""What releases after 9.2 brought. The answers are those of OpenSSH 10.5."""

import getpass
from pathlib import Path

import pytest

from sshdash.config.catalog import load_catalog
from sshdash.config.resolver import ResolvedHost, Resolver, dump
from sshdash.config.source import ConfigSource
from sshdash.errors import ConfigError


def resolve(home: Path, text: str, host: str = "web") -> ResolvedHost:
    file = home / "config"
    file.write_text(text)
    return Resolver(ConfigSource.standard(str(file))).resolve(host)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Tag a", ("a",)),
        ('Tag "a b"', ("a b",)),
        ("ChannelTimeout session=5m *=1h # c", ("session=5m", "*=1h")),
        ("ChannelTimeout global=5m", ("global=5m",)),
        ("ChannelTimeout NONE", ("none",)),
        ("ObscureKeystrokeTiming true", ("yes",)),
        ("ObscureKeystrokeTiming no", ("no",)),
        ("ObscureKeystrokeTiming interval:80", ("80",)),
        ('RefuseConnection "not this one"', ("not this one",)),
        ("WarnWeakCrypto NO-PQ-KEX", ("no-pq-kex",)),
        ("VersionAddendum a b", ("a b",)),
        ("RevokedHostKeys /a '/b c'", ("/a", "/b c")),
        (
            "HostKeyAlgorithms ssh-mldsa44-ed25519@openssh.com,ssh-ed25519",
            ("ssh-ed25519",),
        ),
        ("KexAlgorithms mlkem768x25519-sha256", ("mlkem768x25519-sha256",)),
    ],
)
def test_newer_values_are_taken(home: Path, line: str, value: tuple[str, ...]) -> None:
    resolved = resolve(home, f"{line}\n")
    key = line.partition(" ")[0].lower()
    assert resolved.get_all(key) == value


@pytest.mark.parametrize(
    "line",
    [
        "Tag a b",
        'Tag ""',
        "ChannelTimeout session",
        "ChannelTimeout session=x",
        "ChannelTimeout session=-1",
        "ChannelTimeout none session=1",
        "ChannelTimeout a=b=c",
        "ObscureKeystrokeTiming YES",
        "ObscureKeystrokeTiming interval:0",
        "ObscureKeystrokeTiming interval:1001",
        "ObscureKeystrokeTiming interval:5s",
        "ObscureKeystrokeTiming yes no",
        "WarnWeakCrypto x",
        "WarnWeakCrypto yes no",
        "RevokedHostKeys none /b",
        "Match localnetwork 127.0.0.1/8",
        "Match localnetwork !127.0.0.0/8",
        "Match localnetwork 127.0.0.0/255.0.0.0",
        "Match localnetwork x",
        'Match sessiontype ""',
        "Match version",
    ],
)
def test_newer_values_that_are_wrong_are_refused(home: Path, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(home, f"\n{line}\n")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ('Match tagged ""', True),
        ("Match tagged a", False),
        ("Tag a\nMatch tagged a", True),
        ("Tag a\nMatch tagged b*,a", True),
        ('Tag a\nMatch tagged ""', False),
        ("Tag a\nMatch !tagged b", True),
        ('Match command ""', True),
        ("Match command x", False),
        ('RemoteCommand x\nMatch command "x"', False),
        ("Match sessiontype shell", True),
        ("RemoteCommand x\nMatch sessiontype exec", False),
        ("SessionType none\nMatch sessiontype none", True),
        ("Match version OpenSSH_10*", True),
        ("Match version OpenSSH_9*", False),
        ("Match localnetwork 127.0.0.0/8", True),
        ("Match localnetwork 127.0.0.1", True),
        ("Match localnetwork 0.0.0.0/0", True),
        ("Match localnetwork 198.51.100.0/24", False),
        ("Match localnetwork 198.51.100.0/24,127.0.0.0/8", True),
        ("Match !localnetwork 198.51.100.0/24", True),
    ],
)
def test_newer_criteria(home: Path, text: str, matches: bool) -> None:
    assert (resolve(home, f"{text}\n  Port 5\n").port == 5) is matches


def test_criteria_see_the_command_that_was_asked_for(home: Path) -> None:
    file = home / "config"
    file.write_text('Match command "git-*"\n  Port 5\nMatch sessiontype exec\n  User x\n')
    source = ConfigSource.standard(str(file))
    resolved = Resolver(source, command="git-upload-pack 'a'").resolve("web")
    assert (resolved.port, resolved.user) == (5, "x")
    assert Resolver(source).resolve("web").port == 22


def test_tokens_in_user_are_replaced_where_they_can_be(home: Path) -> None:
    resolved = resolve(home, "User %n-%u\n")
    assert resolved.user == f"web-{getpass.getuser()}"
    assert "user %n-%u\n" in dump(resolved), "as 9.2 prints it"
    assert resolve(home, "User a%z\n").user == "a%z"


def test_the_jump_host_is_a_token(home: Path) -> None:
    text = "ProxyJump me@gate:23\nControlPath /c/%j\nIdentityFile /k/%j\n"
    resolved = resolve(home, text)
    assert resolved.get("controlpath") == "/c/gate"
    assert resolved.identity_files == (Path("/k/gate"),)
    assert resolve(home, "IdentityFile /k%j\n").identity_files == (Path("/k"),)


def test_tokens_and_variables_in_include(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PART", "parts")
    parts = home / ".ssh/parts"
    parts.mkdir()
    for name, text in (("web", "Port 5\nHost one\n"), ("db", "Port 6\nHost two\n")):
        (parts / name).write_text(text)
        (parts / name).chmod(0o600)
    text = "Include ${PART}/%h\n"
    assert resolve(home, text).port == 5
    assert resolve(home, text, "db").port == 6
    assert resolve(home, "Include ${NOT_SET}/%h x%z\n").port == 22
    resolve(home, text)
    listed = load_catalog(ConfigSource.standard(str(home / "config"))).hosts
    assert [host.alias for host in listed] == ["two", "one"]


def test_a_file_with_a_percent_sign_in_its_name_is_taken_as_it_is(home: Path) -> None:
    (home / ".ssh/%h").write_text("Port 7\n")
    (home / ".ssh/%h").chmod(0o600)
    assert resolve(home, "Include %h\n").port == 7
