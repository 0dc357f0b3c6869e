"""What goes wrong around a tunnel: said plainly, nothing leaked, nothing else harmed."""

import asyncio
import contextlib
import os
import resource
import socket
import sys

import psutil
import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.tunnel_kit import (
    OTHER_ADDRESS,
    Tunnels,
    echo,
    exchange,
    free_to_use,
    reset,
    target,
    tunnels_on,
    until,
)
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


async def refused(kit: Tunnels, option: str, text: str) -> str:
    """Start a forward that has to fail; return the reason shown."""
    tunnel = kit.manager.add("sshd", parse_forward(Kind(option), text))
    snapshot = await kit.manager.start(tunnel)
    assert snapshot.state is TunnelState.FAILED
    assert kit.changes[-1].reason == snapshot.error
    return snapshot.error


async def turned_away(port: int) -> bool:
    """Connect, say something and return whether nothing came of it."""
    try:
        return await exchange(port, b"anybody?") == b""
    except OSError:
        return True


async def test_a_port_in_use_says_who_holds_it_and_what_is_free(sshd: RealSshd) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import socket; s = socket.create_server(('127.0.0.1', 0));"
        "print(s.getsockname()[1], flush=True); input()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdin
    port = int(await holder.stdout.readline())
    try:
        async with target(echo) as other, tunnels_on(sshd) as kit:
            error = await refused(kit, "L", f"{port}:127.0.0.1:{other}")
            name = psutil.Process(holder.pid).name()
            assert f"Port {port} is in use: held by {name} (pid {holder.pid})" in error
            free = int(error.rpartition("port ")[2].partition(" is free")[0])
            assert free_to_use(free)
            assert "this sshdash" in await refused(kit, "D", str(other))
            assert kit.lease.released == 2, "a tunnel that failed keeps no lease"
            assert await exchange((await kit.open("L", f"0:127.0.0.1:{other}"))[1], b"1") == b"1"
    finally:
        holder.stdin.close()
        await holder.wait()


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("192.0.2.1", "not one of this machine"),
        ("no-such-name.invalid", "the bind address is not known"),
    ],
)
async def test_an_address_that_is_not_ours(sshd: RealSshd, bind: str, reason: str) -> None:
    async with tunnels_on(sshd) as kit:
        assert reason in await refused(kit, "L", f"{bind}:0:localhost:22")


async def test_all_interfaces_only_when_asked_and_then_marked(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"*:0:127.0.0.1:{port}")
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.exposed
        assert snapshot.listen == f"*:{listen}"
        assert await exchange(listen, b"in", OTHER_ADDRESS) == b"in"
    async with target(echo) as port, tunnels_on(sshd, gateway_ports=True) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        assert await exchange(listen, b"in", OTHER_ADDRESS) == b"in"
        assert kit.manager.snapshot(tunnel).exposed, "GatewayPorts yes opens every interface"


async def test_a_remote_port_that_is_taken(sshd: RealSshd) -> None:
    # An explicit address: for "localhost", sshd is content with the other family.
    async with target(echo) as port, tunnels_on(sshd) as kit:
        error = await refused(kit, "R", f"127.0.0.1:{port}:localhost:22")
        assert f"The server refused to listen on 127.0.0.1:{port}" in error
        assert "taken" in error


async def test_a_server_that_forbids_forwarding() -> None:
    async with RealSshd(AllowTcpForwarding="no") as server, tunnels_on(server) as kit:
        assert "AllowTcpForwarding" in await refused(kit, "R", "0:localhost:22")
        tunnel, listen = await kit.open("L", "0:localhost:22")
        assert await turned_away(listen)
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.state is TunnelState.DEGRADED
        assert "does not allow it" in snapshot.error


async def test_a_connection_lost_while_asking_is_not_a_refusal(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        sshd.suspend()
        tunnel = kit.manager.add("sshd", parse_forward(Kind.REMOTE, "0:localhost:22"))
        starting = asyncio.ensure_future(kit.manager.start(tunnel))
        await kit.until(tunnel, TunnelState.OPENING)
        sshd.kill_connections()
        assert "Connection lost" in (await starting).error


async def test_a_remote_forward_whose_target_refuses_here(sshd: RealSshd) -> None:
    closed = free_port()
    async with tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("R", f"127.0.0.1:0:127.0.0.1:{closed}")
        assert await turned_away(listen)
        await kit.until(tunnel, TunnelState.DEGRADED)
        assert "connection refused" in kit.manager.snapshot(tunnel).error
        assert not kit.ssh.is_closed()
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("option", ["L", "R", "D"])
async def test_a_killed_server_fails_the_tunnel_and_frees_the_port(
    sshd: RealSshd, option: str
) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half of")
        await reader.read(-1)

    async with target(hold) as port, tunnels_on(sshd) as kit:
        text = "0" if option == "D" else f"127.0.0.1:0:127.0.0.1:{port}"
        tunnel, listen = await kit.open(option, text)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        if option == "L":
            assert await reader.read(100) == b"half of"
        sshd.kill_connections()
        await kit.until(tunnel, TunnelState.FAILED)
        snapshot = kit.manager.snapshot(tunnel)
        assert "Connection lost" in snapshot.error
        assert snapshot.uptime is None
        if option == "L":
            with pytest.raises(ConnectionResetError):
                assert await reader.read(100), "an end of file would claim that this was all"
        await until(lambda: free_to_use(listen), "the port is free")
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
        await until(lambda: kit.lease.released == 1, "the lease is released")
        writer.close()


@pytest.mark.parametrize("option", ["L", "R", "D"])
async def test_removing_a_tunnel_frees_the_port_and_drops_its_clients(
    sshd: RealSshd, option: str
) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        text = "0" if option == "D" else f"127.0.0.1:0:127.0.0.1:{port}"
        tunnel, listen = await kit.open(option, text)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        if option != "D":
            writer.write(b"ping")
            assert await reader.readexactly(4) == b"ping"
        await kit.manager.remove(tunnel)
        assert free_to_use(listen)
        if option == "L":
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        else:
            assert await reader.read(1) == b""
        writer.close()
        await until(lambda: kit.channels == 0, "no channels")
        assert kit.manager.snapshots() == []
        assert not kit.ssh.is_closed()


@pytest.mark.parametrize("option", ["L", "D"])
async def test_a_client_that_comes_while_the_tunnel_goes_is_dropped(
    sshd: RealSshd, option: str
) -> None:
    loop = asyncio.get_running_loop()
    async with target(echo) as port, tunnels_on(sshd) as kit:
        for turns in range(8):
            text = "0" if option == "D" else f"127.0.0.1:0:127.0.0.1:{port}"
            tunnel, listen = await kit.open(option, text)
            with socket.socket() as client:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", listen))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await kit.manager.remove(tunnel)
                with contextlib.suppress(ConnectionError):
                    async with asyncio.timeout(PATIENCE):
                        assert await loop.sock_recv(client, 1) == b""
        await until(lambda: kit.channels == 0, "no channels")


async def test_stopping_while_opening_leaves_nothing(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        for option in ("R", "L"):
            tunnel = kit.manager.add("sshd", parse_forward(Kind(option), f"0:127.0.0.1:{port}"))
            starting = asyncio.ensure_future(kit.manager.start(tunnel))
            await asyncio.sleep(0)
            await kit.manager.stop(tunnel)
            assert (await starting).state is TunnelState.CLOSED
            assert (await kit.manager.start(tunnel)).state is TunnelState.OPEN
            await kit.manager.stop(tunnel)
        await until(lambda: not kit.ssh._remote_listeners, "no remote listeners")


async def test_a_client_that_resets_takes_its_channel_along(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        writer.write(b"ping")
        await reader.readexactly(4)
        reset(writer)
        await until(lambda: kit.channels == 0, "no channels")
        assert kit.manager.snapshot(tunnel).clients == 0


async def test_out_of_descriptors_is_said_and_passes(sshd: RealSshd) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        client = socket.socket()
        client.setblocking(False)
        fillers: list[int] = []
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
            with contextlib.suppress(OSError):
                while True:
                    fillers.append(os.dup(0))
            client.connect_ex(("127.0.0.1", listen))
            await until(
                lambda: "cannot take another client" in kit.manager.snapshot(tunnel).error,
                "the message",
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for filler in fillers:
                os.close(filler)
            client.close()
        assert await exchange(listen, b"again") == b"again"
        assert not kit.ssh.is_closed()


async def test_too_many_clients_are_turned_away(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.clients.MAX_CLIENTS", 3)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        served = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", listen)
            writer.write(b"x")
            await reader.readexactly(1)
            served.append(writer)
        assert await turned_away(listen)
        assert "more than 3 clients" in kit.manager.snapshot(tunnel).error
        for writer in served:
            writer.close()
        await until(lambda: kit.channels == 0, "no channels")
        assert await exchange(listen, b"room again") == b"room again"


async def test_a_target_that_resets_mid_flow_harms_no_other_tunnel(sshd: RealSshd) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        reset(writer)

    async with target(drop) as bad, target(echo) as good, tunnels_on(sshd) as kit:
        _, breaking = await kit.open("L", f"0:127.0.0.1:{bad}")
        _, working = await kit.open("L", f"0:127.0.0.1:{good}")
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", breaking)
            writer.write(b"0123456789" * 10_000)
            with contextlib.suppress(ConnectionError):
                await reader.read(-1)
            writer.close()
        assert await exchange(working, b"fine") == b"fine"
        await until(lambda: kit.channels == 0, "no channels")
