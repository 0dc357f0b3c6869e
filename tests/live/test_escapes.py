"""The escape sequences of ssh(1) in a shell on a real sshd."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshdash.backend import Backend
from sshdash.events import SessionChanged
from sshdash.states import SessionState, TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.connecting import Client
from tests.live.shells import Shell
from tests.live.tunnel_kit import echo, target
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """Put the log's level back."""
    logger = logging.getLogger("sshdash")
    before = logger.level
    yield
    logger.setLevel(before)


@asynccontextmanager
async def opened(
    backend_for: BackendFor, sshd: RealSshd, **options: str
) -> AsyncIterator[tuple[Shell, Backend]]:
    backend = await backend_for(sshd.config_file, None, None, **options)
    session = await backend.open_shell("sshd", 100, 30)
    client = Client(backend.connections, None, backend.events)  # type: ignore[arg-type]
    backend.events.subscribe(client.events.append)
    one = Shell(session, client, "sshd")
    await one.shows(r"sshd\$")
    yield one, backend


async def test_a_forward_is_added_and_cancelled(backend_for: BackendFor, sshd: RealSshd) -> None:
    port = free_port()
    async with target(echo) as port_of_echo, opened(backend_for, sshd) as (one, backend):
        one.session.write(b"~C")
        await one.shows("^ssh>")
        one.session.write(f"-L{port}:127.0.0.1:{port_of_echo}\r".encode())
        await one.shows(rf"^Forwarding port: -L .*:{port} → 127.0.0.1:{port_of_echo} \[open\]")
        (tunnel,) = backend.tunnels.snapshots()
        assert tunnel.state is TunnelState.OPEN
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"through\n")
        assert await reader.readline() == b"through\n"
        one.session.write(b"\r~#")
        await one.shows("^The following connections are open:")
        await one.shows(r"^  #\d+ client-session \(shell\)")
        await one.shows(rf"^  #\d+ tcpip \(.* → 127.0.0.1:{port_of_echo}\)")
        await one.shows(rf"^  -L .*:{port} → 127.0.0.1:{port_of_echo} \[open, 1 open\]")
        writer.close()
        await writer.wait_closed()
        one.session.write(b"~C")
        one.session.write(f"-KL{port}\r".encode())
        await one.shows("^Canceled forwarding.")
        one.session.write(b"\r")
        assert not backend.tunnels.snapshots()
        await one.type("echo the shell is there")
        await one.shows("^the shell is there")


async def test_a_forward_of_the_configuration_stays_on_the_list(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    async with opened(backend_for, sshd) as (one, backend):
        port = free_port()
        tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, str(port)), "config")
        await backend.tunnels.start(tunnel)
        one.session.write(f"~C-KD{port}\r".encode())
        await one.shows("^Canceled forwarding.")
        assert backend.tunnels.snapshot(tunnel).state is TunnelState.CLOSED


async def test_sockets_and_remote_socks_are_added_and_cancelled(
    backend_for: BackendFor, sshd: RealSshd, tmp_path: Path
) -> None:
    path = tmp_path / "in.sock"
    async with opened(backend_for, sshd) as (one, backend):
        one.session.write(f"~C-L{path}:localhost:1\r".encode())
        await one.shows("^Forwarding port: -L ")
        one.session.write(b"~C-R0\r")
        await one.shows(r"^Forwarding port: -R localhost:\d+ → SOCKS \[open\]")
        one.session.write(f"~C-KL{path}\r".encode())
        await one.shows("^Canceled forwarding.")
        (tunnel,) = backend.tunnels.snapshots()
        assert tunnel.target == "SOCKS"
        assert not path.exists()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("-h", r"^      -KR\[bind_address:\]port +Cancel remote forward"),
        ("x", "^Invalid command."),
        ("-L nonsense", "^Bad forwarding specification: "),
        ("-KL1", "^Unknown port forwarding."),
        ("-KLx:y:z:1", "^Bad forwarding close specification."),
        ("!id", "^Local commands are not run here."),
    ],
)
async def test_what_the_command_line_answers(
    backend_for: BackendFor, sshd: RealSshd, line: str, answer: str
) -> None:
    async with opened(backend_for, sshd) as (one, backend):
        one.session.write(f"~C{line}\r".encode())
        await one.shows(answer)
        assert not backend.tunnels.snapshots()


async def test_a_port_that_is_taken_is_told(backend_for: BackendFor, sshd: RealSshd) -> None:
    async with target(echo) as taken, opened(backend_for, sshd) as (one, _):
        one.session.write(f"~C-L{taken}:127.0.0.1:1\r".encode())
        await one.shows("^Port forwarding failed: ")


async def test_the_remote_waits_for_the_end_of_the_line(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    async with opened(backend_for, sshd) as (one, _):
        await one.type("cat fifo & mkfifo fifo; clear")
        await one.type("cat fifo & sleep 0.2; echo meanwhile > fifo")
        await asyncio.sleep(0)
        one.session.write(b"~C")
        await one.shows("^ssh>")
        one.session.write(b"-h\x7f\x7f\x03")
        await one.shows("meanwhile$")
        one.session.write(b"\r")
        await one.type("echo goes on")
        await one.shows("^goes on")


async def test_the_command_line_can_be_forbidden(backend_for: BackendFor, sshd: RealSshd) -> None:
    async with opened(backend_for, sshd, EnableEscapeCommandline="no") as (one, _):
        one.session.write(b"~C")
        await one.shows("^commandline disabled")
        one.session.write(b"\r")
        await one.type("echo here")
        await one.shows("^here")


async def test_help_verbosity_and_what_is_not_done(backend_for: BackendFor, sshd: RealSshd) -> None:
    logging.getLogger("sshdash").setLevel(logging.INFO)
    async with opened(backend_for, sshd, EscapeChar="%") as (one, _):
        one.session.write(b"%?")
        await one.shows("^Supported escape sequences:")
        await one.shows("^ %%   - send the escape character by typing it twice")
        one.session.write(b"%v")
        await one.shows(r"%v \[LogLevel DEBUG\]")
        one.session.write(b"%V%V%V")
        await one.shows(r"%V \[LogLevel ERROR\]")
        one.session.write(b"%\x1a")
        await one.shows(r"^\[sshdash is not suspended")
        one.session.write(b"%&")
        await one.shows(r"^\[tunnels outlive")
        one.session.write(b"%B%R\r")
        await one.type("echo with new keys")
        await one.shows("^with new keys")


async def test_a_lost_session_gives_what_was_kept_back(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    async with opened(backend_for, sshd) as (one, _):
        one.session.write(b"~C")
        await one.shows("^ssh>")
        sshd.kill_connections()
        assert await one.ends() is SessionState.LOST
        assert one.client.told(SessionChanged)
