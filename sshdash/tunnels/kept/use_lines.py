"""Lines to copy that make use of a tunnel, by what answers at its end. Pure."""

import ipaddress

from sshdash.quoting import quoted
from sshdash.tunnels.discover.services import Service, service_of, service_of_socket
from sshdash.tunnels.kept.proxy_lines import Line, proxy_lines, socket_proxy_lines
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, host_port
from sshdash.untrusted import clean

_PROGRAMS: dict[str, tuple[Line, ...]] = {
    "amqp": (("AMQP URL", "amqp://{at}/"),),
    "cassandra": (("cqlsh", "cqlsh {host} {port}"),),
    "docker": (("docker", "docker -H tcp://{at} ps"),),
    "etcd": (("etcdctl", "etcdctl --endpoints={at} endpoint status"),),
    "git": (("git", "git clone git://{at}/REPOSITORY"),),
    "kubernetes": (
        ("kubectl", "kubectl --server=https://{at} --tls-server-name={name} get nodes"),
    ),
    "ldap": (("ldapsearch", "ldapsearch -x -H ldap://{at}"),),
    "memcached": (("memcstat", "memcstat --servers={at}"),),
    "mongodb": (("mongosh", "mongosh mongodb://{at}/?directConnection=true"),),
    "mqtt": (("mosquitto_sub", "mosquitto_sub -h {host} -p {port} -t #"),),
    "mssql": (("sqlcmd", "sqlcmd -S tcp:{host},{port}"),),
    # Without the protocol it takes localhost for a socket of this machine.
    "mysql": (("mysql", "mysql --protocol=tcp -h {host} -P {port}"),),
    "neo4j-bolt": (("cypher-shell", "cypher-shell -a bolt://{at}"),),
    "oracle": (("sqlplus", "sqlplus USER@//{at}/SERVICE"),),
    "pgbouncer": (("psql", "psql -h {host} -p {port}"),),
    "postgres": (("psql", "psql -h {host} -p {port}"), ("URL", "postgresql://{at}/")),
    "rdp": (("xfreerdp", "xfreerdp /v:{at}"),),
    "redis": (("redis-cli", "redis-cli -h {host} -p {port}"),),
    "rsync": (("rsync", "rsync rsync://{at}/"),),
    # The key is the target's: under its own name it is known, or will be.
    "ssh": (
        ("ssh", "ssh -p {port} -o HostKeyAlias={alias} {host}"),
        ("sftp", "sftp -P {port} -o HostKeyAlias={alias} {host}"),
    ),
    "telnet": (("telnet", "telnet {host} {port}"),),
    "vnc": (("vncviewer", "vncviewer {host}::{port}"),),
}
"""Command lines by the name of the service; words in capitals are left to the reader."""

_ON_SOCKETS: dict[str, tuple[Line, ...]] = {
    "docker": (("docker", "docker -H {unix} ps"),),
    "mysql": (("mysql", "mysql -S {path}"),),
    "podman": (("podman", "podman --url {unix} ps"),),
    "redis": (("redis-cli", "redis-cli -s {path}"),),
}
_EVERYWHERE = {"*": "localhost", "0.0.0.0": "localhost", "::": "::1"}


def use_lines(tunnel: TunnelSnapshot) -> list[Line]:
    """Return what each line is for and its text, the most useful first, the bare address last.

    Those of a remote forward are for the far side, and say so. There are none as long as the port
    is still to be chosen.
    """
    if tunnel.listen.endswith(":0"):
        return []
    lines = _lines(tunnel)
    if tunnel.kind is not Kind.REMOTE:
        return lines
    there = clean(tunnel.host, 60)
    return [(f"{label}, on {there}", text) for label, text in lines]


def _lines(tunnel: TunnelSnapshot) -> list[Line]:
    is_proxy = tunnel.spec.is_socks
    if tunnel.listen.startswith("/"):
        path = tunnel.listen
        return socket_proxy_lines(path) if is_proxy else _socket_lines(tunnel, path)
    host, _, port = tunnel.listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    host = _EVERYWHERE.get(host, host)
    at = host_port(host, int(port))
    return proxy_lines(at) if is_proxy else _port_lines(tunnel, host, port, at)


def _service(tunnel: TunnelSnapshot) -> Service | None:
    spec = tunnel.spec
    return service_of_socket(spec.target_path) if spec.target_path else service_of(spec.target_port)


def _port_lines(tunnel: TunnelSnapshot, host: str, port: str, at: str) -> list[Line]:
    service = _service(tunnel)
    name = _target_name(tunnel)
    parts = {
        "host": host,
        "port": port,
        "at": at,
        "name": name,
        "alias": _key_name(tunnel, name),
    }
    lines: list[Line] = []
    if service is not None:
        programs = _PROGRAMS.get(service.name, ())
        lines += [(label, _filled(template, parts)) for label, template in programs]
        if service.scheme:
            lines += _web_lines(service.scheme, tunnel, name, at)
    return [*lines, ("address", at)]


def _web_lines(scheme: str, tunnel: TunnelSnapshot, name: str, at: str) -> list[Line]:
    url = f"{scheme}://{at}/"
    lines = [("URL", url), ("curl", f"curl {quoted(url)}")]
    if not _is_address(name) and name != "localhost" and name == tunnel.spec.target_host:
        # Servers choose by the name, and certificates are for it.
        connect_to = quoted(f"::{at}")
        own = quoted(f"{scheme}://{name}/")
        lines.append((f"curl, as {clean(name, 60)}", f"curl --connect-to {connect_to} {own}"))
    return lines


def _socket_lines(tunnel: TunnelSnapshot, path: str) -> list[Line]:
    service = _service(tunnel)
    parts = {"path": path, "unix": f"unix://{path}"}
    lines: list[Line] = []
    if service is not None:
        programs = _ON_SOCKETS.get(service.name, ())
        lines += [(label, _filled(template, parts)) for label, template in programs]
        if service.scheme:
            lines.append(
                ("curl", f"curl --unix-socket {quoted(path)} {service.scheme}://localhost/")
            )
    return [*lines, ("address", path)]


def _filled(template: str, parts: dict[str, str]) -> str:
    """Return a template with its parts in: quoted in a command, as they are in an address alone."""
    words = [word.format(**parts) for word in template.split(" ")]
    if len(words) == 1:
        return words[0]
    # An equals sign inside of a word is nothing to a shell, and options are easier to read plain.
    return " ".join(
        word if quoted(word.replace("=", "")) == word.replace("=", "") else quoted(word)
        for word in words
    )


def _target_name(tunnel: TunnelSnapshot) -> str:
    """Return the machine at the end: what is called localhost there is the host itself."""
    name = tunnel.spec.target_host
    is_itself = name in ("", "localhost", "127.0.0.1", "::1") and tunnel.kind is not Kind.REMOTE
    return tunnel.host if is_itself else name


def _key_name(tunnel: TunnelSnapshot, name: str) -> str:
    """Return the name known_hosts has the target's key under, if it has it."""
    port = tunnel.spec.target_port
    return name if port in (0, 22) else f"[{name}]:{port}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
