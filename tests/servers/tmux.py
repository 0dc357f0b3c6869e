"""A real terminal to run sshdash in: one tmux of its own, typed into and looked at."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.patience import PATIENCE
from tests.servers.programs import require

_TELL_STATUS = '"$@"; echo "exit status $?"; exec cat'
_LOOK = 0.05
"""Seconds between two looks: tmux cannot tell that its screen has changed."""


class Tmux:
    """A program in a tmux window of `columns` times `rows`; it ends with the context.

    When it ends before, the screen says ``exit status 0`` below what it left there. Skips the
    test where there is no tmux: see `require`.
    """

    def __init__(self, *command: str, columns: int = 120, rows: int = 36) -> None:
        self._program = require("tmux")
        self._command = command
        self._size = (columns, rows)
        self._folder = Path(tempfile.mkdtemp(prefix="tmux-"))

    async def __aenter__(self) -> Self:
        """Start it."""
        columns, rows = map(str, self._size)
        told = ("sh", "-c", _TELL_STATUS, "sh", *self._command)
        await self._tmux("new-session", "-d", "-x", columns, "-y", rows, *told)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, and whatever runs in it."""
        await self._tmux("kill-server", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def type(self, *keys: str) -> None:
        """Press keys by tmux's names for them: ``Enter``, ``C-g``, ``x``."""
        await self._tmux("send-keys", *keys)

    async def write(self, text: str) -> None:
        """Type a text as it is."""
        await self._tmux("send-keys", "-l", text)

    async def resize(self, columns: int, rows: int) -> None:
        """Make the window larger or smaller."""
        await self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    async def processes(self) -> list[psutil.Process]:
        """Return every process in the window."""
        pid = int(await self._tmux("display-message", "-p", "#{pane_pid}"))
        shell = psutil.Process(pid)
        return [shell, *shell.children(recursive=True)]

    async def kill(self) -> None:
        """End tmux itself: the terminal is gone, as where its window is closed."""
        await self._tmux("kill-server")

    async def screen(self, colours: bool = False) -> str:
        """Return what is on the screen, with the sequences that colour it where asked for."""
        return await self._tmux("capture-pane", "-p", *(["-e", "-N"] if colours else []))

    async def wait_for(self, pattern: str, timeout: float = PATIENCE) -> str:
        """Return the screen once `pattern` is on it.

        Raises TimeoutError, with the screen, after `timeout` seconds.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            screen = await self.screen()
            if re.search(pattern, screen, re.MULTILINE):
                return screen
            if loop.time() > end:
                raise TimeoutError(f"{pattern!r} never came:\n{screen}")
            await asyncio.sleep(_LOOK)

    async def _tmux(self, *arguments: str, check: bool = True) -> str:
        socket = str(self._folder / "socket")
        process = await asyncio.create_subprocess_exec(
            self._program, "-u", "-S", socket, "-f", os.devnull, *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Given, or readline's COLUMNS and LINES come along, which Python does not see.
            env=dict(os.environ),
        )  # fmt: skip
        out, errors = await process.communicate()
        assert not check or process.returncode == 0, errors.decode()
        return out.decode(errors="replace")


def installed(name: str, python: str) -> Sequence[str]:
    """Return the command line of the script `name` that is installed beside `python`."""
    script = Path(python).parent / name
    return [str(script)] if script.exists() else [python, "-m", name]
