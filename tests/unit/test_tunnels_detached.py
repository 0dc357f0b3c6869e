"""What is told of a process that could not run tunnels."""

import json
import os
from pathlib import Path

from sshdash.paths import runtime_dir, secret_dir
from sshdash.tunnels.owners import detached
from sshdash.tunnels.owners.detached import failure_in


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
