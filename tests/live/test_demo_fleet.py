"""The demo fleet, as real OpenSSH and as asyncssh see it."""

import asyncio
import os
import socket
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncssh
import psutil
import pytest

from sshdash.demo.files import LARGE, MANY, ODD_NAMES
from sshdash.demo.fleet import DemoFleet
from tests.patience import PATIENCE
from tests.servers.programs import require


async def run(
    program: str, *arguments: str | Path, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a program and return its status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        require(program),
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


def below(folder: Path) -> list[Path]:
    """Return what is in a folder, nothing where there is none."""
    return sorted(folder.rglob("*"))


async def ssh(fleet: DemoFleet, *arguments: str) -> tuple[int, str, str]:
    return await run("ssh", "-F", fleet.config_file, "-o", "BatchMode=yes", *arguments)


async def login(fleet: DemoFleet, name: str, **options: object) -> asyncssh.SSHClientConnection:
    """Connect to a host, and not over its slow line where it has one."""
    host = fleet.hosts[name]
    if host.socket_file:
        near = socket.socket(socket.AF_UNIX)
        near.connect(str(host.socket_file))
        options |= {"sock": near, "known_hosts": None}
    values: dict[str, Any] = {"username": host.place.user, "client_keys": [str(fleet.identity)]}
    values |= {"known_hosts": str(fleet.known_hosts), "config": None, "agent_path": None}
    values |= {"host": "127.0.0.1", "port": host.port, **options}
    return await asyncssh.connect(**values)


@pytest.mark.parametrize("name", ["bastion", "web", "db", "old"])
async def test_openssh_gets_in_without_a_question(fleet: DemoFleet, name: str) -> None:
    assert await ssh(fleet, name, "uname; hostname; exit 3") == (
        3,
        f"{os.uname().sysname}\n{name}\n",
        "",
    )


async def test_openssh_copies_files_both_ways(fleet: DemoFleet, tmp_path: Path) -> None:
    code, _, errors = await run("scp", "-F", fleet.config_file, "web:backup.tar", tmp_path)
    assert code == 0, errors
    copied = tmp_path / "backup.tar"
    original = fleet.hosts["web"].home / "backup.tar"
    assert copied.stat().st_size == LARGE
    assert copied.read_bytes() == original.read_bytes()
    code, _, errors = await run("scp", "-O", "-F", fleet.config_file, original, "db:")
    assert code == 0, errors
    assert (fleet.hosts["db"].home / "backup.tar").stat().st_size == LARGE


async def test_a_host_is_down_and_another_is_unknown(fleet: DemoFleet) -> None:
    code, _, errors = await ssh(fleet, "cache", "true")
    assert code == 255
    assert "refused" in errors
    code, _, errors = await ssh(fleet, "stage-web", "true")
    assert code == 255
    assert "Host key verification failed" in errors


async def test_hosts_behind_the_bastion_listen_on_no_port(fleet: DemoFleet) -> None:
    for name in ("web", "db"):
        host = fleet.hosts[name]
        assert host.port == 0
        assert host.socket_file
        assert host.socket_file.parent == fleet.folder
    async with await login(fleet, "old") as connection:
        with pytest.raises(asyncssh.ChannelOpenError, match="not known"):
            await connection.open_connection("web.internal", 22)


async def test_everything_listens_on_loopback_only(fleet: DemoFleet) -> None:
    ours = psutil.Process().net_connections(kind="inet")
    listening = [one.laddr.ip for one in ours if one.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) == {"127.0.0.1"}


async def test_a_remote_forward_listens_on_loopback_only(fleet: DemoFleet) -> None:
    async with await login(fleet, "bastion") as connection:
        listener = await connection.forward_remote_port("", 0, "127.0.0.1", fleet.services["echo"])
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.get_port())
        writer.write(b"round")
        writer.write_eof()
        assert await reader.read() == b"round"
        writer.close()
        await test_everything_listens_on_loopback_only(fleet)


async def test_the_tunnels_lead_somewhere(fleet: DemoFleet) -> None:
    async with await login(fleet, "bastion") as bastion:
        reader, writer = await bastion.open_connection("web.internal", 80)
        writer.write(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        page = await reader.read()
        assert page.startswith(b"HTTP/1.1 200 OK")
        assert b"<h1>web.internal</h1>" in page
        reader, writer = await bastion.open_connection("db", 5432)
        writer.write(b"select 1")
        writer.write_eof()
        assert await reader.read() == b"select 1"
        with pytest.raises(asyncssh.ChannelOpenError):
            await bastion.open_connection("example.org", 80)


@pytest.mark.parametrize("name", ["bastion", "web"])
async def test_what_every_host_is_said_to_listen_on_answers(fleet: DemoFleet, name: str) -> None:
    async with await login(fleet, name) as host:
        reader, writer = await host.open_connection("localhost", 22)
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.close()


async def test_the_ports_of_the_forwards_are_free_and_different(fleet: DemoFleet) -> None:
    lines = [line.split() for forwards in fleet.forwards.values() for line in forwards]
    ports = [int(words[1]) for words in lines]
    assert {words[0] for words in lines} == {"LocalForward", "RemoteForward", "DynamicForward"}
    assert len(set(ports)) == len(ports)
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


class Person(asyncssh.SSHClient):
    """Reads the banner and types what it says."""

    def __init__(self, password: str, code: str) -> None:
        self.password: str | None = password
        self.code = code
        self.banner = ""
        self.asked: list[str] = []

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self.banner += msg

    def password_auth_requested(self) -> str | None:
        password, self.password = self.password, None
        return password

    def kbdint_auth_requested(self) -> str | None:
        return None if self.asked else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str]:
        self.asked += [text for text, _ in prompts]
        return [self.code]


async def test_the_vault_wants_the_password_and_then_the_code(fleet: DemoFleet) -> None:
    vault = fleet.hosts["vault"]
    person = Person(vault.password, vault.code)
    async with await login(fleet, "vault", client_factory=lambda: person) as connection:
        done = await connection.run("echo open")
        assert done.stdout == "open\n"
    assert vault.password in person.banner
    assert vault.code in person.banner
    assert person.asked == ["Verification code: "]


@pytest.mark.parametrize("wrong", ["password", "code"])
async def test_one_right_factor_is_not_enough(fleet: DemoFleet, wrong: str) -> None:
    vault = fleet.hosts["vault"]
    person = Person(
        "guess" if wrong == "password" else vault.password,
        "guess" if wrong == "code" else vault.code,
    )
    with pytest.raises(asyncssh.PermissionDenied):
        await login(fleet, "vault", client_factory=lambda: person)
    assert bool(person.asked) == (wrong == "code")


async def test_openssh_gets_into_the_vault_with_both_factors(
    fleet: DemoFleet, tmp_path: Path
) -> None:
    vault = fleet.hosts["vault"]
    askpass = tmp_path / "askpass"
    askpass.write_text(
        f"#!/bin/sh\ncase $1 in *code*) echo {vault.code};; *) echo {vault.password};; esac\n"
    )
    askpass.chmod(0o700)
    answered = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    code, out, errors = await run("ssh", "-F", fleet.config_file, "vault", "echo in", env=answered)
    assert (code, out) == (0, "in\n"), errors
    assert "Permission denied" not in errors


async def test_the_shell_is_the_hosts(fleet: DemoFleet) -> None:
    async with (
        await login(fleet, "bastion") as connection,
        connection.create_process(term_type="xterm-256color", term_size=(100, 30)) as shell,
    ):
        await asyncio.wait_for(shell.stdout.readuntil("ops@bastion"), PATIENCE)
        shell.stdin.write("stty size; echo $TERM $HOME; pwd\n")
        home = fleet.hosts["bastion"].home
        await asyncio.wait_for(shell.stdout.readuntil("30 100\r\n"), PATIENCE)
        await asyncio.wait_for(shell.stdout.readuntil(f"xterm-256color {home}\r\n{home}"), PATIENCE)
        shell.stdin.write("exit 7\n")
        assert (await shell.wait()).exit_status == 7


async def test_files_are_those_of_the_host_and_nothing_else(fleet: DemoFleet) -> None:
    async with await login(fleet, "bastion") as connection, connection.start_sftp_client() as sftp:
        assert await sftp.realpath(".") == "/home/ops"
        assert await sftp.realpath("../../../../..") == "/"
        assert sorted(await sftp.listdir("/")) == [".", "..", "etc", "home", "var"]
        async with sftp.open("/etc/hostname") as file:
            assert await file.read() == "bastion\n"


async def test_odd_names_are_there_byte_for_byte(fleet: DemoFleet) -> None:
    async with (
        await login(fleet, "old") as connection,
        connection.start_sftp_client(path_encoding=None) as sftp,
    ):
        names = set(await sftp.listdir(b"odd names"))
    if os.uname().sysname != "Linux":
        # Other file systems take only names that are UTF-8.
        names.update(name for name in ODD_NAMES if b"\xe9" in name or b"\xff" in name)
    assert names == {b".", b"..", *ODD_NAMES}


async def test_a_fifo_is_refused_and_stops_nobody(fleet: DemoFleet) -> None:
    async with await login(fleet, "old") as connection, connection.start_sftp_client() as sftp:
        assert stat.S_ISFIFO((await sftp.lstat("queue.fifo")).permissions or 0)
        with pytest.raises(asyncssh.SFTPFailure):
            await asyncio.wait_for(sftp.open("queue.fifo"), PATIENCE)
        assert await asyncio.wait_for(sftp.exists("README.txt"), PATIENCE)


async def test_there_are_many_small_files(fleet: DemoFleet) -> None:
    code, out, _ = await ssh(fleet, "db", "ls exports | wc -l")
    assert (code, out.strip()) == (0, str(MANY))


async def test_it_is_private_and_goes_with_everything(home: Path) -> None:
    before = below(home)
    async with DemoFleet() as fleet:
        folder = fleet.folder
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(fleet.identity).st_mode) == 0o600
        assert all(value.startswith(str(folder)) for value in fleet.environment().values())
        connection = await login(fleet, "bastion")
        shell = await connection.create_process("sleep 99 & echo $$; wait", term_type="xterm")
        leader = int(await shell.stdout.readline())
        processes = [psutil.Process(leader), *psutil.Process(leader).children(recursive=True)]
        # What a careless copy leaves behind must not keep the folder alive.
        os.chmod(fleet.hosts["web"].home, 0)
    await connection.wait_closed()
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, PATIENCE)
    assert not alive
    assert below(folder) == []
    assert below(home) == before


async def test_two_fleets_do_not_meet() -> None:
    async with DemoFleet() as one, DemoFleet() as other:
        assert one.folder != other.folder
        assert one.hosts["vault"].password != other.hosts["vault"].password
        with pytest.raises(asyncssh.PermissionDenied):
            await login(one, "bastion", client_keys=[str(other.identity)])


async def test_jobs_are_controlled_as_in_any_terminal(fleet: DemoFleet) -> None:
    async with (
        await login(fleet, "bastion") as connection,
        connection.create_process(term_type="xterm-256color") as shell,
    ):
        await asyncio.wait_for(shell.stdout.readuntil("ops@bastion"), PATIENCE)
        shell.stdin.write("sh -c 'echo up; exec sleep 96'\n")
        await asyncio.wait_for(shell.stdout.readuntil("up\r\n"), PATIENCE)
        shell.stdin.write("\x1a")
        await asyncio.wait_for(shell.stdout.readuntil("Stopped"), PATIENCE)
        # Bash wants to be told twice where a job is stopped.
        shell.stdin.write("exit 3\nexit 3\n")
        assert (await asyncio.wait_for(shell.wait(), PATIENCE)).exit_status == 3
