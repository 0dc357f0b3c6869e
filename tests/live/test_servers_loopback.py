"""The servers with faults, the proxy and the servers that speak no SSH."""

import asyncio
import os
import time

import asyncssh
import psutil
import pytest

from sshdash.demo.services import echo, listening
from tests.patience import PATIENCE
from tests.servers.hostile import (
    file_attributes,
    folder_attributes,
    lying_sftp,
    says_http,
)
from tests.servers.loopback import Faults, LoopbackServer, Phase
from tests.servers.proxy import Proxy


async def connect(server: LoopbackServer, **options: object) -> asyncssh.SSHClientConnection:
    keys = [str(server.identity)] if server.faults.public_key else None
    values = {"username": server.user, "client_keys": keys, "agent_path": None, "config": None}
    values["known_hosts"] = str(server.known_hosts)
    return await asyncssh.connect("127.0.0.1", server.port, **{**values, **options})


async def test_a_command_gets_its_input_and_tells_its_output_and_status() -> None:
    async with LoopbackServer() as server, await connect(server) as connection:
        done = await connection.run("cat; echo no >&2; exit 7", input="yes\n")
        assert (done.stdout, done.stderr, done.exit_status) == ("yes\n", "no\n", 7)
        killed = await connection.run("kill -KILL $$")
        assert killed.exit_signal
        assert killed.exit_signal[0] == "KILL"


async def test_a_shell_has_a_terminal_that_follows_its_size() -> None:
    command = "stty size; read x; stty size; tty"
    async with (
        LoopbackServer() as server,
        await connect(server) as connection,
        connection.create_process(command, term_type="xterm", term_size=(80, 24)) as process,
    ):
        assert await process.stdout.readline() == "24 80\r\n"
        process.change_terminal_size(132, 50)
        process.stdin.write("\n")
        rest = await process.stdout.read()
        assert "50 132" in rest
        assert "/dev/" in rest


async def test_ctrl_c_reaches_the_foreground_of_a_shell() -> None:
    command = "trap 'echo caught; exit 3' INT; echo up; while :; do sleep 0.1; done"
    async with (
        LoopbackServer() as server,
        await connect(server) as connection,
        connection.create_process(command, term_type="xterm") as process,
    ):
        await process.stdout.readuntil("up")
        process.stdin.write("\x03")
        assert "caught" in await process.stdout.read()
        assert (await process.wait()).exit_status == 3


async def test_a_client_that_goes_leaves_no_process() -> None:
    async with LoopbackServer() as server, await connect(server) as connection:
        process = await connection.create_process(
            "trap '' HUP TERM; sleep 321 & echo $$; wait", term_type="xterm"
        )
        pid = int(await process.stdout.readline())
        assert psutil.pid_exists(pid)
        children = psutil.Process(pid).children()
        server.drop_connections()
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, PATIENCE)
        assert not alive
        await connection.wait_closed()


@pytest.mark.parametrize("phase", list(Phase))
async def test_it_disconnects_where_it_is_told(phase: Phase) -> None:
    async with LoopbackServer(Faults(disconnect_at=phase)) as server:
        with pytest.raises((OSError, asyncssh.Error)):
            async with await connect(server) as connection:
                await connection.run("true", check=True)


async def test_the_two_factors_are_password_and_then_code() -> None:
    faults = Faults(
        public_key=False, password="first", both=True,
        prompts=[("Code: ", False)], answers=["123456"], banner="the code is 123456\n",
    )  # fmt: skip

    class Person(asyncssh.SSHClient):
        banner = ""

        def auth_banner_received(self, msg: str, lang: str) -> None:
            self.banner = msg

        def password_auth_requested(self) -> str:
            return "first"

        def kbdint_auth_requested(self) -> str:
            return ""

        def kbdint_challenge_received(
            self, name: str, instructions: str, lang: str, prompts: object
        ) -> list[str]:
            return ["123456"]

    async with LoopbackServer(faults) as server:
        async with await connect(server, client_factory=Person) as connection:
            assert (await connection.run("echo in")).stdout == "in\n"
        assert [method for method, _ in server.attempts] == ["password", "keyboard-interactive"]


async def test_there_can_be_no_sftp_and_a_limit_of_sessions() -> None:
    faults = Faults(sftp=False, max_sessions=1)
    async with LoopbackServer(faults) as server, await connect(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()
        async with connection.create_process("cat"):
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.run("true")
        assert (await connection.run("echo again")).stdout == "again\n"


async def test_names_and_attributes_may_be_lies() -> None:
    entries = {b"../up": file_attributes(2**62), b"a\x1b[2J": folder_attributes(mtime=2**32 - 1)}
    async with (
        LoopbackServer(Faults(sftp_server=lying_sftp(entries))) as server,
        await connect(server) as connection,
        connection.start_sftp_client(path_encoding=None) as sftp,
    ):
        listed = {entry.filename: entry.attrs.size async for entry in sftp.scandir(b"/")}
    assert listed == {b"../up": 2**62, b"a\x1b[2J": 4096}


async def test_forwards_can_be_slow_or_refused() -> None:
    async with LoopbackServer() as server, listening(echo) as port:
        async with await connect(server) as connection:
            server.faults.open_delay = 0.2
            before = time.monotonic()
            reader, writer = await connection.open_connection("127.0.0.1", port)
            assert time.monotonic() - before >= 0.2
            writer.write(b"hello")
            writer.write_eof()
            assert await reader.read() == b"hello"
            server.faults.forwarding = False
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", port)
        assert server.forwards == [("127.0.0.1", port)] * 2


async def test_another_host_key_is_not_the_known_one() -> None:
    async with LoopbackServer() as server:
        await server.change_host_key()
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await connect(server)


async def test_http_is_no_ssh() -> None:
    async with listening(says_http) as port:
        with pytest.raises((OSError, asyncssh.Error)):
            await asyncssh.connect("127.0.0.1", port, config=None, known_hosts=None)


@pytest.mark.alone
async def test_delay_adds_to_the_round_trip_and_leaves_the_bandwidth() -> None:
    size = 32 * 1024 * 1024
    async with listening(echo) as port, Proxy(port, delay=0.02) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        before = time.monotonic()
        writer.write(b"x")
        await reader.readexactly(1)
        assert time.monotonic() - before >= 0.04
        async with asyncio.timeout(15):  # one piece after the other would take 20 s
            writer.write(bytes(size))
            await reader.readexactly(size)
        writer.close()
        assert (proxy.bytes_up, proxy.bytes_down) == (size + 1, size + 1)


async def test_a_rate_is_kept() -> None:
    async with listening(echo) as port, Proxy(port, rate=1_000_000) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        before = time.monotonic()
        writer.write(bytes(300_000))
        await reader.readexactly(300_000)
        assert time.monotonic() - before >= 0.28
        writer.close()


async def test_a_stalled_network_is_silent_and_goes_on() -> None:
    async with listening(echo) as port, Proxy(port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.stall()
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(4), 0.1)
        proxy.flow()
        assert await asyncio.wait_for(reader.readexactly(4), PATIENCE) == b"late"
        writer.close()


async def test_connections_are_cut_or_reset() -> None:
    async with listening(echo) as port, Proxy(port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await reader.readexactly(1)
        proxy.cut()
        assert await reader.read() == b""
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        await reader.readexactly(1)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_the_folder_of_a_server_goes_with_it() -> None:
    async with LoopbackServer() as server:
        assert os.path.isdir(server.folder)  # noqa: ASYNC240
    assert not os.path.exists(server.folder)  # noqa: ASYNC240


async def test_a_shell_that_cannot_start_says_so_and_the_connection_stays() -> None:
    async with LoopbackServer() as server, await connect(server) as connection:
        os.rmdir(server.home)
        done = await connection.run("true")
        assert done.exit_status == 126
        assert "cannot start" in str(done.stderr)
        os.mkdir(server.home)
        assert (await connection.run("echo again")).stdout == "again\n"


async def test_a_client_that_goes_ends_what_still_holds_the_output() -> None:
    async with LoopbackServer() as server, await connect(server) as connection:
        process = await connection.create_process("sleep 322 & echo $!")
        pid = int(await process.stdout.readline())
        sleeper = psutil.Process(pid)
        server.drop_connections()
        await connection.wait_closed()
        _, alive = await asyncio.to_thread(psutil.wait_procs, [sleeper], PATIENCE)
        assert not alive
