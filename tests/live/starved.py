"""A program with tunnels that is told to run out of descriptors, and to have them back.

Run as ``python -m tests.live.starved CONFIG TARGET_PORT``; takes commands on stdin, one a line, and
answers each with a line of JSON.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sshdash.states import TunnelState
from tests.live.life_kit import Lives, lives_of
from tests.servers.ports import free_port

_SPARE = 200


class Starved:
    """The tunnels, and the descriptors that are held so that nothing else gets one."""

    def __init__(self, lives: Lives, target: int) -> None:
        self._lives = lives
        self._target = target
        self._fillers: list[int] = []
        self._tunnels: list[str] = []

    async def open(self) -> dict[str, Any]:
        """Open two tunnels; return their ports."""
        text = f"{free_port()}:127.0.0.1:{self._target}"
        local, here = await self._lives.open("L", text)
        there = f"{free_port()}:127.0.0.1:{self._target}"
        remote, far = await self._lives.open("R", there)
        self._tunnels = [local, remote]
        return {"ports": [here, far]}

    async def starve(self) -> dict[str, Any]:
        """Take every descriptor there is."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (_SPARE, hard))
        self._take()
        return {"taken": len(self._fillers)}

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._fillers.append(os.dup(0))

    async def _while_starved(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, and take what a thread or a closed socket lets go of meanwhile."""

        def met() -> object:
            self._take()
            return condition()

        await self._lives.watch.until(met)

    async def turned_away(self) -> dict[str, Any]:
        """Wait until a client could not be taken in."""
        manager = self._lives.manager
        await self._while_starved(lambda: manager.snapshot(self._tunnels[0]).error)
        return {"error": manager.snapshot(self._tunnels[0]).error}

    async def another(self) -> dict[str, Any]:
        """Open one tunnel more."""
        snapshot = await self._lives.start("L", f"0:127.0.0.1:{self._target}")
        cause = snapshot.legs[0].cause
        return {"state": snapshot.state.value, "cause": cause.name if cause else ""}

    async def lost(self) -> dict[str, Any]:
        """Wait until an attempt at the lost connection has failed."""
        manager = self._lives.manager
        await self._while_starved(lambda: manager.snapshot(self._tunnels[0]).attempts)
        status = self._lives.backend.connections.status("sshd")
        state = manager.snapshot(self._tunnels[0]).state.value
        return {"state": state, "reason": status.reason, "gives_up": status.gives_up}

    async def feed(self) -> dict[str, Any]:
        """Let go of what was taken, and wait for the tunnels."""
        while self._fillers:
            os.close(self._fillers.pop())
        await self._lives.reach(TunnelState.OPEN, *self._tunnels)
        return {"open": True}


async def main(config: str, target: str) -> None:
    """Do what is asked for until the end of the input."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with lives_of(Path(config)) as lives:
        starved = Starved(lives, int(target))
        while word := (await lines.readline()).decode().strip():
            answer = await getattr(starved, word)()
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
