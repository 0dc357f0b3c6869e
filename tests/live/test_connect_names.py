"""One of several names that share a connection is disconnected: the others go on."""

import asyncio
import os
from pathlib import Path

import pytest

from sshdash.backend import LOCAL
from sshdash.errors import Cancelled, ConnectionLost
from sshdash.sftp.job import CopyRequest
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.connecting import connecting, until
from tests.live.test_connect_sharing import Busy, add, same_host, shell
from tests.live.tunnel_kit import echo, target
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


async def test_a_name_that_is_disconnected_leaves_the_others_alone(sshd: RealSshd) -> None:
    config = add(sshd, same_host(sshd, "web", "www"))
    async with connecting(config) as client:
        mine = await shell(client, await client.manager.lease("www", "shell"))
        theirs = await shell(client, await client.manager.lease("web", "shell"))
        await mine.hang_up()
        await client.manager.disconnect("www")
        assert client.states("www")[-1] is ConnectionState.IDLE
        assert client.manager.status("www").state is ConnectionState.IDLE
        assert client.manager.status("web").leases == {"shell": 1}
        assert theirs.state is SessionState.RUNNING
        # It is named after those it is still for.
        assert (await client.manager.lease("web", "files")).connection.host == "web"
        assert (await client.manager.lease("www", "files")).connection.host == "web"
        assert client.states("www")[-1] is ConnectionState.CONNECTED
        assert len(sshd.connections()) == 1
        await mine.close()
        await theirs.close()


async def test_the_last_name_in_use_that_is_disconnected_ends_the_connection(
    sshd: RealSshd,
) -> None:
    config = add(sshd, same_host(sshd, "web"))
    async with connecting(config) as client:
        (await client.manager.lease("web", "files")).release()
        await client.manager.lease("sshd", "files")
        await client.manager.disconnect("sshd")
        await until(lambda: not sshd.connections())
        for name in ("web", "sshd"):
            assert client.states(name)[-1] is ConnectionState.IDLE


async def test_what_goes_through_a_jump_host_outlives_its_other_name(sshd: RealSshd) -> None:
    config = add(sshd, same_host(sshd, "web"))
    async with connecting(config) as client:
        await client.manager.lease("sshd", "files")
        inner = await client.manager.lease("inner", "files")
        await client.manager.lease("web", "files")
        await client.manager.disconnect("web")
        assert not inner.connection.is_gone
        await client.manager.disconnect("sshd")
        await client.reaches("inner", ConnectionState.LOST)


async def test_a_name_is_disconnected_while_the_other_waits_for_the_connection(
    sshd: RealSshd, tmp_path: Path
) -> None:
    config = tmp_path / "config"  # of its own: the server writes its own anew as it starts
    config.write_text(add(sshd, same_host(sshd, "web")).read_text())
    async with connecting(config) as client:
        for name in ("sshd", "web"):
            client.manager.interest(name, "files")
            await client.manager.lease(name, "files")
        await asyncio.to_thread(sshd.stop)
        await client.reaches("web", ConnectionState.WAITING)
        await client.manager.disconnect("sshd")
        assert client.manager.status("sshd").state is ConnectionState.IDLE
        await asyncio.to_thread(sshd.start)
        await client.reaches("web", ConnectionState.CONNECTED)
        assert client.manager.status("sshd").state is ConnectionState.IDLE


async def test_who_waits_under_the_name_that_is_disconnected_waits_no_longer(
    tmp_path: Path,
) -> None:
    faults, busy = Faults(public_key=False, prompts=[("Code: ", True)]), Busy()
    async with LoopbackServer(faults) as server:
        config = tmp_path / "both"
        text = server.config_file.read_text()
        config.write_text(text.replace("Host loopback", "Host loopback web"))
        async with connecting(config, prompter=busy) as client:  # type: ignore[arg-type]
            waits = {
                name: asyncio.create_task(client.manager.lease(name, "files"))
                for name in ("loopback", "web")
            }
            await busy.asked.wait()
            await client.manager.disconnect("loopback")
            with pytest.raises(Cancelled):
                await waits["loopback"]
            assert client.manager.status("web").state is ConnectionState.CONNECTING
            await client.manager.disconnect("web")
            with pytest.raises(Cancelled):
                await waits["web"]
            await until(lambda: not server.connections)


async def test_shells_files_tunnels_and_copies_end_under_the_one_name_alone(
    sshd: RealSshd, backend_for: BackendFor, tmp_path: Path
) -> None:
    backend = await backend_for(add(sshd, same_host(sshd, "web")))
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(256 << 20)
    async with target(echo) as port:
        tunnels, files, copies, shells = {}, {}, {}, {}
        for name in ("sshd", "web"):
            spec = parse_forward(Kind.LOCAL, f"0:127.0.0.1:{port}")
            tunnels[name] = backend.tunnels.add(name, spec)
            await backend.tunnels.start(tunnels[name])
            shells[name] = await backend.open_shell(name, 80, 24)
            files[name] = await backend.filesystem(name)
            folder = sshd.home / name
            folder.mkdir()
            request = CopyRequest(LOCAL, (os.fsencode(source),), name, os.fsencode(folder))
            copies[name] = backend.transfers.submit(request)
        await backend.disconnect("web")
        assert backend.connections.status("web").state is ConnectionState.IDLE
        assert backend.tunnels.snapshot(tunnels["web"]).state is TunnelState.CLOSED
        assert backend.tunnels.snapshot(tunnels["sshd"]).state is TunnelState.OPEN
        assert shells["web"].state is not SessionState.RUNNING
        assert shells["sshd"].state is SessionState.RUNNING
        with pytest.raises(ConnectionLost):
            await files["web"].listdir(b"/")
        assert await files["sshd"].listdir(b"/")
        await backend.transfers.wait(copies["sshd"])
        ends = {job.id: job.state for job in backend.transfers.snapshots()}
        assert ends[copies["web"]] is TransferState.CANCELLED
        assert ends[copies["sshd"]] is TransferState.DONE
        assert backend.connections.status("sshd").state is ConnectionState.CONNECTED
        await files["sshd"].close()
