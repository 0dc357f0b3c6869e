"""What a person asks of a running tunnel: pause, resume, lead elsewhere, drain, one of a group."""

import asyncio
from pathlib import Path

import pytest

from sshdash.errors import ForwardError
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Meanwhile, Rule
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.life_kit import client, is_cut, ping, text_for, turned_away
from tests.live.tunnel_kit import Tunnels, echo, exchange, free_to_use, target, tunnels_on
from tests.live.tunnel_kit import until as when
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


def rule(name: str, meanwhile: Meanwhile = Meanwhile.WAIT, group: str = "") -> Rule:
    """Return a rule of nothing in particular."""
    return Rule(name, "sshd", (), meanwhile=meanwhile, group=group)


# --- pause and resume ---


@pytest.mark.parametrize("option", ["L", "R"])
async def test_a_pause_that_holds_the_port_lets_clients_wait(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, text_for(option, port))
        carried = await client(listen)
        snapshot = await kit.manager.pause(tunnel)
        assert (snapshot.state, snapshot.holds_port) == (TunnelState.PAUSED, True)
        assert await is_cut(carried), "nothing flows through a paused tunnel"
        assert not free_to_use(listen)

        waiting = asyncio.ensure_future(client(listen))
        await when(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client waits")
        assert not waiting.done()
        assert kit.manager.snapshot(tunnel).state is TunnelState.PAUSED
        snapshot = await kit.manager.resume(tunnel)
        assert (snapshot.state, snapshot.holds_port) == (TunnelState.OPEN, False)
        served = await waiting
        await ping(served)
        served[1].close()


@pytest.mark.parametrize("option", ["L", "R", "D"])
async def test_a_pause_that_refuses_resets_clients_at_once(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, "0" if option == "D" else text_for(option, port))
        kit.manager.change_rule(tunnel, rule("web", Meanwhile.REFUSE))
        await kit.manager.pause(tunnel)
        assert not free_to_use(listen), "nobody else can take the port meanwhile"
        for _ in range(3):
            assert await turned_away(listen)
        assert kit.manager.snapshot(tunnel).error == ""
        await kit.manager.resume(tunnel)
        if option != "D":
            assert await exchange(listen, b"again") == b"again"
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.state, snapshot.rule) == (
            TunnelState.OPEN,
            rule("web", Meanwhile.REFUSE),
        )


@pytest.mark.parametrize("option", ["D", "R"])
async def test_a_client_of_a_proxy_waits_with_its_request(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, f"{free_port()}")
        await kit.manager.pause(tunnel)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        writer.write(b"\x04\x01" + port.to_bytes(2) + b"\x7f\x00\x00\x01\x00early")
        await when(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client waits")
        await kit.manager.resume(tunnel)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readexactly(8))[:2] == b"\x00\x5a"
            assert await reader.readexactly(5) == b"early"
        writer.close()


async def test_a_socket_is_held_led_elsewhere_and_let_go(sshd: RealSshd, tmp_path: Path) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        old, new = tmp_path / "old.sock", tmp_path / "new.sock"
        tunnel, _ = await kit.open("L", f"{old}:127.0.0.1:{port}")
        await kit.manager.pause(tunnel)
        assert old.is_socket()
        stream = await asyncio.open_unix_connection(old)
        await kit.manager.resume(tunnel)
        await ping(stream)
        await kit.manager.repoint(tunnel, parse_forward(Kind.LOCAL, f"{new}:127.0.0.1:{port}"))
        assert (old.exists(), new.is_socket()) == (False, True)
        await ping(stream)
        taken = tmp_path / "taken"
        taken.write_text("a file")
        with pytest.raises(ForwardError, match="no socket"):
            await kit.manager.repoint(
                tunnel, parse_forward(Kind.LOCAL, f"{taken}:127.0.0.1:{port}")
            )
        stream[1].close()
        stream = await asyncio.open_unix_connection(new)
        await ping(stream)
        stream[1].close()
        await kit.manager.pause(tunnel, hold=False)
        assert not new.exists()


async def test_who_waits_is_refused_once_the_rule_says_so(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", text_for("L", port))
        await kit.manager.pause(tunnel)
        waiting = await asyncio.open_connection("127.0.0.1", listen)
        await when(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client waits")
        kit.manager.change_rule(tunnel, rule("web", Meanwhile.REFUSE))
        assert await is_cut(waiting)


@pytest.mark.parametrize("option", ["L", "R"])
async def test_a_pause_without_the_port_frees_it(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, text_for(option, port))
        snapshot = await kit.manager.pause(tunnel, hold=False)
        assert (snapshot.state, snapshot.holds_port) == (TunnelState.PAUSED, False)
        assert free_to_use(listen)
        assert kit.lease.released == 1
        assert (await kit.manager.resume(tunnel)).state is TunnelState.OPEN
        assert await exchange(listen, b"again") == b"again"

        await kit.manager.pause(tunnel)
        await kit.manager.pause(tunnel, hold=False)
        assert free_to_use(listen), "the port can be given up later"
        await kit.manager.stop(tunnel)
        assert kit.manager.snapshot(tunnel).state is TunnelState.CLOSED


async def test_pausing_what_does_not_run_changes_nothing(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel = kit.manager.add("sshd", parse_forward(Kind.LOCAL, "0:localhost:22"))
        assert (await kit.manager.pause(tunnel)).state is TunnelState.CLOSED
        assert (await kit.manager.resume(tunnel)).state is TunnelState.CLOSED


async def test_a_pause_while_it_opens_holds_the_port_once_that_is_there(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        spec = parse_forward(Kind.LOCAL, text_for("L", port))
        tunnel = kit.manager.add("sshd", spec)
        starting = asyncio.ensure_future(kit.manager.start(tunnel))
        await kit.until(tunnel, TunnelState.OPENING)
        await kit.manager.pause(tunnel)
        assert (await starting).state is TunnelState.PAUSED
        await when(lambda: not free_to_use(spec.port), "the port is taken")
        assert kit.manager.snapshot(tunnel).state is TunnelState.PAUSED
        assert (await kit.manager.resume(tunnel)).state is TunnelState.OPEN
        assert await exchange(spec.port, b"open") == b"open"


async def test_a_port_asked_for_and_not_wanted_any_more_can_be_had_again(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        # An explicit address: for "localhost", sshd is content with the other family.
        spec = parse_forward(Kind.REMOTE, f"127.0.0.1:{free_port()}:127.0.0.1:{port}")
        tunnel = kit.manager.add("sshd", spec)
        for turns in range(12):
            starting = asyncio.ensure_future(kit.manager.start(tunnel))
            for _ in range(turns):
                await asyncio.sleep(0)
            await kit.manager.stop(tunnel)
            await starting
            snapshot = await kit.manager.start(tunnel)
            assert snapshot.state is TunnelState.OPEN, snapshot.error
            await kit.manager.stop(tunnel)


# --- draining ---


@pytest.mark.parametrize("option", ["L", "R"])
async def test_clients_finish_while_a_stopped_tunnel_drains(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, text_for(option, port))
        before = await client(listen)
        stopping = asyncio.ensure_future(kit.manager.stop(tunnel, drain=PATIENCE))
        await kit.until(tunnel, TunnelState.CLOSED)
        await when(lambda: free_to_use(listen), "the port is free at once")
        await ping(before)
        assert kit.manager.snapshot(tunnel).clients == 1
        assert not stopping.done()
        assert kit.lease.released == 0, "the connection stays for them"
        before[1].close()
        async with asyncio.timeout(PATIENCE):
            await stopping
        assert kit.lease.released == 1


@pytest.mark.parametrize(("option", "text"), [("D", "0"), ("R", "127.0.0.1:0")])
async def test_clients_in_their_handshake_finish_too(
    sshd: RealSshd, option: str, text: str
) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, text)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        silent = await asyncio.open_connection("127.0.0.1", listen)
        for one in ((reader, writer), silent):
            one[1].write(b"\x05\x01\x00")
            async with asyncio.timeout(PATIENCE):
                assert await one[0].readexactly(2) == b"\x05\x00"
        stopping = asyncio.ensure_future(kit.manager.stop(tunnel, drain=PATIENCE))
        await kit.until(tunnel, TunnelState.CLOSED)
        writer.write(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big"))
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readexactly(10))[:2] == b"\x05\x00"
        await ping((reader, writer))
        silent[1].close()
        await ping((reader, writer))
        assert not stopping.done()
        writer.close()
        async with asyncio.timeout(PATIENCE):
            await stopping
        assert kit.lease.released == 1


@pytest.mark.parametrize("option", ["L", "R"])
async def test_clients_that_do_not_finish_are_reset(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open(option, text_for(option, port))
        before = await client(listen)
        await kit.manager.remove(tunnel, drain=0.05)
        assert await is_cut(before)
        assert kit.lease.released == 1
        await when(lambda: kit.channels == 0, "no channels")


async def test_a_removal_that_nobody_waits_for_ends_with_the_manager(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        spec = parse_forward(Kind.LOCAL, text_for("L", port))
        tunnel, listen = await kit.open("L", str(spec))
        before = await client(listen)
        removing = asyncio.ensure_future(kit.manager.remove(tunnel, drain=600))
        await kit.until(tunnel, TunnelState.CLOSED)
        removing.cancel()
        await asyncio.wait({removing})
        assert kit.manager.snapshots() == []
        await ping(before)
        again = kit.manager.add("sshd", spec)
        assert again != tunnel
        assert (await kit.manager.start(again)).state is TunnelState.OPEN
        await kit.manager.close()
        assert await is_cut(before)
        assert kit.lease.released == 2


async def test_a_tunnel_removed_while_it_is_led_elsewhere_leaves_no_trace(
    sshd: RealSshd,
) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("R", text_for("R", port))
        other = parse_forward(Kind.REMOTE, text_for("R", port))
        leading = asyncio.ensure_future(kit.manager.repoint(tunnel, other))
        await asyncio.sleep(0)
        await kit.manager.remove(tunnel)
        await asyncio.wait({leading})
        leading.exception()
        await when(lambda: free_to_use(other.port), "the port is free")
        again = kit.manager.add("sshd", other)
        assert again != tunnel
        assert (await kit.manager.start(again)).state is TunnelState.OPEN


async def test_stopping_again_ends_the_draining(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", text_for("L", port))
        before = await client(listen)
        stopping = asyncio.ensure_future(kit.manager.stop(tunnel, drain=PATIENCE))
        await kit.until(tunnel, TunnelState.CLOSED)
        assert (await kit.manager.start(tunnel)).state is TunnelState.OPEN
        await ping(before)
        assert await exchange(listen, b"new") == b"new", "open again while the old ones finish"
        await kit.manager.stop(tunnel)
        assert await is_cut(before)
        await stopping
        assert kit.lease.released == 2


# --- one of a group ---


async def test_of_a_group_one_rule_runs_at_a_time(sshd: RealSshd) -> None:
    async with target(echo) as port, target(echo) as other, tunnels_on(sshd) as kit:
        listen = free_port()

        def added(name: str, to: int, listen: int) -> str:
            spec = parse_forward(Kind.LOCAL, f"{listen}:127.0.0.1:{to}")
            return kit.manager.add("sshd", spec, "saved", rule(name, group="db"))

        live, more, test = (
            added("live", port, listen),
            added("live", port, free_port()),
            added("test", other, listen),
        )
        apart = kit.manager.add("sshd", parse_forward(Kind.LOCAL, text_for("L", port)))
        for one in (live, more, apart):
            assert (await kit.manager.start(one)).state is TunnelState.OPEN
        before = await client(listen)
        assert (await kit.manager.start(test)).state is TunnelState.OPEN
        assert _states(kit, live, more, apart) == ["closed", "closed", "open"]
        await ping(before)
        before[1].close()
        both = await asyncio.gather(kit.manager.start(live), kit.manager.start(test))
        assert [one.state for one in both] == [TunnelState.CLOSED, TunnelState.OPEN]


def _states(kit: Tunnels, *tunnels: str) -> list[str]:
    return [kit.manager.snapshot(one).state.value for one in tunnels]
