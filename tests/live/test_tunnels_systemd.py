"""Tunnels as units of a real systemd: exported, detached and handed over, against a real sshd."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from sshdash.tunnels.kept.rules_file import remove_rule
from sshdash.tunnels.kept.rules_text import parse_option
from tests.live.conftest import BackendFor
from tests.live.test_cli_tunnels import keep, running, sshdash
from tests.live.tunnel_kit import echo, exchange, free_to_use, target, until
from tests.servers.ports import free_port
from tests.servers.programs import require
from tests.servers.sshd import RealSshd
from tests.servers.user_manager import UserManager


@pytest.fixture
async def systemd(
    sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UserManager]:
    """Run a user's systemd that sshdash finds, for a person whose ssh_config knows the server."""
    config = home / ".ssh" / "config"
    config.write_text(sshd.config_file.read_text())
    config.chmod(0o600)
    async with UserManager() as manager:
        monkeypatch.setenv("PATH", f"{manager.programs}:{os.environ['PATH']}")
        yield manager


async def test_an_exported_unit_is_started_once_it_is_open_and_again_when_it_is_killed(
    sshd: RealSshd, home: Path, systemd: UserManager
) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("a 100% $x", "sshd", f"-L {listen}:127.0.0.1:{port}")
        unit = home / ".config" / "systemd" / "user" / "tunnels.service"
        status, text, err = await sshdash(sshd, "tunnels", "export", "--systemd", "a 100% $x")
        assert status == 0, err
        unit.parent.mkdir(parents=True)
        unit.write_text(text.replace("RestartSec=5", "RestartSec=0.1"))
        assert await verified(unit) == ""
        assert await systemd.ask("daemon-reload") == (0, "")
        assert await systemd.ask("start", unit.name) == (0, "")
        assert await exchange(listen, b"open") == b"open", "it is started once it is open"
        assert await systemd.value(unit.name, "StatusText") == "1 of 1 forwards open"

        killed = int(await systemd.value(unit.name, "MainPID"))
        os.kill(killed, signal.SIGKILL)
        await systemd.until(unit.name, "NRestarts", "1")
        await systemd.until(unit.name, "ActiveState", "active")
        assert await exchange(listen, b"again") == b"again"

        assert await systemd.ask("stop", unit.name) == (0, "")
        assert free_to_use(listen)
        assert await systemd.value(unit.name, "Result") == "success"


async def test_a_unit_is_not_started_again_where_that_would_not_help(
    sshd: RealSshd, home: Path, systemd: UserManager
) -> None:
    keep("web", "sshd", "-D 0")
    _, text, _ = await sshdash(sshd, "tunnels", "export", "--systemd", "web")
    remove_rule("web")
    unit = home / ".config" / "systemd" / "user" / "tunnels.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(text.replace("RestartSec=5", "RestartSec=0"))
    assert (await systemd.ask("start", unit.name))[0] != 0
    assert await systemd.value(unit.name, "ActiveState") == "failed"
    assert await systemd.value(unit.name, "ExecMainStatus") == "2"
    assert await systemd.value(unit.name, "NRestarts") == "0"


async def verified(unit: Path) -> str:
    """Return what systemd-analyze says against a unit."""
    process = await asyncio.create_subprocess_exec(
        require("systemd-analyze"), "--user", "--man=no", "verify", str(unit),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    lines = [line for line in said.decode().splitlines() if unit.name in line]
    assert process.returncode == 0 or not lines, said
    return "\n".join(lines)


async def test_a_detached_process_is_a_unit_that_goes_when_it_is_ended(
    sshd: RealSshd, systemd: UserManager
) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}")
        status, out, err = await sshdash(sshd, "forward", "--detach", "--name", "web", "--json")
        assert status == 0, err
        told = json.loads(out)
        assert int(await systemd.value(told["unit"], "MainPID")) == told["pid"]
        assert await systemd.value(told["unit"], "SubState") == "running"
        assert await systemd.value(told["unit"], "StatusText") == "1 of 1 forwards open"
        assert (await asyncio.to_thread(os.stat, told["log"])).st_mode & 0o777 == 0o600
        assert await exchange(listen, b"unit") == b"unit"
        assert [one["name"] for one in await running(sshd)] == ["web"]
        assert (await sshdash(sshd, "tunnels", "end", "web"))[0] == 0
        await until(lambda: not psutil.pid_exists(told["pid"]), "its end")
        await systemd.until(told["unit"], "LoadState", "not-found")
        assert free_to_use(listen)


async def test_a_unit_that_cannot_connect_says_why(sshd: RealSshd, systemd: UserManager) -> None:
    sshd.authorized_keys.write_text("")
    status, out, err = await sshdash(sshd, "forward", "--detach", "sshd", "-D", "0")
    assert (status, out) == (1, "")
    assert "Permission denied" in err
    assert ".log" in err


async def test_tunnels_are_handed_over_to_units_with_their_ports(
    sshd: RealSshd, systemd: UserManager, backend_for: BackendFor
) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}", "-D 0")
        backend = await backend_for(sshd.config_file)
        await backend.household.open("screen")
        await backend.household.rules.load()
        ids = backend.household.rules.tunnels("web")
        ids.append(backend.tunnels.add("inner", parse_option(f"-L 0:127.0.0.1:{port}")))
        places = [(await backend.tunnels.start(one)).listen for one in ids]
        done = await backend.hand_over(ids)
        assert (sorted(done.moved), done.kept) == (sorted(ids), ())
        await backend.close()
        chosen = int(places[2].rpartition(":")[2])
        for number in (listen, chosen):
            assert await exchange(number, b"elsewhere") == b"elsewhere"
        for process in done.processes:
            assert int(await systemd.value(process.unit, "MainPID")) == process.pid

        again = await backend_for(sshd.config_file)
        await again.household.open("screen")
        await again.household.rules.load()
        [mine, _] = again.household.rules.tunnels("web")
        await again.household.take_over([mine])
        assert await exchange(listen, b"back") == b"back"
        units = {one.tunnels[0]["name"]: one.unit for one in done.processes}
        await systemd.until(units["web"], "LoadState", "not-found")
        assert await exchange(chosen, b"still apart") == b"still apart"
        assert (await systemd.ask("stop", units[""]))[0] == 0
        assert free_to_use(chosen)
