"""Algorithms, routes and the clock that can stand still."""

import asyncio
from pathlib import Path

import pytest

from sshdash.config.destination import parse_destination
from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.algorithms import (
    CIPHERS,
    PLAIN_KEYS,
    algorithms,
    compression,
    host_key_algorithms,
    rekey_limits,
    signatures,
)
from sshdash.connections.deadline import Deadline
from sshdash.connections.route import RoutePlanner
from sshdash.errors import ConnectError


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


def test_fast_ciphers_lead_where_none_are_chosen(tmp_path: Path) -> None:
    assert algorithms(resolved(tmp_path, ""), "ciphers") == list(CIPHERS)
    assert CIPHERS[0] == "aes128-gcm@openssh.com"


@pytest.mark.parametrize(
    ("text", "first", "absent"),
    [
        ("Ciphers aes256-ctr,aes128-ctr", "aes256-ctr", "aes128-gcm@openssh.com"),
        ("Ciphers ^aes256-cbc", "aes256-cbc", "3des-cbc"),
        ("Ciphers -aes*-ctr", "chacha20-poly1305@openssh.com", "aes128-ctr"),
    ],
)
def test_chosen_ciphers(tmp_path: Path, text: str, first: str, absent: str) -> None:
    found = algorithms(resolved(tmp_path, text), "ciphers")
    assert found[0] == first
    assert absent not in found


def test_nothing_supported_is_an_error_that_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(ConnectError) as caught:
        algorithms(resolved(tmp_path, "KexAlgorithms sntrup761x25519-sha512"), "kexalgorithms")
    assert "curve25519-sha256" in caught.value.hint


def test_no_sha1_signature_unless_asked_for(tmp_path: Path) -> None:
    for key in ("hostkeyalgorithms", "pubkeyacceptedalgorithms"):
        assert "ssh-rsa" not in algorithms(resolved(tmp_path, ""), key)
        assert "ssh-rsa" in algorithms(resolved(tmp_path, f"{key} +ssh-rsa"), key)


def test_known_types_lead_the_host_key_algorithms() -> None:
    found = host_key_algorithms(PLAIN_KEYS, {"ssh-rsa"}, authorities=False)
    assert found[:2] == ["rsa-sha2-512", "rsa-sha2-256"]
    assert set(found) == set(PLAIN_KEYS)


def test_certificates_are_asked_for_only_with_an_authority() -> None:
    allowed = ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519")
    assert host_key_algorithms(allowed, set(), authorities=False) == ["ssh-ed25519"]
    assert host_key_algorithms(allowed, set(), authorities=True) == list(allowed)


def test_compression(tmp_path: Path) -> None:
    assert compression(resolved(tmp_path, ""))[0] == "none"
    assert compression(resolved(tmp_path, "Compression yes"))[0] == "zlib@openssh.com"


def test_rekey_limits(tmp_path: Path) -> None:
    assert rekey_limits(resolved(tmp_path, "")) == {}
    assert rekey_limits(resolved(tmp_path, "RekeyLimit 2M 1h")) == {
        "rekey_bytes": 2 << 20,
        "rekey_seconds": 3600,
    }


def test_accepted_algorithms_are_the_signatures_of_keys(tmp_path: Path) -> None:
    assert signatures(resolved(tmp_path, "")) == list(PLAIN_KEYS)
    only = "PubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com,rsa-sha2-256"
    assert signatures(resolved(tmp_path, only)) == ["ssh-ed25519", "rsa-sha2-256"]


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
