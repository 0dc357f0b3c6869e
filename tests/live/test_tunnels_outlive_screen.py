"""Screens and the processes that tunnels outlive them in: the installed program, a real sshd."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from sshdash.paths import runtime_dir
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rules_file import load_rules, remove_rule
from sshdash.tunnels.owners.neighbours import survey
from sshdash.tunnels.snapshot import TunnelSnapshot
from tests.live.test_cli_tunnels import keep, sshdash
from tests.live.tunnel_kit import echo, exchange, free_to_use, target, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd
from tests.servers.tmux import Tmux, installed

RULE = "web"
GAP = 5.0
"""Seconds that nobody may be served for while a rule changes hands: it is a tenth of one."""
_AT_REST = (TunnelState.CLOSED, TunnelState.FAILED)


class Visitors:
    """Clients of a port, one after the other, who note when nobody is there for them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.served = 0
        self.wrong: list[bytes] = []
        self._away: list[float] = []

    def longest(self) -> float:
        """Return the most seconds from one that was served to the next, since this was asked."""
        longest = max(self._away)
        self._away.clear()
        return longest

    async def more(self) -> None:
        """Wait until another one was served who has come since this was asked."""
        seen = self.served
        await until(lambda: self.served > seen + 1, "another visitor")

    async def come(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            said = f"visitor {self.served}".encode()
            try:
                heard = await exchange(self.port, said)
            except OSError:
                heard = b""  # refused, or cut off as the rule changed hands
            if heard == said:
                self._away.append(loop.time() - last)
                last = loop.time()
                self.served += 1
            elif heard:
                self.wrong.append(heard)
            await asyncio.sleep(0.005)


class Owners:
    """Asks all processes again and again who runs the rule."""

    def __init__(self) -> None:
        self.together: list[set[int]] = []
        """Those that ran it at one moment, where that was more than one."""

    async def watch(self) -> None:
        before: set[int] = set()
        while True:
            now = await owners()
            # One that hands it over between two answers is in one of two such sets.
            if len(both := before & now) > 1:
                self.together.append(both)
            before = now
            await asyncio.sleep(0.01)


async def owners() -> set[int]:
    return {one.pid for one in await survey(runtime_dir()) if any(map(_is_run, one.tunnels))}


def _is_run(tunnel: TunnelSnapshot) -> bool:
    named = tunnel.rule is not None and tunnel.rule.name == RULE
    return named and tunnel.state not in _AT_REST


async def sole_owner() -> int:
    """Return who alone runs the rule, once somebody does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await owners()
            if len(found) == 1:
                return found.pop()
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def at_once(*works: "asyncio._CoroutineLike[None]") -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, Exception):
                raise done


@contextlib.asynccontextmanager
async def screen() -> AsyncIterator[Tmux]:
    """Open sshdash at its tunnels."""
    async with Tmux(*installed("sshdash", sys.executable)) as terminal:
        await terminal.wait_for("inner")
        await terminal.type("C-g", "t")
        await terminal.wait_for("▕ [●○] (web )? *L ")
        yield terminal


async def pid_of(terminal: Tmux) -> int:
    """Return the number of the sshdash in a terminal."""
    for one in await terminal.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # others come and go
            if one.name() != "sh" and any("sshdash" in word for word in one.cmdline()[:3]):
                return one.pid
    raise AssertionError("there is no sshdash")


def runs(pid: int) -> bool:
    """Return whether a process runs that nobody may have waited for."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def in_the_hands_of(pid: int, sign: str = "●", kind: str = "forward") -> str:
    """Return what a screen has for the rule while another process runs it."""
    return rf"{sign} .*↗ .*(\n.*)+↗ {kind} \(pid {pid}\) runs it"


def rows(shown: str, port: int) -> int:
    """Return how many tunnels of a screen listen on a port."""
    return len(re.findall(rf"[●○◌] .*L (?:localhost)?:{port} →", shown))


HERE = r"● [^↗\n]*up <1 min"


@pytest.fixture
async def port(sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Give the port of a saved rule that leads to a service which echoes; end what runs it."""
    monkeypatch.chdir(home)
    config = home / ".ssh" / "config"
    config.write_text(sshd.config_file.read_text())
    config.chmod(0o600)
    async with target(echo) as service:
        listen = free_port()
        keep(RULE, "sshd", f"-L {listen}:127.0.0.1:{service}")
        try:
            yield listen
        finally:
            for one in await survey(runtime_dir()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(one.pid).kill()


async def test_a_rule_outlives_its_screen_and_comes_back_to_another(
    sshd: RealSshd, port: int
) -> None:
    visitors, watched = Visitors(port), Owners()
    async with screen() as first:
        await first.type("Enter")
        await first.wait_for(HERE)
        mine = await sole_owner()
        assert mine == await pid_of(first)
        async with at_once(visitors.come(), watched.watch()):
            await first.type("C-g", "q")
            await first.wait_for("1 tunnel can go on without the screen")
            await first.type("k")
            await first.wait_for("^exit status 0")
            apart = await sole_owner()
            assert apart != mine
            assert await exchange(port, b"apart") == b"apart"
            await visitors.more()
            gaps = [visitors.longest()]

            async with screen() as second:
                await second.wait_for(in_the_hands_of(apart))
                await asyncio.to_thread(sshd.stop)
                await second.wait_for(in_the_hands_of(apart, "◌"))
                await asyncio.to_thread(sshd.start)
                await second.wait_for(in_the_hands_of(apart))
                await visitors.more()
                visitors.longest()  # they waited while the server was away
                await second.type("t")
                assert rows(await second.wait_for(HERE), port) == 1, "one owner on screen, too"
                assert await sole_owner() == await pid_of(second)
                assert await exchange(port, b"here") == b"here"
                await until(lambda: not runs(apart), "the end of the other process")
            await visitors.more()
            gaps.append(visitors.longest())
    assert max(gaps) < GAP
    assert (visitors.wrong, watched.together) == ([], [])


async def test_a_forward_of_ssh_config_outlives_its_screen(home: Path, port: int) -> None:
    """It has no name: another screen knows it by its host and what it forwards."""
    [configured] = load_rules().rules[0].forwards
    remove_rule(RULE)
    config = home / ".ssh" / "config"
    listen, aim = configured.in_ssh()
    config.write_text(f"Host sshd\n    LocalForward {listen} {aim}\n{config.read_text()}")
    async with screen() as first:
        await first.type("Enter")
        await first.wait_for(HERE)
        await first.type("C-g", "q")
        await first.wait_for("1 tunnel can go on without the screen")
        await first.type("k")
        await first.wait_for("^exit status 0")
    [process] = await survey(runtime_dir())
    async with screen() as second:
        assert rows(await second.wait_for(in_the_hands_of(process.pid)), port) == 1
        await second.type("t")
        assert rows(await second.wait_for(HERE), port) == 1
        assert await exchange(port, b"here") == b"here"


async def test_what_a_killed_process_ran_is_free_at_once(port: int) -> None:
    async with screen() as first, screen() as second:
        await first.type("Enter")
        await first.wait_for(HERE)
        killed = await pid_of(first)
        await second.wait_for(in_the_hands_of(killed, kind="screen"))
        os.kill(killed, signal.SIGKILL)
        await second.wait_for(r"○ .*closed")
        assert free_to_use(port)
        await second.type("Enter")
        await second.wait_for(HERE)
        assert await sole_owner() == await pid_of(second)

        await second.type("C-g", "q")
        await second.wait_for("1 tunnel can go on without the screen")
        await second.type("k")
        await second.wait_for("^exit status 0")
    apart = await sole_owner()
    async with screen() as third:
        await third.wait_for(in_the_hands_of(apart))
        os.kill(apart, signal.SIGKILL)
        await third.wait_for(r"○ .*closed")
        await third.type("Enter")
        await third.wait_for(HERE)
        assert await exchange(port, b"again") == b"again"


async def test_of_two_screens_that_want_one_rule_one_has_it(sshd: RealSshd, port: int) -> None:
    watched = Owners()
    async with screen() as first, screen() as second, at_once(watched.watch()):
        screens = {await pid_of(one): one for one in (first, second)}
        await asyncio.gather(*(one.type("Enter") for one in screens.values()))
        await one_has_it(screens, port)
        for _ in range(2):
            status, _, err = await sshdash(
                sshd, "forward", "--detach", "--take-over", "--name", RULE
            )
            assert status == 0, err
            apart = await sole_owner()
            for one in screens.values():
                await one.wait_for(in_the_hands_of(apart))
            await asyncio.gather(*(one.type("t") for one in screens.values()))
            await one_has_it(screens, port)
    assert watched.together == []


async def one_has_it(screens: dict[int, Tmux], port: int) -> None:
    """Wait until one screen has the rule and the other tells which; the later may take it too."""
    async with asyncio.timeout(PATIENCE):
        while not await agree(screens):  # noqa: ASYNC110 - a screen tells nobody
            await asyncio.sleep(0.05)
    assert await sole_owner() in screens
    assert await exchange(port, b"one") == b"one"


async def agree(screens: dict[int, Tmux]) -> bool:
    """Return whether one of two screens has the rule, and the other says so."""
    (first, one), (second, other) = [(pid, await it.screen()) for pid, it in screens.items()]
    return (shows(one, HERE) and shows(other, in_the_hands_of(first, kind="screen"))) or (
        shows(other, HERE) and shows(one, in_the_hands_of(second, kind="screen"))
    )


def shows(screen: str, pattern: str) -> bool:
    return re.search(pattern, screen, re.MULTILINE) is not None
