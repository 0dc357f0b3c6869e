"""A running tunnel is led to another target or port."""

import asyncio

import pytest

from sshdash.errors import ForwardError, UsageError
from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.life_kit import Stream, client, is_cut, ping, text_for
from tests.live.tunnel_kit import echo, exchange, free_to_use, target, tunnels_on
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


async def who(name: bytes, stream: Stream) -> None:
    stream[1].write(name)
    await echo(*stream)


@pytest.mark.parametrize("option", ["L", "R"])
async def test_another_target_for_new_clients(sshd: RealSshd, option: str) -> None:
    async with (
        target(lambda *stream: who(b"old:", stream)) as old,
        target(lambda *stream: who(b"new:", stream)) as new,
        tunnels_on(sshd) as kit,
    ):
        listen = free_port()
        tunnel, _ = await kit.open(option, f"{listen}:127.0.0.1:{old}")
        before = await asyncio.open_connection("127.0.0.1", listen)
        assert await before[0].readexactly(4) == b"old:"
        spec = parse_forward(Kind(option), f"{listen}:127.0.0.1:{new}")
        snapshot = await kit.manager.repoint(tunnel, spec)
        assert (snapshot.id, snapshot.spec, snapshot.target) == (tunnel, spec, f"127.0.0.1:{new}")
        assert await exchange(listen, b"x") == b"new:x"
        await ping(before)
        assert kit.manager.snapshot(tunnel).clients_total == 2, "the counters go on"
        assert kit.manager.add("sshd", spec) == tunnel
        before[1].close()


async def test_another_target_with_a_limit_for_those_who_are_there(sshd: RealSshd) -> None:
    async with target(echo) as old, target(echo) as new, tunnels_on(sshd) as kit:
        listen = free_port()
        tunnel, _ = await kit.open("L", f"{listen}:127.0.0.1:{old}")
        before = await client(listen)
        spec = parse_forward(Kind.LOCAL, f"{listen}:127.0.0.1:{new}")
        await kit.manager.repoint(tunnel, spec, drain=0.0)
        assert await is_cut(before)
        assert await exchange(listen, b"x") == b"x"


@pytest.mark.parametrize("option", ["L", "R"])
async def test_another_port_is_there_before_the_old_one_goes(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, old = await kit.open(option, text_for(option, port))
        before = await client(old)
        new = free_port()
        snapshot = await kit.manager.repoint(
            tunnel, parse_forward(Kind(option), f"{new}:127.0.0.1:{port}")
        )
        assert snapshot.listen == f"localhost:{new}"
        assert await exchange(new, b"new") == b"new"
        assert free_to_use(old)
        await ping(before)
        before[1].close()


@pytest.mark.parametrize("option", ["L", "R"])
async def test_a_port_that_cannot_be_had_leaves_all_as_it_was(sshd: RealSshd, option: str) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        # An explicit address: for "localhost", sshd is content with the other family.
        listen = free_port()
        tunnel, _ = await kit.open(option, f"127.0.0.1:{listen}:127.0.0.1:{port}")
        before = await client(listen)
        taken = parse_forward(Kind(option), f"127.0.0.1:{port}:127.0.0.1:{port}")
        with pytest.raises(ForwardError, match=str(port)):
            await kit.manager.repoint(tunnel, taken)
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.state, snapshot.spec.port) == (TunnelState.OPEN, listen)
        await ping(before)
        assert await exchange(listen, b"old") == b"old"
        assert kit.manager.add("sshd", taken) != tunnel
        before[1].close()


@pytest.mark.parametrize("option", ["L", "R"])
async def test_another_address_with_the_same_port(option: str) -> None:
    async with (
        RealSshd(GatewayPorts="clientspecified") as server,
        target(echo) as port,
        tunnels_on(server) as kit,
    ):
        listen = free_port()
        tunnel, _ = await kit.open(option, f"127.0.0.1:{listen}:127.0.0.1:{port}")
        before = await client(listen)
        everywhere = parse_forward(Kind(option), f"*:{listen}:127.0.0.1:{port}")
        assert (await kit.manager.repoint(tunnel, everywhere)).exposed
        assert await exchange(listen, b"x", "127.0.0.2") == b"x"
        await ping(before)
        before[1].close()


async def test_a_target_that_refuses_is_forgotten_with_its_forward(sshd: RealSshd) -> None:
    closed = free_port()
    async with target(echo) as port, tunnels_on(sshd) as kit:
        listen = free_port()
        tunnel, _ = await kit.open("L", f"{listen}:127.0.0.1:{closed}")
        assert await is_cut(await asyncio.open_connection("127.0.0.1", listen))
        await kit.until(tunnel, TunnelState.DEGRADED)
        spec = parse_forward(Kind.LOCAL, f"{listen}:127.0.0.1:{port}")
        snapshot = await kit.manager.repoint(tunnel, spec)
        assert (snapshot.state, snapshot.error) == (TunnelState.OPEN, "")


async def test_what_a_tunnel_cannot_become(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        spec = parse_forward(Kind.LOCAL, "0:localhost:22")
        tunnel = kit.manager.add("sshd", spec)
        other = parse_forward(Kind.LOCAL, "0:localhost:23")
        kit.manager.add("sshd", other)
        for wrong in (other, parse_forward(Kind.DYNAMIC, "0")):
            with pytest.raises(UsageError):
                await kit.manager.repoint(tunnel, wrong)
        proxy = kit.manager.add("sshd", parse_forward(Kind.REMOTE, "0"))
        with pytest.raises(UsageError, match="same kind"):
            await kit.manager.repoint(proxy, parse_forward(Kind.REMOTE, "0:localhost:22"))
        assert kit.manager.add("sshd", spec) == tunnel


async def test_a_closed_tunnel_opens_as_it_was_led(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel = kit.manager.add("sshd", parse_forward(Kind.LOCAL, "0:localhost:22"))
        spec = parse_forward(Kind.LOCAL, text_for("L", port))
        assert (await kit.manager.repoint(tunnel, spec)).state is TunnelState.CLOSED
        assert (await kit.manager.start(tunnel)).state is TunnelState.OPEN
        assert await exchange(spec.port, b"x") == b"x"
