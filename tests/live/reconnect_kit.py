"""People, jump hosts and lines for the tests of connections that come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from sshdash.connections.recovery import vigil, wakefulness
from sshdash.prompts import Question, SecretQuestion
from tests.servers.loopback import LoopbackServer
from tests.servers.proxy import Proxy


def through_line(server: LoopbackServer, line: Proxy) -> Path:
    """Have the server's client configuration lead through `line`."""
    for file in (server.known_hosts, server.config_file):
        file.write_text(file.read_text().replace(str(server.port), str(line.port)))
    return server.config_file


class Suspension:
    """Makes the clock that counts suspension jump."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept = 0.0
        monkeypatch.setattr(wakefulness, "TICK", 0.05)
        clock = wakefulness.awake_or_not
        defaults = (lambda: clock() + self.slept,)
        monkeypatch.setattr(wakefulness.SleepWatch.__init__, "__defaults__", defaults)
        monkeypatch.setattr(vigil, "PROBE_SECONDS", 0.5)


class Person:
    """Answers when told to."""

    def __init__(self, *answers: tuple[str, ...] | None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, question: Question[object]) -> object:
        assert isinstance(question, SecretQuestion)
        self.asked += 1
        await self.may_answer.wait()
        return self.answers.pop(0)


class Star:
    """A jump host ``a`` and three hosts behind it, ``b``, ``c`` and ``d``."""

    def __init__(self, hop: LoopbackServer, far: list[LoopbackServer], config: Path) -> None:
        self.hop, self.far, self.config = hop, far, config


@asynccontextmanager
async def star(folder: Path) -> AsyncIterator[Star]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(LoopbackServer()) for _ in "abcd"]
        text = ""
        for name, server in zip("abcd", servers, strict=True):
            jump = "" if name == "a" else "    ProxyJump a\n"
            text += server.config_file.read_text().replace("loopback\n", f"{name}\n{jump}", 1)
        config = folder / "star"
        config.write_text(text)
        yield Star(servers[0], servers[1:], config)
