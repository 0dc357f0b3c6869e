"""What ssh_config says of forwards: options, permitted targets, tokens."""

import socket
from pathlib import Path

import pytest

from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.config.source import ConfigSource
from sshdash.errors import UsageError
from sshdash.tunnels.forwards.options import (
    ForwardOptions,
    PermittedTargets,
    configured,
    with_tokens,
)
from sshdash.tunnels.spec import Kind, parse_forward


@pytest.mark.parametrize(
    ("words", "host", "port", "allowed"),
    [
        ("", "db", 5432, True),
        ("any", "db", 5432, True),
        ("ANY", "db", 5432, True),
        ("none", "db", 5432, False),
        ("db:5432", "db", 5432, True),
        ("db:5432", "db", 5433, False),
        ("db:5432", "DB", 5432, False),
        ("db:5432", "xdb", 5432, False),
        ("db:*", "db", 1, True),
        ("*:80", "anything", 80, True),
        ("*:80", "anything", 81, False),
        ("d*:80", "db", 80, False),
        ("[::1]:22", "::1", 22, True),
        ("[::1]:*", "::1", 22, True),
        ("[::1]:22", "127.0.0.1", 22, False),
        ("a:1 b:http", "b", 80, True),
        ("a:1 b:http", "b", 1, False),
        ("127.0.0.1:80", "localhost", 80, False),
    ],
)
def test_permitted_targets(words: str, host: str, port: int, allowed: bool) -> None:
    assert PermittedTargets(words.split()).allows(host, port) is allowed


def test_what_is_set_for_a_host(tmp_path: Path) -> None:
    options = ForwardOptions.of(resolved(tmp_path, ""))
    assert (options.gateway_ports, options.bind_mask, options.bind_unlink) == (False, 0o177, False)
    assert options.permitted.allows("anything", 1)
    options = ForwardOptions.of(
        resolved(
            tmp_path,
            "GatewayPorts yes\nStreamLocalBindMask 0117\nStreamLocalBindUnlink yes\n"
            "PermitRemoteOpen db:5432 web:80\n",
        )
    )
    assert (options.gateway_ports, options.bind_mask, options.bind_unlink) == (True, 0o117, True)
    assert options.permitted.allows("web", 80)
    assert not options.permitted.allows("web", 81)


def test_tokens_in_the_paths_of_sockets(tmp_path: Path) -> None:
    host = resolved(tmp_path, "HostName h.example\nPort 2222\n")
    spec = with_tokens(parse_forward(Kind.LOCAL, "/a-%h-%%:/b-%p"), host)
    assert (spec.listen_path, spec.target_path) == ("/a-h.example-%", "/b-2222")
    spec = parse_forward(Kind.LOCAL, "80:%h:80")
    assert with_tokens(spec, host) == spec, "ssh leaves hosts alone"
    with pytest.raises(UsageError, match="longer than 107 bytes"):
        with_tokens(parse_forward(Kind.LOCAL, "80:/" + "%h" * 20), host)
    host = resolved(tmp_path, "HostName ::1\n")
    assert with_tokens(parse_forward(Kind.REMOTE, "/a-%h"), host).listen_path == "/a-::1"
    with pytest.raises(UsageError, match="unknown token %y"):
        with_tokens(parse_forward(Kind.REMOTE, "/a-%y"), host)


def resolved(home: Path, text: str) -> ResolvedHost:
    file = home / "config"
    file.write_text(text)
    return Resolver(ConfigSource.standard(str(file))).resolve("web")


def test_the_words_of_a_directive_are_put_together_as_ssh_does(tmp_path: Path) -> None:
    host = resolved(tmp_path, "LocalForward 127.0.0.1 8080:db:80\nLocalForward /a\\ b db:80\n")
    specs, wrong = configured(host)
    assert [str(spec) for spec in specs] == ["127.0.0.1:8080:db:80", "/a\\ b:db:80"]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("", socket.AF_UNSPEC),
        ("AddressFamily any\n", socket.AF_UNSPEC),
        ("AddressFamily inet\n", socket.AF_INET),
        ("AddressFamily inet6\n", socket.AF_INET6),
    ],
)
def test_the_family_of_addresses(tmp_path: Path, text: str, family: socket.AddressFamily) -> None:
    assert ForwardOptions.of(resolved(tmp_path, text)).family is family
