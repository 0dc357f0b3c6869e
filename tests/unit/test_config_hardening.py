"""The catalogue of what goes wrong with configurations, row by row (group A of the hardening)."""

import hashlib
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from sshdash.cli.context import tell_ignored
from sshdash.cli.main import main
from sshdash.config.advice import advise, ignored_keywords
from sshdash.config.catalog import load_catalog
from sshdash.config.destination import parse_destination
from sshdash.config.keywords import KEYWORDS, Kind, Use
from sshdash.config.resolver import ResolvedHost, Resolver, dump
from sshdash.config.source import ConfigSource
from sshdash.connections.route import RoutePlanner
from sshdash.errors import ConfigError, ConnectError, UsageError
from sshdash.keys.known_hosts import load_known_hosts
from sshdash.settings import load_settings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def source_of(home: Path, text: str) -> ConfigSource:
    file = home / "config"
    file.write_bytes(os.fsencode(text))
    return ConfigSource.standard(str(file))


def resolve(home: Path, text: str, host: str = "web") -> ResolvedHost:
    return Resolver(source_of(home, text)).resolve(host)


def test_row_1_a_comment_behind_a_value(home: Path) -> None:
    assert resolve(home, "Port 2201 # comment\n").port == 2201


def test_row_2_times_with_units_and_none(home: Path) -> None:
    resolved = resolve(home, "ServerAliveInterval 1m\nConnectTimeout none\n")
    assert resolved.seconds("serveraliveinterval") == 60
    assert resolved.seconds("connecttimeout") is None


def test_row_3_match_exec_with_tokens_and_equals_signs_in_quotes(home: Path) -> None:
    text = 'Match exec "test %h = web"\nUser a\nMatch exec "test x=x -a %n = web"\nPort 7\n'
    resolved = resolve(home, text)
    assert (resolved.user, resolved.port) == ("a", 7)
    assert resolve(home, text, "db").port == 22


def test_row_4_of_two_known_hosts_files_one_may_be_missing(home: Path) -> None:
    (home / ".ssh/a").write_text(f"web {KEY}\n")
    resolved = resolve(home, "UserKnownHostsFile ~/.ssh/a %d/b\n")
    assert resolved.user_known_hosts == (home / ".ssh/a", home / "b")
    known = load_known_hosts(resolved.user_known_hosts)
    assert [key.line for key in known.matching("web")] == [1]


@pytest.mark.parametrize("words", ["sessiontype shell", 'command ""', "version OpenSSH_*"])
def test_row_5_newer_match_words_are_understood(home: Path, words: str) -> None:
    text = f"Host web\n  Port 1\nMatch {words}\n  User new\n"
    assert resolve(home, text).user == "new"


def test_row_5_an_unknown_match_word_leaves_the_other_hosts_listed(home: Path) -> None:
    source = source_of(home, "Host web\nMatch sometimes yes\n  Port 2\nHost db\n")
    catalog = load_catalog(source)
    assert [host.alias for host in catalog.hosts] == ["web", "db"]
    (problem,) = catalog.problems
    assert (problem.line, "sometimes" in problem.message) == (2, True)
    with pytest.raises(ConfigError) as caught:
        Resolver(source).resolve("web")
    assert caught.value.line == 2, "as ssh, which refuses the whole file"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_row_6_odd_bytes_line_ends_and_size(home: Path, ending: str) -> None:
    blocks = [
        f"Host h{n:05} caf\udce9{n}{ending}  Port {1000 + n % 50}{ending}  User \udce9{ending}"
        f"  # {'x' * 460}{ending}"
        for n in range(10_000)
    ]
    text = "".join(blocks)
    assert len(text) > 5_000_000
    source = source_of(home, text)
    catalog = load_catalog(source)
    assert len(catalog.hosts) == 20_000
    assert not catalog.problems
    assert resolve(home, text, "h00007").user == "\udce9"


def test_row_6_a_byte_order_mark_is_refused_as_by_ssh_and_the_hosts_are_listed(home: Path) -> None:
    source = source_of(home, "\ufeffHost web\nPort 1\nHost db\n")
    catalog = load_catalog(source)
    assert [host.alias for host in catalog.hosts] == ["db"]
    assert "byte order mark" in catalog.problems[0].message
    with pytest.raises(ConfigError) as caught:
        Resolver(source).resolve("db")
    assert caught.value.line == 1


def test_row_7_a_file_that_includes_itself(home: Path) -> None:
    (home / ".ssh/self").write_text("Include self\n")
    (home / ".ssh/self").chmod(0o600)
    source = source_of(home, "Host web\nInclude self\n")
    with pytest.raises(ConfigError, match="Too many nested Includes") as caught:
        Resolver(source).resolve("web")
    assert "include itself" in caught.value.hint
    assert [host.alias for host in load_catalog(source).hosts] == ["web"]


def test_row_7_included_files_that_disagree_are_read_in_their_lexical_order(home: Path) -> None:
    for name, port in (("c", 3), ("a", 1), ("b", 2), ("B", 4)):
        file = home / f".ssh/{name}.conf"
        file.write_text(f"Port {port}\n")
        file.chmod(0o600)
    assert resolve(home, "Include *.conf\n").port == 4
    (home / ".ssh/B.conf").unlink()
    assert resolve(home, "Include *.conf\n").port == 1


_ODD_VALUES = {
    Kind.FLAG: "yes",
    Kind.NUMBER: "7",
    Kind.TIME: "77",
    Kind.STRING: "/x",
    Kind.COMMAND: "/x",
    Kind.WORDS: "/x",
    Kind.ALGORITHMS: "ssh-ed25519",
    Kind.ESCAPE: "none",
    Kind.QOS: "ef",
    Kind.MASK: "077",
    Kind.REMOTE_OPEN: "db:1",
    Kind.ADD_KEYS: "yes",
    Kind.ANYTHING: "x",
    Kind.TIMEOUTS: "session=5m",
    Kind.KEYSTROKES: "interval:80",
    Kind.TUNNEL_DEVICE: "3",
    Kind.PERSIST: "60",
}


@pytest.mark.parametrize(
    "name",
    sorted(key for key, one in KEYWORDS.items() if one.use in (Use.SECURITY, Use.IGNORED)),
)
def test_row_8_a_keyword_without_effect_is_told(name: str, home: Path) -> None:
    keyword = KEYWORDS[name]
    value = _ODD_VALUES.get(keyword.kind) or keyword.choices[0]
    value = {"updatehostkeys": "ask"}.get(name, value)
    resolver = Resolver(source_of(home, f"{name} {value}\n"))
    resolved = resolver.resolve("web")
    told = {advice.short.lower(): advice for advice in advise(resolved, resolver)}
    assert name in told
    assert keyword.why in told[name].text
    assert told[name].origin.line == 1
    always = {advice.short.lower() for advice in ignored_keywords(resolved, security_only=True)}
    assert (name in always) is (keyword.use is Use.SECURITY)


def test_row_8_what_trust_depends_on_is_told_whenever_a_command_connects(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No such keyword is left at present, so one is made."""
    keyword = replace(KEYWORDS["forwardx11"], use=Use.SECURITY)
    monkeypatch.setitem(KEYWORDS, "forwardx11", keyword)
    tell_ignored(resolve(home, "\nForwardX11 yes\nTunnel yes\n"))
    (told,) = capsys.readouterr().err.splitlines()
    assert told == f"sshdash: {home}/config:2: ForwardX11 is not acted on: {keyword.why}"


def test_row_9_a_proxy_command_is_kept_for_the_shell_as_it_is(home: Path) -> None:
    text = "ProxyCommand ~/bin/p $WAY %h:%p 2>/dev/null | cat # x\n"
    assert resolve(home, text).proxy_command == "~/bin/p $WAY web:22 2>/dev/null | cat # x"


@pytest.mark.parametrize(
    ("text", "jumps", "command"),
    [
        ("ProxyJump a\nProxyCommand nc\n", ["a"], None),
        ("ProxyCommand nc\nProxyJump a\n", [], "nc"),
        ("ProxyJump none\nProxyCommand nc\nProxyJump a\n", [], "nc"),
        ("ProxyCommand none\nProxyJump a\n", [], None),
    ],
)
def test_row_10_of_two_ways_the_first_one_counts(
    home: Path, text: str, jumps: list[str], command: str | None
) -> None:
    resolved = resolve(home, text)
    assert [hop.host for hop in resolved.proxy_jump] == jumps
    assert resolved.proxy_command == command


def test_row_10_a_loop_of_jump_hosts_is_refused_with_its_path(home: Path) -> None:
    source = source_of(home, "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(ConnectError) as caught:
        RoutePlanner(Resolver(source)).plan(parse_destination("a"))
    assert caught.value.detail == "a → b → a"
    with pytest.raises(ConfigError, match="jump host loop"):
        resolve(home, "Host a\n ProxyJump a\n", "a")


_HARM = ["x;id", "`id`", "$(id)", "-oProxyCommand=id", "a|b", "a&b", "a>b", "x'y", 'x"y', "a\nb"]


@pytest.mark.parametrize("text", _HARM)
def test_row_11_names_that_a_shell_would_read_are_refused(home: Path, text: str) -> None:
    with pytest.raises(UsageError):
        parse_destination(text)
    with pytest.raises(UsageError):
        parse_destination(f"{text}@web")
    if '"' not in text and "\n" not in text:
        with pytest.raises(ConfigError, match="config:1"):
            resolve(home, f"ProxyJump {text}\n")
    with pytest.raises(ConfigError):
        Resolver(ConfigSource.standard("none", (("-l", text),))).resolve("web")


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o622])
def test_row_12_a_file_that_others_can_write_is_refused(home: Path, mode: int) -> None:
    config = home / ".ssh/config"
    config.write_text("Host web\n")
    config.chmod(mode)
    source = ConfigSource.standard()
    with pytest.raises(ConfigError, match="Bad owner or permissions") as caught:
        Resolver(source).resolve("web")
    assert "chmod 600" in caught.value.hint
    catalog = load_catalog(source)
    assert [host.alias for host in catalog.hosts] == ["web"]
    assert "ssh refuses this file" in str(catalog.problems[0])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_row_12_a_file_of_somebody_else_is_refused(home: Path) -> None:
    config = home / ".ssh/config"
    config.write_text("Host web\n")
    config.chmod(0o600)
    os.chown(config, 12345, -1)
    with pytest.raises(ConfigError, match="Bad owner or permissions") as caught:
        Resolver(ConfigSource.standard()).resolve("web")
    assert "chown" in caught.value.hint


def test_row_13_what_only_reads_leaves_every_byte_and_date(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ssh = home / ".ssh"
    (ssh / "config").write_bytes(b"Include more\r\nHost web\n\tPort 22 \n# end")
    (ssh / "more").write_bytes(b"Host db\xe9\n  ProxyJump web\n")
    for file in ssh.iterdir():
        file.chmod(0o600)
    before = _state(ssh)
    for words in (["hosts"], ["resolve", "web"], ["resolve", "--explain", "web"]):
        assert main(words) == 0
    assert _state(ssh) == before
    assert capsys.readouterr().out


def _state(folder: Path) -> dict[str, tuple[str, int, int]]:
    return {
        file.name: (
            hashlib.sha256(file.read_bytes()).hexdigest(),
            file.stat().st_mtime_ns,
            file.stat().st_ino,
        )
        for file in folder.iterdir()
    }


_BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("theme: 'dark", "settings.yaml"),
        ("theme:\n\t- x\n", "settings.yaml"),
        ("theme: !!python/object/apply:os.system ['false']\n", "python/object"),
        ("no_such_setting: 1\n", "no_such_setting"),
        (_BOMB, "settings.yaml"),
    ],
)
@pytest.mark.timeout(60)  # unfolded, the bomb fills the memory
def test_row_14_settings_that_are_wrong_are_refused_at_once(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert told in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert file.read_text() == text


def test_every_row_is_read_without_a_word_to_the_outside(home: Path) -> None:
    resolver = Resolver(source_of(home, "Match exec false\n Port 1\n"))
    assert dump(resolver.preview("web")).startswith("host web\n")
