"""Throw-away servers of real programs, each on a free loopback port: what tunnels lead to.

Every one is a process of the test in a folder of its own; none is a service of the system.
"""

import asyncio
import contextlib
import os
import pwd
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.programs import require

_PROXY = re.compile("_proxy$", re.IGNORECASE)
_POSTGRES_OPTIONS = {
    "fsync": "off",
    "max_connections": "20",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "ssl": "off",
}


@contextlib.asynccontextmanager
async def serving(
    command: Sequence[str], ready: bytes, *, end: int = signal.SIGTERM, **options: Any
) -> AsyncIterator[None]:
    """Run a server until the end of the block; entered when it has said `ready`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        **options,
    )
    assert process.stdout
    said = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            while ready not in said:
                line = await process.stdout.readline()
                assert line, f"{command[0]} did not start: {said.decode(errors='replace')}"
                said += line
        # Its later words have to go somewhere, or it would wait for them to be read.
        draining = asyncio.ensure_future(process.stdout.read())
        try:
            yield
        finally:
            _signal(process, end)
            await process.wait()
            await draining
    finally:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


@contextlib.contextmanager
def folder(owner: "pwd.struct_passwd | None" = None) -> Iterator[Path]:
    """Give a folder for a server, of another user if need be."""
    path = Path(tempfile.mkdtemp(prefix="service-"))
    try:
        if owner is not None:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _unprivileged() -> "pwd.struct_passwd | None":
    """Return who PostgreSQL, which does not run as root, is to be; None for ourselves."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None


@contextlib.asynccontextmanager
async def postgres() -> AsyncIterator[int]:
    """Run a PostgreSQL with the superuser ``tester``, without a password; give its port."""
    initdb, program = require("initdb"), require("postgres")
    owner = _unprivileged()
    who = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    with folder(owner) as place:
        data = str(place / "data")
        options: dict[str, Any] = {**who, "cwd": place, "env": {**os.environ, "LC_ALL": "C"}}
        making = [initdb, "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8"]
        async with serving(making, b"Success", **options):
            pass
        port = free_port()
        command = [program, "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(place)]
        for key, value in _POSTGRES_OPTIONS.items():
            command += ["-c", f"{key}={value}"]
        ready = b"ready to accept connections"
        async with serving(command, ready, end=signal.SIGINT, **options):
            yield port


@contextlib.asynccontextmanager
async def redis() -> AsyncIterator[int]:
    """Run a Redis that keeps nothing; give its port."""
    port = free_port()
    with folder() as place:
        command = [require("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(place)]
        async with serving(command, b"eady to accept connections"):
            yield port


@contextlib.asynccontextmanager
async def git_daemon(base: Path) -> AsyncIterator[int]:
    """Serve every repository below `base` to readers; give its port."""
    port = free_port()
    command = [require("git-daemon"), "--listen=127.0.0.1", f"--port={port}", "--reuseaddr"]
    command += [f"--base-path={base}", "--export-all", "--verbose"]
    async with serving(command, b"Ready to rumble"):
        yield port


@contextlib.asynccontextmanager
async def rsync_daemon(base: Path) -> AsyncIterator[int]:
    """Serve `base` as the module ``files``, to writers too; give its port."""
    port = free_port()
    with folder() as place:
        settings = place / "rsyncd.conf"
        settings.write_text(
            f"pid file = {place / 'pid'}\nlock file = {place / 'lock'}\nuse chroot = no\n"
            f"log file = /dev/stdout\nreverse lookup = no\nforward lookup = no\n"
            f"[files]\npath = {base}\nread only = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n"
        )
        command = [require("rsync"), "--daemon", "--no-detach", f"--config={settings}"]
        command += [f"--port={port}", "--address=127.0.0.1"]
        async with serving(command, b"listening on port"):
            yield port


@contextlib.asynccontextmanager
async def web_server(base: Path) -> AsyncIterator[int]:
    """Serve the files below `base` by HTTP; give its port."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    async with serving([*command, "--directory", str(base)], b"Serving HTTP"):
        yield port


def _without_proxies() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not _PROXY.search(key)}


async def run(
    *command: str, answer: bytes = b"", status: int | None = 0, env: dict[str, str] | None = None
) -> bytes:
    """Run a client with `answer` as its input; return what it said on stdout.

    It knows no proxy but those in `env`. Fails where it ends with another status; with None any
    will do, and stderr is returned too.
    """
    process = await asyncio.create_subprocess_exec(
        require(command[0]),
        *command[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**_without_proxies(), **(env or {})},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate(answer)
    finally:
        _signal(process, signal.SIGKILL)
        await process.wait()
    if status is None:
        return out + err
    assert process.returncode == status, (command, out, err)
    return out
