"""What the copy benches share: commands of ours and of the peers, run in turn and compared.

Whole commands are timed, from their start to their end, connection included, and every copy is
compared with its source afterwards.
"""

import asyncio
import filecmp
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.sshd import RealSshd

CIPHER = "aes128-gcm@openssh.com"
ROUNDS = 3
MIB = 1024 * 1024
MOST_MEMORY = 150
"""MiB that a copy of ours may hold at its height."""

Command = list[str]


@dataclass(frozen=True, slots=True)
class Bench:
    """The server at one of its ports, and what the commands need to reach it."""

    server: RealSshd
    config: Path
    port: int
    cipher: str = CIPHER
    """Empty lets each tool take what it likes best."""

    def ours(self, *words: str, command: str = "cp") -> Command:
        """Return the command line of sshdash."""
        chosen = ["-o", f"Ciphers={self.cipher}"] if self.cipher else []
        start = [sys.executable, "-m", "sshdash", "-F", str(self.config), *chosen, command]
        return [*start, "-q", *words] if command == "cp" else [*start, *words]

    def scp(self, *words: str) -> Command:
        """Return the command line of scp, which speaks SFTP since OpenSSH 9.0."""
        chosen = ["-c", self.cipher] if self.cipher else []
        return ["scp", "-q", "-F", str(self.config), *chosen, *words]

    def ssh(self, *words: str) -> Command:
        """Return the command line of ssh to the server."""
        chosen = ["-c", self.cipher] if self.cipher else []
        return ["ssh", "-F", str(self.config), *chosen, "bench", *words]

    def rsync(self, *words: str) -> Command:
        """Return the command line of rsync."""
        return ["rsync", "-a", "-e", " ".join(self.ssh()[:-1]), *words]

    def rclone(self, *words: str) -> Command:
        """Return the command line of rclone; ``far:`` in a word is the server's home."""
        server = self.server
        options = {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": server.user,
            "key-file": str(server.identity),
        }
        far = f":sftp:{server.home}/"
        told = [f"--sftp-{name}={value}" for name, value in options.items()]
        return ["rclone", *told, *(word.replace("far:", far) for word in words)]


@dataclass(slots=True)
class Taken:
    """What the runs of one command took."""

    times: list[float] = field(default_factory=list)
    memory: int = 0
    """Bytes the process held at its height, in the worst run."""

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.times)

    @property
    def mebibytes(self) -> int:
        """Its memory in MiB."""
        return self.memory // MIB


async def alternate(
    commands: Sequence[Command],
    target: Path,
    check: Callable[[Path], None],
    rounds: int = ROUNDS,
) -> list[Taken]:
    """Run the commands in turn, each onto nothing, and return what they took."""
    taken = [Taken() for _ in commands]
    for _ in range(rounds):
        for command, one in zip(commands, taken, strict=True):
            await asyncio.to_thread(remove, target)
            await asyncio.to_thread(_run, command, one)
            await asyncio.to_thread(check, target)
    await asyncio.to_thread(remove, target)
    return taken


def _run(command: Command, taken: Taken) -> None:
    began = time.perf_counter()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        taken.times.append(time.perf_counter() - began)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} failed with {process.returncode}")
    taken.memory = max(taken.memory, usage.ru_maxrss * 1024)


def config_for(server: RealSshd, port: int, cipher: str = CIPHER) -> Bench:
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
    return Bench(server, config, port, cipher)


def fill(path: Path, size: int) -> None:
    """Write a file that no line compresses."""
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))


def fill_folders(root: Path, files: int, folders: int, size: int) -> None:
    """Make `files` files of `size` bytes, in turn in `folders` folders."""
    for number in range(files):
        folder = root / f"folder-{number % folders:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number:05}").write_bytes(os.urandom(size))


def same(source: Path, copy: Path) -> None:
    """Raise where a copy is not like its source."""
    if not filecmp.cmp(source, copy, shallow=False):
        raise RuntimeError(f"{copy} is not like its source")


def same_tree(source: Path, copy: Path) -> None:
    """Raise where a copy of a tree is not like its source."""
    names = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    if names != sorted(path.relative_to(copy) for path in copy.rglob("*") if path.is_file()):
        raise RuntimeError(f"{copy} has other files than its source")
    for name in names:
        same(source / name, copy / name)


def remove(path: Path) -> None:
    """Remove what an earlier run left."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
