"""Secrets show nowhere: not in the log, on stderr, in representations, exports or crash reports."""

import asyncio
import json
import logging
import os
import sys
import traceback
from pathlib import Path

import pytest

from sshdash.connections.timeline_text import document, text_lines
from sshdash.errors import AuthenticationError
from sshdash.logs import start_log
from sshdash.prompts import SecretAnswer
from tests.live.auth_kit import keygen
from tests.live.connecting import Client, connecting, until
from tests.servers.keyrings import Vault, using
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd

PASSPHRASE, WRONG, PASSWORD, NEW, CODE = (
    "passphrase-ahk4Ohng",
    "wrong-eiGh7ahm",
    "password-Ohth4ohj",
    "new-Aip7quai",
    "code-iewoo9Ai",
)
SECRETS = (PASSPHRASE, WRONG, PASSWORD, NEW, CODE)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Log everything that sshdash ever logs, as ``-vv`` does."""
    return start_log(2, tmp_path / "log")


def representations(client: Client, host: str) -> str:
    """Return everything that could end up in a report about a connection."""
    status = client.manager.status(host)
    assert status.timeline
    return "\n".join(
        (
            repr(client.events),
            repr(client.prompter.asked),
            repr(client.manager),
            repr(vars(client.manager)),
            repr(status),
            *text_lines(status.timeline, detail=True),
            json.dumps(document(status.timeline)),
        )
    )


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def files_below(folder: Path) -> dict[str, str]:
    """Return what every file in a folder holds."""
    return {path.name: read(path) for path in folder.rglob("*") if path.is_file()}


def causes(error: BaseException | None) -> list[BaseException]:
    """Return an error, and those it came of."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def clear_of_secrets(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


async def test_a_whole_login_of_every_kind_leaves_no_trace(sshd: RealSshd, log: Path) -> None:
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", PASSPHRASE, "-a", "4")
    vault = Vault()
    seen = []
    with using(vault):
        answers = [SecretAnswer([WRONG]), SecretAnswer([PASSPHRASE], save=True)]
        async with connecting(sshd.config_file, *answers) as client:
            assert await client.run("inner", "echo ok") == "ok\n"
            seen.append(representations(client, "inner"))
        faults = Faults(public_key=False, password=PASSWORD, expired=True, max_tries=9)
        async with LoopbackServer(faults) as server:
            given = [(WRONG,), (PASSWORD,), SecretAnswer([PASSWORD, NEW, NEW], save=True)]
            async with connecting(server.config_file, *given) as client:
                await client.manager.lease("loopback", "test")
                await until(lambda: NEW in vault.secrets.values())
                seen.append(representations(client, "loopback"))
            assert server.attempts[-1][1] == f"{PASSWORD} → {NEW}"
        faults = Faults(
            public_key=False,
            password=PASSWORD,
            prompts=[("Code:", True)],
            answers=[CODE],
            both=True,
        )
        async with (
            LoopbackServer(faults) as server,
            connecting(server.config_file, (PASSWORD,), (CODE,)) as client,
        ):
            await client.manager.lease("loopback", "test")
            seen.append(representations(client, "loopback"))
    text = read(log)
    assert "Auth for user" in text, "the library's own log is on"
    assert clear_of_secrets(text)
    assert all(clear_of_secrets(one) for one in seen)


async def test_errors_and_their_tracebacks_hold_none(log: Path) -> None:
    faults = Faults(public_key=False, password=PASSWORD, max_tries=9)
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, *[(WRONG,)] * 3) as client,
    ):
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("loopback", "test")
        logging.getLogger("sshdash").critical("the worst", exc_info=caught.value)
        told = "".join(traceback.format_exception(caught.value)) + representations(
            client, "loopback"
        )
    assert "the worst" in read(log)
    assert clear_of_secrets(told + read(log))


async def test_no_frame_that_is_left_holds_a_secret() -> None:
    """Even a crash report that quotes every variable of the failed call has none to quote."""
    faults = Faults(public_key=False, password=PASSWORD, max_tries=9)
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, *[(WRONG,)] * 3) as client,
    ):
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("loopback", "test")
    told = [
        f"{frame.f_code.co_name}: {frame.f_locals!r}"
        for error in causes(caught.value)
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "sshdash/connections" in frame.f_code.co_filename or "asyncssh" in str(frame.f_code)
    ]
    assert len(told) > 3
    assert clear_of_secrets("\n".join(told))


async def test_a_command_with_every_v_writes_none(tmp_path: Path, home: Path) -> None:
    askpass = tmp_path / "askpass"
    askpass.write_text(f'#!/bin/sh\ncase "$1" in *ode*) echo {CODE};; *) echo {PASSWORD};; esac\n')
    askpass.chmod(0o700)
    faults = Faults(
        public_key=False, password=PASSWORD, prompts=[("Code:", True)], answers=[CODE], both=True
    )
    async with LoopbackServer(faults) as server:
        words = ["-m", "sshdash", "-vv", "-F", str(server.config_file), "exec", "loopback"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            "--",
            "echo done",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"},
        )
        out, err = await process.communicate()
        assert [method for method, _ in server.attempts] == ["password", "keyboard-interactive"]
    assert process.returncode == 0, err.decode()
    assert b"password" in err, "the timeline was on stderr"
    files = files_below(home)
    assert "sshdash.log" in files
    assert clear_of_secrets("\n".join((out.decode(), err.decode(), *files.values())))
