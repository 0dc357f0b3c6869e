"""Tunnels where the machine has no more to give, and where two sshdash want the same port."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sshdash.states import TunnelState
from sshdash.tunnels.legs import Cause
from tests.live.life_kit import lives_of
from tests.live.test_cli_forward import forwarding
from tests.live.tunnel_kit import echo, exchange, target
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

Ask = Callable[[str], Awaitable[dict[str, Any]]]


@contextlib.asynccontextmanager
async def starved(server: RealSshd, port: int) -> AsyncIterator[Ask]:
    """Run the program that runs out of descriptors; give what asks it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.live.starved", str(server.config_file), str(port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"LOGNAME": server.user},  # else the SSH library opens a file for that
    )  # fmt: skip
    assert process.stdin
    assert process.stdout

    async def ask(word: str) -> dict[str, Any]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(word.encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            line = await process.stdout.readline()
        assert line, (await process.communicate())[1].decode()
        found: dict[str, Any] = json.loads(line)
        return found

    try:
        yield ask
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert b"Traceback" not in errors, errors.decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_out_of_descriptors_is_told_crashes_nothing_and_passes(sshd: RealSshd) -> None:
    async with target(echo) as port, starved(sshd, port) as ask:
        here, there = (await ask("open"))["ports"]
        assert (await ask("starve"))["taken"]
        with contextlib.ExitStack() as clients:
            # One would do, had no thread of the program let go of a file since.
            for _ in range(4):
                clients.enter_context(socket.create_connection(("127.0.0.1", here)))
            error = (await ask("turned_away"))["error"]
            assert "cannot take another client" in error
            assert "Too many open files" in error
            assert await ask("another") == {"state": "failed", "cause": "SHORTAGE"}
            sshd.kill_connections()
            lost = await ask("lost")
            assert lost["state"] == "reconnecting"
            assert lost["reason"] == "Too many open files"
            assert lost["gives_up"] == "", "a shortage passes"
        assert await ask("feed") == {"open": True}
        for listen in (here, there):
            assert await exchange(listen, b"again") == b"again"


async def test_two_sshdash_that_want_the_same_port(sshd: RealSshd) -> None:
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        listen = free_port()
        forward = f"{listen}:127.0.0.1:{port}"
        async with forwarding(sshd, "sshd", "-L", forward) as other:
            await other.until("open")
            snapshot = await lives.start("L", forward)
            assert snapshot.state is TunnelState.FAILED
            leg = snapshot.legs[0]
            assert leg.cause is Cause.BIND_IN_USE
            assert f"(pid {other.process.pid})" in leg.message
            assert await exchange(listen, b"theirs") == b"theirs"
        assert (await lives.manager.start(snapshot.id)).state is TunnelState.OPEN
        assert await exchange(listen, b"ours") == b"ours"
        async with forwarding(sshd, "sshd", "-L", forward) as other:
            assert await other.until("failed")
            status, errors = await other.end()
            assert status == 3
            assert f"Port {listen} is in use" in errors
        assert await exchange(listen, b"still ours") == b"still ours"
