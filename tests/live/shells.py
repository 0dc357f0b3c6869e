"""A shell on a real server, and how to wait for what its screen shows."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sshdash.events import SessionChanged
from sshdash.states import SessionState
from sshdash.terminal.session import ShellSession
from tests.live.connecting import Client, connecting
from tests.patience import PATIENCE


@dataclass
class Shell:
    """A session and the client it belongs to."""

    session: ShellSession
    client: Client
    host: str

    @property
    def screen(self) -> str:
        """What the terminal shows."""
        return "\n".join(self.session.emulator.screen_text())

    @property
    def leases(self) -> int:
        """How many shells hold the connection."""
        return self.client.manager.status(self.host).leases.get("shell", 0)

    async def type(self, text: str) -> None:
        """Type a line once the prompt is there."""
        await self.shows(r"sshd\$\s*$")
        self.session.write(text.encode() + b"\r")

    async def shows(self, pattern: str) -> re.Match[str]:
        """Return the match once the screen shows `pattern`."""
        changed = asyncio.Event()
        self.session.on_output = changed.set
        async with asyncio.timeout(PATIENCE):
            while not (found := re.search(pattern, self.screen, re.MULTILINE)):
                changed.clear()
                await changed.wait()
        return found

    async def ends(self) -> SessionState:
        """Return the state once it is one of an ended session."""
        ended = asyncio.Event()
        self.session.on_change = ended.set
        async with asyncio.timeout(PATIENCE):
            while self.session.state in (SessionState.OPENING, SessionState.RUNNING):
                ended.clear()
                await ended.wait()
        return self.session.state

    def states(self) -> list[SessionState]:
        """Return the states told about so far."""
        return [event.new for event in self.client.told(SessionChanged)]


@asynccontextmanager
async def shell(
    config: Path | str,
    host: str = "sshd",
    columns: int = 80,
    rows: int = 24,
    command: str | None = None,
    overrides: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[Shell]:
    """Open a shell, and close it and its connection in the end."""
    async with connecting(config, overrides=overrides) as client:
        lease = await client.manager.lease(host, "shell")
        session = await ShellSession.open(
            lease, client.bus, columns=columns, rows=rows, command=command
        )
        try:
            yield Shell(session, client, host)
        finally:
            await session.close()
