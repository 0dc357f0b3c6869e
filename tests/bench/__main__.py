"""``make bench``: every figure beside its peer's, from one run on one machine.

``python -m tests.bench copy tunnels`` runs only these.
"""

import importlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sshdash import loop
from tests.bench.table import Row, draw

BENCHES = (
    "startup",
    "config",
    "copy",
    "line",
    "small",
    "busy",
    "sync",
    "listing",
    "tunnels",
    "crowd",
    "rules",
    "terminal",
    "panes",
    "emulator",
    "fuzz",
)
TOOLS = ("sshd", "ssh", "scp", "sftp", "rsync", "rclone", "tmux")


def main(names: list[str]) -> int:
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
        return 2
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=search)]
    if missing:
        print(f"make bench needs the tools it measures beside; missing: {', '.join(missing)}")
        return 2
    print(_machine())
    rows: list[Row] = []
    with TemporaryDirectory(prefix="sshdash-bench-") as home:
        os.environ["HOME"] = home
        os.environ.pop("SSH_AUTH_SOCK", None)
        # An installed program does not compile itself at every start.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            os.environ[variable] = str(Path(home) / variable.lower())
        for name in names or BENCHES:
            began = time.monotonic()
            rows += loop.run(importlib.import_module(f"tests.bench.bench_{name}").rows())
            print(f"{name}: measured in {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(draw(rows))
    return 0


def _machine() -> str:
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.split(
        ","
    )
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {ssh[0].strip()}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
