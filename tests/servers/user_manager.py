"""A real systemd that manages one user's units, apart from the machine's own."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.servers.programs import require

_SYSTEMD = "/lib/systemd/systemd"
_PATIENCE = 20.0
_LOOK = 0.05
_BEGIN = """\
mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system || exit 77
cd /sys/fs/cgroup
for place in systemd unified .; do
  if test -e "$place/cgroup.procs"; then
    mkdir "$place/$1" && echo $$ > "$place/$1/cgroup.procs" || exit 77
  fi
done
exec "$2" --user
"""
"""It looks as if this systemd had started the machine; nobody else sees that."""
_INSIDE = """\
#!/bin/sh
exec nsenter --mount=/proc/{pid}/ns/mnt --wd=/ {program} "$@"
"""


class UserManager:
    """``systemd --user`` with the environment of the test; it ends with the context.

    Its programs in `programs` (a folder for PATH) reach it as the machine's own would. Skips the
    test where systemd is not installed, or may not run here, as in most containers.
    """

    def __init__(self) -> None:
        if os.getuid() or not Path(_SYSTEMD).exists():
            pytest.skip("systemd is not installed, or this is not root, who can run it apart")
        self._unshare, self._nsenter = require("unshare"), require("nsenter")
        self._folder = Path(tempfile.mkdtemp(prefix="systemd-"))
        self.programs = self._folder / "bin"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it."""
        os.makedirs(os.environ["XDG_RUNTIME_DIR"], mode=0o700, exist_ok=True)
        environment = {name: text for name, text in os.environ.items() if "_BUS_" not in name}
        log = (self._folder / "log").open("wb")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                self._unshare, "--mount", "sh", "-c", _BEGIN, "sh", self._folder.name, _SYSTEMD,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )  # fmt: skip
        self._write_programs(self._process.pid)
        try:
            async with asyncio.timeout(_PATIENCE):
                while (await self.ask("is-system-running"))[1].strip() not in (
                    "running",
                    "degraded",
                ):
                    if self._process.returncode is not None:
                        said = (self._folder / "log").read_text(errors="replace")
                        pytest.skip(f"systemd --user does not run here: {said}")
                    await asyncio.sleep(_LOOK)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, and every unit."""
        await self._end()

    async def ask(self, *arguments: str) -> tuple[int, str]:
        """Run ``systemctl --user``; return its exit status, and what it said."""
        process = await asyncio.create_subprocess_exec(
            str(self.programs / "systemctl"), "--user", "--no-pager", *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def value(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return (await self.ask("show", "--value", "-p", name, unit))[1].strip()

    async def until(self, unit: str, name: str, value: str) -> None:
        """Wait until a property of a unit has a value."""
        async with asyncio.timeout(_PATIENCE):
            while await self.value(unit, name) != value:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(_LOOK)

    def _write_programs(self, pid: int) -> None:
        self.programs.mkdir()
        for name in ("systemctl", "systemd-run"):
            file = self.programs / name
            file.write_text(_INSIDE.format(pid=pid, program=require(name)))
            file.chmod(0o755)

    async def _end(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await asyncio.to_thread(self._clean)

    def _clean(self) -> None:
        for place in ("systemd/", "unified/", ""):
            top = Path(f"/sys/fs/cgroup/{place}{self._folder.name}")
            for group in sorted((top, *top.glob("**/")), reverse=True):
                with contextlib.suppress(OSError):
                    group.rmdir()
        shutil.rmtree(self._folder, ignore_errors=True)
