"""Rows of the configuration catalogue that need a server: what a command makes of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.sshd import RealSshd

_RELAY = """\
#!/usr/bin/env python3
import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        sock.sendall(data)
threading.Thread(target=up, daemon=True).start()
print("a relay speaks", file=sys.stderr)
while data := sock.recv(65536):
    os.write(1, data)
"""


def sshdash(server: RealSshd, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sshdash", "-F", str(server.config_file), *words]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def configure(server: RealSshd, lines: str) -> None:
    text = server.config_file.read_text()
    server.config_file.write_text(f"Host sshd\n{lines}\n{text}")


def test_row_9_a_proxy_command_is_read_by_a_shell(
    sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = home / "bin/my relay"
    relay.parent.mkdir()
    relay.write_text(_RELAY)
    relay.chmod(0o700)
    monkeypatch.setenv("RELAY_NAME", "relay")
    configure(sshd, '  ProxyCommand ~/bin/my\\ $RELAY_NAME %h "%p" 2>/dev/null | cat')
    done = sshdash(sshd, "exec", "sshd", "echo", "through")
    assert (done.stdout, done.returncode) == ("through\n", 0), done.stderr
    assert "a relay speaks" not in done.stderr


def test_row_10_a_loop_of_jump_hosts_is_refused_at_once_with_its_path(sshd: RealSshd) -> None:
    configure(sshd, "  ProxyJump other\nHost other\n  ProxyJump sshd\n")
    done = sshdash(sshd, "exec", "sshd", "true")
    assert done.returncode == 255
    assert "sshd → other → sshd" in done.stderr
    assert "Traceback" not in done.stderr


def test_short_options_of_ssh_reach_the_connection(sshd: RealSshd) -> None:
    configure(sshd, "  Port 1\n  User nobody-here\n  IdentityFile /nowhere")
    identity = next(
        line.split()[1]
        for line in sshd.config_file.read_text().splitlines()
        if line.strip().startswith("IdentityFile") and "nowhere" not in line
    )
    options = ["-p", str(sshd.port), "-l", sshd.user, "-i", identity]
    done = sshdash(sshd, "exec", *options, "sshd", "echo", "here")
    assert (done.stdout, done.returncode) == ("here\n", 0), done.stderr
