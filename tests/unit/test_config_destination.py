"""What a person types as a destination, and what is refused before anything acts on it."""

import shlex

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sshdash.config.destination import Destination, parse_destination
from sshdash.config.equivalent import forward_command, scp_command, ssh_command
from sshdash.config.source import ConfigSource, parse_override
from sshdash.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", Destination("web")),
        ("bob@web", Destination("web", "bob")),
        ("bob@web:2222", Destination("web", "bob", 2222)),
        ("web:ssh", Destination("web", None, 22)),
        ("a@b@web", Destination("web", "a@b")),
        ("::1", Destination("::1")),
        ("bob@fe80::1%eth0", Destination("fe80::1%eth0", "bob")),
        ("[::1]:22", Destination("::1", None, 22)),
        ("[::1]", Destination("::1")),
        ("ssh://web", Destination("web")),
        ("ssh://bob@web:2222", Destination("web", "bob", 2222)),
        ("ssh://b%20b@web/", Destination("web", "b b")),
        ("ssh://bob;x=1@web", Destination("web", "bob")),
    ],
)
def test_destinations(text: str, expected: Destination) -> None:
    assert parse_destination(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@web",
        "bob@",
        "-oProxyCommand=x",
        "bob@-x",
        "-bob@web",
        "web:0",
        "web:70000",
        "web:x",
        "web;id",
        "web`id`",
        "$(id)",
        "a|b",
        "a b",
        "a\nb",
        "a\x1b]0;x",
        "a,b",
        "x'y",
        "[::1",
        "[]",
        "b;c@web",
        "b -x@web",
        "b\\@web",
        "b\x07@web",
        "ssh://web/path",
        "ssh://",
        "ssh://a..b",
        "ssh://b%zz@web",
        "ssh://@web",
        "a\x85b",
    ],
)
def test_what_ssh_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_destination(text)
    assert caught.value.hint
    assert str(caught.value).isprintable()


@given(st.text(max_size=40))
def test_nothing_that_passes_means_something_to_a_shell(text: str) -> None:
    try:
        destination = parse_destination(text)
    except UsageError:
        return
    assert not destination.host.startswith("-")
    assert not set(destination.host) & set("'`\"$\\;&<>|(){} \n\t")
    assume(destination.user is None or "@" not in destination.user)
    assert parse_destination(str(destination)) == destination


def test_commands_can_be_pasted_into_a_shell() -> None:
    source = ConfigSource.standard("/my configs/it's", (("User", "x y"),))
    command = ssh_command("bob@web:2222", source)
    assert shlex.split(command) == [
        *("ssh", "-F", "/my configs/it's", "-o", "User=x y", "-p", "2222", "bob@web")
    ]
    assert ssh_command("web") == "ssh web"
    assert ssh_command("web", None, "echo $HOME") == "ssh web 'echo $HOME'"


def test_forwards_are_shown_as_on_the_command_line() -> None:
    assert forward_command("web", "8080 db:80") == "ssh -N -L 8080:db:80 web"
    assert forward_command("web", "1080", None, "D") == "ssh -N -D 1080 web"
    assert forward_command("web", "[::1]:1:h:2", None, "r") == "ssh -N -R '[::1]:1:h:2' web"


def test_copies_are_shown_as_scp() -> None:
    assert (
        scp_command([("", "a b"), ("", "x:y")], ("web", "/tmp"), recursive=True)
        == "scp -r -p -- 'a b' ./x:y web:/tmp"
    )
    assert (
        scp_command([("bob@web:2222", "/a b")], ("", "."), preserve=False)
        == "scp -P 2222 -- 'bob@web:/a b' ."
    )
    assert scp_command([("a", "/x")], ("b:23", "/y z")) == "scp -p -3 -- a:/x scp://b:23//y%20z"
    assert scp_command([("", "-r")], ("::1", "x")) == "scp -p -- -r '[::1]:x'"


def test_sources_follow_the_options() -> None:
    assert ConfigSource.standard("none") == ConfigSource(None, None, named="none")
    assert ConfigSource.standard("x").system_file is None
    standard = ConfigSource.standard()
    assert str(standard.system_file) == "/etc/ssh/ssh_config"
    assert str(standard.user_file).endswith("/.ssh/config")
    assert parse_override("Port=22") == ("Port", "22")
    assert parse_override("ProxyCommand nc %h = x") == ("ProxyCommand", "nc %h = x")
    assert parse_override(" Port  =  22 ") == ("Port", "22")
    assert parse_override("Port = =22") == ("Port", "=22")
    for wrong in ("Port", "", "=x", "Port="):
        with pytest.raises(UsageError):
            parse_override(wrong)
