"""Other programs: the person's editor in the place of the screen, the browser beside it."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from sshdash import processes
from sshdash.errors import SSHDashError
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from textual.app import App

_BROWSER_SECONDS = 15.0
_BROWSERS_OF_ONES_OWN = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
"""Any of them set says that there is a browser in front of who logged in by ssh."""
_USUAL = ("editor", "nano", "vim", "vi")
_AT_PLACE = frozenset({"hx", "helix", "subl", "zed", "micro", "kak"})
"""Editors that take ``file:line``; the others take ``+line file``."""
_GOTO = frozenset({"code", "codium", "cursor", "code-insiders"})


def editor_command(path: str, line: int) -> list[str]:
    """Return what opens a file at a line in $VISUAL or $EDITOR. Raises SSHDashError."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        words = shlex.split(chosen) if chosen else []
    except ValueError as error:
        raise SSHDashError(
            "Your editor cannot be started", f"{clean(chosen or '')}: {error}"
        ) from error
    if not words:
        words = [next((name for name in _USUAL if which(name)), "")]
    if not which(words[0]):
        raise SSHDashError(
            "Your editor cannot be started",
            f"there is no program “{clean(words[0])}”" if words[0] else "none was found",
            "set EDITOR to the one you use",
        )
    name = os.path.basename(words[0])
    if name in _GOTO:
        return [*words, "--wait", "--goto", f"{path}:{line}"]
    if name in _AT_PLACE:
        return [*words, f"{path}:{line}"]
    # At its beginning a file opens anyway, and not every editor knows what +1 means.
    return [*words, f"+{line}", path] if line > 1 else [*words, path]


async def run_outside(app: "App[None]", command: list[str]) -> int:
    """Give the terminal to a program until it ends and return its status.

    What is connected goes on meanwhile; nothing is drawn. Raises SSHDashError.
    """
    try:
        with app.batch_update(), app.suspend(), _deaf_to_interrupts():
            process = await asyncio.create_subprocess_exec(*command)
            return await process.wait()
    except SuspendNotSupported as error:
        raise SSHDashError("No other program can have this screen") from error
    except OSError as error:
        raise SSHDashError("Your editor cannot be started", str(error)) from error
    finally:
        app.refresh(layout=True)


async def open_address(address: str) -> None:
    """Hand an address to this machine's browser. Raises SSHDashError where there is none.

    It is looked for in a process of its own, which has no terminal: a browser for terminals
    would draw over this screen.
    """
    if os.environ.get("SSH_CONNECTION") and not any(map(os.environ.get, _BROWSERS_OF_ONES_OWN)):
        raise SSHDashError(
            "No browser could be opened",
            "it would open on this machine, which you use from another one",
            "copy the address instead",
        )
    surroundings = {name: value for name, value in os.environ.items() if name != "TERM"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))",
        address,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=surroundings,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_BROWSER_SECONDS):
            status = await process.wait()
    except TimeoutError:
        status = 1
    finally:
        await processes.end(process)
    if status:
        raise SSHDashError(
            "No browser could be opened",
            "none was found, or it did not start",
            "copy the address instead",
        )


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let ctrl+c be the other program's alone; a handler, unlike ignoring, is not inherited."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
