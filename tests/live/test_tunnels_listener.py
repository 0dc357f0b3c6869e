"""Listening sockets of this machine, with the system's refusals imitated."""

import asyncio
import errno
import os
import socket

import psutil
import pytest

from sshdash.errors import ForwardError
from sshdash.tunnels import ports
from sshdash.tunnels.forwards import listener
from sshdash.tunnels.forwards.listener import Listener
from sshdash.tunnels.forwards.options import ForwardOptions
from tests.live.tunnel_kit import echo, exchange, target, tunnels_on, until
from tests.servers.sshd import RealSshd


def silent() -> Listener:
    """Return a listener that drops its clients."""
    return Listener(socket.socket.close, lambda reason: None)


def fail_with(monkeypatch: pytest.MonkeyPatch, number: int, family: int | None = None) -> None:
    """Have the system refuse to bind, on one family or all."""

    def bound(address: ports.Address, port: int) -> socket.socket:
        if family is None or address[0] == family:
            raise OSError(number, os.strerror(number))
        return ports.bound_socket(address, port)

    monkeypatch.setattr(listener, "bound_socket", bound)


async def refusal(bind: str | None, port: int) -> ForwardError:
    """Return why listening fails."""
    with pytest.raises(ForwardError) as caught:
        await silent().open(bind, port)
    return caught.value


async def test_port_0_is_one_port_on_both_families() -> None:
    one = silent()
    await one.open(None, 0)
    assert one.addresses == (f"127.0.0.1:{one.port}", f"[::1]:{one.port}")
    one.close()
    one.close()
    assert repr(one) == "<Listener []>"


@pytest.mark.parametrize(
    ("family", "listening"),
    [(socket.AF_INET, ("127.0.0.1", "0.0.0.0")), (socket.AF_INET6, ("[::1]", "[::]"))],
)
async def test_one_family_alone_as_with_ssh(
    family: socket.AddressFamily, listening: tuple[str, str]
) -> None:
    options = ForwardOptions(family=family)
    for bind, address in zip((None, "*"), listening, strict=True):
        one = Listener(socket.socket.close, lambda reason: None, options)
        await one.open(bind, 0)
        assert one.addresses == (f"{address}:{one.port}",)
        one.close()
    other = "::1" if family == socket.AF_INET else "127.0.0.1"
    with pytest.raises(ForwardError, match="Cannot listen on") as caught:
        await Listener(socket.socket.close, lambda reason: None, options).open(other, 0)
    assert "AddressFamily leaves none of it" in caught.value.detail


async def test_a_machine_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, errno.EAFNOSUPPORT, socket.AF_INET6)
    one = silent()
    await one.open(None, 0)
    assert one.addresses == (f"127.0.0.1:{one.port}",)
    one.close()


async def test_a_privileged_port(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, errno.EACCES)
    error = await refusal(None, 80)
    assert (error.title, error.hint) == ("Port 80 may not be used", "use port 8080")
    assert "root" in error.detail
    error = await refusal(None, 8080)
    assert error.detail == "permission denied"


async def test_a_port_taken_on_one_family_is_taken() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        error = await refusal(None, port)
        assert error.title == f"Port {port} is in use"
        assert f"this sshdash (pid {os.getpid()})" in error.detail
        one = silent()
        await one.open("127.0.0.1", port)
        one.close()


async def test_who_holds_it_may_not_be_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(kind: str) -> list[object]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    with socket.create_server(("127.0.0.1", 0)) as other:
        error = await refusal("127.0.0.1", other.getsockname()[1])
    assert error.detail == "by a process that cannot be seen from here"
    assert error.hint.endswith("is free")


async def test_the_port_is_free_at_once_after_clients_were_served() -> None:
    served = asyncio.Event()

    def serve(client: socket.socket) -> None:
        client.close()
        served.set()

    one = Listener(serve, lambda reason: None)
    await one.open(None, 0)
    port = one.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await served.wait()
    one.close()
    again = silent()
    await again.open(None, port)
    again.close()
    writer.close()


async def test_a_loop_that_takes_its_time_over_clients_serves_them_the_same(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.local.can_take_over", lambda: False)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        identifier, listen = await kit.open("L", f"127.0.0.1:0:127.0.0.1:{port}")
        assert await exchange(listen, b"said early" * 1000) == b"said early" * 1000
        await until(lambda: kit.manager.snapshot(identifier).clients == 0, "the client left")
        await until(lambda: kit.channels == 0, "its channel ended")
        assert kit.manager.snapshot(identifier).bytes_up == 10_000
