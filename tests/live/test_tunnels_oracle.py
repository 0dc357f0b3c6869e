"""The grammar of -L, -R and -D, compared with what the installed ssh makes of it."""

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.errors import UsageError
from sshdash.tunnels.kept.exports import rule_block, rule_command
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from tests.patience import PATIENCE
from tests.servers.programs import require

CASES = [
    "80:db:80", "a:80:db:80", ":80:db:80", "*:80:db:80", "[::1]:80:[::2]:80", "80:db:80:",
    "http:db:https", "80", "a:80", ":80", "/a", "/a:/b", "/a:db:80", "80:/b", "a:80:/b",
    "/a:80", "/a:b:/c", r"/a\:b:db:1", "[/a:b]:db:1", "/a b:db:1", "80:db", "80:db:", "0:db:1",
    "0", "1:2:3:4:5", "[::1:80:db:80", "[::1]x:80:db:80", "99999:db:80", "80:db:0", " 80:db:80",
    "80::80", "x/y:80:db:80", "80:x/y:80", "/" + "a" * 106 + ":/b", "/" + "a" * 107 + ":/b",
    "80:db/x:80", "80:db:80/tcp", "80:http://db:80", "http://db:80", "80:x/:1", "x/:80", "80:db:x/",
    "80:x/y", "a:80:x/y", "80:80:x/y", "80:a:x/y", "http:80:x/y", "80:http:x/y",
    "80:*:80", "8 0:db:80", "80 db:80", "80:db 80", "80 /b", "a 80:db:80", "80:d b:80", "80:db:8 0",
    "080:db:080", "00:db:80", "80:db:00",
    "+80:db:80", "080:db:80", "80:db:80\\", r"/a\\b:/c", r"\[80:db:80", "80:[/b]", "[80]:[db]:[80]",
]  # fmt: skip
PIECES = st.sampled_from(
    ["80", "0", "1080", "a", "db", "*", "/s", "/s t", "[", "]", "[::1]", ":", ":", ":", "\\", "x/y"]
)
STRICTER = (
    "a backslash with nothing behind it",
    "is not a host name or address",
    "the target host is empty",
    "has no address and no port",
    "has a slash in it",
    "a URL; a forward takes",
    "the target host:port is missing its port",
    "a blank, where an option has a colon",
    "after the port",
)
"""What is refused here that ssh takes, and fails with when a client comes."""
NAMES = {Kind.LOCAL: "localforward", Kind.REMOTE: "remoteforward", Kind.DYNAMIC: "dynamicforward"}


def as_ssh_prints(spec: ForwardSpec) -> str:
    bind = "" if spec.bind == "*" else spec.bind
    listen = spec.listen_path or (f"{spec.port}" if bind is None else f"[{bind}]:{spec.port}")
    if spec.is_socks:
        return f"{listen} [socks]:0" if spec.kind is Kind.REMOTE else listen
    return f"{listen} {spec.target_path or f'[{spec.target_host}]:{spec.target_port}'}"


def asked(kind: Kind, text: str) -> str | None:
    """Return what ``ssh -G`` prints of a forward, None where it refuses it."""
    command = [require("ssh"), "-F", "none", "-G", f"-{kind.value}", text, "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        return None
    # It prints a listening socket under the name of the other kind as well.
    found = [line for line in done.stdout.splitlines() if line.startswith(NAMES[kind] + " ")]
    if not found:
        return None
    told = found[0].partition(" ")[2]
    return f"[]:{told[4:]}" if told.startswith("[*]:") else told


def compare(kind: Kind, text: str) -> None:
    theirs = asked(kind, text)
    try:
        spec: ForwardSpec | None = parse_forward(kind, text, is_option=True)
        refusal = ""
    except UsageError as error:
        spec, refusal = None, error.detail
    if spec is None:
        assert theirs is None or any(reason in refusal for reason in STRICTER), refusal
    elif theirs is None:
        ends_blank = text != text.rstrip()
        more = ends_blank or (spec.port == 0 and not spec.listen_path)
        assert more, "only port 0 goes beyond ssh, and blanks at the end"
    elif " " not in text.strip():
        assert as_ssh_prints(spec) == theirs


@pytest.mark.parametrize("kind", Kind)
def test_the_verdict_and_the_meaning_are_those_of_ssh(kind: Kind) -> None:
    for text in CASES:
        if kind is not Kind.DYNAMIC or "/b" not in text:  # -D 80:/b is a local forward to ssh
            compare(kind, text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from([Kind.LOCAL, Kind.REMOTE]), pieces=st.lists(PIECES, max_size=8))
def test_any_text_has_the_verdict_of_ssh(kind: Kind, pieces: list[str]) -> None:
    compare(kind, "".join(pieces))


SPECS = [
    ForwardSpec(Kind.LOCAL, None, 80, "db", 5432),
    ForwardSpec(Kind.LOCAL, "*", 80, "::1", 5432),
    ForwardSpec(Kind.LOCAL, "::1", 80, "fe80::1%eth0", 22),
    ForwardSpec(Kind.LOCAL, None, 0, "db", 1, listen_path="/a b/50%:[x]"),
    ForwardSpec(Kind.LOCAL, None, 80, target_path='/say "hi"\\now/é'),
    ForwardSpec(Kind.LOCAL, None, 0, listen_path="./#1", target_path="/%h/'"),
    ForwardSpec(Kind.REMOTE, None, 0),
    ForwardSpec(Kind.REMOTE, "*", 1080),
    ForwardSpec(Kind.REMOTE, None, 0, listen_path="/socks %n"),
    ForwardSpec(Kind.DYNAMIC, None, 0, listen_path="/socks:1 2"),
    ForwardSpec(Kind.DYNAMIC, "localhost", 1080),
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_what_is_exported_means_the_same_to_ssh_and_to_us(
    spec: ForwardSpec, tmp_path: Path
) -> None:
    rule = Rule("a rule", "web", (spec,))
    config = tmp_path / "config"
    config.write_text(rule_block(rule))
    program, *options = shlex.split(rule_command(rule))
    assert program == "ssh"
    for arguments in (["-F", "none", *options], ["-F", str(config), "web"]):
        done = subprocess.run(
            [require("ssh"), "-G", *arguments],
            capture_output=True, text=True, check=True, timeout=PATIENCE,
        )  # fmt: skip
        name = NAMES[spec.kind] + " "
        found = [line for line in done.stdout.splitlines() if line.startswith(name)]
        assert as_ssh_prints(spec) in [
            line.removeprefix(name).replace("[*]:", "[]:") for line in found
        ]
    resolved = Resolver(ConfigSource.standard(str(config))).resolve("web")
    [text] = resolved.get_all(NAMES[spec.kind])
    assert parse_forward(spec.kind, text) == spec
