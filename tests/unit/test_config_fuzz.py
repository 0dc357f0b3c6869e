"""Whatever the bytes: a configuration is resolved or refused with ConfigError, and soon."""

import os
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshdash.config.advice import advise
from sshdash.config.catalog import load_catalog
from sshdash.config.explain import explain
from sshdash.config.keywords import ALIASES, KEYWORDS, OBSOLETE
from sshdash.config.resolver import Resolver, dump
from sshdash.config.source import ConfigSource, parse_override
from sshdash.config.summary import summarize
from sshdash.errors import ConfigError, UsageError
from sshdash.untrusted import clean

_ODD = st.text(
    st.sampled_from(
        string.ascii_letters + string.digits + " \t\"'\\=#%${}~:,/@!*?[]-+.\r\f\0\udce9é"
    ),
    max_size=30,
)
_WORDS = st.sampled_from(
    [
        "yes", "no", "none", "any", "~/x", "%h", "%z", "%", "${HOME}", "${", "1h30m",
        "99999999999", "-1", "22", "a:b", "[::1]:22", "ssh://u@h:1", "web", "*", "!web",
        "localhost:80", "+ssh-rsa", "^aes*", "-*", "x=1",
        '"', "'", "\\", "", "al\udce9", "\u202e", "\x1b[2J", "final", "host",
        "all", "canonical", "user", "localuser", "originalhost", "tagged", "localnetwork", "::/0",
        "command", "sessiontype", "version",
    ]
)  # fmt: skip
_NAMES = st.sampled_from(sorted({*KEYWORDS, *ALIASES, *OBSOLETE, "unknown", "Include x"}))
_LINES = st.builds(
    lambda name, joint, words, odd: f"{name}{joint}{' '.join(words)}{odd}",
    _NAMES,
    st.sampled_from([" ", "=", "\t= ", "  ", '"']),
    st.lists(_WORDS, max_size=4),
    st.one_of(st.just(""), _ODD),
)
_FILES = st.lists(st.one_of(_LINES, _LINES, _LINES, _ODD), max_size=12).map("\n".join)
_SEVERE = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask_everything(home: Path, data: bytes, host: str = "web") -> None:
    """Do with a configuration all that a screen or a command does; nothing is run."""
    file = home / "config"
    file.write_bytes(data)
    source = ConfigSource.standard(str(file))
    load_catalog(source)
    resolver = Resolver(source)
    try:
        resolved = resolver.preview(host)
        assert dump(resolved).startswith(f"host {host}\n")
        explain(resolved)
        summarize(resolved)
    except ConfigError:
        return
    for advice in advise(resolved, resolver):
        assert clean(str(advice), 10_000) == str(advice)


@_SEVERE
@given(text=_FILES)
def test_any_lines_are_resolved_or_refused(home: Path, text: str) -> None:
    ask_everything(home, os.fsencode(text))


@_SEVERE
@given(data=st.binary(max_size=400))
def test_any_bytes_are_resolved_or_refused(home: Path, data: bytes) -> None:
    ask_everything(home, data)


@_SEVERE
@given(options=st.lists(st.one_of(_LINES, _ODD), max_size=3), host=_ODD)
def test_any_command_line_is_taken_or_refused(options: list[str], host: str) -> None:
    try:
        overrides = tuple(parse_override(option) for option in options)
        Resolver(ConfigSource.standard("none", overrides)).preview(host)
    except (ConfigError, UsageError):
        return


@pytest.mark.parametrize(
    "text",
    [
        "Host " + "*a" * 20_000 + "b\n Port 1\n",
        "Match host " + ",".join(["*a*a*a*b"] * 5_000) + "\n Port 1\n",
        "Port " + "9" * 500_000 + "\n",
        "RekeyLimit " + "9" * 100_000 + "." + "9" * 100_000 + "G\n",
        "ConnectTimeout " + "1s" * 100_000 + "\n",
        "ConnectTimeout " + "1" * 100_000 + "x\n",
        "User " + '"' * 100_000 + "\n",
        "User " + "\\" * 100_000 + "\n",
        "IdentityFile " + "%%" * 50_000 + "\n",
        "IdentityFile " + "${HOME}" * 20_000 + "\n",
        "LocalForward " + "[" * 50_000 + " " + ":" * 50_000 + "\n",
        "ProxyJump " + "a," * 30_000 + "b\n",
        "Ciphers " + "*aes*," * 20_000 + "aes128-ctr\n",
        "CanonicalizePermittedCNAMEs " + "*.a:*.b " * 20_000 + "\n",
        "SendEnv " + "A* " * 20_000 + "\nSendEnv -" + "*" * 5_000 + "\n",
        "SetEnv " + "A=1 " * 20_000 + "\n",
        "Include " + "x" * 100_000 + "\n",
        "Include " + "*/" * 5_000 + "\n",
        "=" * 300_000 + "\n",
        " " * 300_000 + "\n",
        "\n" * 300_000,
        "Host x\n" * 100_000,
        "Match all\n" * 20_000,
        "junk\n" * 50_000,
        "junk " * 50_000,
    ],
    ids=lambda text: text[:24].strip() or "blank",
)
@pytest.mark.timeout(240)  # most take a tenth of a second; the square of the length takes hours
def test_huge_values_take_no_time(home: Path, text: str) -> None:
    ask_everything(home, os.fsencode(text), "a" * 200)


@pytest.mark.timeout(240)  # every way through them takes years
def test_files_that_include_each_other_take_no_time(home: Path) -> None:
    for at in range(20):
        file = home / f".ssh/f{at:02}"
        file.write_text(f"Host h{at}\nInclude {'f* ' * 5}\n")
        file.chmod(0o600)
    ask_everything(home, b"Include f*\n")
    listed = load_catalog(ConfigSource.standard(str(home / "config")))
    assert len(listed.hosts) == 20
    assert "include itself" in listed.problems[0].message
