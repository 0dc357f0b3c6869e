"""The names of known ports, and what is made of them."""

import pytest

from sshdash.tunnels.discover.services import Use, service_of, service_of_socket, usual_port
from sshdash.tunnels.kept.rule import ProbeKind
from sshdash.tunnels.spec import Kind
from sshdash.ui.rule_draft import RuleDraft


@pytest.mark.parametrize(
    ("port", "process", "name", "scheme"),
    [
        (5432, "", "postgres", ""),
        (3306, "", "mysql", ""),
        (6379, "", "redis", ""),
        (27017, "", "mongodb", ""),
        (9200, "", "elasticsearch", "http"),
        (5601, "", "kibana", "http"),
        (3000, "", "grafana", "http"),
        (9090, "", "prometheus", "http"),
        (443, "", "https", "https"),
        (6443, "", "kubernetes", "https"),
        (8888, "", "jupyter", "http"),
        (5900, "", "vnc", ""),
        (9092, "", "kafka", ""),
        (25, "", "smtp", ""),
        (22, "sshd", "ssh", ""),
        (3000, "postgres", "postgres", ""),
        (41234, "redis-server", "redis", ""),
        (2380, "etcd", "etcd", ""),
        (110, "dovecot", "pop3", ""),
        (8080, "java", "http", "http"),
    ],
)
def test_known_services(port: int, process: str, name: str, scheme: str) -> None:
    service = service_of(port, process)
    assert service is not None
    assert (service.name, service.scheme) == (name, scheme)


def test_what_nobody_knows() -> None:
    assert service_of(61234, "myapp") is None
    assert service_of(70000) is None
    assert service_of_socket("/run/other.sock") is None


def test_what_probes_ask() -> None:
    asked = {port: service_of(port) for port in (5432, 6379, 22, 80, 443, 3306)}
    assert [one.probe for one in asked.values() if one] == [
        ProbeKind.POSTGRES,
        ProbeKind.REDIS,
        ProbeKind.SSH,
        ProbeKind.HTTP,
        ProbeKind.TCP,
        ProbeKind.TCP,
    ]


def test_unix_sockets_have_the_port_of_their_service() -> None:
    docker = service_of_socket("/var/run/docker.sock")
    postgres = service_of_socket("/run/postgresql/.s.PGSQL.5432")
    assert postgres is not None
    assert (postgres.name, postgres.use) == ("postgres", Use.DATABASE)
    assert [usual_port(one) for one in (docker, postgres, None)] == [2375, 5432, 0]


@pytest.mark.parametrize(
    ("host", "target", "name"),
    [
        ("web-1", "localhost:5432", "web-1-postgres"),
        ("me@[::1]:22", "127.0.0.1:6379", "me-1-22-redis"),
        ("web-1", "db:5432", "web-1-db-5432"),
        ("web-1", "localhost:61234", "web-1-localhost-61234"),
        ("web-1", "localhost:99999999", "web-1-localhost-99999999"),
        ("web-1", "localhost:" + "9" * 5000, "web-1-localhost-" + "9" * 5000),
        ("\x1b[2J", "[::1]:3306", "2J-mysql"),
    ],
)
def test_names_that_rules_have_without_one(host: str, target: str, name: str) -> None:
    assert RuleDraft(host, Kind.LOCAL, listen="1", target=target).name_or_usual == name
