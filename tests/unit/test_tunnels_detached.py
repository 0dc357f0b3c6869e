"""What is told of a process that could not run tunnels, and what becomes of one."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from sshdash.paths import runtime_dir, secret_dir
from sshdash.tunnels.owners import detached
from sshdash.tunnels.owners.detached import failure_in
from tests.live.tunnel_kit import until
from tests.patience import PATIENCE

_READY = """\
#!/bin/sh
printf '{{"pid": %d, "tunnels": []}}' $$ >"$5.new"
mv "$5.new" "$5"
exec sleep {patience}
"""
_STUBBORN = """\
#!/bin/sh
trap ': >{folder}/asked' TERM
echo $$ >{folder}/new
mv {folder}/new {folder}/pid
while :; do sleep 0.02; done
"""
_SLOW_TO_STOP = """\
#!/bin/sh
: >{folder}/asked
while [ ! -e {folder}/go ]; do sleep 0.02; done
echo "$@" >{folder}/new
mv {folder}/new {folder}/stopped
"""


def program(path: Path, text: str) -> str:
    path.write_text(text.format(folder=path.parent, patience=PATIENCE))
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def by_systemd(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Say whether systemd manages this user: it does not."""
    answer = [False]

    async def has_systemd() -> bool:
        return answer[0]

    monkeypatch.setattr(detached, "_has_systemd", has_systemd)
    return answer


async def cancelled_twice(detaching: "asyncio.Task[detached.Detached]", asked: Path) -> None:
    """Cancel it, and once more while the end of what it began is waited for."""
    detaching.cancel()
    await until(asked.exists, "the end to be asked for")
    detaching.cancel()
    await asyncio.wait({detaching})
    assert detaching.cancelled()


async def test_a_process_that_ends_leaves_no_zombie(
    by_systemd: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path / "ready", _READY))
    process = psutil.Process((await detached.detach([], [])).pid)
    process.kill()
    await until(lambda: not process.is_running(), "its end")


async def test_who_is_cancelled_twice_leaves_no_process(
    by_systemd: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path / "stubborn", _STUBBORN))
    detaching = asyncio.create_task(detached.detach([], []))
    await until((tmp_path / "pid").exists, "the process")
    process = psutil.Process(int((tmp_path / "pid").read_text()))
    await cancelled_twice(detaching, tmp_path / "asked")
    await until(lambda: not process.is_running(), "its end")


async def test_who_is_cancelled_twice_leaves_no_unit(
    by_systemd: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_systemd[0] = True
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program(tmp_path / "systemd-run", _STUBBORN)
    program(tmp_path / "systemctl", _SLOW_TO_STOP)
    detaching = asyncio.create_task(detached.detach([], []))
    await until((tmp_path / "pid").exists, "the unit")
    await cancelled_twice(detaching, tmp_path / "asked")
    (tmp_path / "go").touch()
    await until((tmp_path / "stopped").exists, "the end of the unit")
    assert "--user stop sshdash-forward-" in (tmp_path / "stopped").read_text()


@pytest.mark.parametrize("has_run", [True, False])
async def test_who_is_cancelled_as_the_unit_is_started_leaves_none(
    by_systemd: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_run: bool
) -> None:
    by_systemd[0] = True
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program(tmp_path / "systemd-run", "#!/bin/sh\n")
    program(tmp_path / "systemctl", _SLOW_TO_STOP)
    (tmp_path / "go").touch()
    run = asyncio.create_subprocess_exec
    is_there = asyncio.Event()

    async def stuck() -> None:
        is_there.set()
        await asyncio.Event().wait()

    async def start(*words: str, **options: Any) -> asyncio.subprocess.Process:
        process = await run(*words, **options)
        await process.communicate()
        if has_run:
            monkeypatch.setattr(process, "communicate", stuck)
        else:
            await stuck()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    detaching = asyncio.create_task(detached.detach([], []))
    async with asyncio.timeout(PATIENCE):
        await is_there.wait()
    detaching.cancel()
    await asyncio.wait({detaching})
    assert detaching.cancelled()
    assert "--user stop sshdash-forward-" in (tmp_path / "stopped").read_text()


def test_its_errors_are_told_and_not_what_its_tunnels_did() -> None:
    said = (
        "opening  taken: L localhost:5432 → db\n"
        "failed   taken: L localhost:5432 → db: Port 5432 is in use\n"
        "sshdash: Port 5432 is in use\n"
        "  held by postgres (pid 812)\n"
        "  → port 5433 is free\n"
        "closed   taken: L localhost:5432 → db"
    )
    assert failure_in(said) == (
        "Port 5432 is in use\n  held by postgres (pid 812)\n  → port 5433 is free"
    )


def test_what_says_nothing_of_the_kind_is_told_as_it_is() -> None:
    assert failure_in("Traceback\n  somewhere") == "Traceback\n  somewhere"
    assert failure_in("") == ""


def test_the_log_of_a_process_that_runs_stays_however_many_came_after(home: Path) -> None:
    folder = secret_dir(runtime_dir())
    reports = {"runs": {"pid": os.getpid()}, "killed": {"pid": 2**31 - 1}, "garbled": []}
    logs = {}
    for age, name in enumerate(("ended", *reports)):
        logs[name] = detached._log_file(name)
        os.utime(logs[name], (age, age))
        if name in reports:
            (folder / f"ready-{name}.json").write_text(json.dumps(reports[name]))
    later = [detached._log_file(f"later{number}") for number in range(25)]
    assert logs["runs"].exists()
    assert not any(logs[name].exists() for name in ("ended", "killed", "garbled"))
    assert later[-1].exists()
    assert not later[0].exists()
    assert not (folder / "ready-killed.json").exists()
    assert (folder / "ready-runs.json").exists()


def test_a_log_that_another_process_removes_meanwhile_is_no_hindrance(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = detached._log_file("old")
    glob = Path.glob

    def glob_late(folder: Path, pattern: str) -> list[Path]:
        found = list(glob(folder, pattern))
        old.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", glob_late)
    assert detached._log_file("new").exists()
