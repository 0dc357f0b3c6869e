"""Under which name a password is saved: one for every server that may be another one."""

from pathlib import Path

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.login.account import account_of
from sshdash.connections.login.replay import Replay

HOSTS = """
Host direct
Host site-a
    ProxyJump gate-a
Host site-b
    ProxyJump gate-b
Host command
    ProxyCommand connect --token hidden %h
Host renamed
    HostKeyAlias other
Host *
    HostName 10.0.0.5
    User root
"""


def test_the_same_address_behind_another_hop_is_another_account(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(HOSTS)
    resolver = Resolver(ConfigSource.standard(str(config)))
    hosts = ("direct", "site-a", "site-b", "command", "renamed")
    names = [account_of(resolver.resolve(host)) for host in hosts]
    assert names[0] == "root@10.0.0.5"
    assert len(set(names)) == len(hosts)
    assert not any("hidden" in name for name in names)


def test_a_password_is_kept_for_one_host_key() -> None:
    replay = Replay()
    replay.keep("me@web", b"key", "secret")
    assert replay.find("me@web", b"key") == "secret"
    assert replay.find("me@web", b"other") is None
    assert replay.find("me@web", b"") is None
    assert "secret" not in repr(replay)
