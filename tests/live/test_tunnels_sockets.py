"""Unix sockets on either end of a tunnel, both ways, on a real server."""

import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshdash.errors import ForwardError
from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.outage_kit import Watch
from tests.live.tunnel_kit import Tunnels, echo, target, tunnels_on, until
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

DATA = os.urandom(300_000)


@contextlib.asynccontextmanager
async def socket_target(path: Path) -> AsyncIterator[None]:
    """Echo on a Unix socket."""
    server = await asyncio.start_unix_server(echo, path)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(FileNotFoundError):  # Python 3.13 has removed it itself
            os.unlink(path)


async def exchange_at(path: Path, data: bytes) -> bytes:
    """Send `data` and an end of file to a Unix socket; return all that comes back."""
    return await _exchange(*await asyncio.open_unix_connection(path), data)


async def exchange_on(port: int, data: bytes) -> bytes:
    return await _exchange(*await asyncio.open_connection("127.0.0.1", port), data)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            receiving = asyncio.ensure_future(reader.read(-1))
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            return await receiving
    finally:
        writer.close()


async def refused(kit: Tunnels, option: str, text: str) -> str:
    tunnel = kit.manager.add("sshd", parse_forward(Kind(option), text))
    snapshot = await kit.manager.start(tunnel)
    assert snapshot.state is TunnelState.FAILED
    return snapshot.error


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


# -- every pair of ends -----------------------------------------------------------------------


@pytest.mark.parametrize("option", ["L", "R"])
async def test_from_a_socket_to_a_port(sshd: RealSshd, option: str, tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open(option, f"{path}:127.0.0.1:{port}")
        assert await exchange_at(path, DATA) == DATA
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.listen, snapshot.exposed) == (str(path), False)
        assert snapshot.bytes_up == snapshot.bytes_down == len(DATA)
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("option", ["L", "R"])
async def test_from_a_port_to_a_socket(sshd: RealSshd, option: str, tmp_path: Path) -> None:
    path = tmp_path / "out.sock"
    async with socket_target(path), tunnels_on(sshd) as kit:
        tunnel, port = await kit.open(option, f"0:{path}")
        assert await exchange_on(port, DATA) == DATA
        assert kit.manager.snapshot(tunnel).target == str(path)
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("option", ["L", "R"])
async def test_from_a_socket_to_a_socket(sshd: RealSshd, option: str, tmp_path: Path) -> None:
    path, goal = tmp_path / "in : 1.sock", tmp_path / "out.sock"
    async with socket_target(goal), tunnels_on(sshd) as kit:
        text = str(path).replace(":", r"\:").replace(" ", r"\ ")
        await kit.open(option, f"{text}:{goal}")
        assert await exchange_at(path, DATA) == DATA
        answers = await asyncio.gather(*(exchange_at(path, b"%d" % n) for n in range(30)))
        assert answers == [b"%d" % n for n in range(30)]
        await until(lambda: kit.channels == 0, "no channels")


async def test_socks_on_a_socket_here(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "socks.sock"
    async with target(echo) as port, tunnels_on(sshd) as kit:
        await kit.open("D", str(path))
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1" + port.to_bytes(2, "big") + b"hello")
        async with asyncio.timeout(PATIENCE):
            assert await reader.readexactly(2) == b"\5\0"
            assert (await reader.readexactly(10))[1] == 0
            assert await reader.readexactly(5) == b"hello"
        writer.close()


# -- the file -----------------------------------------------------------------------------------


async def test_the_socket_is_for_this_user_alone_and_goes_when_it_closes(
    sshd: RealSshd, tmp_path: Path
) -> None:
    path = tmp_path / "in.sock"
    async with tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("L", f"{path}:localhost:9")
        assert mode_of(path) == 0o600
        await kit.manager.stop(tunnel)
        assert not path.exists()


@pytest.mark.parametrize(("mask", "mode"), [("77", 0o700), ("0", 0o777), ("111", 0o666)])
async def test_stream_local_bind_mask(sshd: RealSshd, tmp_path: Path, mask: str, mode: int) -> None:
    path = tmp_path / "in.sock"
    before = os.umask(0o027)
    try:
        async with tunnels_on(sshd, streamlocalbindmask=mask) as kit:
            await kit.open("L", f"{path}:localhost:9")
            assert mode_of(path) == mode
    finally:
        os.umask(before)


async def test_a_socket_that_is_another_ones_by_now_stays(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    async with tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("L", f"{path}:localhost:9")
        path.unlink()
        async with socket_target(path):
            await kit.manager.stop(tunnel)
            assert await exchange_at(path, b"mine") == b"mine"


async def test_a_socket_in_use_says_who_has_it(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    script = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();"
        "print(flush=True); input()"
    )
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdin
    await holder.stdout.readline()
    try:
        async with tunnels_on(sshd) as kit:
            error = await refused(kit, "L", f"{path}:localhost:9")
            assert f"Socket {path} is in use: held by " in error
            assert f"(pid {holder.pid})" in error
            assert path.exists(), "it is left alone"
    finally:
        holder.stdin.close()
        await holder.wait()


def leave_behind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))


async def test_a_socket_that_was_left_behind(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    leave_behind(path)
    async with target(echo) as port:
        async with tunnels_on(sshd) as kit:
            error = await refused(kit, "L", f"{path}:127.0.0.1:{port}")
            assert "nobody listens on it any more" in error
            assert "StreamLocalBindUnlink yes" in error
        async with tunnels_on(sshd, streamlocalbindunlink="yes") as kit:
            await kit.open("L", f"{path}:127.0.0.1:{port}")
            assert await exchange_at(path, b"mine") == b"mine"


@pytest.mark.parametrize("unlink", ["no", "yes"])
async def test_a_file_that_is_no_socket_is_never_removed(
    sshd: RealSshd, tmp_path: Path, unlink: str
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("precious")
    async with tunnels_on(sshd, streamlocalbindunlink=unlink) as kit:
        assert "a file is there that is no socket" in await refused(kit, "L", f"{path}:x:9")
    assert path.read_text() == "precious"


async def test_a_folder_that_is_not_there(sshd: RealSshd, tmp_path: Path) -> None:
    async with tunnels_on(sshd) as kit:
        error = await refused(kit, "L", f"{tmp_path}/none/in.sock:localhost:9")
        assert f"there is no folder {tmp_path}/none" in error
        assert "make the folder first" in error
        assert "~ means nothing here" in await refused(kit, "L", "~/no-such-x/in.sock:localhost:9")


# -- the server's side --------------------------------------------------------------------------


async def test_a_socket_target_that_is_not_there(sshd: RealSshd, tmp_path: Path) -> None:
    async with tunnels_on(sshd) as kit:
        for option in ("L", "R"):
            tunnel, port = await kit.open(option, f"0:{tmp_path}/none.sock")
            with contextlib.suppress(ConnectionError):
                assert await exchange_on(port, b"x") == b""
            await kit.until(tunnel, TunnelState.DEGRADED)
            error = kit.manager.snapshot(tunnel).error
            assert f"{tmp_path}/none.sock: " in error
            assert ("is not there" if option == "L" else "No such file") in error
        assert not kit.ssh.is_closed()
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_server_whose_socket_is_taken(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "there.sock"
    leave_behind(path)
    async with tunnels_on(sshd) as kit:
        error = await refused(kit, "R", f"{path}:localhost:9")
        assert f"The server refused to listen on {path}" in error
        assert "StreamLocalBindUnlink" in error
        assert kit.lease.released == 1


async def test_a_server_that_forbids_sockets(tmp_path: Path) -> None:
    path = tmp_path / "out.sock"
    async with (
        socket_target(path),
        RealSshd(AllowStreamLocalForwarding="no") as server,
        tunnels_on(server) as kit,
    ):
        assert "AllowStreamLocalForwarding" in await refused(kit, "R", f"{tmp_path}/in:x:9")
        tunnel, port = await kit.open("L", f"0:{path}")
        with contextlib.suppress(ConnectionError):
            assert await exchange_on(port, b"x") == b""
        assert "or the server does not allow it" in kit.manager.snapshot(tunnel).error


async def test_a_killed_server_ends_the_tunnels_and_takes_the_socket_along(
    sshd: RealSshd, tmp_path: Path
) -> None:
    path = tmp_path / "in.sock"
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("L", f"{path}:127.0.0.1:{port}")
        other, _ = await kit.open("R", f"{tmp_path}/there.sock:127.0.0.1:{port}")
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        sshd.kill_connections()
        await kit.until(tunnel, TunnelState.FAILED)
        await kit.until(other, TunnelState.FAILED)
        await until(lambda: not path.exists(), "the socket is gone")
        await until(lambda: kit.lease.released == 2, "the leases are released")
        writer.close()


async def test_a_socket_of_the_server_goes_when_it_closes_and_can_come_again(
    sshd: RealSshd, tmp_path: Path
) -> None:
    path = tmp_path / "there.sock"
    async with target(echo) as port, tunnels_on(sshd) as kit:
        for _ in range(2):
            tunnel, _ = await kit.open("R", f"{path}:127.0.0.1:{port}")
            assert await exchange_at(path, b"again") == b"again"
            await kit.manager.stop(tunnel)
            assert not path.exists()
        assert not kit.ssh.is_closed()
        await until(lambda: kit.channels == 0, "no channels")


async def test_what_has_taken_the_place_of_a_socket_of_the_server_stays(
    sshd: RealSshd, tmp_path: Path
) -> None:
    path = tmp_path / "there.sock"
    async with tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("R", f"{path}:localhost:9")
        path.unlink()
        async with socket_target(path):
            await kit.manager.stop(tunnel)
            assert await exchange_at(path, b"mine") == b"mine"
        tunnel, _ = await kit.open("R", f"{path}:localhost:9")
        path.unlink()
        path.write_text("precious")
        await kit.manager.stop(tunnel)
        assert path.read_text() == "precious"


async def test_sockets_come_back_with_their_connection(
    sshd: RealSshd, backend_for: BackendFor, tmp_path: Path
) -> None:
    async with target(echo) as port:
        backend = await backend_for(sshd.config_file)
        watch = Watch(backend)
        here, there = tmp_path / "here.sock", tmp_path / "there.sock"
        forwards = [("L", f"{here}:127.0.0.1:{port}"), ("R", f"{there}:127.0.0.1:{port}")]
        tunnels = [
            backend.tunnels.add("sshd", parse_forward(Kind(option), text))
            for option, text in [*forwards, ("R", f"{tmp_path}/socks.sock")]
        ]
        for tunnel in tunnels:
            assert (await backend.tunnels.start(tunnel)).state is TunnelState.OPEN
        number = here.stat().st_ino
        await asyncio.to_thread(sshd.stop)
        await watch.until(
            lambda: backend.tunnels.snapshot(tunnels[0]).state is TunnelState.RECONNECTING
        )
        early = asyncio.create_task(exchange_at(here, b"came while it was gone"))
        await asyncio.to_thread(sshd.start)
        assert await early == b"came while it was gone"
        assert here.stat().st_ino == number, "it stayed bound"
        await watch.until(
            lambda: {one.state for one in backend.tunnels.snapshots()} == {TunnelState.OPEN}
        )
        assert await exchange_at(there, b"the other way") == b"the other way"


@pytest.mark.parametrize("option", ["L", "R"])
async def test_sockets_are_led_elsewhere_as_they_run(
    sshd: RealSshd, option: str, tmp_path: Path
) -> None:
    first, second, goal = tmp_path / "1.sock", tmp_path / "2.sock", tmp_path / "goal.sock"
    async with socket_target(goal), target(echo) as port, tunnels_on(sshd) as kit:
        kind = Kind(option)
        tunnel, _ = await kit.open(option, f"{first}:127.0.0.1:{port}")
        await kit.manager.repoint(tunnel, parse_forward(kind, f"{second}:{goal}"))
        assert await exchange_at(second, b"the second") == b"the second"
        assert not first.exists()
        snapshot = await kit.manager.repoint(tunnel, parse_forward(kind, f"0:{goal}"))
        assert await exchange_on(int(snapshot.listen.rpartition(":")[2]), b"port") == b"port"
        assert not second.exists()
        snapshot = await kit.manager.repoint(tunnel, parse_forward(kind, f"{first}:{goal}"))
        assert snapshot.listen == str(first)
        assert await exchange_at(first, b"and back") == b"and back"
        first_taken = parse_forward(kind, f"{goal}:localhost:9")
        with pytest.raises(ForwardError):
            await kit.manager.repoint(tunnel, first_taken)
        assert await exchange_at(first, b"as it was") == b"as it was"
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_paused_socket_keeps_its_clients_waiting(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("L", f"{path}:127.0.0.1:{port}")
        await kit.manager.pause(tunnel)
        early = asyncio.create_task(exchange_at(path, b"came while it was paused"))
        await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client")
        await kit.manager.resume(tunnel)
        assert await early == b"came while it was paused"
        await kit.manager.pause(tunnel, hold=False)
        assert not path.exists()
        await kit.manager.resume(tunnel)
        assert await exchange_at(path, b"again") == b"again"
