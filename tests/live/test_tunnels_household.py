"""Saved rules in a backend, followed as their file changes, and handed to another process."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import psutil
import pytest

from sshdash.backend import Backend
from sshdash.errors import ConfigError
from sshdash.events import Event, RulesChanged, TunnelChanged, WarningRaised
from sshdash.paths import runtime_dir
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Rule, Start
from sshdash.tunnels.kept.rules_file import load_rules, rules_file, save_rule
from sshdash.tunnels.kept.rules_text import parse_option
from sshdash.tunnels.owners.claims import Claims
from sshdash.tunnels.owners.detached import Detached
from sshdash.tunnels.owners.documents import listed
from sshdash.tunnels.owners.handover import HandOver
from sshdash.tunnels.snapshot import TunnelSnapshot
from tests.live.conftest import BackendFor
from tests.live.test_cli_forward import forwarding
from tests.live.test_cli_tunnels import sshdash
from tests.live.tunnel_kit import echo, exchange, free_to_use, target, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


def rule(name: str, *forwards: str, host: str = "sshd", **fields: Any) -> Rule:
    return Rule(name, host, tuple(map(parse_option, forwards)), **fields)


class Told:
    """What a backend tells, to wait for."""

    def __init__(self, backend: Backend) -> None:
        self.events: list[Event] = []
        self._came = asyncio.Event()
        backend.events.subscribe(self._note)

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self._came.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._came.clear()
                await self._came.wait()

    def warnings(self) -> str:
        return "\n".join(
            f"{one.title}: {one.detail}" for one in self.events if isinstance(one, WarningRaised)
        )


def rows(backend: Backend) -> dict[str, tuple[str, TunnelState]]:
    return {
        str(one.spec): (one.rule.name if one.rule else "", one.state)
        for one in backend.tunnels.snapshots()
    }


@contextlib.asynccontextmanager
async def ended_afterwards(done: HandOver) -> AsyncIterator[list[psutil.Process]]:
    """Give the processes that took over; kill those that are still there."""
    processes = [psutil.Process(one.pid) for one in done.processes]
    try:
        yield processes
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        left = "one that took over, or its zombie, to go"
        await until(lambda: not any(one.is_running() for one in processes), left)


async def test_the_list_is_as_the_file_and_what_is_open_stays(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    told, rules = Told(backend), backend.household.rules
    file = rules_file()
    save_rule(rule("a", "-D 0", "-L 0:127.0.0.1:1"))
    await rules.follow()
    closed = TunnelState.CLOSED
    assert rows(backend) == {"0": ("a", closed), "0:127.0.0.1:1": ("a", closed)}
    first, second = rules.tunnels("a")
    await backend.tunnels.start(first)

    file.write_text("a: {host: sshd, forwards: [-D 0], note: new}\nbad: {}\nb: {host: x\n")
    await told.until(
        lambda: "tunnels.yaml:3" in told.warnings() or "tunnels.yaml:4" in told.warnings()
    )
    assert len(rows(backend)) == 2, "a file that is no YAML changes nothing"

    file.write_text(
        "a: {host: sshd, forwards: [-D 0], note: new}\nbad: {}\nb: {host: x, forwards: [-D 1]}\n"
    )
    await told.until(lambda: "1" in rows(backend))
    assert "tunnels.yaml:2: bad" in told.warnings()
    assert rows(backend) == {"0": ("a", TunnelState.OPEN), "1": ("b", closed)}
    snapshot = backend.tunnels.snapshot(first)
    assert snapshot.rule is not None
    assert snapshot.rule.note == "new"

    file.write_text("b: {host: x, forwards: [-D 1]}\n")
    await told.until(lambda: "is open, and stays until it is closed" in told.warnings())
    assert rows(backend)["0"] == ("a", TunnelState.OPEN)
    await backend.tunnels.stop(first)
    await told.until(lambda: "0" not in rows(backend))
    assert any(isinstance(one, RulesChanged) for one in told.events)
    assert second not in {one.id for one in backend.tunnels.snapshots()}


async def test_a_file_that_goes_or_cannot_be_read_is_told_and_takes_nothing_away(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    told, rules, file = Told(backend), backend.household.rules, rules_file()
    save_rule(rule("a", "-D 0", note="kept"))
    await rules.follow()
    before = rows(backend)
    await backend.tunnels.start(rules.tunnels("a")[0])
    file.unlink()
    await told.until(lambda: "The file of the tunnels is gone" in told.warnings())
    assert rows(backend) == {"0": ("a", TunnelState.OPEN)}
    file.mkdir()
    await told.until(lambda: "no regular file" in told.warnings())
    file.rmdir()
    await rules.load()
    assert told.warnings().count("The file of the tunnels is gone") == 2, "each time anew"
    await rules.load()
    assert told.warnings().count("The file of the tunnels is gone") == 2, "and once"
    assert len(rows(backend)) == len(before) == 1

    await rules.save(rule("b", "-D 1"))
    assert [one.name for one in load_rules().rules] == ["a", "b"]
    assert load_rules().rules[0].note == "kept"
    file.write_text("# nothing\n")
    await told.until(lambda: "has no rules now" in told.warnings())
    await told.until(lambda: rows(backend) == {"0": ("a", TunnelState.OPEN)})


async def test_what_is_wrong_with_the_file_is_told_once_for_as_long_as_it_is(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    told, rules, file = Told(backend), backend.household.rules, rules_file()
    save_rule(rule("a", "-D 0"))
    bad = "a: {host: sshd, forwards: [-D 0]}\nbad: {}\n"
    for text, times in ((bad, 1), (bad + "b: {host: x, forwards: [-D 1]}\n", 1), ("", 1), (bad, 2)):
        file.write_text(text or "a: {host: sshd, forwards: [-D 0]}\n")
        await rules.load()
        assert told.warnings().count("tunnels.yaml:2: bad") == times


async def test_rules_are_saved_renamed_and_removed_as_they_run(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    port = str(free_port())
    text = f"Host sshd\n DynamicForward {port}\n{sshd.config_file.read_text()}"
    sshd.config_file.write_text(text)
    backend = await backend_for(sshd.config_file)
    rules = backend.household.rules
    [configured] = backend.add_config_forwards("sshd")
    assert await rules.save(rule("named", f"-D {port}")) == [configured]
    await backend.tunnels.start(configured)
    await rules.rename("named", "other")
    assert rows(backend) == {port: ("other", TunnelState.OPEN)}
    with pytest.raises(ConfigError):
        await rules.save(rule("", "-D 1"))
    await rules.save(replace(rules.get("other"), note="n"))
    await rules.remove("other")
    assert rows(backend) == {port: ("", TunnelState.OPEN)}, "it is still one of ssh_config"


async def test_a_rule_that_is_removed_while_it_is_open_is_not_told_of(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    told, rules = Told(backend), backend.household.rules
    [tunnel] = await rules.save(rule("web", "-D 0"))
    await backend.tunnels.start(tunnel)
    await rules.remove("web")
    assert rows(backend) == {"0": ("web", TunnelState.OPEN)}, "it stays until it is closed"
    assert told.warnings() == "", "whoever removed it knows"
    await backend.tunnels.stop(tunnel)
    await told.until(lambda: not rows(backend))


async def test_what_a_process_runs_is_on_the_list_of_another(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    async with target(echo) as port:
        save_rule(rule("web", f"-L 0:127.0.0.1:{port}", f"-R 127.0.0.1:0:127.0.0.1:{port}"))
        backend = await backend_for(sshd.config_file)
        household = backend.household
        await household.open("screen")
        await household.rules.load()
        mine, other = household.rules.tunnels("web")
        async with forwarding(sshd, "sshd", "-D", "0", "--name", "web") as run:
            opened = [await run.until("open") for _ in range(3)]
            owner = f"forward (pid {run.process.pid})"

            def seen() -> list[TunnelSnapshot]:
                return [one for one in household.snapshots() if one.owner == owner]

            await until(lambda: len(seen()) == 3, "the rows of the other process")
            assert [one.id for one in seen()[:2]] == [mine, other]
            failed = await backend.tunnels.start(mine)
            assert failed.state is TunnelState.FAILED
            assert f"web is run by {owner}" in failed.error
            await household.ask("pause", seen()[0])
            assert (await run.until("paused"))["kind"] == "local", "the others go on"
            await household.ask("resume", seen()[0])
            await household.take_over([mine])
            for one in (mine, other):
                assert backend.tunnels.snapshot(one).state is TunnelState.OPEN, "it is one rule"
            listen = int(backend.tunnels.snapshot(mine).listen.rpartition(":")[2])
            assert await exchange(listen, b"here now") == b"here now"
            assert listen not in {one["port"] for one in opened}, "port 0 is chosen again"
            assert (await run.end(signal.SIGTERM))[0] == 0


async def test_of_a_group_one_rule_runs_on_the_whole_machine(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    save_rule(rule("first", "-D 0", group="dbs"))
    save_rule(rule("second", "-L 0:127.0.0.1:1", group="dbs"))
    backend = await backend_for(sshd.config_file)
    household = backend.household
    await household.open("screen")
    await household.rules.load()
    [mine] = household.rules.tunnels("second")
    async with forwarding(sshd, "--name", "first") as run:
        await run.until("open")
        failed = await backend.tunnels.start(mine)
        assert failed.state is TunnelState.FAILED
        assert f"first is run by forward (pid {run.process.pid})" in failed.error
        assert "end that first: sshdash tunnels end first" in failed.error
        await backend.tunnels.stop(mine)
        status, _, err = await sshdash(sshd, "tunnels", "start", "second")
        assert status == 1
        assert f"first is run by forward (pid {run.process.pid})" in err
        assert backend.tunnels.snapshot(mine).state is TunnelState.CLOSED, "told to who asked"
        await household.start(mine)
        assert backend.tunnels.snapshot(mine).state is TunnelState.OPEN
        assert (await run.end())[0] == 0, "nothing is left for it to run"
    async with forwarding(sshd, "--name", "first") as run:
        assert (await run.end())[0] == 5, "another process runs one of its group"
    async with forwarding(sshd, "--take-over", "--name", "first") as run:
        await run.until("open")
        assert backend.tunnels.snapshot(mine).state is TunnelState.CLOSED


async def test_a_group_that_is_changed_while_it_runs_is_free_for_others(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    save_rule(rule("first", "-D 0", group="dbs"))
    others = Claims(runtime_dir(), "forward")
    backend = await backend_for(sshd.config_file)
    told, rules = Told(backend), backend.household.rules
    await rules.load()
    [mine] = rules.tunnels("first")
    await backend.tunnels.start(mine)
    assert not others.is_free("second", "dbs")
    await rules.save(replace(rules.get("first"), group="web"), "first")
    assert backend.tunnels.snapshot(mine).state is TunnelState.OPEN
    assert others.is_free("second", "dbs")
    assert not others.is_free("second", "web")
    await rules.rename("first", "renamed")
    assert others.is_free("first")
    assert not others.is_free("renamed")
    with others.sole("second", "dbs"):
        await rules.save(replace(rules.get("renamed"), group="dbs"), "renamed")
        assert backend.tunnels.snapshot(mine).state is TunnelState.OPEN
        assert "second is run by forward" in told.warnings()
    await backend.tunnels.stop(mine)
    assert others.is_free("renamed", "dbs")


async def test_tunnels_are_handed_over_with_their_ports(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    async with target(echo) as port:
        listen = free_port()
        save_rule(rule("web", f"-L {listen}:127.0.0.1:{port}", "-D 0"))
        backend = await backend_for(sshd.config_file)
        await backend.household.open("screen")
        await backend.household.rules.load()
        there = f"127.0.0.1:{port}"
        ids = backend.household.rules.tunnels("web")
        for forward, host in ((f"-L 0:{there}", "inner"), (f"-R 0:{there}", "inner")):
            ids.append(backend.tunnels.add(host, parse_option(forward)))
        for one in ids:
            assert (await backend.tunnels.start(one)).state is TunnelState.OPEN
        places = [backend.tunnels.snapshot(one).listen for one in ids[1:]]
        socks, *others = (int(place.rpartition(":")[2]) for place in places)
        numbers = [listen, *others]

        done = await backend.hand_over(ids)
        async with ended_afterwards(done) as processes:
            assert (sorted(done.moved), done.kept) == (sorted(ids), ())
            assert {backend.tunnels.snapshot(one).state for one in ids} == {TunnelState.CLOSED}
            await backend.close()
            for number in numbers:
                assert await exchange(number, b"elsewhere") == b"elsewhere"
            assert not free_to_use(socks), "a port that was chosen is kept, too"
            assert len(processes) == 2
            again = await backend_for(sshd.config_file)
            await again.household.open("screen")
            await again.household.rules.load()
            [first, second] = again.household.rules.tunnels("web")
            await again.household.neighbours.look()
            ours = [one for one in again.household.snapshots() if one.id in (first, second)]
            assert [one.listen for one in ours] == [f"localhost:{listen}", f"localhost:{socks}"]
            await again.household.take_over([second])
            assert await exchange(listen, b"back") == b"back"
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):  # it has nothing left to run
                    process.terminate()
            await until(lambda: all(map(free_to_use, numbers[1:])), "their end")


async def test_rules_that_start_by_themselves_leave_those_of_others_alone(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    """Connecting a host begins its rules: not those that are about to be taken over."""
    listen = free_port()
    save_rule(rule("web", f"-D {listen}", start=Start.HOST))
    save_rule(rule("early", "-D 0", start=Start.LAUNCH))
    backend = await backend_for(sshd.config_file)
    told = Told(backend)
    await backend.household.open("screen")
    await backend.household.rules.load()
    ids = [one.id for one in backend.tunnels.snapshots()]
    async with forwarding(sshd, "--all") as run:
        for _ in range(2):
            await run.until("open")
        assert await backend.tunnels.launch() == []
        async with await backend.connections.lease("sshd", "test"):
            pass
        assert not [one for one in told.events if isinstance(one, TunnelChanged)]
        await backend.household.take_over(ids)
        ended = await run.end()
        assert ended[0] == 0, ended
    done = await backend.hand_over(ids)
    async with ended_afterwards(done):
        assert (sorted(done.moved), done.kept) == (sorted(ids), ())
        assert not free_to_use(listen)


async def test_a_host_that_has_to_ask_keeps_its_tunnels_here(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    async with target(echo) as port:
        backend = await backend_for(sshd.config_file)
        await backend.household.open("screen")
        tunnel = backend.tunnels.add("sshd", parse_option(f"-L 0:127.0.0.1:{port}"))
        opened = await backend.tunnels.start(tunnel)
        sshd.authorized_keys.write_text("")  # as if only a password would do
        done = await backend.hand_over([tunnel])
        assert done.moved == ()
        [kept] = done.kept
        assert kept.tunnel == tunnel
        assert "Permission denied" in kept.reason
        assert backend.tunnels.snapshot(tunnel).state is TunnelState.OPEN
        assert await exchange(int(opened.listen.rpartition(":")[2]), b"kept") == b"kept"


async def test_what_cannot_be_had_there_comes_back(
    sshd: RealSshd, backend_for: BackendFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with target(echo) as port:
        backend = await backend_for(sshd.config_file)
        await backend.household.open("screen")
        listen = free_port()
        tunnel = backend.tunnels.add("sshd", parse_option(f"-L {listen}:127.0.0.1:{port}"))
        opened = await backend.tunnels.start(tunnel)

        async def detach(options: object, arguments: object) -> Detached:
            await backend.tunnels.stop(tunnel)  # it was asked for, and somebody was quicker
            there = listed(replace(opened, state=TunnelState.FAILED, error="Port is in use"))
            return Detached(0, "", "", (there,))

        monkeypatch.setattr("sshdash.tunnels.owners.handover.detach", detach)
        done = await backend.hand_over([tunnel])
        assert [one.reason for one in done.kept] == ["Port is in use"]
        assert await exchange(listen, b"back here") == b"back here"
