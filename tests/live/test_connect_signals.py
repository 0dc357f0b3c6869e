"""A signal ends sshdash in good order, whatever it is doing: nothing it started is left."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from sshdash.demo.services import listening
from tests.live.connecting import until
from tests.live.tunnel_kit import echo, exchange
from tests.patience import PATIENCE
from tests.servers.hostile import says_nothing
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

# One that has to be killed: it notices neither the end of its input nor a hangup.
PROXY = (
    "trap '' HUP; python3 -c 'import socket,sys,os,threading,signal;"
    "signal.signal(signal.SIGHUP, signal.SIG_IGN);"
    "s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
    't=threading.Thread(target=lambda:[os.write(1,d) for d in iter(lambda:s.recv(65536),b"")],'
    'daemon=True);t.start();[s.sendall(d) for d in iter(lambda:os.read(0,65536),b"")];'
    "signal.pause()' %h %p"
)


@pytest.fixture
def stubborn(sshd: RealSshd) -> RealSshd:
    """Reach the server through a program that does not end by itself."""
    script = sshd.folder / "proxy"
    script.write_text(f"#!/bin/sh\n{PROXY.replace('%h', '$1').replace('%p', '$2')}\n")
    script.chmod(0o700)
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f"Host sshd\n    ProxyCommand {script} %h %p\n{text}")
    return sshd


def proxies(server: RealSshd) -> list[psutil.Process]:
    """Return what runs of the proxy command, whoever its parent is."""
    mark = str(server.port)
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[-1:] == [mark] and any("proxy" in word or "socket" in word for word in words):
            found.append(process)
    return found


@asynccontextmanager
async def running(server: RealSshd, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sshdash", "-F", str(server.config_file), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
        for left in proxies(server):
            with suppress(psutil.NoSuchProcess):
                left.kill()


@pytest.mark.parametrize("number", SIGNALS)
async def test_50_forward_ends_with_its_proxy_command(
    stubborn: RealSshd, number: signal.Signals
) -> None:
    async with listening(echo) as port:
        forward = f"0:127.0.0.1:{port}"
        async with running(stubborn, "forward", "sshd", "-L", forward, "--json") as process:
            assert process.stdout
            while b'"open"' not in (line := await process.stdout.readline()):
                assert line
            assert proxies(stubborn)
            process.send_signal(number)
            async with asyncio.timeout(PATIENCE):
                _, said = await process.communicate()
            assert process.returncode == 0
            assert b"Traceback" not in said
            await until(lambda: not proxies(stubborn))


@pytest.mark.parametrize("number", SIGNALS)
async def test_50_exec_ends_with_its_proxy_command(
    stubborn: RealSshd, number: signal.Signals
) -> None:
    async with running(stubborn, "exec", "sshd", "--", "echo up; sleep 1000") as process:
        assert process.stdout
        assert await process.stdout.readline() == b"up\n"
        assert proxies(stubborn)
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
        assert process.returncode == (130 if number is signal.SIGINT else 255)
        assert b"Traceback" not in said
        await until(lambda: not proxies(stubborn))


async def test_50_a_login_that_hangs_ends_too(sshd: RealSshd) -> None:
    called = asyncio.Event()

    async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await says_nothing(reader, writer)

    async with listening(is_silent) as port:
        sshd.config_file.write_text(f"Host sshd\n    HostName 127.0.0.1\n    Port {port}\n")
        async with running(sshd, "exec", "sshd", "true") as process:
            async with asyncio.timeout(PATIENCE):
                await called.wait()
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                _, said = await process.communicate()
            assert process.returncode == 255
            assert b"Traceback" not in said


async def test_nohup_keeps_forwards_running(sshd: RealSshd) -> None:
    async with listening(echo) as port:
        process = await asyncio.create_subprocess_exec(
            "nohup", sys.executable, "-m", "sshdash", "-F", str(sshd.config_file),
            "forward", "sshd", "-L", f"0:127.0.0.1:{port}", "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdout
            while b'"open"' not in (line := await process.stdout.readline()):
                assert line
            process.send_signal(signal.SIGHUP)
            assert await exchange(json.loads(line)["port"], b"still here") == b"still here"
        finally:
            process.terminate()
            await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_50_the_screen_ends_with_shell_and_proxy_command(
    stubborn: RealSshd, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "sshdash", "-F", str(stubborn.config_file), "sshd"]
    with Tty(command) as screen:
        screen.until("sshd$")
        assert proxies(stubborn)
        os.kill(screen.pid, number)
        screen.end()
        assert b"\x1b[?1049l" in screen.sent
        assert b"Traceback" not in screen.sent
    _, alive = psutil.wait_procs(proxies(stubborn), PATIENCE)  # who was killed takes its time
    assert not alive
