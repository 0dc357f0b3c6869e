"""A connection manager over a configuration file, with a script for its questions."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.manager import ConnectionManager
from sshdash.events import ConnectionChanged, Event, EventBus
from sshdash.prompts import Prompter, ScriptedPrompter
from sshdash.settings import Settings
from sshdash.states import ConnectionState
from tests.patience import PATIENCE

EventType = TypeVar("EventType", bound=Event)

PROMPT = 20.0
"""Seconds in which what was cancelled is over: less than the 30 s that sshdash gives a host."""


@dataclass
class Client:
    """The manager under test and what it told."""

    manager: ConnectionManager
    prompter: ScriptedPrompter
    bus: EventBus
    events: list[Event] = field(default_factory=list)

    def told(self, kind: type[EventType]) -> list[EventType]:
        """Return the events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def states(self, host: str) -> list[ConnectionState]:
        """Return the states that `host` went through."""
        return [event.new for event in self.told(ConnectionChanged) if event.host == host]

    async def reaches(self, host: str, state: ConnectionState) -> None:
        """Return once `host` is in `state`, now or later."""
        reached = asyncio.Event()

        def look(event: Event) -> None:
            if self.manager.status(host).state is state:
                reached.set()

        look(Event())
        unsubscribe = self.bus.subscribe(look)
        try:
            async with asyncio.timeout(PATIENCE):
                await reached.wait()
        finally:
            unsubscribe()

    async def run(self, host: str, command: str) -> str:
        """Return what `command` prints on `host`."""
        async with await self.manager.lease(host, "test") as lease:
            done = await lease.connection.ssh.run(command)
            return str(done.stdout)


@asynccontextmanager
async def connecting(
    config: Path | str,
    *answers: object,
    settings: Settings | None = None,
    prompter: Prompter | None = None,
    overrides: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[Client]:
    """Run a manager on a configuration file; `answers` are given in order, then None."""
    bus = EventBus()
    scripted = ScriptedPrompter(list(answers))
    resolver = Resolver(ConfigSource.standard(str(config), overrides))
    manager = ConnectionManager(resolver, prompter or scripted, bus, settings or Settings())
    client = Client(manager, scripted, bus)
    bus.subscribe(client.events.append)
    try:
        yield client
    finally:
        await manager.close()


async def pass_time(seconds: float) -> None:
    """Let so many seconds have gone by, for whatever counts them by the clock of the loop."""
    loop = asyncio.get_running_loop()
    clock = loop.time
    loop.time = lambda: clock() + seconds  # type: ignore[method-assign]
    for _ in range(3):  # what is late by now is over, and known to be
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return once `condition` holds, for what tells nobody when it changes."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
