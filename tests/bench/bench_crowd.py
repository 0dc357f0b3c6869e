"""A thousand clients of one tunnel, all alive and none in a hurry: memory and fairness."""

import asyncio
import gc
import json
import os
import sys

import psutil

from tests.bench.forwarding import openssh
from tests.bench.table import Row
from tests.live.tunnel_kit import tunnels_on
from tests.servers.sshd import RealSshd

CLIENTS = 1000
_SECONDS = 5
_MOST = 60 << 20
_CROWD = """
import asyncio, json, sys, time

clients, seconds = int(sys.argv[1]), float(sys.argv[2])
BLOCK = bytes(200)

async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except (ConnectionError, asyncio.CancelledError):
        pass
    writer.close()

async def trickle(port, ready, go, counts, at):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(BLOCK)
    await reader.readexactly(len(BLOCK))
    ready.release()
    await go.wait()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        writer.write(BLOCK)
        await reader.readexactly(len(BLOCK))
        counts[at] += 1
        await asyncio.sleep(0.5)
    ready.release()
    await asyncio.to_thread(lambda: None)
    return writer

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    port = int(await asyncio.to_thread(sys.stdin.readline))
    ready, go, counts = asyncio.Semaphore(0), asyncio.Event(), [0] * clients
    tasks = []
    for at in range(clients):
        tasks.append(asyncio.create_task(trickle(port, ready, go, counts, at)))
        if at % 50 == 49:
            for _ in range(50):
                await ready.acquire()
    go.set()
    for _ in range(clients):
        await ready.acquire()
    print(json.dumps(counts), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        (await task).close()

asyncio.run(main())
"""


async def rows() -> list[Row]:
    """Measure what a crowd takes of us and of ssh, and how evenly it is served."""
    async with RealSshd() as server, tunnels_on(server) as kit:
        crowd = await _Crowd.start()
        _, port = await kit.open("L", f"127.0.0.1:0:127.0.0.1:{crowd.target}")
        counts, grown = await crowd.gather(port, os.getpid())
        crowd = await _Crowd.start()
        with openssh(server, crowd.target) as (ports, process):
            theirs, their_growth = await crowd.gather(ports.local, process)
    return [
        Row(
            f"-L, {CLIENTS} clients at a time: memory",
            f"{grown / 2**20:.0f} MiB more",
            f"ssh -L {their_growth / 2**20:.0f} MiB",
            grown / _MOST,
            f"<= 1 ({_MOST >> 20} MiB)",
        ),
        Row(
            "  the slowest, beside the median",
            f"{counts[0]} of {counts[len(counts) // 2]} blocks",
            f"ssh -L {theirs[0]} of {theirs[len(theirs) // 2]}",
            counts[0] / counts[len(counts) // 2],
            ">= 0.5",
            f"two blocks a second each for {_SECONDS} s",
        ),
    ]


class _Crowd:
    """Clients and their target, in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process, target: int) -> None:
        self._process = process
        self.target = target

    @classmethod
    async def start(cls) -> "_Crowd":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CROWD, str(CLIENTS), str(_SECONDS),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout
        return cls(process, int(await process.stdout.readline()))

    async def gather(self, port: int, pid: int) -> tuple[list[int], int]:
        """Return how often each client was served, and the bytes process `pid` grew by."""
        assert self._process.stdin
        assert self._process.stdout
        before = _memory(pid)
        self._process.stdin.write(b"%d\n" % port)
        counts = sorted(json.loads(await self._process.stdout.readline()))
        grown = _memory(pid) - before
        self._process.stdin.write(b"\n")
        await self._process.wait()
        return counts, grown


def _memory(pid: int) -> int:
    gc.collect()
    return int(psutil.Process(pid).memory_info().rss)
