"""``sshdash forward`` as a program, against a real sshd."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.tunnel_kit import echo, exchange, target
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


class Forwarding:
    """A running ``sshdash forward --json``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.changes: list[dict[str, Any]] = []

    async def until(self, state: str, option: str = "") -> dict[str, Any]:
        """Return the first change to a state, of one kind of forward."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                change: dict[str, Any] = json.loads(line)
                self.changes.append(change)
                if change["state"] == state and change["kind"].upper().startswith(option):
                    return change
        raise AssertionError(f"ended without {state}: {await self.end()}")

    async def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal, if any; return the exit status and what was on stderr."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate()
        self.changes += [json.loads(line) for line in out.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


@contextlib.asynccontextmanager
async def forwarding(server: RealSshd, *arguments: str) -> AsyncIterator[Forwarding]:
    """Run the command; make sure that it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sshdash", "-F", str(server.config_file), "forward", *arguments,
        "--json",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONWARNINGS": "error::ResourceWarning"},
    )  # fmt: skip
    try:
        yield Forwarding(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_all_kinds_until_a_signal(sshd: RealSshd, number: signal.Signals) -> None:
    async with target(echo) as port:
        aim = f"0:127.0.0.1:{port}"
        # With no address sshd takes a free port of ::1, and goes on if 127.0.0.1 has it not.
        listeners = ("-L", aim, "-L", f"127.0.0.1:{aim}", "-R", f"127.0.0.1:{aim}", "-D", "0")
        arguments = ("inner", *listeners)
        async with forwarding(sshd, *arguments) as run:
            opened = [await run.until("open") for _ in range(4)]
            assert sorted(change["kind"] for change in opened) == [
                "dynamic",
                "local",
                "local",
                "remote",
            ]
            for change in opened:
                assert change["route"] == ["sshd", "inner"]
                if change["kind"] != "dynamic":
                    assert await exchange(change["port"], b"hello") == b"hello"
            status, err = await run.end(number)
            assert (status, err) == (0, "")
            closed = [change for change in run.changes if change["state"] == "closed"]
            assert len(closed) == 4
            assert sum(change["bytes_up"] for change in closed) == 15
            assert sum(change["bytes_down"] for change in closed) == 15


async def test_without_options_the_configured_forwards_run(sshd: RealSshd) -> None:
    listen = free_port()
    async with target(echo) as port:
        text = f"Host sshd\n    LocalForward {listen} 127.0.0.1:{port}\n"
        sshd.config_file.write_text(text + sshd.config_file.read_text())
        async with forwarding(sshd, "sshd") as run:
            assert (await run.until("open"))["port"] == listen
            assert await exchange(listen, b"configured") == b"configured"
            assert (await run.end(signal.SIGTERM))[0] == 0


async def test_with_exit_on_forward_failure_one_that_fails_ends_all(sshd: RealSshd) -> None:
    async with target(echo) as port:
        taken = f"{port}:127.0.0.1:1"
        option = ("-o", "ExitOnForwardFailure=yes")
        async with forwarding(sshd, "sshd", *option, "-L", taken, "-D", "0") as run:
            failed = await run.until("failed")
            assert f"Port {port} is in use" in failed["reason"]
            status, err = await run.end()
            assert status == 3
            assert f"Port {port} is in use" in err
            assert "→ port" in err


async def test_a_forward_that_fails_leaves_the_others_as_with_ssh(sshd: RealSshd) -> None:
    async with target(echo) as port:
        arguments = ("sshd", "-L", f"{port}:127.0.0.1:1")
        async with forwarding(sshd, *arguments, "-L", f"0:127.0.0.1:{port}") as run:
            opened = await run.until("open")
            assert await exchange(opened["port"], b"still") == b"still"
            if "failed" not in {change["state"] for change in run.changes}:
                await run.until("failed")
            status, err = await run.end(signal.SIGINT)
            assert status == 0
            assert "is in use" in err
        async with forwarding(sshd, *arguments) as run:
            assert (await run.end())[0] == 3, "with none left there is nothing to wait for"


async def test_a_lost_connection_is_made_again_and_the_ports_stay(sshd: RealSshd) -> None:
    async with target(echo) as port:
        there = f"127.0.0.1:0:127.0.0.1:{port}"
        async with forwarding(sshd, "sshd", "-L", there, "-R", there) as run:
            before = [await run.until("open") for _ in range(2)]
            sshd.stop()
            lost = [await run.until("reconnecting") for _ in range(2)]
            assert "Connection lost" in lost[0]["reason"]
            assert lost[0]["retry_in"] is not None
            local = next(one["port"] for one in before if one["kind"] == "local")
            early = asyncio.create_task(exchange(local, b"while it was gone"))
            sshd.start()
            again = [await run.until("open") for _ in range(2)]
            assert {one["port"] for one in again} == {one["port"] for one in before}
            for one in again:
                assert await exchange(one["port"], b"back") == b"back"
            assert await early == b"while it was gone"
            status, err = await run.end(signal.SIGTERM)
            assert status == 0
            assert re.search(r"sshd: .*; trying again (now|in \d+\.\d s)", err)
            assert re.search(r"sshd: back after \d+ s", err)


async def test_a_login_that_is_refused_afterwards_ends_it(sshd: RealSshd) -> None:
    async with forwarding(sshd, "sshd", "-L", "0:127.0.0.1:1") as run:
        await run.until("open")
        sshd.authorized_keys.write_text("")
        sshd.kill_connections()
        await run.until("reconnecting")
        status, err = await run.end()
        assert status == 255
        assert "not tried again: the login was refused" in err


async def test_without_reconnecting_a_lost_connection_ends_it(sshd: RealSshd) -> None:
    async with forwarding(sshd, "sshd", "-L", "0:127.0.0.1:1", "--no-reconnect") as run:
        await run.until("open")
        sshd.kill_connections()
        failed = await run.until("failed")
        assert "Connection lost" in failed["reason"]
        status, err = await run.end()
        assert status == 255
        assert "Connection lost" in err


async def test_a_server_that_is_not_there(sshd: RealSshd) -> None:
    sshd.stop()
    async with forwarding(sshd, "sshd", "-L", "0:127.0.0.1:1") as run:
        status, err = await run.end()
        assert status == 255
        assert "refused" in err.lower()
        assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-L", "99999:db:1"), "listening port 99999"),
        ((), "has no forwards"),
    ],
)
async def test_wrong_usage(sshd: RealSshd, arguments: tuple[str, ...], said: str) -> None:
    async with forwarding(sshd, "sshd", *arguments) as run:
        status, err = await run.end()
        assert status == 2
        assert said in err
        assert "Traceback" not in err


async def test_a_reader_that_leaves_ends_it(sshd: RealSshd) -> None:
    async with forwarding(sshd, "sshd", "-L", "0:127.0.0.1:1") as run:
        await run.until("open")
        run.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        sshd.kill_connections()
        async with asyncio.timeout(PATIENCE):
            assert await run.process.wait() != 0


async def test_sockets_and_remote_socks(sshd: RealSshd, tmp_path: Path) -> None:
    here, there = tmp_path / "here-%n.sock", tmp_path / "there.sock"
    async with target(echo) as port:
        arguments = ("-L", f"{here}:127.0.0.1:{port}", "-R", f"{there}", "-R", "0")
        async with forwarding(sshd, "sshd", *arguments) as run:
            opened = [await run.until("open") for _ in range(3)]
            sockets = {change["socket"] for change in opened}
            assert sockets == {f"{tmp_path}/here-sshd.sock", str(there), None}
            assert sum(change["port"] is None for change in opened) == 2
            assert sorted(change["target"] for change in opened)[1:] == ["SOCKS", "SOCKS"]
            reader, writer = await asyncio.open_unix_connection(tmp_path / "here-sshd.sock")
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()
            assert (await run.end(signal.SIGTERM))[0] == 0
    assert not (tmp_path / "here-sshd.sock").exists()


async def test_every_form_of_the_configuration(sshd: RealSshd, tmp_path: Path) -> None:
    lines = (
        f"LocalForward {tmp_path}/a-%h.sock localhost:1",
        f'LocalForward "{tmp_path}/b c.sock" {tmp_path}/goal.sock',
        f"RemoteForward {tmp_path}/d.sock {tmp_path}/goal.sock",
        f"RemoteForward 0 {tmp_path}/goal.sock",
        "RemoteForward localhost:0",
        f"DynamicForward {tmp_path}/e.sock",
    )
    text = "Host sshd\n" + "".join(f"    {line}\n" for line in lines)
    sshd.config_file.write_text(
        text + "    StreamLocalBindMask 0111\n" + sshd.config_file.read_text()
    )
    async with forwarding(sshd, "sshd") as run:
        opened = [await run.until("open") for _ in lines]
        names = {os.path.basename(change["socket"]) for change in opened if change["socket"]}
        assert names == {"a-127.0.0.1.sock", "b c.sock", "d.sock", "e.sock"}
        assert os.stat(tmp_path / "b c.sock").st_mode & 0o777 == 0o666
        status, err = await run.end(signal.SIGTERM)
        assert (status, err) == (0, "")


async def test_clear_all_forwardings(sshd: RealSshd) -> None:
    text = "Host sshd\n    RemoteForward 0\n    ClearAllForwardings yes\n"
    sshd.config_file.write_text(text + sshd.config_file.read_text())
    async with forwarding(sshd, "sshd") as run:
        status, err = await run.end()
        assert status == 2
        assert "ssh_config has no forwards for sshd" in err


@pytest.mark.parametrize(
    ("option", "text", "part"),
    [
        ("-L", "99999:db:5432", "the listening port 99999 is not between 0 and 65535"),
        ("-L", "5432:db", "the target host:port is missing"),
        ("-L", "[::1:80:db:80", "'[' without ']'"),
        ("-L", "80: db:80", "blanks around a colon; '80:db:80' has none"),
        ("-R", "/a.sock:80", "the socket '/a.sock' has no address and no port"),
        ("-D", "1080:db:80", "too many parts"),
        ("-L", "${NO_SUCH}/a:db:80", "environment variable NO_SUCH is not set"),
        ("-L", "/run/%y:db:80", "unknown token %y"),
    ],
)
async def test_a_wrong_forward_is_told_by_its_wrong_part(
    sshd: RealSshd, option: str, text: str, part: str
) -> None:
    async with forwarding(sshd, "sshd", option, text) as run:
        status, err = await run.end()
        assert status == 2
        assert part in err
        assert not sshd.connections(), "nobody connects for a wrong rule"


async def test_of_two_for_one_port_of_the_server_the_first_has_it_as_with_ssh(
    sshd: RealSshd,
) -> None:
    port = free_port()
    wanted = [f"{port}:127.0.0.1:{number}" for number in (1, 2)]
    async with forwarding(sshd, *(f"-R{one}" for one in wanted), "sshd") as run:
        opened = await run.until("open")
        assert opened["target"] == "127.0.0.1:1"
        await run.until("failed")


@pytest.mark.parametrize("options", [("-N",), ("-TnN4",), ("-NC", "-6")])
async def test_what_people_give_ssh_for_tunnels_alone(
    sshd: RealSshd, options: tuple[str, ...]
) -> None:
    async with forwarding(sshd, *options, "-L", "0:127.0.0.1:1", "sshd") as run:
        if "-6" in options:  # the server has no such address
            assert (await run.end())[0] == 255
        else:
            await run.until("open")


async def test_g_opens_what_has_no_address_to_others(sshd: RealSshd) -> None:
    async with forwarding(sshd, "-gN", "-D", "0", "sshd") as run:
        assert (await run.until("open"))["exposed"]


async def test_f_is_told_what_it_is_called_here(sshd: RealSshd) -> None:
    async with forwarding(sshd, "-fN", "-D", "0", "sshd") as run:
        status, err = await run.end()
        assert status == 2
        assert "--detach" in err
