"""The socket by which processes ask each other about tunnels, and what may come in by it."""

import asyncio
import errno
import fcntl
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sshdash.errors import ForwardError, SSHDashError
from sshdash.events import EventBus
from sshdash.paths import runtime_dir, secret_dir
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Probe, ProbeKind, Rule, Start
from sshdash.tunnels.kept.rules_text import parse_option
from sshdash.tunnels.legs import Cause, Leg, LegState, Mishap
from sshdash.tunnels.owners import control as control_module
from sshdash.tunnels.owners.claims import Claims, OwnedElsewhere
from sshdash.tunnels.owners.control import MAX_REQUEST, Control
from sshdash.tunnels.owners.documents import Answer, document, listed
from sshdash.tunnels.owners.household import Household, NotTaken
from sshdash.tunnels.owners.neighbours import Neighbours, ask, survey
from sshdash.tunnels.snapshot import ProbeResult, TunnelSnapshot
from tests.patience import PATIENCE


def tunnel(identifier: str, name: str = "", **fields: Any) -> TunnelSnapshot:
    spec = parse_option("-L 5432:db:5432")
    rule = Rule(name, "web", (spec,), start=Start.HOST, probe=Probe(ProbeKind.HTTP, "/x", 3.0))
    snapshot = TunnelSnapshot(
        id=identifier, host="web", kind=spec.kind, spec=spec, source="saved",
        listen="localhost:5432", target="db:5432", route=("bastion", "web"),
        state=TunnelState.OPEN, exposed=False, clients=1, clients_total=2, failures=0, bytes_up=3,
        bytes_down=4, rate_up=0.5, rate_down=0.0, history=(0, 7), error="", uptime=1.5,
        rule=rule if name else None,
        legs=(Leg("you", "web", LegState.UP, 0.01), Leg("web", "db", LegState.FAILED, None,
              Cause.TARGET_REFUSED, "no")),
        mishaps=(Mishap(1.0, Cause.OTHER, "x"),), probe=ProbeResult(1.0, None, "?"),
    )  # fmt: skip
    return replace(snapshot, **fields)


class Desk:
    """Tunnels to be asked about, and what was asked of them."""

    def __init__(self, *tunnels: TunnelSnapshot) -> None:
        self.tunnels = list(tunnels)
        self.asked: list[tuple[str, str]] = []

    def snapshots(self) -> list[TunnelSnapshot]:
        return self.tunnels

    async def stop(self, identifier: str) -> None:
        self.asked.append(("stop", identifier))

    async def refuse(self, identifier: str) -> None:
        raise ForwardError("No", "because", "try harder")

    async def miss(self, identifier: str) -> None:
        raise KeyError(identifier)

    async def blunder(self, identifier: str) -> None:
        raise RuntimeError("secret")


@asynccontextmanager
async def answering(desk: Desk, kind: str = "forward") -> AsyncIterator[Control]:
    acts = {
        "stop": desk.stop,
        "start": desk.refuse,
        "pause": desk.miss,
        "resume": desk.blunder,
    }
    control = Control(runtime_dir(), kind, desk, acts)
    await control.open()
    try:
        yield control
    finally:
        await control.close()


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let what is asked look as if it came from another process."""
    monkeypatch.setattr("sshdash.tunnels.owners.neighbours.getpid", lambda: 1)
    return os.getpid()


async def raw(path: Path, data: bytes, end: bool = False) -> bytes:
    """Send bytes; return the first line that comes back."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            return await reader.readline()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def test_a_tunnel_survives_being_json() -> None:
    for one in (tunnel("t1", "web"), tunnel("t2"), tunnel("t3", host="no\udcfftext")):
        told = Answer(True, pid=1, kind="screen", tunnels=[one])
        assert Answer.decode(told.encode()) == told
        assert b"\n" not in told.encode()
        json.dumps(document(one))
    fields = listed(tunnel("t1", "web"))
    assert (fields["name"], fields["port"], fields["kind"]) == ("web", 5432, "local")
    assert fields["forward"] == "-L 5432:db:5432"


async def test_others_see_the_tunnels_and_whose_they_are(stranger: int) -> None:
    async with answering(Desk(tunnel("t1", "web"), tunnel("t2"))) as control:
        assert stat.S_IMODE(control.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(control.path.parent.stat().st_mode) == 0o700
        [found] = await survey(runtime_dir())
        assert (found.pid, found.kind, found.problem) == (stranger, "forward", "")
        owner = f"forward (pid {stranger})"
        assert found.tunnels == (
            replace(tunnel("t1", "web"), id=f"{stranger}/t1", owner=owner),
            replace(tunnel("t2"), id=f"{stranger}/t2", owner=owner),
        )
    assert await survey(runtime_dir()) == []


async def test_what_is_asked_is_done_and_refusals_come_back(stranger: int) -> None:
    desk = Desk(tunnel("t1", "web"), tunnel("t2", "web"), tunnel("t3"))
    async with answering(desk):
        await ask(runtime_dir(), stranger, "stop", name="web")
        await ask(runtime_dir(), stranger, "stop", tunnel="t3")
        assert desk.asked == [("stop", "t1"), ("stop", "t2"), ("stop", "t3")]
        for do, name, said in (
            ("start", "web", "No: because (try harder)"),
            ("stop", "nothing", "There is no tunnel nothing"),
            ("format", "web", "cannot be asked for"),
            ("stop", "", "There is no tunnel"),
            ("pause", "web", "The tunnel was removed meanwhile"),
            ("resume", "web", "the log of the process has more"),
        ):
            with pytest.raises(SSHDashError) as caught:
                await ask(runtime_dir(), stranger, do, name=name)
            assert said in str(caught.value)
    with pytest.raises(SSHDashError, match="runs no tunnels"):
        await ask(runtime_dir(), stranger, "stop", name="web")


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"null\n", b"[]\n", b"{\n", b'{"do": 1}\n', b'{"do": {"a": []}}\n', b"\xff\xfe\n",
        b'{"do": "list", "x": null}\n', b"[" * 4_000 + b"\n", b"\x00\x01\n", b'"\\ud800"\n',
    ],
)  # fmt: skip
async def test_nonsense_is_answered_as_such(line: bytes) -> None:
    async with answering(Desk()) as control:
        answer = json.loads(await raw(control.path, line))
        assert (answer["ok"], answer["title"]) == (False, "That is no request")
        assert json.loads(await raw(control.path, b'{"do": "list"}\n'))["ok"] is True


async def test_a_request_without_an_end_and_one_too_long_end_that_peer_alone() -> None:
    async with answering(Desk()) as control:
        assert await raw(control.path, b'{"do": "list"', end=True) == b""
        assert await raw(control.path, b"x" * (MAX_REQUEST * 3)) == b""
        assert json.loads(await raw(control.path, b'{"do": "list"}\n'))["ok"] is True


async def test_peers_that_say_nothing_are_bounded_in_number_and_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(Desk()) as control:
        silent = [await asyncio.open_unix_connection(str(control.path)) for _ in range(60)]
        ended = 0
        for reader, _ in silent[32:]:
            async with asyncio.timeout(PATIENCE):
                ended += await reader.read() == b""
        assert ended == 28
        monkeypatch.setattr(control_module, "_PATIENCE", 0.01)
        for _, writer in silent:
            writer.close()
        async with asyncio.timeout(PATIENCE):
            while not (answer := await raw(control.path, b'{"do": "list"}\n')):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert json.loads(answer)["ok"] is True
            assert await raw(control.path, b"half") == b"", "who says no more is let go"


async def test_another_user_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(Desk()) as control:
        monkeypatch.setattr(control_module, "peer_uid", lambda _: os.getuid() + 1)
        assert await raw(control.path, b'{"do": "list"}\n') == b""


async def test_no_more_are_heard_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "_MAX_PEERS", 2)
    async with answering(Desk()) as control, AsyncExitStack() as idle:
        for _ in range(2):
            _, writer = await asyncio.open_unix_connection(str(control.path))
            idle.callback(writer.close)
        assert await raw(control.path, b'{"do": "list"}\n') == b""


async def test_who_is_asked_to_end_still_answers(stranger: int) -> None:
    """A process whose last tunnel is taken over closes its socket over that very request."""
    desk = Desk(tunnel("t1", "web"))
    closing: list[asyncio.Task[None]] = []
    control = Control(runtime_dir(), "forward", desk, {})

    async def let_go(identifier: str) -> None:
        closing.append(asyncio.create_task(control.close()))
        await asyncio.sleep(0)

    control._acts = {"let_go": let_go}
    await control.open()
    await ask(runtime_dir(), stranger, "let_go", name="web")
    await asyncio.gather(*closing)


async def test_what_ended_processes_left_is_removed_and_a_stuck_one_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sshdash.tunnels.owners.neighbours._PATIENCE", 0.05)
    folder = secret_dir(runtime_dir())
    (folder / "forward-x.sock").touch()
    with socket.socket(socket.AF_UNIX) as left, socket.socket(socket.AF_UNIX) as stuck:
        left.bind(str(folder / "forward-4000000.sock"))
        left.close()
        stuck.bind(str(folder / "screen-4000001.sock"))
        stuck.listen()
        [found] = await survey(folder)
    assert (found.pid, found.kind, found.tunnels, found.problem) == (
        4000001, "screen", (), "no answer",
    )  # fmt: skip
    assert not (folder / "forward-4000000.sock").exists()


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"null\n", b"[]\n", b"garbage\n", b"\xff\n",
        b'{"ok": true, "tunnels": 3}\n', b'{"ok": true, "tunnels": [{}]}\n',
        b'{"ok": true, "tunnels": [{"spec": {"kind": "X"}}]}\n',
        b'{"ok": false, "title": "\\u001b[31m", "detail": 3}\n', b"[" * 100_000 + b"\n",
    ],
)  # fmt: skip
async def test_strange_answers_are_told_and_break_nothing(answer: bytes) -> None:
    folder = secret_dir(runtime_dir())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, str(folder / "forward-4000000.sock"))
    async with server:
        [found] = await survey(folder)
        assert found.tunnels == ()
        assert found.problem
        assert "\x1b" not in found.problem


async def test_what_others_run_stands_in_the_place_of_ours(stranger: int) -> None:
    neighbours = Neighbours(runtime_dir())
    async with answering(Desk(tunnel("t7", "web"), tunnel("t8"))):
        await neighbours.look()
        closed = tunnel("t1", "web", state=TunnelState.CLOSED)
        rows = neighbours.around([closed, tunnel("t2", "other")])
        owner = f"forward (pid {stranger})"
        assert [(one.id, one.owner, one.state) for one in rows] == [
            ("t1", owner, TunnelState.OPEN),
            ("t2", "", TunnelState.OPEN),
            (f"{stranger}/t8", owner, TunnelState.OPEN),
        ]
    await neighbours.close()


async def test_what_failed_elsewhere_is_told_where_it_is_closed_here(stranger: int) -> None:
    neighbours = Neighbours(runtime_dir())
    failed, states = TunnelState.FAILED, (TunnelState.CLOSED, TunnelState.FAILED, TunnelState.OPEN)
    names = ("web", "db", "api")
    async with answering(Desk(*(tunnel(f"t{one}", one, state=failed) for one in names))):
        await neighbours.look()
        own = [tunnel(one, one, state=state) for one, state in zip(names, states, strict=True)]
        rows = neighbours.around(own)
        assert [(one.id, bool(one.owner), one.state) for one in rows] == [
            ("web", True, failed),
            ("db", False, failed),
            ("api", False, TunnelState.OPEN),
        ]
    await neighbours.close()


async def test_forwards_without_a_name_are_the_same_by_where_they_listen(stranger: int) -> None:
    neighbours = Neighbours(runtime_dir())
    owner = f"forward (pid {stranger})"
    fixed, chosen = parse_option("-D 1080"), parse_option("-D 0")
    others = (tunnel("t7", spec=fixed), tunnel("t8", spec=chosen))
    async with answering(Desk(*others)):
        await neighbours.look()
        ours = [tunnel("t1", spec=fixed), tunnel("t2", spec=chosen)]
        rows = neighbours.around([replace(one, state=TunnelState.CLOSED) for one in ours])
        assert [(one.id, one.owner) for one in rows] == [
            ("t1", owner), ("t2", ""), (f"{stranger}/t8", owner),
        ]  # fmt: skip
    await neighbours.close()


async def test_what_was_taken_over_since_the_last_look_is_not_theirs_as_well(
    stranger: int,
) -> None:
    neighbours = Neighbours(runtime_dir())
    async with answering(Desk(tunnel("t7", "web"))):
        await neighbours.look()
    for state in (TunnelState.OPENING, TunnelState.OPEN, TunnelState.RECONNECTING):
        [row] = neighbours.around([tunnel("t1", "web", state=state)])
        assert (row.id, row.owner, row.state) == ("t1", "", state)
    await neighbours.close()


async def test_a_port_that_we_listen_on_since_the_last_look_is_theirs_no_more(
    stranger: int,
) -> None:
    fixed = parse_option("-L 5432:db:5432")
    neighbours = Neighbours(runtime_dir())
    theirs = [tunnel("t7", spec=fixed), tunnel("t8", spec=fixed, state=TunnelState.FAILED)]
    async with answering(Desk(*theirs)):
        await neighbours.look()
    for state in (TunnelState.OPEN, TunnelState.DEGRADED):
        ours, failed = neighbours.around([tunnel("t1", spec=fixed, state=state)])
        assert (ours.id, ours.state) == ("t1", state)
        assert (failed.id, failed.state) == (f"{stranger}/t8", TunnelState.FAILED)
    assert len(neighbours.around([tunnel("t1", spec=fixed, state=TunnelState.OPENING)])) == 3
    await neighbours.close()


async def test_one_rule_that_cannot_be_taken_over_leaves_the_others_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []

    class Manager(Desk):
        def snapshot(self, identifier: str) -> TunnelSnapshot:
            return next(one for one in self.tunnels if one.id == identifier)

        async def start(self, identifier: str) -> None:
            if identifier == "gone":
                raise KeyError(identifier)
            started.append(identifier)

    async def lease(host: str, purpose: str) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    manager: Any = Manager(tunnel("t1", "web"), tunnel("gone", "db"), tunnel("t3", "api"))
    household = Household(manager, lease, EventBus(), Claims(runtime_dir(), "screen"))
    owned = [tunnel("9/t1", "web", owner="forward (pid 9)")]
    monkeypatch.setattr(household, "_owned", lambda one: owned if one == "t1" else [])
    with pytest.raises(NotTaken) as caught:
        await household.take_over(["t1", "gone", "t3"])
    assert list(caught.value.errors) == ["t1"]
    assert "open files" in str(caught.value)
    assert started == ["t3"]
    await household.close()


async def test_looking_at_neighbours_keeps_them_up_to_date(
    stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.owners.neighbours._EVERY", 0.01)
    monkeypatch.setattr("sshdash.tunnels.owners.neighbours._IDLE", 0.2)
    neighbours = Neighbours(runtime_dir())
    assert neighbours.tunnels() == []
    async with answering(Desk(tunnel("t1"))), asyncio.timeout(PATIENCE):
        while not neighbours.tunnels():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        looking = neighbours._looking
        assert looking is not None
        await looking  # nobody wants to know any more


def test_a_claim_is_one_process_alone_and_shared_in_it() -> None:
    mine, theirs = Claims(runtime_dir(), "screen"), Claims(runtime_dir(), "forward")
    with mine.sole("a/../b"), mine.sole("a/../b"), mine.sole("c"), theirs.sole("d"):
        with pytest.raises(OwnedElsewhere) as caught, theirs.sole("a/../b"):
            raise AssertionError("it is taken")
        assert caught.value.pid == os.getpid()
        assert f"is run by screen (pid {os.getpid()})" in caught.value.title
        with mine.sole(""), theirs.sole(""):
            pass  # a forward without a name is nobody's
    with theirs.sole("a/../b"), theirs.sole("c"):
        pass
    names = {path.name for path in runtime_dir().iterdir()}
    assert names == {"rule-a%2F..%2Fb.lock", "rule-c.lock", "rule-d.lock"}


def test_a_lock_that_tells_nothing_of_its_owner_still_holds() -> None:
    mine, theirs = Claims(runtime_dir(), "screen"), Claims(runtime_dir(), "forward")
    with mine.sole("a"):
        (runtime_dir() / "rule-a.lock").write_bytes(b"\xff[[[")
        with pytest.raises(OwnedElsewhere, match="another process"), theirs.sole("a"):
            raise AssertionError("it is taken")


def test_the_runtime_folder_is_for_this_user_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runtime_dir() == home / ".run" / "sshdash"
    folder = secret_dir(runtime_dir())
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 4242)
        assert runtime_dir() == home / ".local/state/sshdash/run", "not our user's"
    folder.chmod(0o755)
    assert stat.S_IMODE(secret_dir(folder).stat().st_mode) == 0o700
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert runtime_dir() == Path("/state/sshdash/run")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/" + "x" * 80)
    assert runtime_dir().name.startswith(f"sshdash-{os.getuid()}-")
    link = home / "link"
    link.symlink_to(folder)
    with pytest.raises(PermissionError):
        secret_dir(link)


def test_of_an_exclusive_group_one_process_alone_runs_rules() -> None:
    mine, theirs = Claims(runtime_dir(), "screen"), Claims(runtime_dir(), "forward")
    with mine.sole("a", "dbs"), mine.sole("b", "dbs"), theirs.sole("c", "web"), theirs.sole("dbs"):
        with pytest.raises(OwnedElsewhere) as caught, theirs.sole("d", "dbs"):
            raise AssertionError("it is taken")
        assert caught.value.title == (
            f"Of the group dbs one rule runs at a time: b is run by screen (pid {os.getpid()})"
        )
        assert caught.value.hint == "end that first: sshdash tunnels end b"
        assert not theirs.is_free("d", "dbs")
        with theirs.sole("d"):
            pass  # what could not be had is not kept by half
    with theirs.sole("d", "dbs"):
        assert not mine.is_free("a", "dbs")


def test_whoever_looks_whether_a_rule_is_free_is_in_nobodys_way() -> None:
    mine, theirs = Claims(runtime_dir(), "screen"), Claims(runtime_dir(), "forward")
    assert mine.is_free("a", "dbs"), "nobody has ever had it"
    assert not runtime_dir().exists() or not list(runtime_dir().iterdir())
    with mine.sole("a"):
        assert mine.is_free("a")
        assert not theirs.is_free("a")
    with (runtime_dir() / "rule-a.lock").open() as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        assert theirs.is_free("a"), "somebody else only looks"
        with pytest.raises(OwnedElsewhere, match="another process"), mine.sole("a"):
            raise AssertionError("it is taken, and not for an instant")


def test_a_lock_that_somebody_looked_at_is_had_an_instant_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = Claims(runtime_dir(), "screen")
    with mine.sole("a"):
        pass
    looked_at = (runtime_dir() / "rule-a.lock").open()
    fcntl.flock(looked_at, fcntl.LOCK_SH)
    monkeypatch.setattr("sshdash.tunnels.owners.claims.time.sleep", lambda _: looked_at.close())
    with mine.sole("a"):
        assert looked_at.closed
        assert not Claims(runtime_dir(), "forward").is_free("a")


def test_a_claim_follows_the_rule_that_a_person_changes() -> None:
    mine, theirs = Claims(runtime_dir(), "screen"), Claims(runtime_dir(), "forward")
    with mine.sole("a", "dbs") as claim:
        assert claim.move("b", "web") is None
        assert not theirs.is_free("b")
        assert not theirs.is_free("c", "web")
        with theirs.sole("a", "dbs"):
            pass  # what it was before is free
        assert claim.move("", "") is None
        assert theirs.is_free("b", "web")
    assert theirs.is_free("b", "web")
    assert not mine._held


def test_a_claim_moved_to_what_another_process_has_is_on_the_rest_alone() -> None:
    mine, theirs = Claims(runtime_dir(), "screen"), Claims(runtime_dir(), "forward")
    with theirs.sole("x", "web"):
        with mine.sole("a", "dbs") as claim:
            owned = claim.move("b", "web")
            assert owned is not None
            assert "web one rule runs at a time: x" in owned.title
            assert not theirs.is_free("b")
            assert theirs.is_free("a", "dbs")
            owned = claim.move("x", "web")
            assert owned is not None
            assert owned.title.startswith("x is run by forward")
            assert not mine._held, "both are theirs"
            assert claim.move("b", "dbs") is None
            owned = claim.move("x", "dbs")
            assert owned is not None
            assert owned.title.startswith("x is run by forward")
            assert not theirs.is_free("z", "dbs")
        assert theirs.is_free("z", "dbs")
        assert not mine.is_free("x"), "theirs is as it was"
        assert not mine._uses, "nothing is counted that was never had"
