"""What is offered of what listens on a host: free ports, names, and addresses for a browser."""

import errno
import socket
from dataclasses import replace

import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.discover.listening import Discovered, Listening
from sshdash.tunnels.discover.offers import Offer, local_address, offers, web_address
from sshdash.tunnels.ports import LOOPBACK, next_free, port_here
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind
from tests.ui.tunnel_stage import tunnel


def offered(*listening: Listening, tunnels: tuple[TunnelSnapshot, ...] = ()) -> list[Offer]:
    return offers("db-1", Discovered(listening, ("ss",)), tunnels)


def on(port: int, *addresses: str, process: str = "") -> Listening:
    return Listening(port, addresses or ("127.0.0.1",), process)


def test_a_port_in_use_here_is_not_offered() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        (one,) = offered(on(port, "127.0.0.1", "::1"))
    assert one.port > port
    assert str(one.spec) == f"{one.port}:localhost:{port}"


def test_ports_of_root_and_of_listed_tunnels_are_avoided() -> None:
    listed = tunnel(1, Kind.LOCAL, "8081:other:80")
    elsewhere = replace(listed, id="t2", host="web-9")
    found = offered(on(81), on(80, "0.0.0.0", "::"), on(80, "10.0.0.1"), tunnels=(elsewhere,))
    assert found[0].port > 8081
    assert found[1].port >= 8080
    assert len({one.port for one in found}) == 3
    assert [one.spec.target_host for one in found] == ["127.0.0.1", "localhost", "10.0.0.1"]


def test_addresses_are_the_ones_it_listens_on() -> None:
    six, linked, both = offered(on(7001, "::1"), on(7002, "fe80::1%eth0"), on(7003, "::"))
    assert str(six.spec).endswith(":[::1]:7001")
    assert six.spec.target_host == "::1"
    assert linked.spec.target_host == "fe80::1%eth0"
    assert both.spec.target_host == "localhost"


def test_what_is_forwarded_already_is_marked() -> None:
    opened = tunnel(1, Kind.LOCAL, "15432:localhost:5432", TunnelState.OPEN)
    closed = tunnel(2, Kind.LOCAL, "16379:127.0.0.1:6379")
    other = replace(tunnel(3, Kind.LOCAL, "19200:localhost:9200", TunnelState.OPEN), host="db-2")
    far = tunnel(4, Kind.REMOTE, "9200:localhost:9200", TunnelState.OPEN)
    found = offered(on(5432), on(6379), on(9200), tunnels=(opened, closed, other, far))
    assert [(one.tunnel, one.tunnel_listens) for one in found] == [
        ("t1", "localhost:15432"),
        ("t2", ""),
        ("", ""),
    ]
    names = [one.service.name for one in found if one.service]
    assert names == ["postgres", "redis", "elasticsearch"]


def test_another_address_of_the_port_is_not_forwarded_already() -> None:
    opened = tunnel(1, Kind.LOCAL, "8080:10.0.0.9:8080", TunnelState.OPEN)
    here, there = offered(on(8080), on(8080, "10.0.0.9"), tunnels=(opened,))
    assert not here.tunnel
    assert there.tunnel == "t1"


def test_our_own_ssh_is_no_web_page() -> None:
    (ours,) = offered(replace(on(8022, "0.0.0.0"), carries_us=True))
    assert (ours.service and ours.service.name, ours.scheme) == ("ssh", "")
    (unknown,) = offered(on(61234, process="myapp"))
    assert (unknown.service, unknown.scheme) == (None, "http")


def test_unix_sockets_are_forwarded_from_the_port_of_their_service() -> None:
    (one,) = offered(Listening(0, (), path="/run/docker.sock"))
    assert str(one.spec) == f"{one.port}:/run/docker.sock"
    assert one.port >= 2375
    assert one.service
    assert one.service.name == "docker"


@pytest.mark.parametrize(
    ("option", "text", "address"),
    [
        (Kind.LOCAL, "8080:localhost:80", "http://localhost:8080/"),
        (Kind.LOCAL, "*:8080:localhost:80", "http://localhost:8080/"),
        (Kind.LOCAL, "0.0.0.0:8080:localhost:80", "http://localhost:8080/"),
        (Kind.LOCAL, "[::1]:8443:k8s:6443", "https://[::1]:8443/"),
        (Kind.LOCAL, "127.0.0.2:8443:x:443", "https://127.0.0.2:8443/"),
        (Kind.LOCAL, "my-name:8000:x:61000", "http://my-name:8000/"),
        (Kind.LOCAL, "9443:x:10443", "https://localhost:9443/"),
        (Kind.LOCAL, "5432:db:5432", ""),
        (Kind.REMOTE, "8080:localhost:80", ""),
        (Kind.DYNAMIC, "1080", ""),
        (Kind.LOCAL, "0:localhost:80", ""),
    ],
)
def test_addresses_for_a_browser(option: Kind, text: str, address: str) -> None:
    assert web_address(tunnel(1, option, text)) == address


def test_a_name_that_is_none_never_gets_into_an_address() -> None:
    one = tunnel(1, Kind.LOCAL, "8080:localhost:80")
    odd = replace(one, spec=replace(one.spec, bind="a@evil.example?"))
    assert web_address(odd) == "http://localhost:8080/"


def test_the_real_port_and_what_was_discovered_count() -> None:
    one = replace(tunnel(1, Kind.LOCAL, "0:localhost:5432"), listen="localhost:40123")
    assert local_address(one) == "localhost:40123"
    assert web_address(one) == ""
    assert web_address(one, "https") == "https://localhost:40123/"
    assert web_address(one, "javascript") == ""


def test_ports_near_the_end_and_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    assert port_here(0) == 0
    assert 65530 <= (port_here(65530, taken=()) or 65530) <= 65535
    assert next_free(LOOPBACK, 65535) is None
    plain = socket.socket

    def without_ipv6(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return plain(family, kind)

    monkeypatch.setattr("sshdash.tunnels.ports.socket.socket", without_ipv6)
    assert next_free(LOOPBACK, 20000)
