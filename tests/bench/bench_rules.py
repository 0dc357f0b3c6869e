"""Tunnels beside a screen: what idle ones cost, what bulk does to it, and how fast they heal.

``BENCH_TUNNEL_MIB=1024`` has less than 10 GiB come through.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.tunnels.spec import Kind, parse_forward
from tests.bench.bench_terminal import quantile
from tests.bench.forwarding import target
from tests.bench.table import Row
from tests.live.tunnel_kit import echo
from tests.live.tunnel_kit import target as echoing
from tests.servers.sshd import RealSshd

RULES, HOSTS = 100, 20
_EACH = 10
"""Hosts of one sshd, which listens on 16 addresses at most."""
_MIB = int(os.environ.get("BENCH_TUNNEL_MIB", str(10 << 10)))
_RESTARTS = 7
_PATIENCE = 60.0


async def rows() -> list[Row]:
    """Measure idle tunnels, bulk with the screen open, and the way back after a restart."""
    async with _hosts() as (_, config):
        idle = await _app(config, "idle", RULES, HOSTS)
        with target() as port:
            bulk = await _app(config, "bulk", port, _MIB)
    async with _hosts() as (server, config):
        backs = await _restarts(server, config)
    return [_idle(idle), *_bulk(bulk), _back(backs)]


def _idle(figures: dict[str, Any]) -> Row:
    return Row(
        f"{RULES} open idle tunnels on {HOSTS} hosts",
        f"{figures['share']:.2%} of a core",
        f"the same screen without any {figures['empty']:.2%}",
        figures["share"] / 0.01,
        "<= 1 (1 %)",
        "their list in sight, open for more than a minute",
    )


def _bulk(figures: dict[str, Any]) -> list[Row]:
    echoes = sorted(figures["echoes"])
    middle, late = quantile(echoes, 0.5), quantile(echoes, 0.99)
    size = f"{_MIB / 1024:g} GiB through a tunnel"
    return [
        Row(
            f"{size}, the screen open: memory",
            f"{figures['grown'] / 2**20:.1f} MiB more",
            "-",
            figures["grown"] / (5 << 20),
            "<= 1 (5 MiB)",
            f"{(_MIB << 20) / figures['seconds'] / 1e6:.0f} MB/s, after half a GiB before",
        ),
        Row(
            "  key to echo meanwhile",
            f"p50 {middle * 1000:.1f} ms, p99 {late * 1000:.0f} ms",
            "-",
            late / 0.040,
            "<= 1 (40 ms)",
            f"{len(echoes)} keys in a shell on the same host, until drawn",
        ),
    ]


def _back(seconds: list[float]) -> Row:
    return Row(
        "after sshd restarts: until bytes flow again",
        f"{median(seconds):.2f} s",
        "-",
        median(seconds) / 1.5,
        "<= 1 (1.5 s)",
        f"median of {len(seconds)}, worst {max(seconds):.2f} s, from when it listens again",
    )


async def _app(config: Path, what: str, *numbers: int) -> dict[str, Any]:
    """Run the cockpit in a process of its own and return what it measured."""
    result = config.parent / f"{what}.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.tunnels_app", str(config), str(result), what,
        *map(str, numbers), env={**os.environ, "COLORTERM": "truecolor"},
    )  # fmt: skip
    if await process.wait():
        raise RuntimeError(f"the cockpit ended with {process.returncode}")
    figures: dict[str, Any] = json.loads(await asyncio.to_thread(result.read_text))
    return figures


@contextlib.asynccontextmanager
async def _hosts() -> AsyncIterator[tuple[RealSshd, Path]]:
    """Run servers on many addresses; give that of ``h0`` and a configuration of all hosts."""
    addresses = [f"127.0.0.{number}" for number in range(1, _EACH + 1)]
    text = ""
    async with contextlib.AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(RealSshd(ListenAddress=addresses))
            for _ in range(HOSTS // _EACH)
        ]
        for which, server in enumerate(servers):
            keys = server.known_hosts.read_text().splitlines()
            known = server.folder / "known_hosts_of_all"
            names = ",".join(f"[{address}]:{server.port}" for address in addresses)
            known.write_text("".join(f"{names} {key.split(' ', 1)[1]}\n" for key in keys))
            for at, address in enumerate(addresses):
                text += (
                    f"Host h{which * _EACH + at}\n    HostName {address}\n    Port {server.port}\n"
                    f"    IdentityFile {server.identity}\n    UserKnownHostsFile {known}\n"
                )
        text += (
            f"Host *\n    User {servers[0].user}\n    IdentitiesOnly yes\n"
            "    IdentityAgent none\n    GlobalKnownHostsFile /dev/null\n"
        )
        config = servers[0].folder / "config_of_all"
        config.write_text(text)
        config.chmod(0o600)
        yield servers[0], config


async def _restarts(server: RealSshd, config: Path) -> list[float]:
    """Return how long after each restart a client of a tunnel had its byte back.

    They are the outages of one connection, two seconds after each other.
    """
    found: list[float] = []
    source = ConfigSource.standard(str(config))
    async with (
        echoing(echo) as port,
        Backend(Settings(audit=False), RefusingPrompter(), source) as backend,
    ):
        spec = parse_forward(Kind.LOCAL, f"127.0.0.1:0:127.0.0.1:{port}")
        await backend.load(terminals=False)
        snapshot = await backend.tunnels.start(backend.tunnels.add("h0", spec))
        listen = int(snapshot.listen.rpartition(":")[2])
        for _ in range(_RESTARTS):
            await _byte(listen)
            await asyncio.sleep(2)
            await asyncio.to_thread(server.restart)
            began = time.perf_counter()
            async with asyncio.timeout(_PATIENCE):
                while not await _byte(listen):  # noqa: ASYNC110 - each of them waits
                    await asyncio.sleep(0.02)
            found.append(time.perf_counter() - began)
    return found


async def _byte(port: int) -> bool:
    """Return whether a byte came back."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"x")
            return await reader.read(1) == b"x"
        finally:
            writer.close()
    except OSError:
        return False
