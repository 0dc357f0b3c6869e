"""Whatever sshdash writes for itself is for its user alone, from the first byte."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.servers.sshd import RealSshd

SSHDASH = ("-m", "sshdash")


def run_without_umask(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run sshdash as from a shell whose umask takes nothing away."""
    return subprocess.run(
        [sys.executable, *SSHDASH, *words],
        umask=0,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_107_a_umask_of_nothing_opens_nothing_to_others(sshd: RealSshd, home: Path) -> None:
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "config").write_text(
        sshd.config_file.read_text().replace(str(sshd.known_hosts), str(ssh / "known_hosts"))
        + "\nHost *\n    StrictHostKeyChecking accept-new\n"
    )
    (ssh / "config").chmod(0o600)
    before = set(home.rglob("*"))
    assert run_without_umask("-v", "exec", "sshd", "true").returncode == 0
    added = run_without_umask("hosts", "add", "new", "--hostname", "new.example")
    assert added.returncode == 0, added.stderr
    made = set(home.rglob("*")) - before
    names = {path.name for path in made}
    assert {"sshdash.log", "edits", "known_hosts"} <= names, names
    for path in made:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        assert not mode & 0o077, f"{path}: {mode:o}"
    assert stat.S_IMODE((ssh / "config").stat().st_mode) == 0o600
