"""What tests of logging in share: configurations that are changed, keys that are made."""

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshdash.prompts import SecretQuestion
from tests.live.connecting import Client
from tests.servers.agents import RealAgent
from tests.servers.loopback import LoopbackServer
from tests.servers.sshd import RealSshd


def use(server: RealSshd | LoopbackServer, **options: object) -> Path:
    """Put options before the configuration of a server, so that they win."""
    text = server.config_file.read_text()
    lines = "".join(f"    {key} {value}\n" for key, value in options.items())
    server.config_file.write_text(f"Host *\n{lines}\n{text}")
    return server.config_file


def replace(server: RealSshd | LoopbackServer, **options: object) -> Path:
    """Replace options in the configuration of a server."""
    lines = []
    for line in server.config_file.read_text().splitlines():
        key = line.split()[0] if line.split() else ""
        lines.append(f"    {key} {options[key]}" if key in options else line)
    server.config_file.write_text("\n".join(lines) + "\n")
    return server.config_file


def secrets(client: Client) -> list[SecretQuestion]:
    """Return the questions for secrets so far."""
    return [question for question in client.prompter.asked if isinstance(question, SecretQuestion)]


def keygen(*words: str | Path) -> None:
    """Run ssh-keygen."""
    subprocess.run(["ssh-keygen", "-q", *map(str, words)], check=True, capture_output=True)


def new_key(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> Path:
    """Make a key pair with ssh-keygen and return the path of its private half."""
    keygen("-t", kind, "-f", path, "-N", passphrase, "-C", path.name, *options)
    return path


def public_line(path: Path) -> str:
    """Return the line of the public half of a key."""
    return path.with_name(path.name + ".pub").read_text()


def remove(path: Path) -> None:
    """Remove a key pair."""
    path.unlink()
    path.with_name(path.name + ".pub").unlink(missing_ok=True)


def authorized(blob: bytes, key_type: str) -> str:
    """Return a line of authorized_keys."""
    return f"{key_type} {base64.b64encode(blob).decode()} made\n"


@contextmanager
def running_agent(*options: str, **environment: str) -> Iterator[RealAgent]:
    """Run OpenSSH's agent."""
    agent = RealAgent(*options, **environment)
    try:
        yield agent
    finally:
        agent.close()


def forget_file(server: RealSshd) -> None:
    """Take the key on disk away, and let every key be tried."""
    remove(server.identity)
    replace(server, IdentitiesOnly="no")
