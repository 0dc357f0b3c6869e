"""Bytes and round trips through our tunnels beside those of ``ssh -L``, one sshd for both."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.table import Row
from tests.live.tunnel_kit import tunnels_on
from tests.servers.sshd import RealSshd, free_port

_SIZE = 128 << 20
_ROUNDS = 6
_TRIPS = 1000
_CIPHER = "aes128-gcm@openssh.com"
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

port, what, amount = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sock = socket.create_connection(("127.0.0.1", port))
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
buffer = bytearray(1 << 18)
if what == "trip":
    sock.sendall(b"e")
    for _ in range(50):
        sock.sendall(b"x"); sock.recv(64)
    taken = []
    for _ in range(amount):
        began = time.perf_counter()
        sock.sendall(b"x"); sock.recv(64)
        taken.append(time.perf_counter() - began)
    print(sorted(taken)[len(taken) // 2])
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


async def rows() -> list[Row]:
    """Measure one stream each way and small round trips, in turns with ``ssh -L``."""
    with _target() as target:
        async with RealSshd() as server, tunnels_on(server) as kit:
            _, ours = await kit.open("L", f"127.0.0.1:0:127.0.0.1:{target}")
            with _openssh(server, target) as theirs:
                measured = {
                    what: await _side_by_side(what, amount, ours, theirs)
                    for what, amount in (("down", _SIZE), ("up", _SIZE), ("trip", _TRIPS))
                }
    return [
        *(_throughput(what, *measured[what]) for what in ("down", "up")),
        _round_trip(*measured["trip"]),
    ]


def _throughput(what: str, ours: float, theirs: float) -> Row:
    return Row(
        name=f"-L, one stream {what}",
        ours=f"{_SIZE / ours / 1e6:.0f} MB/s",
        peer=f"ssh -L {_SIZE / theirs / 1e6:.0f} MB/s",
        ratio=theirs / ours,
        target=">= 0.8",
        note=f"{_SIZE >> 20} MiB, best of {_ROUNDS}, {_CIPHER}",
    )


def _round_trip(ours: float, theirs: float) -> Row:
    return Row(
        name="-L, round trip of one byte",
        ours=f"{ours * 1e6:.0f} µs",
        peer=f"ssh -L {theirs * 1e6:.0f} µs",
        ratio=ours / theirs,
        target="<= 1.3",
        note=f"p50 of {_TRIPS}, best of {_ROUNDS}",
    )


async def _side_by_side(what: str, amount: int, ours: int, theirs: int) -> tuple[float, float]:
    """Return our best figure and ssh's, measured in turns."""
    figures: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for figure, port in zip(figures, (ours, theirs), strict=True):
            figure.append(await _run_client(port, what, amount))
    return min(figures[0]), min(figures[1])


async def _run_client(port: int, what: str, amount: int) -> float:
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, str(port), what, str(amount),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    return float(out)


@contextlib.contextmanager
def _target() -> Iterator[int]:
    """Run the target in a process of its own; give its port."""
    with subprocess.Popen([sys.executable, "-c", _TARGET], stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()


@contextlib.contextmanager
def _openssh(server: RealSshd, target: int) -> Iterator[int]:
    """Run ``ssh -L`` on the same server; give the port it listens on."""
    port = free_port()
    command = [
        "ssh", "-F", str(server.config_file), "-N", "-c", _CIPHER, "-o", "BatchMode=yes",
        "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{port}:127.0.0.1:{target}", "sshd",
    ]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            _wait_listening(port)
            yield port
        finally:
            process.kill()


def _wait_listening(port: int) -> None:
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
