"""The grammar of -L, -R and -D."""

import ipaddress
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.errors import UsageError
from sshdash.tunnels.spec import ForwardSpec, Kind, exposure, parse_forward
from sshdash.untrusted import clean

NAMES = st.text(string.ascii_letters + string.digits + "-._", min_size=1, max_size=40).filter(
    lambda name: not name.isdigit()
)
HOSTS = st.one_of(
    NAMES,
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
PORTS = st.integers(1, 65535)
PATHS = st.text(string.ascii_letters + " :[]\\/é", max_size=30).map("/".__add__)
BINDS = st.one_of(st.none(), st.just("*"), HOSTS)


def spec_of(
    kind: Kind,
    bind: str | None = None,
    port: int = 0,
    to: tuple[str, int] = ("", 0),
    *,
    listen_path: str = "",
    target_path: str = "",
) -> ForwardSpec:
    return ForwardSpec(kind, bind, port, *to, listen_path, target_path)


@pytest.mark.parametrize(
    ("kind", "text", "spec"),
    [
        ("L", "5432:db:5432", ForwardSpec(Kind.LOCAL, None, 5432, "db", 5432)),
        ("L", "5432 db:5432", ForwardSpec(Kind.LOCAL, None, 5432, "db", 5432)),
        ("L", "127.0.0.1:80:web:8080", ForwardSpec(Kind.LOCAL, "127.0.0.1", 80, "web", 8080)),
        ("L", "[::1]:80:[fe80::1]:8080", ForwardSpec(Kind.LOCAL, "::1", 80, "fe80::1", 8080)),
        ("L", "[127.0.0.1]:80 [web]:8080", ForwardSpec(Kind.LOCAL, "127.0.0.1", 80, "web", 8080)),
        ("L", "*:80:web:80", ForwardSpec(Kind.LOCAL, "*", 80, "web", 80)),
        ("L", ":80:web:80", ForwardSpec(Kind.LOCAL, "*", 80, "web", 80)),
        ("L", "0:web:80", ForwardSpec(Kind.LOCAL, None, 0, "web", 80)),
        ("R", "localhost:0:db:1", ForwardSpec(Kind.REMOTE, "localhost", 0, "db", 1)),
        ("D", "1080", ForwardSpec(Kind.DYNAMIC, None, 1080)),
        ("D", "*:1080", ForwardSpec(Kind.DYNAMIC, "*", 1080)),
        ("D", "[::1]:1080", ForwardSpec(Kind.DYNAMIC, "::1", 1080)),
        ("L", "  5432\tdb:5432 ", ForwardSpec(Kind.LOCAL, None, 5432, "db", 5432)),
        ("L", "http:web:https", ForwardSpec(Kind.LOCAL, None, 80, "web", 443)),
        ("L", "80:web:80:", ForwardSpec(Kind.LOCAL, None, 80, "web", 80)),
        ("L", "/a.sock:db:1", spec_of(Kind.LOCAL, listen_path="/a.sock", to=("db", 1))),
        ("L", "/a.sock db:1", spec_of(Kind.LOCAL, listen_path="/a.sock", to=("db", 1))),
        ("L", "80:/b", spec_of(Kind.LOCAL, port=80, target_path="/b")),
        ("L", "80 /b", spec_of(Kind.LOCAL, port=80, target_path="/b")),
        ("L", "*:80:/b", spec_of(Kind.LOCAL, bind="*", port=80, target_path="/b")),
        ("L", "/a:/b", spec_of(Kind.LOCAL, listen_path="/a", target_path="/b")),
        ("L", "./a:./b", spec_of(Kind.LOCAL, listen_path="./a", target_path="./b")),
        ("L", r"/a\:1 /b\ c", spec_of(Kind.LOCAL, listen_path="/a:1", target_path="/b c")),
        ("L", "[/a:1]:/b", spec_of(Kind.LOCAL, listen_path="/a:1", target_path="/b")),
        ("L", "/a b:db:1", spec_of(Kind.LOCAL, listen_path="/a b", to=("db", 1))),
        ("R", "/a:db:1", spec_of(Kind.REMOTE, listen_path="/a", to=("db", 1))),
        ("R", "80:/b", spec_of(Kind.REMOTE, port=80, target_path="/b")),
        ("R", "/a:/b", spec_of(Kind.REMOTE, listen_path="/a", target_path="/b")),
        ("R", "1080", spec_of(Kind.REMOTE, port=1080)),
        ("R", "0", spec_of(Kind.REMOTE)),
        ("R", "*:1080", spec_of(Kind.REMOTE, bind="*", port=1080)),
        ("R", ":1080", spec_of(Kind.REMOTE, bind="*", port=1080)),
        ("R", "[::1]:1080", spec_of(Kind.REMOTE, bind="::1", port=1080)),
        ("R", "/a", spec_of(Kind.REMOTE, listen_path="/a")),
        ("D", "/a", spec_of(Kind.DYNAMIC, listen_path="/a")),
    ],
)
def test_forms_of_a_forward(kind: str, text: str, spec: ForwardSpec) -> None:
    assert parse_forward(Kind(kind), text) == spec


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("L", "", "nothing given"),
        ("L", "99999:db:5432", "listening port 99999"),
        ("L", "-1:db:5432", "listening port '-1'"),
        ("L", "5432:db:0", "target port 0"),
        ("L", "5432:db:99999999999999999999", "target port 9999"),
        ("L", "5432:db:", "target host:port is missing"),
        ("L", ":db:5432", "listening port is empty"),
        ("L", "5432::80", "target host is empty"),
        ("L", "5432:db:nonsense", "target port 'nonsense'"),
        ("L", "5432", "target host:port is missing"),
        ("L", "5432:db", "target host:port is missing"),
        ("L", "5432 db", "target needs host:port"),
        ("L", "1:2:3:4:5", "too many parts"),
        ("L", "1 2:3:4:5", "too many parts"),
        ("L", "8 0:a:1", "the target '0:a:1' has too many parts"),
        ("L", "fe80::1:80:db:80", "too many parts"),
        ("L", "[::1:80:db:80", "'[' without ']'"),
        ("L", "[::1]x:80:db:80", "after ']'"),
        ("L", "80 db:80 more", "'more' after the target"),
        ("D", "1080 more", "'more' after the port"),
        ("D", "a:b:1080", "too many parts"),
        ("L", "80:b\x00d:80", r"target host 'b\x00d'"),
        ("L", "80:b\xfccher:80", "ASCII"),
        ("L", "80:" + "a" * 300 + ":80", "longer than 255 bytes"),
        ("L", "/" + "a" * 107 + ":db:80", "the listening socket is longer than 107 bytes"),
        ("L", "80:/" + "é" * 54, "the target socket is longer than 107 bytes"),
        ("L", "/a", "target host:port is missing"),
        ("L", "/a:b", "target host:port is missing"),
        ("L", "/a:80:db:80", "the socket '/a' has no address and no port"),
        ("L", "80:/a:80", "the socket '/a' has no address and no port"),
        ("L", "80:db/x:80", "the target host 'db/x' has a slash in it"),
        ("L", "80:db:80/tcp", "the target port '80/tcp' is not a port number"),
        ("L", "80:http://db:80", "a URL; a forward takes its host and its port alone"),
        ("L", "http://db:80", "a URL"),
        ("R", "80:https://db/", "a URL"),
        ("L", "80-90:db:80", "the listening port '80-90'"),
        ("L", "80:db:٣٣", "the target port '٣٣'"),
        ("L", "4294967376:db:80", "the listening port 4294967376 is not between"),
        ("L", "80:db:+", "the target port '+'"),
        ("L", "80.0:db:80", "the listening port '80.0'"),
        ("L", '"80:db:80"', "the listening port '\"80'"),
        ("L", "/a\x07:db:80", r"listening socket '/a\x07' has a character that does not print"),
        ("L", "80 db:80\\", "a backslash with nothing behind it"),
        ("L", "80 : db : 80", "blanks around a colon; '80:db:80' has none"),
        ("L", "80:db :80", "blanks around a colon; '80:db:80' has none"),
        ("L", "nothing:db:80", "'nothing' is not a port number or the name of a service"),
        ("L", "65536:db:80", "listening port 65536 is not between 0 and 65535"),
        ("R", "8080:db", "missing its port"),
        ("L", "[::1]:8080:db", "missing its port"),
        ("R", "*:8080:db", "missing its port"),
        ("L", "http:8080:db", "the target port 'db'"),
        ("L", "a:8080:http", "the listening port 'a'"),
        ("R", "/a:80", "the socket '/a' has no address and no port"),
        ("R", "8080x", "listening port '8080x'"),
        ("D", "/a:80", "the socket '/a' has no address and no port"),
        ("D", "", "nothing given"),
    ],
)
def test_a_wrong_forward_names_its_wrong_part(kind: str, text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_forward(Kind(kind), text)
    assert part in caught.value.detail
    assert f"-{kind}" in caught.value.detail
    assert caught.value.hint.startswith(f"-{kind} [bind:]port")
    assert "socket" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("L", "8 0:a:1", "the listening port '8 0' is not a port number"),
        ("L", "80:a b:1", "the target host 'a b' is not a host name"),
        ("L", "80:a:1 2", "the target port '1 2' is not a port number"),
        ("L", "80 a:1", "a blank, where an option has a colon: '80:a:1'"),
        ("L", "a:80 /b", "a blank, where an option has a colon: 'a:80:/b'"),
        ("R", "80 a:1", "a blank, where an option has a colon: '80:a:1'"),
        ("L", "80 : a : 1", "blanks around a colon; '80:a:1' has none"),
        ("D", "80 81", "unexpected '81' after the port"),
    ],
)
def test_an_option_has_no_blanks_as_with_ssh(kind: str, text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_forward(Kind(kind), text, is_option=True)
    assert part in caught.value.detail


@pytest.mark.parametrize("text", ["/a b:db:1", r"/a\ b:db:1", " 080:db:01 ", "80:/c d"])
def test_an_option_may_have_them_where_ssh_takes_them(text: str) -> None:
    assert str(parse_forward(Kind.LOCAL, text, is_option=True)) in (
        r"/a\ b:db:1",
        "80:db:1",
        r"80:/c\ d",
    )


def test_what_is_shown() -> None:
    spec = parse_forward(Kind.LOCAL, "5432:db:5433")
    assert (spec.listen_text, spec.target_text, spec.exposed) == (
        "localhost:5432",
        "db:5433",
        False,
    )
    spec = parse_forward(Kind.DYNAMIC, "[2001:db8::1]:1080")
    assert (spec.listen_text, spec.target_text, spec.exposed) == (
        "[2001:db8::1]:1080",
        "SOCKS",
        True,
    )


@given(kind=st.sampled_from(Kind), bind=BINDS, port=st.integers(0, 65535), host=HOSTS, to=PORTS)
def test_the_canonical_form_means_the_same(
    kind: Kind, bind: str | None, port: int, host: str, to: int
) -> None:
    spec = ForwardSpec(kind, bind, port)
    if kind is not Kind.DYNAMIC:
        spec = ForwardSpec(kind, bind, port, host, to)
        listen, _, _ = str(spec).partition(f":{spec.target_text}")
        assert parse_forward(kind, f"{listen} {spec.target_text}") == spec
    assert parse_forward(kind, str(spec)) == spec


@given(kind=st.sampled_from(Kind), listen=PATHS | PORTS, to=PATHS | PORTS | st.none())
def test_the_canonical_form_of_sockets_means_the_same(
    kind: Kind, listen: str | int, to: str | int | None
) -> None:
    given_port = listen if isinstance(listen, int) else 0
    given_path = listen if isinstance(listen, str) else ""
    spec = ForwardSpec(kind, None, given_port, listen_path=given_path)
    if kind is not Kind.DYNAMIC and to is not None:
        target = {"target_path": to} if isinstance(to, str) else {"target_port": to}
        host = "" if isinstance(to, str) else "db"
        spec = replace(spec, target_host=host, **target)
    elif kind is Kind.LOCAL:
        return
    assert parse_forward(kind, str(spec)) == spec
    assert parse_forward(kind, f" {spec}  ") == spec


def test_who_can_connect_is_said() -> None:
    assert not parse_forward(Kind.LOCAL, "/a:db:80").exposed
    assert not parse_forward(Kind.REMOTE, "localhost:80").exposed
    assert not parse_forward(Kind.DYNAMIC, "127.0.0.9:80").exposed
    assert parse_forward(Kind.DYNAMIC, "127.example:80").exposed
    assert parse_forward(Kind.REMOTE, "*:80").exposed
    assert exposure(Kind.LOCAL) == "other machines can connect"
    assert "if the server's GatewayPorts lets them" in exposure(Kind.REMOTE)


def test_variables_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN", "/run/a b")
    spec = parse_forward(Kind.LOCAL, "${RUN}/s:db:80")
    assert spec.listen_path == "/run/a b/s"
    monkeypatch.delenv("RUN")
    with pytest.raises(UsageError, match="environment variable RUN is not set"):
        parse_forward(Kind.LOCAL, "${RUN}/s:db:80")


@given(kind=st.sampled_from(Kind), text=st.text(max_size=60))
def test_any_text_is_a_forward_or_a_usage_error(kind: Kind, text: str) -> None:
    try:
        spec = parse_forward(kind, text)
    except UsageError as caught:
        message = str(caught)
    else:
        message = ""
        assert parse_forward(kind, str(spec)) == spec
    assert clean(message, 1000) == message


@given(address=st.ip_addresses(v=6), port=PORTS)
def test_an_ipv6_target_is_shown_in_brackets(address: ipaddress.IPv6Address, port: int) -> None:
    spec = parse_forward(Kind.LOCAL, f"1:[{address}]:{port}")
    assert spec.target_text == f"[{address}]:{port}"
