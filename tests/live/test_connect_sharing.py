"""Who shares a connection, how long it stays, and what happens when it is full."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import asyncssh
import pytest

from sshdash.config.destination import Destination
from sshdash.connections.lease import Lease
from sshdash.connections.recovery.liveness import ping
from sshdash.connections.route import Route, RoutePlanner
from sshdash.errors import AuthenticationError, SessionError, SSHDashError
from sshdash.events import ConnectionChanged
from sshdash.prompts import SecretQuestion
from sshdash.settings import Settings
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.scp_channel import ScpChannel
from sshdash.states import ConnectionState, SessionState
from sshdash.terminal.session import ShellSession
from tests.live.connecting import Client, connecting, until
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


def add(server: RealSshd | LoopbackServer, text: str) -> Path:
    """Put `text` before the server's client configuration."""
    server.config_file.write_text(text + server.config_file.read_text())
    return server.config_file


def same_host(server: RealSshd, *aliases: str, options: str = "") -> str:
    """Return blocks that call the server by other names."""
    block = server.config_file.read_text().partition("Host sshd inner\n")[2]
    return "".join(f"Host {alias}\n{options}{block}\n" for alias in aliases)


# -- names ------------------------------------------------------------------------------------


async def test_names_that_mean_the_same_share_a_connection(sshd: RealSshd) -> None:
    config = add(sshd, same_host(sshd, "web", "www"))
    async with connecting(config) as client:
        leases = await asyncio.gather(
            *(client.manager.lease(name, "shell") for name in ("web", "www", "sshd"))
        )
        assert len({lease.connection for lease in leases}) == 1
        assert [lease.host for lease in leases] == ["web", "www", "sshd"]
        assert len(sshd.connections()) == 1
        for name in ("web", "www", "sshd"):
            status = client.manager.status(name)
            assert (status.host, status.state) == (name, ConnectionState.CONNECTED)
            assert client.states(name)[-1] is ConnectionState.CONNECTED


async def test_who_asks_at_the_same_time_is_served_in_that_order(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[Destination] = []
    plan = RoutePlanner.plan

    def note(self: RoutePlanner, destination: Destination) -> Route:
        planned.append(destination)
        return plan(self, destination)

    monkeypatch.setattr(RoutePlanner, "plan", note)
    async with connecting(sshd.config_file) as client:
        order: list[int] = []

        async def ask(number: int) -> None:
            await client.manager.lease("sshd", "tunnel")
            order.append(number)

        await asyncio.gather(*map(ask, range(20)))
        assert order == [*range(20)]
        assert len(planned) == 1, "and the way there is worked out once"


async def test_who_leaves_while_the_way_is_worked_out_takes_it_from_nobody(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    plan = RoutePlanner.plan

    def slow(self: RoutePlanner, destination: Destination) -> Route:
        begun.set()
        assert go.wait(PATIENCE)
        return plan(self, destination)

    monkeypatch.setattr(RoutePlanner, "plan", slow)
    async with connecting(sshd.config_file) as client:
        leaving, staying = (
            asyncio.ensure_future(client.manager.lease("sshd", "tunnel")) for _ in range(2)
        )
        await asyncio.to_thread(begun.wait, PATIENCE)
        leaving.cancel()
        go.set()
        assert (await staying).host == "sshd"
        assert leaving.cancelled()


async def test_the_destination_written_out_shares_it_too(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        first = await client.manager.lease("sshd", "shell")
        second = await client.manager.lease(f"{sshd.user}@sshd:{sshd.port}", "shell")
        assert first.connection is second.connection


@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ("    Compression yes\n", False),
        ("    ForwardAgent /nowhere\n", False),
        ("    HostKeyAlias other\n    StrictHostKeyChecking no\n", False),
        ("    RemoteCommand uptime\n    RequestTTY yes\n", True),
        ("    LocalForward 9 localhost:9\n    Tag x\n    LogLevel ERROR\n", True),
        ("    SetEnv LANG=xx\n", True),
    ],
)
async def test_only_what_concerns_the_connection_counts(
    sshd: RealSshd, options: str, shared: bool
) -> None:
    config = add(sshd, same_host(sshd, "web", options=options))
    async with connecting(config) as client:
        first = await client.manager.lease("sshd", "shell")
        second = await client.manager.lease("web", "shell")
        assert (first.connection is second.connection) is shared
        assert second.resolved.alias == "web"


async def test_a_shell_runs_what_its_own_name_says(sshd: RealSshd) -> None:
    config = add(sshd, same_host(sshd, "web", options="    RemoteCommand echo for-web\n"))
    async with connecting(config) as client:
        plain = await shell(client, await client.manager.lease("sshd", "shell"))
        web = await shell(client, await client.manager.lease("web", "shell"))
        assert web.host == "web"
        await until(lambda: web.state is SessionState.EXITED)
        assert shows(web, "for-web")
        assert plain.state is SessionState.RUNNING
        assert len(sshd.connections()) == 1
        await plain.close()
        await web.close()


async def test_a_lost_connection_is_told_under_each_name(sshd: RealSshd) -> None:
    config = add(sshd, same_host(sshd, "web"))
    async with connecting(config) as client:
        client.manager.interest("web", "shell")
        await client.manager.lease("sshd", "files")
        await client.manager.lease("web", "shell")
        await asyncio.to_thread(sshd.kill_connections)
        await client.reaches("web", ConnectionState.WAITING)
        for name in ("web", "sshd"):
            await client.reaches(name, ConnectionState.CONNECTED)
            assert ConnectionState.LOST in client.states(name)
        await until(lambda: len(sshd.connections()) == 1)


async def test_a_jump_host_is_the_connection_that_is_there(sshd: RealSshd) -> None:
    text = sshd.config_file.read_text().replace("ProxyJump sshd", f"ProxyJump {sshd.user}@sshd")
    sshd.config_file.write_text(text)
    async with connecting(sshd.config_file) as client:
        lease = await client.manager.lease("sshd", "shell")
        await client.run("inner", "true")
        assert lease.connection.leases["jump"] == 1
        assert len(sshd.connections()) == 2


async def test_options_of_the_command_line_make_the_jump_host_another_connection(
    sshd: RealSshd,
) -> None:
    overrides = (("Compression", "yes"),)
    async with connecting(sshd.config_file, overrides=overrides) as client:
        lease = await client.manager.lease("sshd", "shell")
        assert await client.run("inner", "echo through") == "through\n"
        assert lease.connection.leases == {"shell": 1}
        hop = client.manager.status("sshd as a jump host")
        assert (hop.state, hop.leases) == (ConnectionState.CONNECTED, {"jump": 1})
        assert len(sshd.connections()) == 3


# -- how long it stays ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("persist", "stays"), [(None, True), ("yes", True), ("0", True), ("no", False), ("1", False)]
)
async def test_control_persist_says_how_long_it_stays(
    sshd: RealSshd, persist: str | None, stays: bool
) -> None:
    overrides = (("ControlPersist", persist),) if persist else ()
    async with connecting(sshd.config_file, overrides=overrides) as client:
        lease = await client.manager.lease("sshd", "shell")
        lease.release()
        if stays:
            assert client.manager.status("sshd").state is ConnectionState.CONNECTED
        else:
            await client.reaches("sshd", ConnectionState.IDLE)
            await until(lambda: not sshd.connections())


async def test_a_new_lease_keeps_what_lingers(sshd: RealSshd) -> None:
    overrides = (("ControlPersist", "1"),)
    async with connecting(sshd.config_file, overrides=overrides) as client:
        for _ in range(3):
            (await client.manager.lease("sshd", "shell")).release()
        held = await client.manager.lease("sshd", "shell")
        lost = asyncio.create_task(held.connection.wait_lost())
        done, _ = await asyncio.wait([lost], timeout=1.5)
        assert not done
        lost.cancel()
        assert len(client.states("sshd")) == 2


def two_steps(hop: LoopbackServer, far: LoopbackServer, folder: Path) -> Path:
    """Return a configuration with ``far`` behind ``hop``."""
    config = folder / "steps"
    text = hop.config_file.read_text().replace("Host loopback", "Host hop")
    text += far.config_file.read_text().replace("Host loopback\n", "Host far\n    ProxyJump hop\n")
    config.write_text(text)
    return config


async def test_a_hop_is_not_asked_again_after_the_login_behind_it_failed(tmp_path: Path) -> None:
    second_factor = Faults(public_key=False, prompts=[("Code: ", True)], answers=["1"])
    async with LoopbackServer(second_factor) as hop, LoopbackServer(Faults()) as far:
        far.faults.public_key = False
        config = two_steps(hop, far, tmp_path)
        async with connecting(config, ("1",)) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("far", "shell")
            far.faults.public_key = True
            assert await client.run("far", "echo in") == "in\n"
            questions = [one for one in client.prompter.asked if isinstance(one, SecretQuestion)]
            assert [question.host for question in questions] == ["hop"]


async def test_a_hop_goes_when_it_lingered_long_enough(tmp_path: Path) -> None:
    async with LoopbackServer() as hop, LoopbackServer(Faults(public_key=False)) as far:
        settings = Settings(hop_linger=1)
        async with connecting(two_steps(hop, far, tmp_path), settings=settings) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("far", "shell")
            assert client.manager.status("hop").state is ConnectionState.CONNECTED
            await client.reaches("hop", ConnectionState.IDLE)


async def test_a_hop_that_only_lingers_is_no_loss(tmp_path: Path) -> None:
    async with (
        LoopbackServer() as hop,
        LoopbackServer(Faults(public_key=False)) as far,
        connecting(two_steps(hop, far, tmp_path)) as client,
    ):
        with pytest.raises(AuthenticationError):
            await client.manager.lease("far", "shell")
        hop.drop_connections()
        await client.reaches("hop", ConnectionState.IDLE)
        assert ConnectionState.LOST not in client.states("hop")


# -- MaxSessions ------------------------------------------------------------------------------


@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_session_that_nobody_waits_for_any_more_takes_no_room(confirmed: bool) -> None:
    async with RealSshd(MaxSessions="3") as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("sshd", "files")
        ssh = lease.connection.ssh
        for _ in range(3):  # as many as there is room for, should each take some
            opening = asyncio.create_task(ScpChannel.start(lease, b"sleep 60"))
            await asyncio.sleep(0)  # it is asked for, and nobody has heard of it yet
            while confirmed and not lease.connection.sessions:  # noqa: ASYNC110
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait({opening})
            await ping(ssh)
        assert lease.connection.sessions == 0
        assert (await ssh.run("echo there")).stdout == "there\n"


def shows(one: ShellSession, text: str) -> bool:
    return text in "\n".join(one.emulator.screen_text())


async def shell(client: Client, lease: Lease) -> ShellSession:
    return await ShellSession.open(lease, client.bus, columns=80, rows=24)


async def test_43_a_full_connection_gets_another_and_keeps_its_shells() -> None:
    async with RealSshd(maxsessions="2") as server, connecting(server.config_file) as client:
        shells = [await shell(client, await client.manager.lease("sshd", "x")) for _ in range(5)]
        assert [one.state for one in shells] == [SessionState.RUNNING] * 5
        assert len(server.connections()) == 3
        status = client.manager.status("sshd")
        assert (status.state, status.spares) == (ConnectionState.CONNECTED, 2)
        for number, one in enumerate(shells):
            one.write(f"echo shell-{number}-$((40 + 2))\n".encode())
            await until(partial(shows, one, f"shell-{number}-42"))
        assert len(client.told(ConnectionChanged)) == 2
        for one in shells:
            await one.close()


async def test_room_on_the_first_connection_is_used_again() -> None:
    async with RealSshd(maxsessions="1") as server, connecting(server.config_file) as client:
        first = await shell(client, await client.manager.lease("sshd", "x"))
        second = await shell(client, await client.manager.lease("sshd", "x"))
        await first.close()
        third = await shell(client, await client.manager.lease("sshd", "x"))
        assert len(server.connections()) == 2
        await second.close()
        await third.close()


async def test_several_at_once_share_the_further_connection() -> None:
    async with RealSshd(maxsessions="2") as server, connecting(server.config_file) as client:
        leases = [await client.manager.lease("sshd", "x") for _ in range(4)]
        shells = await asyncio.gather(*(shell(client, lease) for lease in leases))
        assert len(server.connections()) == 2
        for one in shells:
            await one.close()


async def test_files_move_to_a_further_connection_as_well() -> None:
    async with RealSshd(maxsessions="1") as server, connecting(server.config_file) as client:
        one = await shell(client, await client.manager.lease("sshd", "shell"))
        files = await RemoteFilesystem.open(await client.manager.lease("sshd", "files"))
        assert await files.listdir(files.home())
        assert one.state is SessionState.RUNNING
        await files.close()
        await one.close()


async def test_a_lost_further_connection_leaves_the_first_alone() -> None:
    async with RealSshd(maxsessions="1") as server, connecting(server.config_file) as client:
        first = await shell(client, await client.manager.lease("sshd", "x"))
        before = set(server.connections())
        second = await shell(client, await client.manager.lease("sshd", "x"))
        (added,) = set(server.connections()) - before
        server.kill_one(added)
        await until(lambda: second.state is SessionState.LOST)
        assert first.state is SessionState.RUNNING
        assert client.manager.status("sshd").state is ConnectionState.CONNECTED
        assert client.manager.status("sshd").spares == 0
        await second.reopen(await client.manager.lease("sshd", "x"))
        assert second.state is SessionState.RUNNING
        await first.close()
        await second.close()


async def test_disconnecting_ends_all_connections_of_a_host() -> None:
    async with RealSshd(maxsessions="1") as server, connecting(server.config_file) as client:
        shells = [await shell(client, await client.manager.lease("sshd", "x")) for _ in range(3)]
        await client.manager.disconnect("sshd")
        await until(lambda: not server.connections())
        for one in shells:
            await one.close()


async def test_a_server_without_any_sessions_is_not_dialled_again() -> None:
    async with RealSshd(maxsessions="0") as server, connecting(server.config_file) as client:
        with pytest.raises(SessionError):
            await shell(client, await client.manager.lease("sshd", "x"))
        assert len(server.connections()) == 1


async def test_another_connection_that_cannot_be_made_is_told_with_the_limit() -> None:
    faults = Faults(max_sessions=2)
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        shells = [await shell(client, await client.manager.lease("loopback", "x")) for _ in "ab"]
        faults.public_key = False
        with pytest.raises(SessionError, match="The server allows 2 sessions") as caught:
            await shell(client, await client.manager.lease("loopback", "x"))
        assert "Permission denied" in caught.value.detail
        assert "MaxSessions" in caught.value.hint
        assert [one.state for one in shells] == [SessionState.RUNNING] * 2
        for one in shells:
            await one.close()


async def test_another_connection_asks_for_no_password_again() -> None:
    faults = Faults(max_sessions=1, public_key=False, password="secret")
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("secret",)) as client,
    ):
        shells = [await shell(client, await client.manager.lease("loopback", "x")) for _ in "abc"]
        assert len(client.prompter.asked) == 1
        assert server.accepted == 3
        for one in shells:
            await one.close()


class Busy:
    """Is asked, and does not get round to answering."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def ask(self, question: object) -> object:
        self.asked.set()
        return await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("end", ["disconnect", "close"])
async def test_disconnecting_while_another_connection_is_made_leaves_none(end: str) -> None:
    faults, busy = Faults(max_sessions=1), Busy()
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, prompter=busy) as client,  # type: ignore[arg-type]
    ):
        first = await shell(client, await client.manager.lease("loopback", "x"))
        lease = await client.manager.lease("loopback", "x")
        faults.public_key, faults.prompts = False, [("Code: ", True)]
        opening = asyncio.create_task(shell(client, lease))
        await busy.asked.wait()
        if end == "close":
            await client.manager.close()
        else:
            await client.manager.disconnect("loopback")
        with pytest.raises(SSHDashError):
            await opening
        await until(lambda: not server.connections)
        await first.close()


async def test_a_bare_lease_still_says_why() -> None:
    async with RealSshd(maxsessions="1") as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("sshd", "x")
        process = await lease.connection.ssh.create_process("cat")
        with pytest.raises(asyncssh.ChannelOpenError):
            await lease.connection.ssh.create_process("cat")
        process.close()
