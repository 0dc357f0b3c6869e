"""What the configuration means for a host, where each value came from, and what is refused."""

import errno
import os
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshdash.config import parser, reader
from sshdash.config.catalog import load_catalog, summarize
from sshdash.config.destination import Destination
from sshdash.config.resolver import Origin, ResolvedHost, Resolver, dump
from sshdash.config.source import ConfigSource
from sshdash.errors import ConfigError, ShortageError
from tests.patience import PATIENCE


def resolve(home: Path, text: str, host: str = "web", *overrides: tuple[str, str]) -> ResolvedHost:
    """Resolve a host against one file."""
    file = home / "config"
    file.write_bytes(os.fsencode(text))
    return Resolver(ConfigSource.standard(str(file), overrides)).resolve(host)


def test_the_first_value_wins_and_says_where_it_stands(home: Path) -> None:
    resolved = resolve(home, "Host web\n  Port 2222\nHost *\n  Port 22\n  User bob\n")
    assert (resolved.port, resolved.user, resolved.hostname) == (2222, "bob", "web")
    assert resolved.origins["port"] == (Origin(str(home / "config"), 2),)
    assert str(resolved.origins["user"][0]).endswith("config:5")
    assert "compression" not in resolved.origins
    assert resolved.destination == Destination("web", "bob", 2222)


def test_what_is_resolved_ahead_is_for_the_next_connection_alone(home: Path) -> None:
    file, runs = home / "config", home / "runs"
    file.write_text(f'Match exec "echo ran >>{runs}"\n  Port 5\n')
    resolver = Resolver(ConfigSource.standard(str(file)))
    ahead = resolver.resolve_ahead("me@web")
    assert resolver.resolve_ahead("me@web") is ahead
    assert resolver.resolve(Destination("web", "me")) is ahead
    assert runs.read_text() == "ran\n"
    assert resolver.resolve("me@web").port == 5
    assert runs.read_text() == "ran\nran\n", "a connection that is made again has not asked anew"


def test_the_command_line_wins(home: Path) -> None:
    resolved = resolve(home, "Port 1\nUser x", "eve@web:99", ("User", "bob"))
    assert (resolved.port, resolved.user) == (99, "bob")
    assert str(resolved.origins["port"][0]) == "command line"


def test_values_are_words_of_the_manual(home: Path) -> None:
    resolved = resolve(
        home,
        "StrictHostKeyChecking off\nServerAliveInterval 1m\nConnectTimeout none\nCompression yes\n"
        "ForwardAgent ~/agent\nSetEnv A=1 B=2\nPreferredAuthentications a,b\n",
    )
    assert resolved.get("stricthostkeychecking") == "no"
    assert resolved.seconds("serveraliveinterval") == 60
    assert resolved.seconds("connecttimeout") is None
    assert resolved.flag("compression")
    assert not resolved.flag("batchmode")
    assert resolved.get("forwardagent") == f"{home}/agent"
    assert resolved.get_all("setenv") == ("A=1", "B=2")
    assert resolved.get("proxycommand") is None
    assert resolved.get("bindaddress", "none") == "none"
    assert str(resolved.get("ciphers")).startswith("chacha20-poly1305@openssh.com,")


def test_keys_are_expanded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/keys")
    resolved = resolve(
        home,
        "HostName %h.test\nUser bob\nIdentityFile ~/.ssh/%n-%r\nIdentityFile ${KEYS}/%h\n"
        "IdentityFile none\nIdentitiesOnly yes\nCertificateFile %d/c\n",
    )
    assert resolved.identity_files == (home / ".ssh/web-bob", Path("/keys/web.test"))
    assert resolved.certificate_files == (home / "c",)
    assert resolved.identities_only


def test_default_keys_are_in_the_home_folder(home: Path) -> None:
    files = resolve(home, "").identity_files
    assert files[0] == home / ".ssh/id_rsa"
    assert home / ".ssh/id_ed25519" in files


def test_a_missing_variable_is_told_with_its_place(home: Path) -> None:
    resolved = resolve(home, "\nIdentityFile ${SSHDASH_UNSET}/k\n")
    with pytest.raises(ConfigError, match="SSHDASH_UNSET") as caught:
        _ = resolved.identity_files
    assert caught.value.line == 2


def test_agents(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(home, "").identity_agent is None
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    monkeypatch.setenv("OTHER", "/other")
    assert resolve(home, "").identity_agent == "/agent"
    assert resolve(home, "IdentityAgent SSH_AUTH_SOCK").identity_agent == "/agent"
    assert resolve(home, "IdentityAgent none").identity_agent is None
    assert resolve(home, "IdentityAgent $OTHER").identity_agent == "/other"
    assert resolve(home, "IdentityAgent ~/%n").identity_agent == f"{home}/web"


def test_known_hosts_files_and_names(home: Path) -> None:
    resolved = resolve(home, "HostName WEB.Test\nPort 23\nUserKnownHostsFile ~/a %d/%k\n")
    assert resolved.user_known_hosts == (home / "a", home / "web")
    assert resolved.known_hosts_name == "[web.test]:23"
    resolved = resolve(home, "HostKeyAlias Alias\nPort 23\nUserKnownHostsFile none\n")
    assert resolved.user_known_hosts == ()
    assert resolved.known_hosts_name == "alias"
    assert resolve(home, "").known_hosts_name == "web"


def test_jump_hosts_come_in_the_order_of_the_way(home: Path) -> None:
    resolved = resolve(home, "ProxyJump a,bob@b:2222,[::1]:23 # c\n")
    assert resolved.proxy_jump == (
        Destination("a"),
        Destination("b", "bob", 2222),
        Destination("::1", None, 23),
    )
    assert resolved.proxy_command is None
    assert resolve(home, "ProxyJump none\nProxyCommand nc %h %p").proxy_command == "nc web 22"
    assert resolve(home, "ProxyCommand none\nProxyJump a").proxy_jump == ()


@pytest.mark.parametrize(
    "jump", ["web", "`id`", "-oProxyCommand=id", "a;id", "$(id)", "b,a|b", "x'y@h"]
)
def test_jumps_that_harm_are_refused_with_their_place(home: Path, jump: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(home, f"\nProxyJump {jump}\n")
    assert caught.value.line == 2


def test_forwards_are_given_as_written(home: Path) -> None:
    resolved = resolve(
        home,
        "LocalForward 8080 db:80\nLocalForward [::1]:81 /run/%h.sock\nDynamicForward *:1080\n"
        "RemoteForward 9000 localhost:9\nRemoteForward 9001\n",
    )
    assert resolved.local_forwards == ("8080 db:80", "[::1]:81 /run/web.sock")
    assert resolved.dynamic_forwards == ("*:1080",)
    assert resolved.remote_forwards == ("9000 localhost:9", "9001")
    assert resolve(home, "LocalForward 1 a:1\nClearAllForwardings yes").local_forwards == ()
    resolved = resolve(home, 'HostName ::1\nLocalForward "/a b/%h" db:80\nRemoteForward /%%\n')
    assert resolved.local_forwards == (r"/a\ b/\:\:1 db:80",), "one path, whatever is in it"
    assert resolved.remote_forwards == ("/%",)


def test_what_sshdash_does_not_do_is_told(home: Path) -> None:
    resolved = resolve(
        home,
        "PKCS11Provider /y\nKnownHostsCommand /x\nTunnel yes\nEscapeChar ~\nPort 1\n",
    )
    assert set(resolved.ignored) == {"pkcs11provider", "tunnel"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Host web\n  Prot 22\n", 2),
        ("\n\nPort x\n", 3),
        ("Host other\nUser\n", 2),
        ('User "bob\n', 1),
        ("Match sometimes\n", 1),
        ("\ufeffHost web\n", 1),
        ("Hostname %z\n", 1),
        ("UserKnownHostsFile ~nobody-here/x\n", 1),
        ("Ciphers rot13\n", 1),
    ],
)
def test_wrong_lines_are_named(home: Path, text: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(home, text)
    assert (caught.value.file, caught.value.line) == (str(home / "config"), line)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("Prot 22", "did you mean Port?"),
        ("HostNmae x", "did you mean HostName?"),
        ("Frobnicate 1", "IgnoreUnknown can name keywords to pass over"),
    ],
)
def test_an_unknown_keyword_names_the_nearest(home: Path, line: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(home, f"{line}\n")
    assert caught.value.hint == hint


def test_newer_keywords_and_criteria_are_taken(home: Path) -> None:
    resolved = resolve(
        home,
        "Tag blue\nMatch tagged b*\n  Port 5\nMatch sessiontype shell\n  User bob\n"
        "Match version OpenSSH_*\n  Compression yes\nChannelTimeout session=5m\n"
        "Match localnetwork 127.0.0.0/8\n  TCPKeepAlive no\nMatch command x\n  BatchMode yes\n",
    )
    assert (resolved.port, resolved.user, resolved.flag("compression")) == (5, "bob", True)
    assert not resolved.flag("tcpkeepalive")
    assert not resolved.flag("batchmode")


def test_a_preview_runs_nothing(home: Path) -> None:
    mark = home / "ran"
    (home / "config").write_text(f'Match exec "touch {mark}"\n  Port 5\n')
    resolver = Resolver(ConfigSource.standard(str(home / "config")))
    assert resolver.preview("web").port == 22
    assert not mark.exists()
    assert resolver.resolve("web").port == 5
    assert mark.exists()
    assert resolver.preview("web").port == 5


def test_a_command_that_hangs_is_ended_and_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.config.match.EXEC_SECONDS", 0.2)
    mark = home / "alive"
    with pytest.raises(ConfigError, match="took more than") as caught:
        resolve(home, f'\nMatch exec "(sleep 60; touch {mark}) | cat"\n')
    assert caught.value.line == 2
    monkeypatch.setattr("sshdash.config.match.EXEC_SECONDS", PATIENCE)
    with pytest.raises(ConfigError, match="exited abnormally"):
        resolve(home, 'Match exec "kill -9 $$"\n')
    monkeypatch.setenv("SHELL", "/no/such/shell")
    with pytest.raises(ConfigError, match="cannot run"):
        resolve(home, "Match exec true\n")


def test_names_are_canonicalised(home: Path) -> None:
    names = {"web.b.test.": "real.c.test", "other": ""}
    file = home / "config"
    file.write_text(
        "CanonicalizeHostname yes\nCanonicalDomains a.test b.test\n"
        "CanonicalizePermittedCNAMEs *.b.test:*.c.test\nHost real.c.test\n  Port 7\n"
    )
    resolver = Resolver(
        ConfigSource.standard(str(file)), lookup=lambda name, family: names.get(name)
    )
    resolved = resolver.resolve("web")
    assert (resolved.hostname, resolved.port, resolved.alias) == ("real.c.test", 7, "web")
    assert resolver.resolve("other").hostname == "other"


def test_a_changed_file_is_read_again(home: Path) -> None:
    file = home / "config"
    file.write_text("Port 1\n")
    resolver = Resolver(ConfigSource.standard(str(file)))
    assert resolver.resolve("web").port == 1
    file.write_text("Port 22222\n")
    assert resolver.resolve("web").port == 22222
    replacement = home / "new"
    replacement.write_text("Port 33333\n")
    replacement.replace(file)
    assert resolver.resolve("web").port == 33333


@pytest.mark.parametrize("included", [False, True])
def test_a_file_that_cannot_be_read_for_now_is_not_passed_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, included: bool
) -> None:
    own = home / ".ssh/config"
    own.write_text("Include more\n" if included else "ProxyJump bastion\n")
    more = home / ".ssh/more"
    more.write_text("ProxyJump bastion\n")
    for file in (own, more):
        file.chmod(0o600)
    resolver = Resolver(ConfigSource.standard())
    assert resolver.resolve("web").proxy_jump
    scarce = str(more if included else own)
    real = parser.FileCache.load

    def load(cache: parser.FileCache, path: str) -> parser.ParsedFile:
        if path == scarce:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(cache, path)

    monkeypatch.setattr(parser.FileCache, "load", load)
    with pytest.raises(ShortageError, match=f"cannot be read now: {scarce}"):
        resolver.resolve("web")


def test_a_walk_over_many_hosts_looks_at_each_file_once(home: Path) -> None:
    (home / ".ssh/a").write_text("Port 1\n")
    (home / ".ssh/a").chmod(0o600)
    file = home / "config"
    file.write_text("Include *\n")
    resolver = Resolver(ConfigSource.standard(str(file)))
    with resolver.cache.held():
        assert resolver.resolve("web").port == 1
        (home / ".ssh/a").write_text("Port 1234\n")
        assert resolver.resolve("db").port == 1
    assert resolver.resolve("db").port == 1234


def test_a_file_that_others_can_write_is_refused(home: Path) -> None:
    file = home / ".ssh" / "config"
    file.write_text("Port 5\n")
    source = ConfigSource(file, None)
    assert Resolver(source).resolve("web").port == 5
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="Bad owner or permissions") as caught:
        Resolver(source).resolve("web")
    assert str(file) in str(caught.value)
    catalog = load_catalog(source)
    assert "permissions" in catalog.problems[0].message
    explicit = ConfigSource.standard(str(file))
    assert Resolver(explicit).resolve("web").port == 5


def test_an_included_file_that_others_can_write_is_refused(home: Path) -> None:
    included = home / "extra"
    included.write_text("Port 5\n")
    included.chmod(included.stat().st_mode | stat.S_IWOTH)
    with pytest.raises(ConfigError, match="Bad owner or permissions"):
        resolve(home, f"Include {included}\n")


def test_missing_files(home: Path) -> None:
    nothing = ConfigSource(home / "no", home / "nor")
    assert Resolver(nothing).resolve("web").port == 22
    assert load_catalog(nothing).hosts == ()
    with pytest.raises(ConfigError, match="Cannot open"):
        Resolver(ConfigSource.standard(str(home / "no"))).resolve("web")


def test_the_system_file_comes_last(home: Path) -> None:
    (home / "user").write_text("Port 1\n")
    (home / "system").write_text("Port 2\nUser sys\n")
    resolved = Resolver(ConfigSource(home / "user", home / "system")).resolve("web")
    assert (resolved.port, resolved.user) == (1, "sys")


def test_the_card_of_a_host(home: Path) -> None:
    text = (
        "Host web\nHostName 10.0.0.1\nUser bob\nPort 2222\nProxyJump a,b:22\n"
        "IdentityFile ~/.ssh/id_x\nLocalForward 5432 db:5432\nDynamicForward 1080\n"
    )
    summary = summarize(resolve(home, text))
    assert summary.route == ("a", "b:22")
    assert summary.forwards == ("L 5432 → db:5432", "D 1080")
    assert (summary.identity, summary.user, summary.port) == ("id_x", "bob", 2222)
    assert summarize(resolve(home, "User a\x1b]0;x")).user == "a\\x1b]0;x"


def test_a_resolve_reads_once_and_looks_at_the_blocks_of_its_host_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f"Host h{n}\n HostName 10.0.0.{n}\n Port 22{n % 10}\n" for n in range(1000))
    (home / "config").write_text(lines)
    resolver = Resolver(ConfigSource.standard(str(home / "config")))
    looking, parsing = Mock(wraps=reader.host_matches), Mock(wraps=parser.parse_lines)
    monkeypatch.setattr(reader, "host_matches", looking)
    monkeypatch.setattr(parser, "parse_lines", parsing)
    assert [resolver.resolve(f"h{n}").port for n in range(20)] == [*range(220, 230)] * 2
    assert (looking.call_count, parsing.call_count) == (20, 1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_resolved_or_refused(home: Path, data: bytes) -> None:
    file = home / "config"
    file.write_bytes(data.replace(b"exec", b"no"))
    source = ConfigSource.standard(str(file))
    load_catalog(source)
    try:
        text = dump(Resolver(source).resolve("web"))
    except ConfigError:
        return
    assert text.startswith("host web\n")
