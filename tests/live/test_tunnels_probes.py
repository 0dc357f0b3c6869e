"""Whether the target of a tunnel is well, asked through the tunnel's own connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Probe, ProbeKind, Rule
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.probes import asker, probing
from sshdash.tunnels.snapshot import ProbeResult, TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.tunnel_kit import Tunnels, echo, exchange, target, tunnels_on, unreachable, until
from tests.servers.ports import free_port
from tests.servers.services import postgres, redis, web_server
from tests.servers.sshd import RealSshd

HTTP = Probe(ProbeKind.HTTP)


class Place:
    """One open tunnel, whose rule says how it is probed."""

    def __init__(self, kit: Tunnels, tunnel: str) -> None:
        self.kit = kit
        self.id = tunnel

    @property
    def snapshot(self) -> TunnelSnapshot:
        return self.kit.manager.snapshot(self.id)

    @property
    def port(self) -> int:
        return int(self.snapshot.listen.rpartition(":")[2])

    async def ask(self) -> ProbeResult:
        return await self.kit.manager.probe(self.id)


@contextlib.asynccontextmanager
async def place(
    sshd: RealSshd, probe: Probe, where: str, option: str = "L"
) -> AsyncIterator[Place]:
    """Open a tunnel to ``where``, and see that no probe was counted or left anything behind."""
    async with tunnels_on(sshd) as kit:
        spec = parse_forward(Kind(option), f"0:{where}" if where else "0")
        rule = Rule("watched", "sshd", (spec,), probe=probe)
        tunnel = kit.manager.add("sshd", spec, rule=rule)
        assert (await kit.manager.start(tunnel)).state is TunnelState.OPEN
        it = Place(kit, tunnel)
        yield it
        await until(lambda: kit.channels == 0, "no channels")
        snapshot = it.snapshot
        assert (snapshot.clients_total, snapshot.failures) == (0, 0)
        assert (snapshot.bytes_up, snapshot.bytes_down) == (0, 0)


def well(it: Place, result: ProbeResult) -> None:
    assert result.cause is None, result
    assert result.seconds is not None
    assert result.seconds > 0
    assert it.snapshot.probe == result
    assert it.snapshot.state is TunnelState.OPEN


def unwell(it: Place, result: ProbeResult, cause: Cause) -> None:
    assert (result.seconds, result.cause) == (None, cause), result
    assert it.snapshot.probe == result
    assert it.snapshot.state is TunnelState.DEGRADED
    assert it.snapshot.error == result.text


async def test_a_web_server(sshd: RealSshd, tmp_path: Path) -> None:
    async with web_server(tmp_path) as port:
        async with place(sshd, HTTP, f"127.0.0.1:{port}") as it:
            result = await it.ask()
            well(it, result)
            assert result.text == "200 OK"
            assert it.snapshot.reach is not None
            assert it.snapshot.reach <= result.seconds  # type: ignore[operator]
        missing = Probe(ProbeKind.HTTP, "/no/such page")
        async with place(sshd, missing, f"127.0.0.1:{port}") as it:
            result = await it.ask()
            well(it, result)
            assert result.text == "404 File not found"


async def test_a_web_server_that_is_out_of_order_and_comes_back(sshd: RealSshd) -> None:
    lines = [b"503 Service Unavailable", b"200 OK"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + lines.pop(0) + b"\r\nContent-Length: 0\r\n\r\n")

    async with target(serve) as port, place(sshd, HTTP, f"127.0.0.1:{port}") as it:
        result = await it.ask()
        unwell(it, result, Cause.OTHER)
        assert result.text == f"127.0.0.1:{port}: 503 Service Unavailable"
        well(it, await it.ask())


async def test_postgres(sshd: RealSshd) -> None:
    probe = Probe(ProbeKind.POSTGRES)
    async with postgres() as port, place(sshd, probe, f"127.0.0.1:{port}") as it:
        result = await it.ask()
        well(it, result)
        assert result.text == "PostgreSQL, without TLS"


async def test_redis(sshd: RealSshd) -> None:
    async with redis() as port, place(sshd, Probe(ProbeKind.REDIS), f"127.0.0.1:{port}") as it:
        result = await it.ask()
        well(it, result)
        assert result.text == "PONG"
        await exchange(port, b"CONFIG SET requirepass secret\r\n")
        result = await it.ask()
        well(it, result)
        assert result.text == "Redis, with a password"


async def test_an_ssh_server(sshd: RealSshd) -> None:
    async with place(sshd, Probe(ProbeKind.SSH), f"127.0.0.1:{sshd.port}") as it:
        result = await it.ask()
        well(it, result)
        assert result.text.startswith("SSH-2.0-OpenSSH")


@pytest.mark.parametrize(
    ("option", "cause"), [("L", Cause.TARGET_REFUSED), ("R", Cause.OUR_SIDE_REFUSED)]
)
async def test_a_target_that_refuses_and_then_answers(
    sshd: RealSshd, option: str, cause: Cause
) -> None:
    port = free_port()
    async with place(sshd, Probe(), f"127.0.0.1:{port}", option) as it:
        result = await it.ask()
        unwell(it, result, cause)
        assert result.text.startswith(f"127.0.0.1:{port}: connection refused")
        server = await asyncio.start_server(echo, "127.0.0.1", port)
        result = await it.ask()
        well(it, result)
        assert result.text == "connected"
        server.close()


async def test_a_target_that_is_not_what_it_should_be(sshd: RealSshd) -> None:
    async with place(sshd, Probe(ProbeKind.REDIS), f"127.0.0.1:{sshd.port}") as it:
        result = await it.ask()
        unwell(it, result, Cause.OTHER)
        assert "not Redis: SSH-2.0" in result.text


async def test_a_target_that_closes_at_once(sshd: RealSshd) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say nothing."""

    async with target(close) as port, place(sshd, HTTP, f"127.0.0.1:{port}") as it:
        result = await it.ask()
        unwell(it, result, Cause.TARGET_REFUSED)
        assert result.text.endswith("closed without an answer")


async def test_a_target_that_never_answers(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    monkeypatch.setattr(asker, "DEADLINE", 1.0)
    async with target(wait) as port, place(sshd, HTTP, f"127.0.0.1:{port}") as it:
        result = await it.ask()
        unwell(it, result, Cause.TARGET_TIMED_OUT)
        assert result.text == f"127.0.0.1:{port}: no answer within 1 s"


async def test_a_target_that_never_stops(sshd: RealSshd) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    probe = Probe(ProbeKind.SSH)
    async with target(flood) as port, place(sshd, probe, f"127.0.0.1:{port}") as it:
        result = await it.ask()
        unwell(it, result, Cause.OTHER)
        assert result.text.startswith(f"127.0.0.1:{port}: not SSH: xxx")


async def test_a_target_that_cannot_be_reached_holds_one_channel_however_often_it_is_asked(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "DEADLINE", 0.3)
    with contextlib.ExitStack() as held:
        port = held.enter_context(unreachable())
        async with place(sshd, Probe(), f"127.0.0.1:{port}") as it:
            for _ in range(3):
                result = await it.ask()
                unwell(it, result, Cause.TARGET_TIMED_OUT)
                assert result.text == f"127.0.0.1:{port}: not reached within 0.3 s"
                assert it.kit.channels == 1
            held.close()
            await until(lambda: it.kit.channels == 0, "the server giving up")
            monkeypatch.undo()
            unwell(it, await it.ask(), Cause.TARGET_REFUSED)


async def test_a_name_that_is_not_known(sshd: RealSshd) -> None:
    for option, text in (("L", "name not known there"), ("R", "name not known here")):
        async with place(sshd, Probe(), "nowhere.invalid:80", option) as it:
            result = await it.ask()
            unwell(it, result, Cause.UNKNOWN_NAME)
            assert result.text.startswith(f"nowhere.invalid:80: {text}")


async def test_a_socket_that_is_not_there(sshd: RealSshd, tmp_path: Path) -> None:
    async with place(sshd, Probe(), str(tmp_path / "gone"), "L") as it:
        result = await it.ask()
        unwell(it, result, Cause.OTHER)
        assert "nobody listens on it" in result.text


async def test_a_tunnel_that_was_led_elsewhere_is_asked_of_its_new_target(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "DEADLINE", 0.3)
    with contextlib.ExitStack() as held:
        port = held.enter_context(unreachable())
        async with place(sshd, Probe(), f"127.0.0.1:{port}") as it:
            unwell(it, await it.ask(), Cause.TARGET_TIMED_OUT)
            monkeypatch.undo()
            spec = parse_forward(Kind.LOCAL, f"0:127.0.0.1:{sshd.port}")
            assert (await it.kit.manager.repoint(it.id, spec)).probe is None
            well(it, await it.ask())
            held.close()


async def test_a_proxys_connection_is_asked(sshd: RealSshd) -> None:
    async with place(sshd, Probe(), "", "D") as it:
        result = await it.ask()
        well(it, result)
        assert result.text == "the connection answers"
        assert it.kit.ssh.round_trip == pytest.approx(result.seconds)


async def test_a_connection_that_does_not_answer_is_no_fault_of_a_target(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "DEADLINE", 0.2)
    async with place(sshd, Probe(), "", "D") as it:
        monkeypatch.setattr(it.kit.ssh, "_make_keepalive_request", asyncio.Event().wait)
        result = await it.ask()
        assert (result.seconds, result.cause) == (None, Cause.CONNECTION_DOWN)
        assert it.snapshot.state is TunnelState.OPEN
        assert it.snapshot.probe == result


async def test_a_server_that_freezes_is_not_taken_for_its_target(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "DEADLINE", 0.2)
    monkeypatch.setattr(probing, "DEADLINE", 0.2)
    async with target(echo) as port, place(sshd, Probe(), f"127.0.0.1:{port}") as it:
        sshd.suspend()
        try:
            result = await it.ask()
        finally:
            sshd.resume()
        assert (result.seconds, result.cause) == (None, Cause.CONNECTION_DOWN)
        assert result.text == "the connection did not answer within 0.2 s"
        assert it.snapshot.state is TunnelState.OPEN
        monkeypatch.undo()
        well(it, await it.ask())


@pytest.mark.parametrize("option", ["L", "R"])
async def test_a_socket_is_asked_too(sshd: RealSshd, tmp_path: Path, option: str) -> None:
    path = tmp_path / "s"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Host: localhost\r\n" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    async with place(sshd, HTTP, str(path), option) as it:
        result = await it.ask()
        well(it, result)
        assert result.text == "200 OK"
    server.close()


async def test_who_asks_at_the_same_time_gets_the_same_answer(sshd: RealSshd) -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with target(serve) as port, place(sshd, HTTP, f"127.0.0.1:{port}") as it:
        first = asyncio.ensure_future(it.ask())
        await asyncio.sleep(0)
        first.cancel()
        one, two = await asyncio.gather(it.ask(), it.ask())
        assert one is two
        well(it, one)
        assert len(seen) == 1


async def test_a_tunnel_that_is_not_open_is_not_asked(sshd: RealSshd) -> None:
    async with place(sshd, Probe(), f"127.0.0.1:{free_port()}") as it:
        await it.kit.manager.stop(it.id)
        result = await it.ask()
        assert (result.cause, result.text) == (Cause.CONNECTION_DOWN, "the tunnel is not open")
        assert it.snapshot.state is TunnelState.CLOSED
        assert it.snapshot.probe is None


async def test_closing_while_a_target_is_asked(sshd: RealSshd) -> None:
    asked = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read(-1)

    async with target(wait) as port, tunnels_on(sshd) as kit:
        spec = parse_forward(Kind.LOCAL, f"0:127.0.0.1:{port}")
        rule = Rule("watched", "sshd", (spec,), probe=HTTP)
        tunnel = kit.manager.add("sshd", spec, rule=rule)
        await kit.manager.start(tunnel)
        asking = asyncio.ensure_future(kit.manager.probe(tunnel))
        await asked.wait()
        await kit.manager.close()
        assert (await asking).text == "the tunnel is not open"
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_rule_asks_by_the_clock(sshd: RealSshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_LEAST", 0.02)
    port = free_port()
    probe = Probe(interval=0.02)
    async with place(sshd, probe, f"127.0.0.1:{port}") as it:
        await it.kit.until(it.id, TunnelState.DEGRADED)
        server = await asyncio.start_server(echo, "127.0.0.1", port)
        await it.kit.until(it.id, TunnelState.OPEN)
        server.close()
        await it.kit.until(it.id, TunnelState.DEGRADED)
        await it.kit.manager.stop(it.id)
        last = it.snapshot.probe
        assert last is not None
        server = await asyncio.start_server(echo, "127.0.0.1", port)
        assert (await it.kit.manager.start(it.id)).state is TunnelState.OPEN
        await until(lambda: it.snapshot.probe not in (None, last), "another probe")
        assert it.snapshot.state is TunnelState.OPEN

        rule = it.snapshot.rule
        assert rule is not None
        it.kit.manager.change_rule(it.id, Rule(rule.name, rule.host, rule.forwards))
        assert repr(it.kit.manager._probing).endswith("0 by the clock]>")
        server.close()


async def test_a_rule_that_is_read_again_as_it_was_asks_no_sooner(sshd: RealSshd) -> None:
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).split()[1].decode())
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with target(serve) as port, tunnels_on(sshd) as kit:
        spec = parse_forward(Kind.LOCAL, f"0:127.0.0.1:{port}")

        def rule(path: str) -> Rule:
            return Rule("w", "sshd", (spec,), probe=Probe(ProbeKind.HTTP, path, interval=3600))

        tunnel = kit.manager.add("sshd", spec, rule=rule("/first"))
        await kit.manager.start(tunnel)
        await until(lambda: kit.manager.snapshot(tunnel).probe is not None, "the probe")
        clock = kit.manager._probing._clocks[tunnel]
        kit.manager.change_rule(tunnel, rule("/first"))
        assert kit.manager._probing._clocks[tunnel] is clock
        kit.manager.change_rule(tunnel, rule("/second"))
        await until(lambda: len(asked) > 1, "another probe")
        assert asked == ["/first", "/second"]


async def test_a_client_that_connects_does_not_hide_that_a_target_is_unwell(
    sshd: RealSshd,
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(b"HTTP/1.1 500 Oops\r\n\r\n")

    async with target(serve) as port, tunnels_on(sshd) as kit:
        spec = parse_forward(Kind.LOCAL, f"0:127.0.0.1:{port}")
        probe = Probe(ProbeKind.HTTP, interval=3600)
        tunnel = kit.manager.add("sshd", spec, rule=Rule("watched", "sshd", (spec,), probe=probe))
        snapshot = await kit.manager.start(tunnel)
        await kit.until(tunnel, TunnelState.DEGRADED)
        listen = int(snapshot.listen.rpartition(":")[2])
        assert b"500 Oops" in await exchange(listen, b"GET /")
        assert kit.manager.snapshot(tunnel).state is TunnelState.DEGRADED


async def test_a_target_of_the_other_family_is_reached_by_nobody(sshd: RealSshd) -> None:
    """AddressFamily counts for clients of -R, as with ssh, and for probes as for clients."""
    async with target(echo) as port, tunnels_on(sshd, addressfamily="inet6") as kit:
        tunnel, listen = await kit.open("R", f"127.0.0.1:0:127.0.0.1:{port}")
        result = await kit.manager.probe(tunnel)
        assert "127.0.0.1" in result.text
        assert "not known here" in result.text
        assert await exchange(listen, b"") == b""
        await until(lambda: kit.manager.snapshot(tunnel).failures == 1, "a refusal")
