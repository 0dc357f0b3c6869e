"""What the benches of tunnels share: a target, a client, and ``ssh`` on the same server."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

CIPHER = "aes128-gcm@openssh.com"
_TARGET = """
import os, socket, sys, threading

def serve(client):
    with client:
        want = client.recv(1)
        if want == b"d":
            left, chunk = int(client.recv(16)), bytes(1 << 18)
            while left:
                left -= client.send(chunk[:min(left, len(chunk))])
        elif want == b"u":
            left = int(client.recv(16))
            buffer = bytearray(1 << 18)
            while left:
                got = client.recv_into(buffer)
                if not got:
                    return
                left -= got
            client.sendall(b"!")
        elif want == b"n":
            client.sendall(b"!")
        else:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := client.recv(64):
                client.sendall(data)

server = socket.create_server(("127.0.0.1", 0), backlog=64)
print(server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
_CLIENT = """
import socket, sys, time

port, what, amount, socks = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def connect():
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if socks:
        sock.sendall(b"\\5\\1\\0")
        assert sock.recv(2) == b"\\5\\0"
        sock.sendall(b"\\5\\1\\0\\1\\x7f\\0\\0\\1" + socks.to_bytes(2, "big"))
        assert sock.recv(10)[:2] == b"\\5\\0"
    return sock

buffer = bytearray(1 << 18)
if what == "new":
    taken = []
    for _ in range(amount):
        began = time.perf_counter()
        with connect() as sock:
            sock.sendall(b"n")
            assert sock.recv(1) == b"!"
        taken.append(time.perf_counter() - began)
    print(sum(taken), sorted(taken)[amount // 2], sum(one > 0.035 for one in taken))
    sys.exit()
sock = connect()
if what == "trip":
    sock.sendall(b"e")
    for _ in range(50):
        sock.sendall(b"x"); sock.recv(64)
    taken = []
    for _ in range(amount):
        began = time.perf_counter()
        sock.sendall(b"x"); sock.recv(64)
        taken.append(time.perf_counter() - began)
    taken.sort()
    print(taken[len(taken) // 2], taken[len(taken) * 99 // 100])
else:
    began = time.perf_counter()
    sock.sendall(what[0].encode() + b"%016d" % amount)
    if what == "down":
        left = amount
        while left:
            got = sock.recv_into(buffer)
            if not got:
                sys.exit("cut off")
            left -= got
    else:
        left, chunk = amount, bytes(1 << 18)
        while left:
            left -= sock.send(chunk[:min(left, len(chunk))])
        sock.recv(1)
    print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Ports:
    """Where a program's forwards listen; `target` is what SOCKS is asked for."""

    local: int
    remote: int
    dynamic: int
    target: int

    def of(self, kind: str) -> tuple[int, int]:
        """Return the port of ``L``, ``R`` or ``D``, and what to ask for there, 0 for nothing."""
        port = {"L": self.local, "R": self.remote, "D": self.dynamic}[kind]
        return port, self.target if kind == "D" else 0


async def run_client(port: int, what: str, amount: int, socks: int = 0) -> list[float]:
    """Run a client in a process of its own and return what it measured, in seconds.

    ``down``, ``up``: `amount` bytes. ``trip``: p50 and p99 of `amount`. ``new``: so many
    connections, one after the other: all of them, the middle one, and the number of those that
    took as long as an acknowledgement is held back (40 ms).
    """
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, str(port), what, str(amount), str(socks),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    if client.returncode:
        raise RuntimeError(f"a client of {what} ended with {client.returncode}")
    return [float(word) for word in out.split()]


@contextlib.contextmanager
def target() -> Iterator[int]:
    """Run the target in a process of its own; give its port."""
    with subprocess.Popen([sys.executable, "-c", _TARGET], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def openssh(server: RealSshd, target: int) -> Iterator[tuple[Ports, int]]:
    """Run ``ssh -L -R -D`` on the same server; give its ports and its process id."""
    ports = Ports(free_port(), free_port(), free_port(), target)
    aim = f"127.0.0.1:{target}"
    command = [
        "ssh", "-F", str(server.config_file), "-N", "-c", CIPHER, "-o", "BatchMode=yes",
        "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{ports.local}:{aim}",
        "-R", f"127.0.0.1:{ports.remote}:{aim}", "-D", f"127.0.0.1:{ports.dynamic}", "sshd",
    ]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            for port in (ports.local, ports.remote):
                wait_listening(port)
            yield ports, process.pid
        finally:
            process.kill()


def wait_listening(port: int) -> None:
    """Wait until a port takes connections."""
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
