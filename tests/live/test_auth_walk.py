"""The walk through the methods of a login: the installed ssh is the oracle."""

import asyncio
import os
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import SSHDashError
from tests.live.auth_kit import use
from tests.live.connecting import connecting
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.programs import require

WRONG = "wrong"


async def ask_ssh(server: LoopbackServer, askpass: Path) -> None:
    """Log in with ssh, which gets the same wrong answer to all it asks."""
    process = await asyncio.create_subprocess_exec(
        require("ssh"),
        *("-F", str(server.config_file), "loopback", "true"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"},
    )
    await process.wait()


@pytest.fixture
def askpass(tmp_path: Path) -> Path:
    """Make a program that gives the wrong answer."""
    path = tmp_path / "askpass"
    path.write_text(f"#!/bin/sh\necho {WRONG}\n")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"PreferredAuthentications": "password,publickey"},
        {"PreferredAuthentications": "keyboard-interactive,password,keyboard-interactive"},
        {"PreferredAuthentications": "publickey"},
        {"PreferredAuthentications": "hostbased,none,publickey,password"},
        {"NumberOfPasswordPrompts": "1"},
        {"NumberOfPasswordPrompts": "2", "PreferredAuthentications": "password"},
        {"PasswordAuthentication": "no"},
        {"KbdInteractiveAuthentication": "no"},
        {"PubkeyAuthentication": "no"},
        {"BatchMode": "yes"},
    ],
    ids=lambda options: " ".join(f"{key}={value}" for key, value in options.items()) or "defaults",
)
@pytest.mark.parametrize("offers", ["all", "password", "two factors"])
async def test_methods_are_tried_as_ssh_tries_them(
    askpass: Path, options: dict[str, str], offers: str
) -> None:
    faults = Faults(password="right", prompts=[("Code:", True)], answers=["42"], max_tries=99)
    if offers == "password":
        faults.prompts, faults.public_key = [], False
    if offers == "two factors":
        faults.password, faults.both = WRONG, True  # the first is right, the second is not
    async with LoopbackServer(faults) as server:
        server.public_key = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        use(server, **options)
        await ask_ssh(server, askpass)
        theirs = [method for method, _ in server.attempts]
        server.attempts.clear()
        async with connecting(server.config_file, *[(WRONG,)] * 20) as client:
            with pytest.raises(SSHDashError):
                await client.manager.lease("loopback", "test")
        ours = [method for method, _ in server.attempts]
    assert ours == theirs
