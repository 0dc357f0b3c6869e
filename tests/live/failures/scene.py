"""What a failure is arranged with: servers, a network that fails, and a client that is told."""

import asyncio
import getpass
import os
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from sshdash.connections.timeline import Entry, Phase, Timeline
from sshdash.demo.services import Serve, listening
from sshdash.errors import SSHDashError
from sshdash.events import ConnectionChanged, Event
from sshdash.prompts import Prompter
from sshdash.settings import Settings
from tests.live.connecting import Client, connecting
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd

PATIENT = Settings(connect_timeout=20, keepalive_interval=0)
HASTY = Settings(connect_timeout=1, keepalive_interval=0)
"""For what only a time limit ends."""


@dataclass(frozen=True)
class Told:
    """What a person reads, with everything in it that is different in each run made the same."""

    title: str
    detail: str
    hint: str
    last_good: str = ""
    failed_at: str = ""

    def __str__(self) -> str:
        """Return it as a table of its fields, for a test's message."""
        return "\n".join(f"{key:>9}: {value}" for key, value in asdict(self).items())


class Scene:
    """One failure's stage: what it sets up is gone when `stack` closes."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.monkeypatch = pytest.MonkeyPatch()
        self._stack = stack
        self._places = {str(folder): "~/.ssh", os.environ["HOME"]: "~"}
        self._places[os.fspath(Path(os.environ["HOME"]) / ".ssh")] = "~/.ssh"
        stack.callback(self.monkeypatch.undo)

    # -- servers

    def sshd(self, **options: Any) -> RealSshd:
        """Return a real OpenSSH server that runs; `options` are those of sshd_config."""
        server = RealSshd(**options)
        self._stack.callback(server.close)
        server.start()
        self._places[str(server.folder)] = "~/.ssh"
        return server

    async def loopback(self, faults: Faults | None = None, **options: Any) -> LoopbackServer:
        """Return a server of the SSH library with faults."""
        server = await self._stack.enter_async_context(LoopbackServer(faults, **options))
        self._places[str(server.folder)] = "~/.ssh"
        return server

    async def service(self, serve: Serve) -> str:
        """Run a service that speaks no SSH; return a configuration that calls it ``web``."""
        port = await self._stack.enter_async_context(listening(serve))
        return self.web(port=port)

    async def proxy(self, port: int) -> Proxy:
        """Return a network in front of a server's port."""
        return await self._stack.enter_async_context(Proxy(port))

    def names(self, **addresses: str | int) -> None:
        """Let names resolve to an address, or fail with an error number of getaddrinfo."""
        real: Callable[..., Any] = socket.getaddrinfo

        def look_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
            answer = addresses.get(str(host).partition(".")[0])
            if answer is None or options.get("flags"):
                return real(host, port, *rest, **options)
            if isinstance(answer, int):
                raise socket.gaierror(answer, "made up by the test")
            return real(answer, port, *rest, **options)

        self.monkeypatch.setattr(socket, "getaddrinfo", look_up)

    # -- the client

    def web(self, name: str = "127.0.0.1", port: int = 22, more: str = "") -> str:
        """Return a configuration with one host, ``web``."""
        known = self.folder / "known_hosts"
        return (
            f"Host web\n    HostName {name}\n    Port {port}\n    User me\n"
            f"    UserKnownHostsFile {known}\n    GlobalKnownHostsFile /dev/null\n"
            f"    IdentityAgent none\n{more}"
        )

    def config(self, text: str) -> Path:
        """Write a configuration file."""
        file = self.folder / "config"
        file.write_text(text)
        file.chmod(0o600)
        return file

    async def client(
        self,
        config: Path | str,
        *answers: object,
        settings: Settings = PATIENT,
        prompter: Prompter | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Client:
        """Return a connection manager on a configuration, as text or as a file."""
        file = self.config(config) if isinstance(config, str) else config
        overrides = tuple((options or {}).items())
        return await self._stack.enter_async_context(
            connecting(file, *answers, settings=settings, prompter=prompter, overrides=overrides)
        )

    async def attempt(
        self, config: Path | str, host: str = "web", *answers: object, **rest: Any
    ) -> Told:
        """Connect to `host`, which must fail; return what was told."""
        client = await self.client(config, *answers, **rest)
        return await self.failing(client, host)

    async def failing(self, client: Client, host: str = "web") -> Told:
        """Connect to `host`, which must fail; return what was told."""
        try:
            async with asyncio.timeout(PATIENCE):
                lease = await client.manager.lease(host, "test")
        except SSHDashError as error:
            return self.told(error, client.manager.status(host).timeline)
        lease.release()
        raise AssertionError(f"{host} can be connected to")

    async def failure_of(self, doing: Awaitable[object]) -> Told:
        """Await what must fail; return what was told."""
        try:
            async with asyncio.timeout(PATIENCE):
                done = await doing
        except SSHDashError as error:
            return self.told(error)
        raise AssertionError(f"it did not fail but returned {done!r}")

    def when(self, client: Client, host: str, phase: Phase, strike: Callable[[], object]) -> None:
        """Call `strike` once, when an attempt at `host` comes to `phase`."""
        struck = False

        def look(_: int, entry: Entry) -> None:
            nonlocal struck
            if entry.phase is phase and not entry.hop and not struck:
                struck = True
                strike()

        def note(event: Event) -> None:
            timeline = client.manager.status(host).timeline
            if isinstance(event, ConnectionChanged) and event.host == host and timeline:
                timeline.watch(look)

        client.bus.subscribe(note)

    # -- what was told

    def told(self, error: SSHDashError, timeline: Timeline | None = None) -> Told:
        """Return what a person reads of `error`, and where the timeline says that it failed."""
        good, broken = (timeline.last_good, timeline.broken) if timeline else (None, None)
        return Told(
            self.neutral(error.title),
            self.neutral(error.detail),
            self.neutral(error.hint),
            _phase(good),
            _phase(broken),
        )

    def neutral(self, text: str) -> str:
        """Return `text` without this run's ports, folders, keys and user."""
        for place in sorted(self._places, key=len, reverse=True):
            text = text.replace(place, self._places[place])
        text = re.sub(r"port \d+", "port 22", text)
        text = re.sub(r"(127\.0\.0\.1|localhost)\]:\d+", r"\1]:22", text)
        text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:22", text)
        text = re.sub(r"after [\d.]+ s\b", "after 30 s", text)
        text = re.sub(r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:…", text)
        text = re.sub(rf"\b{re.escape(getpass.getuser())}@", "me@", text)
        return text.replace("tester@", "me@")


def _phase(entry: Entry | None) -> str:
    return entry.phase.value if entry else ""
