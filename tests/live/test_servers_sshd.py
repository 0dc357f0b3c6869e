"""The real sshd that the live tests run against."""

import asyncio
import subprocess

import asyncssh
import pytest

from tests.patience import PATIENCE
from tests.servers import programs
from tests.servers.programs import require
from tests.servers.sshd import RealSshd


def ssh(server: RealSshd, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [require("ssh"), "-F", str(server.config_file), "-o", "BatchMode=yes", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.parametrize("host", ["sshd", "inner"])
def test_openssh_runs_a_command_without_a_question(sshd: RealSshd, host: str) -> None:
    done = ssh(sshd, host, "echo $((6*7)); exit 3")
    assert (done.stdout, done.returncode) == ("42\n", 3), done.stderr


async def test_asyncssh_connects_and_sees_the_folder_of_the_sessions(sshd: RealSshd) -> None:
    async with (
        asyncssh.connect(
            "127.0.0.1",
            sshd.port,
            username=sshd.user,
            client_keys=[str(sshd.identity)],
            known_hosts=str(sshd.known_hosts),
            config=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        assert await sftp.realpath(".") == str(sshd.home)
        assert len(sshd.connections()) == 1


async def test_a_killed_connection_is_gone_and_the_server_still_answers(sshd: RealSshd) -> None:
    process = await asyncio.create_subprocess_exec(
        require("ssh"), "-F", str(sshd.config_file), "sshd", "echo up; cat",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert await process.stdout.readline() == b"up\n"
    assert sshd.kill_connections() == 1
    _, stderr = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 255, stderr
    assert (await asyncio.to_thread(ssh, sshd, "sshd", "true")).returncode == 0


def test_it_restarts_on_its_port_and_refuses_meanwhile(sshd: RealSshd) -> None:
    port = sshd.port
    sshd.stop()
    assert "refused" in ssh(sshd, "sshd", "true").stderr
    sshd.start()
    assert sshd.port == port
    assert ssh(sshd, "sshd", "true").returncode == 0


async def test_options_win_over_the_defaults() -> None:
    async with RealSshd(subsystem="", AllowTcpForwarding="no") as server:
        done = await asyncio.to_thread(ssh, server, "inner", "true")
        assert done.returncode == 255
        assert "forwarding" in done.stderr or "forwarding" in server.log


async def test_a_suspended_connection_is_silent_and_goes_on(sshd: RealSshd) -> None:
    async with asyncssh.connect(
        "127.0.0.1", sshd.port, username=sshd.user, client_keys=[str(sshd.identity)],
        known_hosts=str(sshd.known_hosts), config=None,
    ) as connection:  # fmt: skip
        sshd.suspend()
        running = asyncio.create_task(connection.run("echo late"))
        done, _ = await asyncio.wait({running}, timeout=0.3)
        assert not done
        sshd.resume()
        assert (await asyncio.wait_for(running, PATIENCE)).stdout == "late\n"


async def test_its_log_tells_what_it_saw(sshd: RealSshd) -> None:
    assert (await asyncio.to_thread(ssh, sshd, "sshd", "true")).returncode == 0
    line = await asyncio.to_thread(sshd.wait_for, "Accepted publickey")
    assert sshd.user in line


def test_nothing_of_it_stays() -> None:
    program = require("ssh")
    server = RealSshd()
    server.start()
    with subprocess.Popen(
        [program, "-F", str(server.config_file), "sshd", "echo up; sleep 97"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as client:  # fmt: skip
        assert client.stdout
        assert client.stdout.readline() == "up\n"
        server.close()
        assert client.wait(PATIENCE) == 255
    assert not server.folder.exists()
    assert server.connections() == []


def test_a_machine_without_sshd_skips_unless_it_must_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_PLACES", ())
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("SSHDASH_REQUIRE_SSHD", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no sshd"):
        programs.require("sshd")
    monkeypatch.setenv("SSHDASH_REQUIRE_SSHD", "1")
    with pytest.raises(pytest.fail.Exception, match="SSHDASH_REQUIRE_SSHD"):
        programs.require("sshd")
