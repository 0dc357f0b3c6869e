"""Rules as ssh commands, blocks of ssh_config and units of systemd."""

import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.tunnels.kept.exports import rule_block, rule_command, ssh_argument, systemd_unit
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.rules_text import parse_option
from sshdash.ui.tunnel_exports import exports_of
from tests.ui.tunnel_stage import OPEN

FORWARDS = tuple(
    map(parse_option, ("-L 5432:db:5432", "-L [::1]:81:[fe80::1%eth0]:80", "-R *:0:a:1", "-D 1080"))
)
RULE = Rule("billing-db", "bob@db-1:2222", FORWARDS, note="ask\nAnna")


def test_the_ssh_command() -> None:
    source = ConfigSource.standard("my config", (("ServerAliveInterval", "5"),))
    assert shlex.split(rule_command(RULE, source)) == [
        "ssh", "-F", "my config", "-o", "ServerAliveInterval=5", "-N",
        "-L", "5432:db:5432", "-L", "[::1]:81:[fe80::1%eth0]:80", "-R", "*:0:a:1", "-D", "1080",
        "-p", "2222", "bob@db-1",
    ]  # fmt: skip


def test_the_block_of_ssh_config_is_read_back_as_the_rule(tmp_path: Path) -> None:
    file = tmp_path / "config"
    sockets = ("-L /run/a.sock:/run/b.sock", "-L 1:/run/c.sock", "-R 1081", "-R /d:e:2", "-D /f")
    forwards = (*FORWARDS, *map(parse_option, sockets))
    chosen = parse_option("-D 0")  # which ssh would refuse, so it stands in a comment
    file.write_text(rule_block(replace(RULE, forwards=(chosen, *forwards))))
    file.chmod(0o600)
    assert file.read_text().startswith("# billing-db\n# ask\n# Anna\nHost db-1\n    User bob\n")
    resolved = Resolver(ConfigSource.standard(str(file))).resolve("db-1")
    assert (resolved.user, resolved.port) == ("bob", 2222)
    read = [
        *(f"-L {one}" for one in resolved.local_forwards),
        *(f"-R {one}" for one in resolved.remote_forwards),
        *(f"-D {one}" for one in resolved.dynamic_forwards),
    ]
    assert set(map(parse_option, read)) == set(forwards)


@pytest.mark.parametrize("name", ["billing-db", "50% of $HOME", 'say "a\\b"', ";", "ä {x} 'y'"])
def test_the_unit_is_what_systemd_reads(name: str, tmp_path: Path) -> None:
    unit = systemd_unit([name], ["/bin/true", "-F", "/home/me/a b"])
    assert "Type=notify\n" in unit
    assert "WantedBy=default.target\n" in unit
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    file = tmp_path / "sshdash-rule.service"
    file.write_text(unit)
    done = subprocess.run(
        [analyze, "--user", "verify", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    ours = [line for line in done.stderr.splitlines() if "sshdash-rule" in line]
    assert not ours, done.stderr


def test_the_words_of_a_unit_are_quoted_as_systemd_has_it() -> None:
    unit = systemd_unit(["50% of $HOME", 'say "a\\b"', "bell\a"], ["/opt/ssh dash"])
    [command] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert command == (
        'ExecStart="/opt/ssh dash" forward --name "50%% of $$HOME" "say \\"a\\\\b\\"" "bell\\x07"'
    )


@pytest.mark.parametrize(
    ("option", "argument"),
    [
        ("-L 0:db:5432", "5432:db:5432"),
        ("-L *:0:db:80", "*:8080:db:80"),
        ("-L 0:/run/app.sock", "1080:/run/app.sock"),
        ("-D 0", "1080"),
        ("-R 0:db:80", "0:db:80"),
        ("-L /run/x:db:80", "/run/x:db:80"),
    ],
)
def test_a_port_that_ssh_does_not_choose_itself_is_given_to_it(option: str, argument: str) -> None:
    assert ssh_argument(parse_option(option)) == argument
    assert rule_command(Rule("x", "web", (parse_option(option),))).split()[-2] in (
        argument,
        f"'{argument}'",
    )


def test_what_is_copied_of_an_open_tunnel_has_the_port_that_it_got() -> None:
    spec = parse_option("-L 0:db:5432")
    rule = Rule("x", OPEN.host, (spec, parse_option("-D 0")))
    tunnel = replace(OPEN, spec=spec, rule=rule, listen="localhost:40123")
    [command, *_] = exports_of(tunnel, None)
    assert command.text == f"ssh -N -L 40123:db:5432 -D 1080 {OPEN.host}"
