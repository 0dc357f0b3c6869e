"""Copies beside scp and rsync: one large file on loopback, many small ones over a slow line.

Whole commands are timed, from their start to their end, connection included. The large file is
also measured without what each command takes for a file of one byte, so that the rates of the
engines can be compared. Every copy is compared with its source afterwards.
"""

import asyncio
import filecmp
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Row
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

CIPHER = "aes128-gcm@openssh.com"
LARGE = 512 * 1024 * 1024
FILES, FOLDERS, SIZE = 1000, 20, 4096
DELAY = 0.020
"""Seconds one way: a round trip takes twice as long."""
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """The server and what the commands need to reach it."""

    server: RealSshd
    config: Path
    here: Path

    def ours(self, *words: str) -> list[str]:
        """Return the command line of sshdash cp."""
        start = [sys.executable, "-m", "sshdash", "-F", str(self.config)]
        return [*start, "-o", f"Ciphers={CIPHER}", "cp", "-q", *words]

    def scp(self, *words: str) -> list[str]:
        """Return the command line of scp."""
        return ["scp", "-q", "-F", str(self.config), "-c", CIPHER, *words]

    def rsync(self, *words: str) -> list[str]:
        """Return the command line of rsync."""
        return ["rsync", "-a", "-e", f"ssh -F {self.config} -c {CIPHER}", *words]


async def rows() -> list[Row]:
    """Return the rows of the copy benches."""
    server = RealSshd()
    await asyncio.to_thread(server.start)
    try:
        here = server.folder / "here"
        here.mkdir()
        return [*await _large(server, here), *await _small(server, here)]
    finally:
        await asyncio.to_thread(server.close)


async def _large(server: RealSshd, here: Path) -> list[Row]:
    bench = Bench(server, _config(server, server.port), here)
    away, near = server.home / "away", here / "near"
    _fill(away, LARGE)
    shutil.copyfile(away, near)
    (server.home / "byte").write_bytes(b"x")
    found = []
    for name, source, target, copied in (
        ("down", "bench:away", str(here / "down"), here / "down"),
        ("up", str(near), "bench:up", server.home / "up"),
    ):
        ours = bench.ours(source, target)
        theirs = bench.scp(source, target)
        mine, peer = await _alternate((ours, theirs), copied, lambda c: _same(away, c))
        byte = str(here / "byte")
        words = ("bench:byte", byte)
        small, little = await _alternate(
            (bench.ours(*words), bench.scp(*words)), here / "byte", lambda _: None
        )
        inside, outside = mine - small, peer - little
        found += [
            Row(
                f"cp 512 MiB {name}",
                f"{LARGE / inside / 1e6:.0f} MB/s",
                f"scp {LARGE / outside / 1e6:.0f} MB/s",
                outside / inside,
                "≥ 0.9×",
                "without what the same command takes for one byte",
            ),
            Row(
                f"cp 512 MiB {name}, whole", f"{mine:.2f} s", f"scp {peer:.2f} s", peer / mine, "–"
            ),
        ]
    return found


async def _small(server: RealSshd, here: Path) -> list[Row]:
    away, near = server.home / "many", here / "many"
    _fill_folders(away)
    shutil.copytree(away, near)
    found = []
    async with Proxy(server.port, delay=DELAY) as proxy:
        bench = Bench(server, _config(server, proxy.port), here)
        for name, source, target, copied in (
            ("down", "bench:many", str(here / "out"), here / "out" / "many"),
            ("up", str(near), "bench:out", server.home / "out" / "many"),
        ):
            copied.parent.mkdir(exist_ok=True)
            ours = bench.ours("-r", "-p", source, target)
            rsync = bench.rsync(source, target)
            mine, peer = await _alternate((ours, rsync), copied, lambda c: _same_tree(away, c))
            (slow,) = await _alternate(
                (bench.scp("-r", "-p", source, target),),
                copied,
                lambda c: _same_tree(away, c),
                rounds=1,
            )
            label = f"cp -r {FILES:,} × 4 KiB {name}, 40 ms round trip"
            ours_text = f"{mine:.2f} s"
            found.append(
                Row(label, ours_text, f"scp -r {slow:.1f} s", slow / mine, "≥ 50× faster", "")
            )
            found.append(Row(label, ours_text, f"rsync -a {peer:.2f} s", mine / peer, "≤ 2×", ""))
    return found


async def _alternate(
    commands: Sequence[list[str]],
    target: Path,
    check: Callable[[Path], None],
    rounds: int = ROUNDS,
) -> list[float]:
    """Return the median seconds of each command, run in turn, each onto nothing."""
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(rounds):
        for command, times in zip(commands, taken, strict=True):
            await asyncio.to_thread(_remove, target)
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(*command)
            if await process.wait():
                raise RuntimeError(f"{command} failed with {process.returncode}")
            times.append(time.perf_counter() - began)
            await asyncio.to_thread(check, target)
    await asyncio.to_thread(_remove, target)
    return [statistics.median(times) for times in taken]


def _config(server: RealSshd, port: int) -> Path:
    """Write a configuration that reaches the server at `port` under the name ``bench``."""
    known_hosts = server.folder / "bench_known_hosts"
    keys = [line.split(" ", 1)[1] for line in server.known_hosts.read_text().splitlines()]
    known_hosts.write_text("".join(f"bench {key}\n" for key in keys))
    config = server.folder / f"bench_config_{port}"
    config.write_text(
        f"Host bench\n  HostName 127.0.0.1\n  Port {port}\n  User {server.user}\n"
        f"  HostKeyAlias bench\n  UserKnownHostsFile {known_hosts}\n"
        f"  IdentityFile {server.identity}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
    )
    config.chmod(0o600)
    return config


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))


def _fill_folders(root: Path) -> None:
    for number in range(FILES):
        folder = root / f"folder-{number % FOLDERS:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number:04}").write_bytes(os.urandom(SIZE))


def _same(source: Path, copy: Path) -> None:
    if not filecmp.cmp(source, copy, shallow=False):
        raise RuntimeError(f"{copy} is not like its source")


def _same_tree(source: Path, copy: Path) -> None:
    names = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    if names != sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file()):
        raise RuntimeError(f"{copy} has other files than its source")
    for name in names:
        _same(source / name, copy / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
