"""Where each value comes from, what it left without effect, and what to be warned of."""

import json
import os
import shlex
from pathlib import Path

import pytest

from sshdash.cli.main import main
from sshdash.config.advice import Advice, advise, advise_all
from sshdash.config.equivalent import scp_command, ssh_command
from sshdash.config.explain import Explained, explain
from sshdash.config.keywords import KEYWORDS
from sshdash.config.resolver import Resolver, dump
from sshdash.config.source import ConfigSource
from sshdash.errors import ConfigError
from sshdash.ui.explanation import card_warnings


def explained(
    home: Path, text: str, host: str = "web", *overrides: tuple[str, str]
) -> dict[str, Explained]:
    """Return the first entry of each keyword."""
    resolved = resolver_of(home, text, *overrides).resolve(host)
    found: dict[str, Explained] = {}
    for entry in explain(resolved):
        found.setdefault(entry.keyword, entry)
    return found


def resolver_of(home: Path, text: str, *overrides: tuple[str, str]) -> Resolver:
    """Return a resolver on one file."""
    file = home / "config"
    file.write_bytes(os.fsencode(text))
    return Resolver(ConfigSource.standard(str(file), overrides))


def advices(home: Path, text: str, host: str = "web") -> tuple[Advice, ...]:
    """Return what to know of a host."""
    resolver = resolver_of(home, text)
    return advise(resolver.resolve(host), resolver)


def test_every_line_of_the_dump_is_explained_in_its_order(home: Path) -> None:
    resolver = resolver_of(
        home, "IdentityFile a\nIdentityFile b\nLocalForward 1 a:1\nDynamicForward 2\nSendEnv A B\n"
    )
    resolved = resolver.resolve("web")
    lines = [f"{entry.keyword} {entry.value}" for entry in explain(resolved)]
    assert lines == dump(resolved).splitlines()
    places = {
        f"{entry.keyword} {entry.value}": entry.origin.line
        for entry in explain(resolved)
        if not entry.is_default
    }
    assert places == {
        "host web": 1,
        "identityfile a": 1,
        "identityfile b": 2,
        "localforward 1 [a]:1": 3,
        "dynamicforward 2": 4,
        "sendenv A": 5,
        "sendenv B": 5,
    }


def test_what_lost_is_told_with_its_place(home: Path) -> None:
    port = explained(home, "Host web\n Port 1\nHost *\n Port 2\nMatch all\n Port 3\n")["port"]
    assert (port.value, port.origin.line, port.origin.block) == ("1", 2, "Host web")
    assert [(lost.value, lost.origin.line, lost.origin.block) for lost in port.shadowed] == [
        ("2", 4, "Host *"),
        ("3", 6, "Match all"),
    ]


def test_the_command_line_and_what_it_left_without_effect(home: Path) -> None:
    found = explained(home, "User bob\nPort 9\n", "eve@web", ("Port", "7"))
    assert str(found["user"].origin) == str(found["port"].origin) == "command line"
    assert [lost.value for lost in found["user"].shadowed] == ["bob"]
    assert [lost.value for lost in found["port"].shadowed] == ["9"]
    assert str(found["compression"].origin) == "default"


def test_a_second_pass_loses_to_nobody_but_others(home: Path) -> None:
    found = explained(home, "Port 1\nStreamLocalBindMask 077\nMatch final\nUser f\nPort 2\n")
    assert [lost.value for lost in found["port"].shadowed] == ["2"]
    assert found["user"].origin.block == "Match final"
    assert not found["streamlocalbindmask"].shadowed


def test_the_last_mask_wins(home: Path) -> None:
    mask = explained(home, "StreamLocalBindMask 077\nStreamLocalBindMask 0177\n")
    assert mask["streamlocalbindmask"].origin.line == 2
    assert [lost.value for lost in mask["streamlocalbindmask"].shadowed] == ["77"]


@pytest.mark.parametrize(
    ("text", "winner", "loser"),
    [
        ("ProxyJump a,b:22\nProxyCommand nc\n", "proxyjump a,b:22", "proxycommand nc"),
        ("ProxyCommand nc\nProxyJump me@a\n", "proxycommand nc", "proxyjump me@a"),
        ("ProxyJump a\nProxyJump none\n", "proxyjump a", "proxyjump none"),
    ],
)
def test_of_two_ways_the_first_one_wins(home: Path, text: str, winner: str, loser: str) -> None:
    keyword, _, value = winner.partition(" ")
    found = explained(home, text)
    assert (found[keyword].value, found[keyword].origin.line) == (value, 1)
    lost = found[keyword].shadowed
    assert [f"{one.keyword} {one.value}" for one in lost] == [loser]


def test_what_the_dump_does_not_print_is_explained_too(home: Path) -> None:
    found = explained(home, "Tag blue\nProxyCommand none\nLocalForward 1 a:1\n")
    assert (found["tag"].value, found["tag"].origin.line) == ("blue", 1)
    assert (found["proxycommand"].value, found["proxycommand"].origin.line) == ("none", 2)


def test_a_value_that_follows_from_another_keyword_has_its_place(home: Path) -> None:
    found = explained(home, "BatchMode yes\nProxyUseFdpass yes\nProxyJump a\n")
    assert (found["serveraliveinterval"].value, found["serveraliveinterval"].origin.line) == (
        "300",
        1,
    )
    assert (found["proxyusefdpass"].value, found["proxyusefdpass"].origin.line) == ("no", 3)


def test_a_canonical_name_has_the_line_that_asked_for_it(home: Path) -> None:
    resolver = resolver_of(home, "CanonicalizeHostname yes\nCanonicalDomains a.test\n")
    resolved = Resolver(resolver.source, lookup=lambda name, family: "").resolve("web")
    hostname = next(entry for entry in explain(resolved) if entry.keyword == "hostname")
    assert (hostname.value, hostname.origin.line) == ("web.a.test", 1)


def test_a_line_of_an_included_file_names_the_block_around_it(home: Path) -> None:
    (home / ".ssh/in").write_text("Port 5\nHost w*\nUser u\n")
    (home / ".ssh/in").chmod(0o600)
    found = explained(home, "Host web\n Include in\n")
    assert found["port"].origin.block == "Host web"
    assert found["user"].origin.block == "Host w*"
    assert not found["user"].origin.general


def test_host_star_first_is_warned_of_with_what_it_hides(home: Path) -> None:
    (advice,) = advices(home, "Host *\n Port 22\n User me\nHost web\n Port 2222\n User me\n")
    assert advice.kind == "order"
    assert "Host * comes before Host web" in advice.text
    assert "Port 2222" in advice.text
    assert "User" not in advice.text
    assert advice.origin.line == 2


def test_host_star_last_is_not_warned_of(home: Path) -> None:
    assert not advices(home, "Host web\n Port 2222\nHost *\n Port 22\n")


def test_values_above_the_first_host_are_warned_of(home: Path) -> None:
    (advice,) = advices(home, "Port 22\nHost web\n Port 2222\n")
    assert "above the first Host" in advice.text


def test_jumps_in_a_circle_are_warned_of_with_their_path(home: Path) -> None:
    text = "Host a\n ProxyJump b\nHost b\n ProxyJump c\nHost c\n ProxyJump a\n"
    (advice,) = advices(home, text, "a")
    assert (advice.kind, advice.origin.line) == ("loop", 2)
    assert "a → b → c → a" in advice.text
    assert not advices(home, "Host a\n ProxyJump b,c\nHost c\n ProxyJump none\n", "a")


def test_a_jump_host_that_jumps_through_itself_is_warned_of(home: Path) -> None:
    (advice,) = advices(home, "Host gw\n HostName 10.0.0.1\nHost *\n ProxyJump gw\n")
    assert "web → gw → gw" in advice.text
    assert "give gw ProxyJump none" in advice.hint
    (advice,) = advices(home, "Host *\n ProxyJump gw\n")
    assert "web → gw → gw" in advice.text


def test_key_files_that_cannot_be_used_are_warned_of(home: Path) -> None:
    loose, tight, public = home / "loose", home / "tight", home / "public"
    for file, mode in ((loose, 0o644), (tight, 0o600)):
        file.write_text("key")
        file.chmod(mode)
    Path(f"{public}.pub").write_text("key")
    text = f"IdentityFile {tight}\nIdentityFile {loose}\nIdentityFile {public}\n"
    found = advices(home, f"{text}IdentityFile ~/nowhere\nCertificateFile /no/cert\n")
    assert [(advice.kind, advice.origin.line) for advice in found] == [
        ("key", 2),
        ("key", 4),
        ("key", 5),
    ]
    assert "open to others (mode 0644)" in found[0].text
    assert found[0].hint == f"chmod 600 {loose}"
    assert "does not exist" in found[1].text


def test_missing_default_keys_are_nothing_to_warn_of(home: Path) -> None:
    assert not advices(home, "")
    key = home / ".ssh/id_ed25519"
    key.write_text("key")
    key.chmod(0o640)
    (advice,) = advices(home, "")
    assert "mode 0640" in advice.text


@pytest.mark.parametrize("value", ["no", "off"])
def test_a_host_whose_key_is_not_checked_is_warned_of(home: Path, value: str) -> None:
    (advice,) = advices(home, f"Host web\n StrictHostKeyChecking {value}\n")
    assert (advice.kind, advice.origin.line) == ("trust", 2)
    assert card_warnings((advice,)) == ("host key not checked",)


@pytest.mark.parametrize("value", ["yes", "ask", "accept-new"])
def test_a_host_whose_key_is_checked_is_nothing_to_warn_of(home: Path, value: str) -> None:
    assert not advices(home, f"Host web\n StrictHostKeyChecking {value}\n")


def test_an_unchecked_host_key_is_warned_of_on_the_command_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "config"
    file.write_text("Host web\n StrictHostKeyChecking no\n")
    assert main(["resolve", "-F", str(file), "--explain", "web"]) == 0
    assert f"{file}:2: host keys are not checked" in capsys.readouterr().err
    main(["doctor", "-F", str(file)])
    assert "host keys are not checked" in capsys.readouterr().out


def test_keywords_without_effect_are_told_those_of_security_first(home: Path) -> None:
    text = "EnableSSHKeysign yes\nForwardX11 yes\n"
    found = advices(home, text)
    assert [advice.kind for advice in found] == ["ignored"] * 2
    assert KEYWORDS["forwardx11"].why in found[1].text


def test_what_is_set_to_its_default_is_nothing_to_tell(home: Path) -> None:
    assert not advices(home, "ForwardX11 no\nTunnel no\nGSSAPIAuthentication no\n")
    assert [advice.origin.line for advice in advices(home, "ForwardX11 yes\nTunnel yes\n")] == [
        1,
        2,
    ]


def test_what_is_known_of_all_hosts_is_told_once(home: Path) -> None:
    resolver = resolver_of(home, "Host a b\n ForwardX11 yes\nHost c\n IdentityFile /no/key\n")
    found = list(advise_all(["a", "b", "c", "-x"], resolver))
    assert [(advice.kind, advice.origin.line) for advice in found] == [("ignored", 2), ("key", 4)]


# The command line


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ((("-p", "7"), ("Port", "8")), "port 7"),
        ((("Port", "8"), ("-p", "x")), "port 8"),
        ((("-p", "ssh"),), "port 22"),
        ((("-l", "two words"),), "user two words"),
        ((("User", "a"), ("-l", "b")), "user a"),
        ((("-i", '/a "b'),), 'identityfile /a "b'),
        ((("-J", "a,me@b:23"),), "proxyjump a,me@b:23"),
    ],
)
def test_short_options_mean_what_they_mean_to_ssh(
    home: Path, overrides: tuple[tuple[str, str], ...], line: str
) -> None:
    resolver = resolver_of(home, "Port 1\nUser x\nProxyCommand nc\n", *overrides)
    assert line in dump(resolver.resolve("web")).splitlines()


@pytest.mark.parametrize(
    "overrides",
    [
        (("-p", "0"),),
        (("-p", "nowhere-service"),),
        (("-J", "a"), ("-J", "b")),
        (("ProxyCommand", "nc"), ("-J", "b")),
        (("-J", "a:b:c"),),
        (("-l", "-x"),),
    ],
)
def test_short_options_that_ssh_refuses(home: Path, overrides: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ConfigError, match="command line"):
        resolver_of(home, "", *overrides).resolve("web")


def test_short_options_are_shown_as_a_person_types_them() -> None:
    source = ConfigSource.standard("/c", (("-p", "22"), ("-l", "me"), ("Compression", "yes")))
    assert ssh_command("web", source) == "ssh -F /c -p 22 -l me -o Compression=yes web"
    command = shlex.split(scp_command([("web", "a")], ("", "b"), source))
    assert command[3:7] == ["-P", "22", "-o", "User=me"]


def test_explain_prints_places_and_what_lost(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / ".ssh/config"
    config.write_text("Host *\n Port 22\nHost web\n Port 2222\n")
    config.chmod(0o600)
    assert main(["resolve", "--explain", "-l", "bob", "web"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    at = next(at for at, line in enumerate(lines) if line.endswith("  port 22"))
    assert lines[at].startswith(f"{config}:2 (Host *)")
    assert lines[at + 1].split() == ["not", "port", "2222,", "from", f"{config}:4", "(Host", "web)"]
    assert any(line.split() == ["command", "line", "user", "bob"] for line in lines)
    assert f"{config}:2: Host * comes before Host web" in printed.err


def test_a_value_without_effect_says_why(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = home / "config"
    config.write_text("Host web\n SyslogFacility AUTH\n Port 23\n")
    assert main(["-F", str(config), "resolve", "--explain", "web"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    at = next(at for at, line in enumerate(lines) if line.endswith("syslogfacility AUTH"))
    assert lines[at + 1] == f"without effect in sshdash: {KEYWORDS['syslogfacility'].why}"
    assert sum("without effect" in line for line in lines) == 1


def test_explain_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = home / ".ssh/config"
    config.write_text("Host web\n Port 2222\n Port 23\n")
    config.chmod(0o600)
    assert main(["resolve", "--json", "web"]) == 0
    document = json.loads(capsys.readouterr().out)
    (port,) = (value for value in document["values"] if value["keyword"] == "port")
    place = {"from": "file", "file": str(config), "block": "Host web"}
    assert port["origin"] == {**place, "line": 2}
    assert port["shadowed"] == [{"keyword": "port", "value": "23", "origin": {**place, "line": 3}}]
    assert document["warnings"] == []


def test_a_missing_key_on_the_command_line_is_told_and_left_out(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resolve", "-i", "/nowhere/key", "web"]) == 0
    printed = capsys.readouterr()
    assert "no key in /nowhere/key" in printed.err
    assert "/nowhere" not in printed.out
    (home / "key").write_text("k")
    assert main(["resolve", "-i", "~/key", "web"]) == 0
    assert f"identityfile {home}/key\n" in capsys.readouterr().out
