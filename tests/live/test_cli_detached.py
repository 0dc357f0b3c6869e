"""``sshdash forward --detach``: tunnels in a process of their own, against a real sshd."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from sshdash.paths import runtime_dir
from tests.live.test_cli_tunnels import keep, running, sshdash
from tests.live.tunnel_kit import echo, exchange, free_to_use, target, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


@contextlib.asynccontextmanager
async def gone_afterwards(pid: int) -> AsyncIterator[psutil.Process]:
    """Give a process that nobody waits for; kill it if it is still there."""
    process = psutil.Process(pid)
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


async def test_a_detached_process_outlives_who_started_it(sshd: RealSshd) -> None:
    async with target(echo) as port:
        listen = free_port()
        keep("web", "sshd", f"-L {listen}:127.0.0.1:{port}")
        status, out, err = await sshdash(sshd, "forward", "--detach", "--name", "web")
        assert status == 0, err
        assert out.startswith("open     web: L localhost:")
        [listed] = await running(sshd)
        async with gone_afterwards(int(listed["owner"].split()[-1].rstrip(")"))) as process:
            assert f"process {process.pid} runs them" in err
            assert os.getsid(process.pid) == process.pid, "a hangup of our terminal is not its own"
            assert await exchange(listen, b"apart") == b"apart"
            log = Path(err.rpartition("log: ")[2].strip())
            assert await asyncio.to_thread(log.read_text)
            assert (await asyncio.to_thread(log.stat)).st_mode & 0o777 == 0o600
            process.terminate()
            await until(lambda: free_to_use(listen), "its end")
            await until(lambda: not process.is_running(), "its end")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_who_gives_up_waiting_leaves_no_process(
    sshd: RealSshd, silent: tuple[str, int], number: signal.Signals, status: int
) -> None:
    text = f"Host silent\n HostName {silent[0]}\n Port {silent[1]}\n"
    sshd.config_file.write_text(text + sshd.config_file.read_text())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sshdash", "-F", str(sshd.config_file),
        "forward", "--detach", "silent", "-D", "0",
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    starter = psutil.Process(process.pid)
    await until(lambda: any(runtime_dir().glob("forward-*.sock")), "the process")
    [detached] = starter.children()
    async with gone_afterwards(detached.pid):
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == status
        await until(lambda: not detached.is_running(), "its end")


async def test_one_that_is_not_ready_in_time_ends_as_it_would_here(
    sshd: RealSshd, silent: tuple[str, int]
) -> None:
    text = f"Host silent\n HostName {silent[0]}\n Port {silent[1]}\n"
    sshd.config_file.write_text(text + sshd.config_file.read_text())
    arguments = ("forward", "--detach", "--wait-ready", "0.5", "silent", "-D", "0")
    status, out, err = await sshdash(sshd, *arguments)
    assert (status, out) == (6, ""), err
    assert "not ready after 0.5 s: 0 of 1 forwards open" in err


async def test_a_detached_process_that_cannot_tells_why(sshd: RealSshd) -> None:
    sshd.authorized_keys.write_text("")
    status, out, err = await sshdash(sshd, "forward", "--detach", "sshd", "-D", "0")
    assert (status, out) == (255, "")
    assert "Permission denied" in err
    assert ".log" in err


_SYSTEMD_RUN = """\
#!{python}
import json, os, subprocess, sys, time
at = sys.argv.index("--")
with open("{record}", "w") as record:
    json.dump(sys.argv[1:at], record)
words = sys.argv[at + 1:]
given = dict(one.removeprefix("--setenv=").split("=", 1) for one in sys.argv[1:at]
             if one.startswith("--setenv="))
ready = words[words.index("--ready-file") + 1]
child = subprocess.Popen(words, env=given, start_new_session=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
while not os.path.exists(ready):
    if child.poll() is not None:
        sys.exit("Job failed.")
    time.sleep(0.01)
os._exit(0)
"""


async def test_a_unit_runs_them_where_systemd_manages_this_user(
    sshd: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    run = _SYSTEMD_RUN.format(python=sys.executable, record=record)
    for name, text in (("systemd-run", run), ("systemctl", "#!/bin/sh\necho degraded\n")):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("A_SECRET", "not for everybody")
    status, out, err = await sshdash(sshd, "forward", "--detach", "sshd", "-D", "0", "--json")
    assert status == 0, err
    told = json.loads(out)
    async with gone_afterwards(told["pid"]):
        options = json.loads(record.read_text())
        assert {"--user", "--collect", "--service-type=notify"} <= set(options)
        assert f"--unit={told['unit']}" in options
        assert f"--property=StandardError=append:{told['log']}" in options
        assert f"--setenv=HOME={os.environ['HOME']}" in options
        assert "not for everybody" not in record.read_text()
        assert [one["tunnel"] for one in await running(sshd)] == [f"{told['pid']}/t1"]
    sshd.authorized_keys.write_text("")
    status, out, err = await sshdash(sshd, "forward", "--detach", "sshd", "-D", "0")
    assert (status, out) == (1, "")
    assert "Job failed" in err
    assert ".log" in err
