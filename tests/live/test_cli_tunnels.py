"""Saved rules run by name, in processes that know of each other, against a real sshd."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from sshdash.paths import runtime_dir
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.rules_file import save_rule
from sshdash.tunnels.kept.rules_text import parse_option
from tests.live.life_kit import turned_away
from tests.live.test_cli_forward import Forwarding, forwarding
from tests.live.tunnel_kit import echo, exchange, free_to_use, target, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


def keep(name: str, host: str, *forwards: str, **fields: Any) -> None:
    save_rule(Rule(name, host, tuple(map(parse_option, forwards)), **fields))


async def sshdash(server: RealSshd, *arguments: str) -> tuple[int, str, str]:
    """Run a command to its end; return its exit status, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sshdash", "-F", str(server.config_file), *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def running(server: RealSshd) -> list[dict[str, Any]]:
    """Return what `sshdash tunnels --json` tells."""
    _, out, _ = await sshdash(server, "tunnels", "--json")
    listed: list[dict[str, Any]] = json.loads(out)
    return listed


async def test_all_rules_run_and_are_seen_from_outside(sshd: RealSshd, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}", f"-R 127.0.0.1:0:127.0.0.1:{port}")
        keep("deep", "inner", "-D 0")
        keep("one", "sshd", f"-L 0:127.0.0.1:{port}", group="g")
        keep("other", "sshd", "-D 0", group="g")
        async with forwarding(sshd, "--all", "--ready-file", str(ready)) as run:
            opened = [await run.until("open") for _ in range(4)]
            assert sorted(one["name"] for one in opened) == ["deep", "one", "web", "web"]
            assert {one["host"] for one in opened} == {"sshd", "inner"}
            await until(ready.exists, "the file for readiness")
            told = json.loads(ready.read_text())
            assert told["pid"] == run.process.pid
            assert {one["state"] for one in told["tunnels"]} == {"open"}
            assert ready.stat().st_mode & 0o777 == 0o600

            listed = await running(sshd)
            assert {one["owner"] for one in listed} == {f"forward (pid {run.process.pid})"}
            assert len(listed) == 4
            status, out, _ = await sshdash(sshd, "tunnels")
            assert status == 0
            assert out.splitlines()[0].split() == [
                "name", "way", "state", "clients", "up", "down", "uptime", "process",
            ]  # fmt: skip
            assert f"L localhost:{listen} → sshd → 127.0.0.1:{port}" in out
            assert out.splitlines()[-1].split()[:5] == ["total", "4", "tunnels", "4", "open"]
            _, out, _ = await sshdash(sshd, "tunnels", "--json", "--totals")
            sums = json.loads(out)
            assert sums["total"]["open"] == len(sums["tunnels"]) == 4
            assert {name: one["tunnels"] for name, one in sums["rules"].items()} == {
                "web": 2, "deep": 1, "one": 1,
            }  # fmt: skip

            assert (await run.end(signal.SIGTERM))[0] == 0
            assert not ready.exists()
    status, out, err = await sshdash(sshd, "tunnels")
    assert (status, out) == (1, "")
    assert "no tunnels run" in err
    assert not list(runtime_dir().glob("*.sock"))


async def test_a_rule_is_stopped_started_and_paused_from_outside(sshd: RealSshd) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}", "-D 0")
        async with forwarding(sshd, "sshd", "-L", f"0:127.0.0.1:{port}", "--name", "web") as run:
            for _ in range(3):
                await run.until("open")
            assert (await sshdash(sshd, "tunnels", "stop", "web"))[0] == 0
            assert free_to_use(listen)
            assert [one["state"] for one in await running(sshd) if one["name"] == "web"] == [
                "closed",
                "closed",
            ]
            assert (await sshdash(sshd, "tunnels", "start", "web"))[0] == 0
            assert await exchange(listen, b"again") == b"again"
            assert (await sshdash(sshd, "tunnels", "pause", "web"))[0] == 0
            assert (await sshdash(sshd, "tunnels"))[0] == 3, "not all that run are open"
            waiting = asyncio.create_task(exchange(listen, b"later"))
            assert (await sshdash(sshd, "tunnels", "resume", "web"))[0] == 0
            assert await waiting == b"later"

            status, _, err = await sshdash(sshd, "tunnels", "stop", "nothing")
            assert status == 1
            assert "No process has a tunnel nothing" in err

            [nameless] = [one for one in await running(sshd) if not one["name"]]
            name = f"{run.process.pid}/{nameless['tunnel'].rpartition('/')[2]}"
            assert (await sshdash(sshd, "tunnels", "stop", name))[0] == 0
            assert free_to_use(nameless["port"])

            _, _, err = await sshdash(sshd, "tunnels", "stop", "web")
            assert f"process {run.process.pid} waits to start them again" in err
            assert f"sshdash tunnels end web {name}" in err
            status, out, _ = await sshdash(sshd, "tunnels")
            assert (status, out.count("closed")) == (1, 4), "all are stopped"
            assert (await sshdash(sshd, "tunnels", "end", "web"))[0] == 0
            assert [one["name"] for one in await running(sshd)] == [""]
            assert (await sshdash(sshd, "tunnels", "end", name))[0] == 0
            assert (await run.end())[0] == 0


@pytest.mark.parametrize("abstract", [False, True])
async def test_systemd_is_told(
    sshd: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    if abstract and sys.platform != "linux":
        pytest.skip("only Linux has abstract sockets")
    name = f"sshdash-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name}" if abstract else name)
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if abstract else name)
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        loop = asyncio.get_running_loop()

        async def told(what: str) -> str:
            async with asyncio.timeout(PATIENCE):
                while True:
                    message = (await loop.sock_recv(systemd, 4096)).decode()
                    if what in message.splitlines():
                        return message

        async with forwarding(sshd, "sshd", "-D", "0", "-L", "0:127.0.0.1:1") as run:
            assert "STATUS=2 of 2 forwards open" in await told("READY=1")
            await told("WATCHDOG=1")
            await told("WATCHDOG=1")
            await asyncio.to_thread(sshd.stop)
            await told("STATUS=0 of 2 forwards open")
            await asyncio.to_thread(sshd.start)
            await told("STATUS=2 of 2 forwards open")
            assert await turned_away((await run.until("open", "L"))["port"])
            await told("STATUS=2 of 2 forwards open, 1 degraded")
            await run.end(signal.SIGTERM)
            await told("STOPPING=1")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
async def test_a_full_disk_under_the_log_ends_no_tunnel(sshd: RealSshd, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}")
        full = os.open("/dev/full", os.O_WRONLY)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sshdash", "-F", str(sshd.config_file),
            "forward", "--name", "web", "--ready-file", str(ready),
            stdin=asyncio.subprocess.DEVNULL, stdout=full, stderr=full,
        )  # fmt: skip
        os.close(full)
        try:
            await until(ready.exists, "the file for readiness")
            sshd.kill_connections()
            assert await exchange(listen, b"all the same") == b"all the same"
        finally:
            process.terminate()
            await process.wait()


async def test_watching_tells_again_and_again(sshd: RealSshd) -> None:
    keep("web", "sshd", "-D 0")
    async with forwarding(sshd, "--name", "web") as run:
        await run.until("open")
        watching = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sshdash", "tunnels", "--watch", "--json",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert watching.stdout
        try:
            async with asyncio.timeout(PATIENCE):
                [first] = json.loads(await watching.stdout.readline())
                assert first["state"] == "open"
                await run.end(signal.SIGTERM)
                while json.loads(await watching.stdout.readline()):
                    pass
            watching.send_signal(signal.SIGINT)
            assert await watching.wait() == 130
        finally:
            with contextlib.suppress(ProcessLookupError):
                watching.kill()
            await watching.wait()


async def test_a_rule_has_one_owner_and_can_be_taken_over(sshd: RealSshd) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}", "-D 0")
        async with forwarding(sshd, "--name", "web") as first:
            for _ in range(2):
                await first.until("open")
            async with forwarding(sshd, "--name", "web") as second:
                status, err = await second.end()
                assert status == 5
                assert f"web is run by forward (pid {first.process.pid})" in err
                assert "sshdash tunnels end web" in err
            assert await exchange(listen, b"still") == b"still"
            async with forwarding(sshd, "--name", "web", "--take-over") as heir:
                for _ in range(2):
                    await heir.until("open")
                assert (await first.end())[0] == 0, "all that it ran was taken over"
                assert await exchange(listen, b"heir") == b"heir"
                assert {one["owner"] for one in await running(sshd)} == {
                    f"forward (pid {heir.process.pid})"
                }


async def test_what_cannot_be_connected_to_is_not_taken_from_its_owner(sshd: RealSshd) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}")
        async with forwarding(sshd, "--name", "web") as first:
            await first.until("open")
            sshd.authorized_keys.write_text("")
            async with forwarding(sshd, "--name", "web", "--take-over") as heir:
                status, err = await heir.end()
                assert status == 255
                assert "Permission denied" in err
                assert heir.changes == []
            assert await exchange(listen, b"still") == b"still"


async def test_what_a_killed_owner_had_is_free_at_once(sshd: RealSshd) -> None:
    keep("web", "sshd", f"-D {free_port()}")
    async with forwarding(sshd, "--name", "web") as first:
        await first.until("open")
        await first.end(signal.SIGKILL)
        assert list(runtime_dir().glob("*.sock"))
    assert await running(sshd) == []
    assert not list(runtime_dir().glob("*.sock")), "what it left is removed"
    async with forwarding(sshd, "--name", "web") as second:
        await second.until("open")


async def test_only_one_of_several_at_a_time_gets_a_rule(sshd: RealSshd) -> None:
    keep("web", "sshd", "-D 0")
    async with contextlib.AsyncExitStack() as stack:
        runs = [await stack.enter_async_context(forwarding(sshd, "--name", "web")) for _ in "123"]

        async def outcome(run: Forwarding) -> str:
            assert run.process.stdout
            async with asyncio.timeout(PATIENCE):
                while line := await run.process.stdout.readline():
                    if (state := json.loads(line)["state"]) in ("open", "failed"):
                        return str(state)
            return ""

        states = await asyncio.gather(*map(outcome, runs))
        assert sorted(states) == ["failed", "failed", "open"]


async def test_a_file_for_readiness_that_cannot_be_written(sshd: RealSshd) -> None:
    arguments = ("--ready-file", "/nonexistent/ready")
    async with forwarding(sshd, "sshd", "-D", "0", *arguments) as run:
        status, err = await run.end()
        assert status == 1
        assert "/nonexistent/ready" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--name", "none"), "There is no rule none"),
        (("--all",), "there are no rules"),
        ((), "name a host, or saved rules"),
        (("-D", "0"), "name a host"),
        (("--name", "bad"), "tunnels.yaml:1"),
    ],
)
async def test_what_cannot_be_run(sshd: RealSshd, arguments: tuple[str, ...], said: str) -> None:
    if "bad" in arguments:
        keep("x", "sshd", "-D 0")
        from sshdash.tunnels.kept.rules_file import rules_file

        rules_file().write_text("bad: {host: sshd}\n")
    async with forwarding(sshd, *arguments) as run:
        status, err = await run.end()
        assert status == 2
        assert said in err


async def test_not_ready_in_time(sshd: RealSshd, silent: tuple[str, int]) -> None:
    sshd.config_file.write_text(
        f"Host silent\n HostName {silent[0]}\n Port {silent[1]}\n" + sshd.config_file.read_text()
    )
    keep("slow", "silent", "-D 0")
    keep("fast", "sshd", "-D 0")
    async with forwarding(sshd, "--all", "--wait-ready", "1.5") as run:
        status, err = await run.end()
        assert status == 6
        assert "not ready after 1.5 s" in err


async def test_one_that_fails_before_all_are_ready_ends_it_with_the_status_of_the_cause(
    sshd: RealSshd,
) -> None:
    async with target(echo) as port:
        keep("taken", "sshd", f"-L {port}:127.0.0.1:1")
        keep("fine", "sshd", "-D 0")
        async with forwarding(sshd, "--all", "--wait-ready", str(PATIENCE)) as run:
            status, err = await run.end()
            assert status == 3
            assert "is in use" in err


async def test_with_exit_on_failure_a_failing_rule_ends_the_others(sshd: RealSshd) -> None:
    async with target(echo) as port:
        keep("taken", "sshd", f"-L {port}:127.0.0.1:1")
        keep("fine", "inner", "-D 0")
        async with forwarding(sshd, "--all") as run:
            await run.until("open")
            if "failed" not in {one["state"] for one in run.changes}:
                await run.until("failed")
            assert (await run.end(signal.SIGINT))[0] == 0
        async with forwarding(sshd, "--all", "--exit-on-failure") as run:
            status, err = await run.end()
            assert status == 3
            assert "is in use" in err


async def test_a_server_that_forbids_it(sshd: RealSshd) -> None:
    sshd.stop()
    sshd.options["allowtcpforwarding"] = "local"
    sshd.start()
    async with forwarding(sshd, "sshd", "-R", "0:127.0.0.1:1") as run:
        status, err = await run.end()
        assert status == 4
        assert "refused" in err


async def test_rules_in_the_words_of_others(sshd: RealSshd) -> None:
    keep("web", "sshd", "-L 8080:127.0.0.1:80", "-D 1080")
    status, out, _ = await sshdash(sshd, "tunnels", "export", "web")
    assert status == 0
    assert out == f"ssh -F {sshd.config_file} -N -L 8080:127.0.0.1:80 -D 1080 sshd\n"
    _, out, _ = await sshdash(sshd, "tunnels", "export", "--config", "web")
    assert "Host sshd\n    LocalForward 8080 127.0.0.1:80\n    DynamicForward 1080\n" in out
    _, out, _ = await sshdash(sshd, "tunnels", "export", "--systemd", "web")
    assert f"-F {sshd.config_file} forward --name web\n" in out
