"""Servers and what to reach them with."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.demo.fleet import DemoFleet
from sshdash.prompts import Prompter, RefusingPrompter
from sshdash.settings import Settings
from tests.conftest import CONFIGURATIONS
from tests.live.config_oracle import Case, differences
from tests.servers.sshd import RealSshd

Compared = Callable[[dict[str, Case], Path], list[str]]
"""Compares cases and returns the differences."""


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Compared:
    """Return `differences`, which counts for the summary what it compares."""

    def compare(cases: dict[str, Case], folder: Path) -> list[str]:
        found = differences(cases, folder)
        questions = sum(len(case.hosts) for case in cases.values())
        count = (len(cases), questions, len(found))
        request.node.user_properties.append((CONFIGURATIONS, count))
        return found

    return compare


class BackendFor(Protocol):
    """Makes loaded backends, which end with the test."""

    def __call__(
        self,
        config_file: Path,
        prompter: Prompter | None = None,
        settings: Settings | None = None,
        **options: str,
    ) -> Awaitable[Backend]:
        """Return a backend on `config_file`; `options` are those of ``-o``."""
        ...


@pytest.fixture
def sshd() -> Iterator[RealSshd]:
    """Run a real OpenSSH server for one test."""
    server = RealSshd()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
async def fleet() -> AsyncIterator[DemoFleet]:
    """Run the demo fleet for one test."""
    async with DemoFleet() as running:
        yield running


@pytest.fixture
async def backend_for() -> AsyncIterator[BackendFor]:
    """Return what makes backends."""
    async with AsyncExitStack() as stack:

        async def make(
            config_file: Path,
            prompter: Prompter | None = None,
            settings: Settings | None = None,
            **options: str,
        ) -> Backend:
            source = ConfigSource.standard(str(config_file), tuple(options.items()))
            backend = Backend(settings or Settings(), prompter or RefusingPrompter(), source)
            await stack.enter_async_context(backend)
            await backend.load()
            return backend

        yield make


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """Return an address that never answers: a full backlog of a listener nobody accepts from."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()
        for filler in fillers:
            filler.close()
