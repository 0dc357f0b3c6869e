"""The clipboard of the desktop and of a tmux around: many terminals let no program set it (OSC 52).

The programs that desktops have for it are run as they are: a library would wait for them.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from shutil import which

from sshdash import processes

log = logging.getLogger(__name__)

_SECONDS = 3.0
"""As long as one program may take: it hands over to one in the background."""
_OF_X = (["xclip", "-selection", "clipboard", "-in"], ["xsel", "--clipboard", "--input"])


def clipboard_commands(surroundings: Mapping[str, str], platform: str) -> list[list[str]]:
    """Return what takes a text on stdin for each clipboard there is."""
    desktop: list[list[str]] = []
    if platform == "darwin":
        desktop.append(["pbcopy"])
    if surroundings.get("WAYLAND_DISPLAY"):
        desktop.append(["wl-copy"])
    if surroundings.get("DISPLAY"):
        desktop.extend(_OF_X)
    path = surroundings.get("PATH")
    found = [command for command in desktop if which(command[0], path=path)][:1]
    if surroundings.get("TMUX") and which("tmux", path=path):
        found.append(["tmux", "load-buffer", "-w", "-"])  # also to the terminal around it
    return found


class DesktopClipboard:
    """Puts texts on the clipboards that `surroundings` tell of, one after the other, the last last.

    Nothing is told where that fails: the hosting terminal was given the text, too.
    """

    def __init__(self, surroundings: Mapping[str, str] = os.environ) -> None:
        self._surroundings = surroundings
        self._text: str | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<DesktopClipboard [{'busy' if self._task else 'idle'}]>"

    def put(self, text: str) -> None:
        """Have `text` there soon."""
        self._text = text
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Put what was copied last there, and no more."""
        if self._task is not None:
            await self._task

    async def _work(self) -> None:
        try:
            while self._text is not None:
                data, self._text = self._text.encode("utf-8", "replace"), None
                for command in clipboard_commands(self._surroundings, sys.platform):
                    await self._give(command, data)
        finally:
            self._task = None

    async def _give(self, command: list[str], data: bytes) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=dict(self._surroundings),
                start_new_session=True,
            )
        except OSError as error:
            log.info("%s does not start: %s", command[0], error)
            return
        try:
            async with asyncio.timeout(_SECONDS):
                await process.communicate(data)
        except TimeoutError:
            log.info("%s takes too long", command[0])
        finally:
            await processes.end(process)
