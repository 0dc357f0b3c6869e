"""The lines to copy that make use of a tunnel."""

import shlex
from typing import Any

import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.kept.proxy_lines import proxy_lines, socket_proxy_lines
from sshdash.tunnels.kept.use_lines import use_lines
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward


def tunnel(option: str, text: str, host: str = "web-1", **more: Any) -> TunnelSnapshot:
    """Return an open tunnel."""
    spec = parse_forward(Kind(option), text)
    fields: dict[str, Any] = {
        "id": "t1", "host": host, "kind": spec.kind, "spec": spec, "source": "ad hoc",
        "listen": spec.listen_text, "target": spec.target_text, "route": (host,),
        "state": TunnelState.OPEN, "exposed": False, "clients": 0, "clients_total": 0,
        "failures": 0, "bytes_up": 0, "bytes_down": 0, "rate_up": 0.0, "rate_down": 0.0,
        "history": (), "error": "", "uptime": 1.0,
    }  # fmt: skip
    return TunnelSnapshot(**{**fields, **more})


@pytest.mark.parametrize(
    ("text", "label", "line"),
    [
        ("6543:db:5432", "psql", "psql -h localhost -p 6543"),
        ("6543:db:5432", "URL", "postgresql://localhost:6543/"),
        ("[::1]:6543:db:5432", "psql", "psql -h ::1 -p 6543"),
        ("[::1]:6543:db:5432", "URL", "postgresql://[::1]:6543/"),
        ("*:6543:db:5432", "psql", "psql -h localhost -p 6543"),
        ("10.0.0.9:6543:db:5432", "psql", "psql -h 10.0.0.9 -p 6543"),
        ("1234:cache:6379", "redis-cli", "redis-cli -h localhost -p 1234"),
        ("1234:db:3306", "mysql", "mysql --protocol=tcp -h localhost -P 1234"),
        ("1234:db:27017", "mongosh", "mongosh 'mongodb://localhost:1234/?directConnection=true'"),
        ("1234:wiki:80", "URL", "http://localhost:1234/"),
        ("1234:wiki:80", "curl, as wiki", "curl --connect-to ::localhost:1234 http://wiki/"),
        ("1234:wiki:443", "curl, as wiki", "curl --connect-to ::localhost:1234 https://wiki/"),
        ("1234:localhost:8080", "curl", "curl http://localhost:1234/"),
        ("1234:files:873", "rsync", "rsync rsync://localhost:1234/"),
        ("1234:src:9418", "git", "git clone git://localhost:1234/REPOSITORY"),
        ("1234:db-2:22", "ssh", "ssh -p 1234 -o HostKeyAlias=db-2 localhost"),
        ("1234:db-2:2222", "ssh", "ssh -p 1234 -o 'HostKeyAlias=[db-2]:2222' localhost"),
        ("1234:localhost:22", "ssh", "ssh -p 1234 -o HostKeyAlias=web-1 localhost"),
        ("1234:broker:1883", "mosquitto_sub", "mosquitto_sub -h localhost -p 1234 -t '#'"),
    ],
)
def test_a_known_port_has_its_programs(text: str, label: str, line: str) -> None:
    assert dict(use_lines(tunnel("L", text)))[label] == line


def test_an_unknown_port_has_its_address() -> None:
    assert use_lines(tunnel("L", "4711:db:47115")) == [("address", "localhost:4711")]


def test_the_chosen_port_counts() -> None:
    lines = dict(use_lines(tunnel("L", "0:db:5432", listen="localhost:39999")))
    assert lines["psql"] == "psql -h localhost -p 39999"
    assert use_lines(tunnel("L", "0:db:5432")) == [], "none is chosen yet"


def test_no_other_name_is_offered_for_what_has_none() -> None:
    for target in ("localhost:80", "127.0.0.1:80", "10.0.0.7:80"):
        labels = [label for label, _ in use_lines(tunnel("L", f"1234:{target}"))]
        assert labels == ["URL", "curl", "address"]


def test_lines_of_a_remote_forward_are_for_the_far_side() -> None:
    lines = dict(use_lines(tunnel("R", "8080:localhost:3000")))
    assert lines["URL, on web-1"] == "http://localhost:8080/"
    assert lines["address, on web-1"] == "localhost:8080"


@pytest.mark.parametrize(("text", "at"), [("1080", "localhost:1080"), ("[::1]:1080", "[::1]:1080")])
def test_a_dynamic_forward_has_lines_for_any_program(text: str, at: str) -> None:
    lines = use_lines(tunnel("D", text))
    assert lines == proxy_lines(at)
    words = {label: shlex.split(line) for label, line in lines}
    assert words["curl"] == ["curl", "--proxy", f"socks5h://{at}", "https://HOST/"]
    assert words["environment"][:2] == ["export", f"ALL_PROXY=socks5h://{at}"]
    variables = ["http_proxy", "https_proxy", "HTTPS_PROXY"]
    assert words["environment"][2:] == [f"{name}=http://{at}" for name in variables]
    assert words["PAC file"] == [f"http://{at}/proxy.pac"]
    assert words["git"][:3] == ["git", "-c", f"http.proxy=socks5h://{at}"]
    assert words["ssh"] == ["ssh", "-o", f"ProxyCommand=nc -X 5 -x {at} %h %p", "HOST"]
    assert lines[-1] == ("address", at)


def test_a_proxy_on_a_socket() -> None:
    lines = use_lines(tunnel("D", r"/run/user/1/a\ proxy"))
    assert lines == socket_proxy_lines("/run/user/1/a proxy")
    assert shlex.split(lines[0][1])[2] == "socks5h://localhost/run/user/1/a proxy"


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("/var/run/docker.sock", "docker -H unix:///run/me.sock ps"),
        ("/run/mysqld/mysqld.sock", "mysql -S /run/me.sock"),
        ("/run/redis/redis.sock", "redis-cli -s /run/me.sock"),
    ],
)
def test_a_socket_that_leads_to_a_socket(target: str, line: str) -> None:
    lines = use_lines(tunnel("L", f"/run/me.sock:{target}"))
    assert lines[0][1] == line
    assert lines[-1] == ("address", "/run/me.sock")


def test_a_port_that_leads_to_a_socket() -> None:
    lines = dict(use_lines(tunnel("L", "6543:/run/postgresql/.s.PGSQL.5432")))
    assert lines["psql"] == "psql -h localhost -p 6543"


def test_a_proxy_on_the_far_side_has_its_lines_for_there() -> None:
    lines = dict(use_lines(tunnel("R", "1080")))
    assert lines["PAC file, on web-1"] == "http://localhost:1080/proxy.pac"


def test_a_socket_that_leads_to_a_web_server() -> None:
    lines = dict(use_lines(tunnel("L", "/run/me.sock:wiki:80")))
    assert lines["curl"] == "curl --unix-socket /run/me.sock http://localhost/"
