"""A ``sshdash forward`` of its own, which outlives whoever starts it."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshdash import processes
from sshdash.errors import ForwardError
from sshdash.paths import private_dir, runtime_dir, secret_dir, state_dir
from sshdash.tunnels.owners.claims import is_there
from sshdash.untrusted import clean_lines

_PATIENCE = 120.0
"""Seconds until its forwards have to be open, or to have failed."""
_EVERY = 0.05
_ENDED = 5.0
_UNKNOWN = 255
_TAIL = 2_000
_SPEAKER = "sshdash: "
"""What an error begins with on stderr; what belongs to it is on lines with blanks in front."""
_LONGEST_LOG = 1_000_000
"""Bytes of a log: the older half is dropped then."""
_KEPT = 20
"""Logs of processes that have ended which stay."""
_PASSED_ON = (
    "HOME", "PATH", "PYTHONPATH", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY",
    "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
)  # fmt: skip
"""What a unit gets of our environment: the rest is systemd's."""
_RESET = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE}


class DetachFailed(ForwardError):
    """The process ended before it was ready; `status` is its exit status."""

    def __init__(self, status: int, said: str, log: str) -> None:
        super().__init__("The tunnels cannot be run by a process of their own", said, f"see {log}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Detached:
    """A process that runs forwards by itself."""

    pid: int
    unit: str
    """The unit of systemd that it is, empty where it is none."""
    log: str
    """The file where it tells what happens."""
    tunnels: tuple[dict[str, Any], ...]
    """Its forwards as `documents.listed` has them."""


async def detach(
    options: Sequence[str], arguments: Sequence[str], patience: float = _PATIENCE
) -> Detached:
    """Run ``sshdash [options] forward [arguments]`` apart; return once it is ready.

    By systemd where it manages this user's units, else as a process without a terminal and with
    a log of its own; nobody can be asked anything there. Raises DetachFailed, ForwardError where
    it takes longer than `patience` seconds, and OSError.
    """
    token = secrets.token_hex(4)
    report = _report(token)
    words = [sys.executable, "-m", "sshdash", *options, "forward", "--ready-file", str(report)]
    words += ["--bound-log", str(_LONGEST_LOG), *arguments]
    by_systemd = await _has_systemd()
    log = _log_file(token)
    start = _start_unit(words, token, log) if by_systemd else _start_process(words, report, log)
    try:
        async with asyncio.timeout(patience):
            unit = await start
        ready = json.loads(report.read_bytes())
    except TimeoutError as error:
        raise ForwardError(
            "The tunnels are not open yet", f"after {patience:g} s", f"see {log}"
        ) from error
    return Detached(int(ready["pid"]), unit, str(log), tuple(ready["tunnels"]))


async def _start_process(words: list[str], report: Path, log: Path) -> str:
    """Start it as a process, and wait until it is ready; where that is given up it ends."""
    child = _Child(words, log)
    try:
        while not child.is_ready(report):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(_EVERY)
    except asyncio.CancelledError:
        await child.end()
        raise
    return ""


class _Child:
    """The process, in a session of its own: no terminal, and no hangup when ours goes.

    It is no child that somebody would end with the event loop; a thread waits for its end, or it
    would stay a zombie for as long as we run.
    """

    def __init__(self, words: list[str], log: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._log = log
        self._pid = os.posix_spawnp(
            words[0],
            words,
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigdef=_RESET,
        )
        self.status: int | None = None
        """Its exit status, None while it runs."""
        threading.Thread(target=self._wait, name=f"waits for {self._pid}", daemon=True).start()

    def _wait(self) -> None:
        try:
            _, status = os.waitpid(self._pid, 0)
        except ChildProcessError:  # SIGCHLD was ignored when we were started
            self.status = _UNKNOWN
        else:
            self.status = os.waitstatus_to_exitcode(status)

    def is_ready(self, report: Path) -> bool:
        """Return whether it says so. Raises DetachFailed where it has ended."""
        if self.status is not None:
            raise DetachFailed(self.status, failure_in(_tail(self._log)), str(self._log))
        return report.exists()

    async def wait(self) -> None:
        """Return once it has ended."""
        while self.status is None:  # noqa: ASYNC110 - the thread may outlive the loop
            await asyncio.sleep(_EVERY)

    async def end(self) -> None:
        """Ask it to end; kill it where that takes long, or whoever waits here is cancelled."""
        self._signal(signal.SIGTERM)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENDED):
                    await self.wait()
        finally:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)


async def _start_unit(words: list[str], token: str, log: Path) -> str:
    """Start it as a unit, which systemd does not call started before it is ready; return its name.

    Of one that fails systemd says no more than that: the reason is in our log.
    """
    unit = f"sshdash-forward-{token}.service"
    environment = _environment()
    given = [f"--setenv={name}={environment[name]}" for name in _PASSED_ON if name in environment]
    process: asyncio.subprocess.Process | None = None
    try:
        process = await asyncio.create_subprocess_exec(
            "systemd-run", "--user", "--quiet", "--collect", f"--unit={unit}",
            "--service-type=notify", "--property=TimeoutStartSec=infinity",
            f"--property=StandardOutput=append:{log}", f"--property=StandardError=append:{log}",
            f"--working-directory={os.getcwd()}", *given, "--", *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
    except asyncio.CancelledError:
        if process is not None:
            with suppress(ProcessLookupError):  # it may have ended in this very moment
                process.kill()
        # A process of its own: who is cancelled once more leaves it to end the unit.
        stop = _Child(["systemctl", "--user", "stop", unit], log)
        if process is not None:
            await processes.end(process)
        await stop.wait()
        raise
    if process.returncode:
        raise DetachFailed(1, failure_in(_tail(log)) or clean_lines(said), str(log))
    return unit


async def _has_systemd() -> bool:
    """Return whether systemd runs units for this user."""
    if not shutil.which("systemd-run") or not shutil.which("systemctl"):
        return False
    asking = await asyncio.create_subprocess_exec(
        "systemctl", "--user", "is-system-running",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        out, _ = await asking.communicate()
    finally:
        await processes.end(asking)
    return out.strip() in (b"running", b"degraded", b"starting")


def _environment() -> dict[str, str]:
    """Return our environment, but for what systemd told us alone."""
    own = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")
    return {name: value for name, value in os.environ.items() if name not in own}


def _log_file(token: str) -> Path:
    folder = private_dir(state_dir() / "forward")
    logs = sorted(folder.glob("*.log"), key=_written_at)
    for old in [one for one in logs if not _is_written(one)][:-_KEPT]:
        old.unlink(missing_ok=True)
        _report(old.stem).unlink(missing_ok=True)  # of a process that was killed
    log = folder / f"{token}.log"
    log.touch(0o600)  # systemd would let others read it
    return log


def _report(token: str) -> Path:
    """Return what a process says of itself once it is ready, until it ends."""
    return secret_dir(runtime_dir()) / f"ready-{token}.json"


def _written_at(log: Path) -> float:
    try:
        return log.stat().st_mtime
    except FileNotFoundError:  # another process has removed it just now
        return 0.0


def _is_written(log: Path) -> bool:
    """Return whether the process runs that writes a log."""
    try:
        pid = int(json.loads(_report(log.stem).read_bytes())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return is_there(pid)


def failure_in(said: str) -> str:
    """Return the errors that a process told, and not what its tunnels did; all, if it told none."""
    lines = said.split("\n")
    told: list[str] = []
    for line in lines:
        if line.startswith(_SPEAKER):
            told.append(line.removeprefix(_SPEAKER))
        elif told and line.startswith("  "):
            told.append(line)
    return "\n".join(told) or said


def _tail(log: Path) -> str:
    try:
        said = log.read_bytes()[-_TAIL:]
    except OSError as error:
        return str(error)
    return clean_lines(said)
