"""Host keys on the command line: what is asked on the terminal, and what a refusal says."""

import subprocess
import sys

import pytest

from tests.live.hostkey_kit import keygen, public, stranger
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty


def command(sshd: RealSshd, *options: str) -> list[str]:
    words = [sys.executable, "-m", "sshdash", "-F", str(sshd.config_file), *options]
    return [*words, "exec", "sshd", "echo it is $((6*7))"]


def test_the_terminal_shows_all_that_the_dialog_shows(sshd: RealSshd) -> None:
    name = f"[127.0.0.1]:{sshd.port}"
    sshd.known_hosts.write_text(f"db {public(sshd.host_keys['ed25519'])}\n")
    listed = keygen("-lv", "-f", sshd.host_keys["ed25519"]).splitlines()
    with Tty(command(sshd)) as terminal:
        terminal.until("fingerprint]")
        shown = terminal.text
        assert f"The authenticity of host '{name}' (127.0.0.1:{sshd.port})" in shown
        assert listed[0].split()[1] in shown
        for row in listed[1:]:
            assert row in shown
        assert "the same key is known as db" in shown
        terminal.press("maybe\r")
        terminal.until("Please type")
        terminal.press("yes\r")
        terminal.until("it is 42")
    assert name in sshd.known_hosts.read_text()


def test_the_fingerprint_itself_is_an_answer(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    listed = keygen("-l", "-f", sshd.host_keys["ed25519"])
    with Tty(command(sshd)) as terminal:
        terminal.until("fingerprint]")
        terminal.press(f" {listed.split()[1]} \r")
        terminal.until("it is 42")


@pytest.mark.parametrize("answer", ["no", "NO", ""])
def test_no_and_nothing_refuse(sshd: RealSshd, answer: str) -> None:
    sshd.known_hosts.write_text("")
    with Tty(command(sshd)) as terminal:
        terminal.until("fingerprint]")
        terminal.press(f"{answer}\r")
        terminal.until("Host key not accepted")
    assert sshd.known_hosts.read_text() == ""


def test_a_changed_key_is_told_with_both_keys_the_line_and_the_remedy(sshd: RealSshd) -> None:
    old = stranger()
    sshd.known_hosts.write_text(f"# note\n[127.0.0.1]:{sshd.port} {old}\n")
    done = subprocess.run(
        command(sshd), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 255
    assert done.stdout == ""
    fingerprint = keygen("-l", "-f", sshd.host_keys["ed25519"]).split()[1]
    for words in (
        "HOST KEY CHANGED",
        fingerprint,
        f"{sshd.known_hosts}:2",
        f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f '{sshd.known_hosts}'",
    ):
        assert words in done.stderr


def test_without_checking_the_warning_goes_to_stderr(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {stranger()}\n")
    done = subprocess.run(
        command(sshd, "-o", "StrictHostKeyChecking=no"),
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.stdout == "it is 42\n", done.stderr
    assert "HOST KEY CHANGED: connected without protection" in done.stderr
    assert "passwords, agent forwarding and tunnels are off" in done.stderr
