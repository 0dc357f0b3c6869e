"""What usually answers on a port: its name, and whether a browser is of use there. Pure."""

import re
import socket
from dataclasses import dataclass
from enum import Enum

from sshdash.tunnels.kept.rule import ProbeKind


class Use(Enum):
    """What a service is for."""

    HTTP = "http"
    HTTPS = "https"
    DATABASE = "database"
    QUEUE = "queue"
    DESKTOP = "desktop"
    MAIL = "mail"
    SHELL = "shell"
    FILES = "files"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Service:
    """One known service."""

    name: str
    """As people call it, in small letters: ``postgres``."""
    use: Use

    @property
    def scheme(self) -> str:
        """Return ``http`` or ``https`` where a browser opens it, else nothing."""
        return self.use.value if self.use in (Use.HTTP, Use.HTTPS) else ""

    @property
    def probe(self) -> ProbeKind:
        """Return the best way to ask whether it is well."""
        named = {"postgres": ProbeKind.POSTGRES, "redis": ProbeKind.REDIS, "ssh": ProbeKind.SSH}
        return named.get(self.name, ProbeKind.HTTP if self.use is Use.HTTP else ProbeKind.TCP)


_PORTS: dict[Use, dict[int, str]] = {
    Use.HTTP: {
        80: "http", 81: "http", 1313: "hugo", 2375: "docker", 3000: "grafana", 3001: "http",
        3100: "loki", 4000: "http", 4040: "spark", 4200: "angular", 4317: "otlp", 4318: "otlp",
        4646: "nomad", 5000: "http", 5173: "vite", 5601: "kibana", 5984: "couchdb",
        6006: "storybook", 7474: "neo4j", 7860: "gradio", 8000: "http", 8001: "http",
        8008: "http", 8025: "mailpit",
        8080: "http", 8081: "http", 8082: "http", 8083: "http", 8086: "influxdb", 8088: "http",
        8096: "jellyfin", 8111: "teamcity", 8123: "clickhouse", 8161: "activemq", 8200: "vault",
        8265: "ray", 8384: "syncthing", 8428: "victoriametrics", 8500: "consul", 8501: "streamlit",
        8787: "rstudio", 8888: "jupyter", 8889: "jupyter", 8983: "solr", 9000: "http",
        9001: "minio", 9090: "prometheus", 9091: "pushgateway", 9093: "alertmanager",
        9100: "node-exporter", 9200: "elasticsearch", 9411: "zipkin", 9870: "hadoop",
        10000: "webmin", 11434: "ollama", 15672: "rabbitmq", 16686: "jaeger", 19999: "netdata",
        50070: "hadoop",
    },
    Use.HTTPS: {
        443: "https", 2376: "docker", 4443: "https", 6443: "kubernetes", 8006: "proxmox",
        8443: "https", 9443: "https", 10250: "kubelet",
    },
    Use.DATABASE: {
        1433: "mssql", 1521: "oracle", 2379: "etcd", 2380: "etcd", 3050: "firebird", 3306: "mysql",
        5432: "postgres", 5433: "postgres", 6379: "redis", 6380: "redis", 6432: "pgbouncer",
        7000: "cassandra", 7687: "neo4j-bolt", 8529: "arangodb", 9042: "cassandra",
        9300: "elasticsearch", 11211: "memcached", 26257: "cockroachdb", 26379: "redis-sentinel",
        27017: "mongodb", 27018: "mongodb", 28015: "rethinkdb", 33060: "mysqlx",
    },
    Use.QUEUE: {
        1883: "mqtt", 2181: "zookeeper", 4222: "nats", 5671: "amqps", 5672: "amqp", 6650: "pulsar",
        8883: "mqtts", 9092: "kafka", 11300: "beanstalkd", 25672: "rabbitmq-cluster",
        61616: "activemq-openwire",
    },
    Use.DESKTOP: {3389: "rdp", 5900: "vnc", 5901: "vnc", 5902: "vnc", 6000: "x11"},
    Use.MAIL: {
        25: "smtp", 110: "pop3", 143: "imap", 465: "smtps", 587: "smtp", 993: "imaps",
        995: "pop3s", 1025: "smtp",
    },
    Use.SHELL: {22: "ssh", 23: "telnet", 2222: "ssh"},
    Use.FILES: {21: "ftp", 111: "rpcbind", 139: "smb", 445: "smb", 548: "afp", 873: "rsync",
                2049: "nfs"},
    Use.OTHER: {
        53: "dns", 88: "kerberos", 389: "ldap", 631: "ipp", 636: "ldaps", 853: "dns", 5037: "adb",
        5353: "mdns", 5355: "llmnr", 9418: "git", 25565: "minecraft",
    },
}  # fmt: skip
_BY_PORT = {
    port: Service(name, use) for use, ports in _PORTS.items() for port, name in ports.items()
}

_PROCESSES: dict[Use, dict[str, str]] = {
    Use.DATABASE: {
        "postgres": "postgres", "postmaster": "postgres", "pgbouncer": "pgbouncer",
        "mysqld": "mysql", "mariadbd": "mysql", "redis-server": "redis", "valkey-server": "redis",
        "mongod": "mongodb", "mongos": "mongodb", "memcached": "memcached", "etcd": "etcd",
    },
    Use.HTTP: {
        "grafana": "grafana", "grafana-server": "grafana", "prometheus": "prometheus",
        "alertmanager": "alertmanager", "node_exporter": "node-exporter", "kibana": "kibana",
        "jupyter-lab": "jupyter", "jupyter-noteboo": "jupyter", "ollama": "ollama",
        "influxd": "influxdb", "netdata": "netdata",
    },
    Use.DESKTOP: {"Xvnc": "vnc", "Xtigervnc": "vnc", "x11vnc": "vnc", "xrdp": "rdp"},
    Use.MAIL: {"master": "smtp", "exim4": "smtp", "sendmail": "smtp", "dovecot": "imap"},
    Use.QUEUE: {"nats-server": "nats", "mosquitto": "mqtt"},
    Use.FILES: {"smbd": "smb", "vsftpd": "ftp", "proftpd": "ftp", "rpcbind": "rpcbind"},
    Use.OTHER: {"dnsmasq": "dns", "named": "dns", "systemd-resolve": "dns", "cupsd": "ipp"},
}  # fmt: skip
_BY_PROCESS = {
    process: Service(name, use)
    for use, processes in _PROCESSES.items()
    for process, name in processes.items()
}
_SEVERAL = frozenset({"dovecot", "influxd", "etcd", "prometheus", "master"})
"""Programs with several ports for several uses: a known port tells more."""

SSH = Service("ssh", Use.SHELL)
SOCKETS = {
    "docker.sock": Service("docker", Use.OTHER),
    "podman.sock": Service("podman", Use.OTHER),
    "containerd.sock": Service("containerd", Use.OTHER),
    ".s.PGSQL.5432": Service("postgres", Use.DATABASE),
    "mysqld.sock": Service("mysql", Use.DATABASE),
    "mysql.sock": Service("mysql", Use.DATABASE),
    "redis.sock": Service("redis", Use.DATABASE),
    "redis-server.sock": Service("redis", Use.DATABASE),
}
"""Of Unix sockets the last part of the path tells."""
_SOCKET_PORTS = {"docker": 2375, "postgres": 5432, "mysql": 3306, "redis": 6379}


def service_of(port: int, process: str = "") -> Service | None:
    """Return what answers on a port, by who listens there and by its number, None if unknown.

    The name of a process counts for more than the number: a PostgreSQL is one on any port.
    """
    if (known := _known(port, process)) is not None:
        return known
    try:
        return Service(socket.getservbyport(port, "tcp"), Use.OTHER)
    except (OSError, OverflowError):
        return None


def scheme_of(port: int, process: str = "") -> str:
    """Return how a browser asks what answers on a port, empty for what is nothing for one.

    What is not known may be a web page as well as anything.
    """
    if (known := _known(port, process)) is not None:
        return known.scheme
    return "https" if f"{port}".endswith("443") else "http"


def _known(port: int, process: str) -> Service | None:
    by_port = _BY_PORT.get(port)
    by_process = _BY_PROCESS.get(process)
    if by_process is None or (by_port is not None and process in _SEVERAL):
        return by_port
    return by_process


def service_of_socket(path: str) -> Service | None:
    """Return what answers on a Unix socket, None if unknown."""
    return SOCKETS.get(path.rpartition("/")[2])


def usual_port(service: Service | None) -> int:
    """Return the port that stands for a Unix socket here, 0 where the system may choose."""
    return _SOCKET_PORTS.get(service.name, 0) if service is not None else 0


def rule_name(host: str, service: Service) -> str:
    """Return what a rule for a service of a host may be called: ``web-1-postgres``."""
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", host).strip("-")
    return f"{words or 'host'}-{service.name}"
