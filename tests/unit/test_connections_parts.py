"""Algorithms, routes and the clock that can stand still."""

import asyncio
from pathlib import Path

import pytest

from sshdash.config.algorithms import DEFAULTS
from sshdash.config.destination import parse_destination
from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.deadline import Deadline
from sshdash.connections.environment import environment, terminal_type
from sshdash.connections.route import RoutePlanner
from sshdash.connections.transport.algorithms import (
    algorithms,
    compression,
    host_key_algorithms,
    rekey_limits,
    signatures,
)
from sshdash.connections.transport.hardware import abilities_have_aes
from sshdash.errors import ConnectError

ALGORITHMS = "sshdash.connections.transport.algorithms"


def resolver(tmp_path: Path, text: str, *overrides: tuple[str, str]) -> Resolver:
    config = tmp_path / "config"
    config.write_text(text)
    return Resolver(ConfigSource.standard(str(config), overrides))


def resolved(tmp_path: Path, text: str) -> ResolvedHost:
    return resolver(tmp_path, text).resolve("web")


def route(tmp_path: Path, text: str, host: str, *overrides: tuple[str, str]) -> list[str]:
    planner = RoutePlanner(resolver(tmp_path, text, *overrides))
    return [hop.key for hop in planner.plan(parse_destination(host))]


# -- algorithms -------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [True, False])
def test_aes_leads_where_the_processor_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(
        "sshdash.connections.transport.algorithms.has_aes_instructions", lambda: fast
    )
    found = algorithms(resolved(tmp_path, ""), "ciphers")
    first = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]
    assert found[:2] == (first if fast else ["chacha20-poly1305@openssh.com", "aes128-ctr"])
    assert set(found) == set(DEFAULTS["ciphers"])
    if not fast:
        assert found == list(DEFAULTS["ciphers"])


@pytest.mark.parametrize(
    ("processors", "aes"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 aes avx\n", True),
        ("processor\t: 0\nflags\t\t: fpu sse2 avx\n", False),
        ("Features\t: fp asimd aes pmull sha1\n", True),
        ("Features\t: half thumb vfpv4\n", False),
        ("model name\t: aes\n", False),
        ("", False),
    ],
)
def test_what_the_processor_says_of_itself(processors: str, aes: bool) -> None:
    assert abilities_have_aes(processors) is aes


@pytest.mark.parametrize(
    ("text", "first", "absent"),
    [
        ("Ciphers aes256-ctr,aes128-ctr", "aes256-ctr", "aes128-gcm@openssh.com"),
        ("Ciphers ^aes256-cbc", "aes256-cbc", "3des-cbc"),
        ("Ciphers -aes*", "chacha20-poly1305@openssh.com", "aes128-ctr"),
        ("MACs -*-etm*,umac*", "hmac-sha2-256", "umac-64@openssh.com"),
        ("KexAlgorithms ^ecdh-sha2-nistp256", "ecdh-sha2-nistp256", "diffie-hellman-group1-sha1"),
        ("HostKeyAlgorithms ecdsa-*", "ecdsa-sha2-nistp256", "ssh-ed25519"),
    ],
)
def test_chosen_algorithms(tmp_path: Path, text: str, first: str, absent: str) -> None:
    found = algorithms(resolved(tmp_path, text), text.split()[0].lower())
    assert found[0] == first
    assert absent not in found


def test_adding_and_removing_keeps_the_order_of_what_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sshdash.connections.transport.algorithms.has_aes_instructions", lambda: True
    )
    more = algorithms(resolved(tmp_path, "Ciphers +3des-cbc"), "ciphers")
    assert more == [*algorithms(resolved(tmp_path, ""), "ciphers"), "3des-cbc"]
    fewer = algorithms(resolved(tmp_path, "Ciphers -aes128-gcm*"), "ciphers")
    assert fewer[0] == "aes256-gcm@openssh.com"


def test_nothing_supported_is_an_error_that_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(ConnectError) as caught:
        algorithms(resolved(tmp_path, "KexAlgorithms sntrup761x25519-sha512"), "kexalgorithms")
    assert "curve25519-sha256" in caught.value.hint


def test_no_sha1_signature_unless_asked_for(tmp_path: Path) -> None:
    for key in ("hostkeyalgorithms", "pubkeyacceptedalgorithms"):
        assert "ssh-rsa" not in algorithms(resolved(tmp_path, ""), key)
        assert "ssh-rsa" in algorithms(resolved(tmp_path, f"{key} +ssh-rsa"), key)


@pytest.mark.parametrize("text", ["", "HostKeyAlgorithms +ssh-rsa", "HostKeyAlgorithms -ssh-dss"])
def test_known_types_lead_the_host_key_algorithms(tmp_path: Path, text: str) -> None:
    config = resolved(tmp_path, text)
    found = host_key_algorithms(config, {"ssh-rsa"}, authorities=False)
    plain = [name for name in found if "-cert-" not in name]
    assert plain[:2] == ["rsa-sha2-512", "rsa-sha2-256"]
    assert found[0] == "rsa-sha2-512-cert-v01@openssh.com"
    rest = host_key_algorithms(config, set(), authorities=False)
    assert rest[0] == "ssh-ed25519-cert-v01@openssh.com"
    assert set(found) == set(rest)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("HostKeyAlgorithms ssh-ed25519,rsa-sha2-256", ["ssh-ed25519", "rsa-sha2-256"]),
        (
            "HostKeyAlgorithms ^ecdsa-sha2-nistp521",
            ["ecdsa-sha2-nistp521", "ssh-ed25519-cert-v01@openssh.com"],
        ),
    ],
)
def test_an_order_of_the_user_stays(tmp_path: Path, text: str, found: list[str]) -> None:
    offered = host_key_algorithms(resolved(tmp_path, text), {"ssh-rsa"}, authorities=False)
    assert offered[:2] == found


def test_certificates_lead_where_an_authority_is_known(tmp_path: Path) -> None:
    config = resolved(tmp_path, "")
    with_authority = host_key_algorithms(config, {"ssh-rsa"}, authorities=True)
    certificates = [name for name in with_authority if "-cert-" in name]
    assert with_authority[: len(certificates) + 1] == [*certificates, "rsa-sha2-512"]
    known_best = host_key_algorithms(config, {"ssh-ed25519", "ssh-rsa"}, authorities=False)
    assert known_best == host_key_algorithms(config, set(), authorities=False)


def test_compression_never_begins_before_the_login(tmp_path: Path) -> None:
    assert compression(resolved(tmp_path, "")) == ["none", "zlib@openssh.com"]
    assert compression(resolved(tmp_path, "Compression yes")) == ["zlib@openssh.com", "none"]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", (0, 0)),
        ("RekeyLimit 2M 1h", (2 << 20, 3600)),
        ("RekeyLimit default 10m", (0, 600)),
        ("RekeyLimit 1G none", (1 << 30, 0)),
    ],
)
def test_rekey_limits(tmp_path: Path, text: str, limits: tuple[int, int]) -> None:
    assert rekey_limits(resolved(tmp_path, text)) == limits


def test_accepted_algorithms_are_the_signatures_of_keys(tmp_path: Path) -> None:
    plain = [name for name in DEFAULTS["pubkeyacceptedalgorithms"] if "-cert-" not in name]
    assert signatures(resolved(tmp_path, "")) == plain
    only = "PubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com,rsa-sha2-256"
    assert signatures(resolved(tmp_path, only)) == ["ssh-ed25519", "rsa-sha2-256"]


# -- environment ------------------------------------------------------------------------------


def test_patterns_choose_what_is_sent_and_a_minus_takes_it_back(tmp_path: Path) -> None:
    config = resolved(
        tmp_path,
        "SendEnv LANG LC_* A?\nSendEnv -LC_P*\nSetEnv LANG=C FOO=a=b TERM=vt100\n"
        "SendEnv LC_[A]\nSetEnv FOO=later",
    )
    ours = {"LANG": "de", "LC_ALL": "x", "LC_PAPER": "y", "AB": "1", "ABC": "2", "LC_A": "z"}
    # A pattern that is taken back was written before: LC_P* is none of them, LC_* is.
    assert environment(config, ours) == {
        b"LANG": b"C",
        b"LC_ALL": b"x",
        b"LC_PAPER": b"y",
        b"LC_A": b"z",
        b"AB": b"1",
        b"FOO": b"a=b",
        b"TERM": b"vt100",
    }
    assert terminal_type(config, "xterm") == "vt100"
    gone = resolved(tmp_path, "SendEnv LANG LC_*\nSendEnv -LC_*")
    assert environment(gone, ours) == {b"LANG": b"de"}
    assert terminal_type(gone, "xterm") == "xterm"


# -- routes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "keys"),
    [
        ("", "web", ["web"]),
        ("", "me@web:22", ["me@web:22"]),
        ("Host web\nProxyJump a", "web", ["a", "web"]),
        ("Host web\nProxyJump a,b", "web", ["a", "b via a", "web"]),
        ("Host web\nProxyJump a,b\nHost b\nProxyJump a", "web", ["a", "b", "web"]),
        ("Host web\nProxyJump b\nHost b\nProxyJump a", "web", ["a", "b", "web"]),
        ("Host web\nProxyJump a,b\nHost b\nProxyJump c", "web", ["a", "b via a", "web"]),
        ("Host web\nProxyJump a,b\nHost a\nProxyJump x", "web", ["x", "a", "b via a", "web"]),
        ("Host web\nProxyJump none\nHost *\nProxyJump a", "web", ["web"]),
        ("Host web\nProxyJump u@a:2022", "web", ["u@a:2022", "web"]),
    ],
)
def test_routes(tmp_path: Path, text: str, host: str, keys: list[str]) -> None:
    assert route(tmp_path, text, host) == keys


def test_options_of_the_command_line_do_not_reach_the_hops(tmp_path: Path) -> None:
    assert route(tmp_path, "", "web", ("ProxyJump", "a")) == ["a", "web"]


@pytest.mark.parametrize(
    "text",
    [
        "Host a\nProxyJump b\nHost b\nProxyJump a",
        "Host a\nProxyJump b\nHost b\nProxyJump c\nHost c\nProxyJump b",
        "Host a\nProxyJump b,c\nHost c\nProxyJump a",
    ],
)
def test_circles_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConnectError, match="circle") as caught:
        route(tmp_path, text, "a")
    assert "→" in caught.value.detail


# -- the clock --------------------------------------------------------------------------------


async def test_deadline_ends_its_body() -> None:
    with pytest.raises(TimeoutError):
        async with Deadline(0.05):
            await asyncio.Event().wait()


async def test_no_limit() -> None:
    async with Deadline(0) as deadline:
        with deadline.paused():
            await asyncio.sleep(0)


async def test_pauses_do_not_count_and_nest() -> None:
    async with Deadline(0.2) as deadline:
        with deadline.paused(), deadline.paused():
            await asyncio.sleep(0.3)


async def test_the_clock_goes_on_after_a_pause() -> None:
    async def work() -> None:
        async with Deadline(0.1) as deadline:
            with deadline.paused():
                await asyncio.sleep(0.15)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()


async def test_pausing_outside_the_body_does_nothing() -> None:
    deadline = Deadline(0.05)
    with deadline.paused():
        await asyncio.sleep(0)
    async with deadline:
        pass
    with deadline.paused():
        await asyncio.sleep(0)
