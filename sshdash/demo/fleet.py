"""The embedded fleet: SSH servers on loopback, with everything they need in one folder."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from sshdash.demo import files, server, services, ssh_config
from sshdash.demo.line import End, Line
from sshdash.demo.places import DOMAIN, PLACES, Place
from sshdash.demo.server import DemoHost

_RSA_BITS = 2048
_SERVICES = [(place.name, port, name) for place in PLACES for port, _, name in place.listens]
_SOCKET_PATH = 100
"""What a path of a socket may have on every system, in bytes, with a few to spare."""


class DemoFleet:
    """Hosts to try sshdash on, up while the context is.

    Nothing of the user's is read or written, nothing listens but on loopback, and all keys and
    secrets are new each time. `config_file` is an ssh_config for sshdash and for ``ssh -F``.
    """

    def __init__(self) -> None:
        self.folder = Path()
        """Everything of the fleet, for this user alone (0700): removed at the end."""
        self.hosts: dict[str, DemoHost] = {}
        """Those that are up, by name."""
        self.forwards: dict[str, list[str]] = {}
        """The forwards in the configuration, by host."""
        self.services: dict[str, int] = {}
        """The loopback ports of ``http``, ``echo`` and ``desk`` (a site on the client's side)."""
        self._stack = AsyncExitStack()
        self._ports: dict[str, int] = {}

    def __repr__(self) -> str:
        """Return where it is and which hosts are up."""
        return f"<DemoFleet {self.folder} [{', '.join(self.hosts)}]>"

    @property
    def home(self) -> Path:
        """Return the home folder for whoever uses the fleet."""
        return self.folder / "home"

    @property
    def config_file(self) -> Path:
        """Return the ssh_config file."""
        return self.home / ".ssh" / "config"

    @property
    def identity(self) -> Path:
        """Return the private key that opens every host but the one with two factors."""
        return self.home / ".ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Return the known_hosts file."""
        return self.home / ".ssh" / "known_hosts"

    def environment(self) -> dict[str, str]:
        """Return the variables with which a program keeps its state in the fleet's folder."""
        home = self.home
        return {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_RUNTIME_DIR": str(home / ".run"),
        }

    async def __aenter__(self) -> Self:
        """Start everything."""
        self.folder = await asyncio.to_thread(_make_folder)
        guard = await asyncio.to_thread(_guard, self.folder)
        self._stack.push_async_callback(asyncio.to_thread, _remove, self.folder, guard)
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything and remove the folder."""
        await self._stack.aclose()

    # -- parts --------------------------------------------------------------------------------

    async def _start(self) -> None:
        client_key = asyncssh.generate_private_key("ssh-ed25519", comment="demo")
        making = [asyncio.to_thread(self._furnish, place, client_key) for place in PLACES]
        await asyncio.to_thread(self._furnish_desk, client_key)
        for host in await asyncio.gather(*making):
            self.hosts[host.place.name] = host
        await self._start_services()
        for host in self.hosts.values():
            if host.place.up:
                await self._listen(host)
        self._ports["cache"] = self._reserve_closed_port()
        self.hosts = {name: host for name, host in self.hosts.items() if host.place.up}
        self._plan_forwards()
        self._write_config()

    def _furnish(self, place: Place, client_key: asyncssh.SSHKey) -> DemoHost:
        root = self.folder / place.name
        root.mkdir(mode=0o700)
        home = files.furnish(root, place)
        host_key = (
            asyncssh.generate_private_key("ssh-rsa", key_size=_RSA_BITS)
            if place.old
            else asyncssh.generate_private_key("ssh-ed25519")
        )
        return DemoHost(place, root, home, host_key, client_key.convert_to_public())

    def _furnish_desk(self, key: asyncssh.SSHKey) -> None:
        self.identity.parent.mkdir(mode=0o700, parents=True)
        self.identity.touch(mode=0o600)
        key.write_private_key(str(self.identity))
        key.write_public_key(f"{self.identity}.pub")
        files.furnish_desk(self.home)

    async def _start_services(self) -> None:
        for name, serve in {
            "http": services.website(f"web.{DOMAIN}"),
            "echo": services.echo,
            "desk": services.website("your machine"),
        }.items():
            port = await self._stack.enter_async_context(services.listening(serve))
            self.services[name] = port
        for owner, port, name in _SERVICES:
            actual = self.services[name]
            self.hosts[owner].services[("localhost", port)] = actual
            self.hosts[owner].services[("127.0.0.1", port)] = actual
            for place in PLACES:
                self.hosts[place.name].services[(owner, port)] = actual
                self.hosts[place.name].services[(f"{owner}.{DOMAIN}", port)] = actual

    async def _listen(self, host: DemoHost) -> None:
        place = host.place
        inner = place.behind or place.delay
        host.socket_file = self.folder / f"{place.name}.sock" if inner else None
        host.port = await self._stack.enter_async_context(server.serving(host, host.socket_file))
        if place.behind and host.socket_file:
            for name in (place.name, place.address):
                self.hosts[place.behind].neighbours[name] = host.socket_file
        elif host.socket_file:
            line = Line(place.delay, place.rate)
            carry = partial(_carry, line, host.socket_file)
            host.port = await self._stack.enter_async_context(services.listening(carry))
        for name in server.LOOPBACK:  # discovery shows its own SSH server, as any host's
            if host.socket_file:
                host.neighbours[name] = host.socket_file
            else:
                host.services[name, 22] = host.port
        self._ports[place.name] = host.port

    def _reserve_closed_port(self) -> int:
        """Return a port that refuses, and that nothing else gets while the fleet is up."""
        reserved = self._stack.enter_context(socket.socket())
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])

    def _plan_forwards(self) -> None:
        site, database, web, share, socks = _free_ports(5)
        self.forwards = {
            "bastion": [f"DynamicForward {socks}", f"LocalForward {web} web.{DOMAIN}:80"],
            "web": [
                f"LocalForward {site} localhost:80",
                f"RemoteForward {share} localhost:{self.services['desk']}",
            ],
            "db": [f"LocalForward {database} localhost:5432"],
        }

    def _write_config(self) -> None:
        lines = []
        for host in self.hosts.values():
            place = host.place
            name = place.address if place.behind else f"[127.0.0.1]:{host.port}"
            if place.known:
                lines.append(f"{name} {host.host_key.export_public_key().decode()}")
        self.known_hosts.touch(mode=0o600)
        self.known_hosts.write_text("".join(lines))
        ssh_config.write(
            ssh_config.ConfigPlan(
                self.config_file, self.identity, self.known_hosts, self._ports, self.forwards
            )
        )

    def describe(self) -> list[dict[str, Any]]:
        """Return every host with how to get in, for JSON."""
        rows: list[dict[str, Any]] = []
        for place in PLACES:
            host = self.hosts.get(place.name)
            row: dict[str, Any] = {
                "host": place.name,
                "user": place.user,
                "about": place.about,
                "group": place.group,
                "up": place.up,
                "route": [place.behind] if place.behind else [],
                "port": self._ports[place.name] or None,
                "forwards": self.forwards.get(place.name, []),
            }
            if host and place.two_factor:
                row |= {"password": host.password, "code": host.code}
            rows.append(row)
        return rows


async def _carry(
    line: Line, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    far: End = await asyncio.open_unix_connection(str(path))
    try:
        await line.carry((reader, writer), far)
    finally:
        far[1].close()


def _free_ports(count: int) -> list[int]:
    """Return loopback ports that were free a moment ago, no two the same."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _make_folder() -> Path:
    """Make a folder for this user alone and return its path, without symbolic links in it."""
    longest = len(os.path.realpath(tempfile.gettempdir())) + len("/sshdash-demo-12345678/web.sock")
    place = None if longest <= _SOCKET_PATH else "/tmp"
    return Path(tempfile.mkdtemp(prefix="sshdash-demo-", dir=place)).resolve()


def _guard(folder: Path) -> "subprocess.Popen[bytes]":
    """Start what removes the folder should this process be killed: its pipe breaks then."""
    return subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; chmod -R u+rwX "$1"; rm -rf "$1"', "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _remove(folder: Path, guard: "subprocess.Popen[bytes]") -> None:
    """Remove a folder, whatever became of its permissions, and end its guard."""
    try:
        for path, _, _ in os.walk(folder):
            os.chmod(path, 0o700)
        shutil.rmtree(folder)
    finally:
        guard.communicate()
