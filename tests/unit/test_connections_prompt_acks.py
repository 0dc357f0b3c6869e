"""What is read is acknowledged soon: at once on a young connection."""

import socket
from asyncio.trsock import TransportSocket
from collections.abc import Iterator

import pytest

from sshdash.connections.transport.prompt_acks import PromptAcks
from tests.live.tunnel_kit import until

OPTION = getattr(socket, "TCP_QUICKACK", None)
needs_linux = pytest.mark.skipif(OPTION is None, reason="only Linux has TCP_QUICKACK")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a TCP connection that waits with acknowledging."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        near.setsockopt(socket.IPPROTO_TCP, OPTION or 0, 0)
        yield near, far


def is_prompt(sock: socket.socket) -> bool:
    """Return whether the system acknowledges at once now."""
    return bool(sock.getsockopt(socket.IPPROTO_TCP, OPTION or 0))


def grown_old(sock: socket.socket) -> PromptAcks:
    """Return what acknowledges on a connection that is not young any more."""
    acks = PromptAcks()
    acks.attach(TransportSocket(sock))
    for _ in range(1000):
        acks.read()
    return acks


@needs_linux
def test_what_is_read_first_is_acknowledged_at_once(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, far = pair
    acks = PromptAcks()
    acks.attach(TransportSocket(near))
    assert not is_prompt(near)
    far.send(b"hello")
    assert near.recv(100) == b"hello"
    acks.read()
    assert is_prompt(near)


@needs_linux
async def test_an_old_connection_acknowledges_in_a_moment_and_then_lets_the_system_be(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, _ = pair
    acks = grown_old(near)
    for _ in range(3):
        near.setsockopt(socket.IPPROTO_TCP, OPTION or 0, 0)
        acks.read()
        assert not is_prompt(near)
        await until(lambda: is_prompt(near), "an acknowledgement")
    await until(lambda: not acks.looks, "an end of looking")
    near.setsockopt(socket.IPPROTO_TCP, OPTION or 0, 0)
    acks.read()
    await until(lambda: is_prompt(near), "an acknowledgement after a rest")


@needs_linux
async def test_a_socket_that_is_closed_meanwhile_is_looked_at_no_more(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, _ = pair
    acks = grown_old(near)
    near.close()
    await until(lambda: not acks.looks, "an end of looking")
    acks.read()
    assert not acks.looks


def test_what_is_no_tcp_socket_or_is_closed_is_no_matter() -> None:
    near, far = socket.socketpair()
    with near, far:
        acks = PromptAcks()
        acks.attach(TransportSocket(near))
        acks.read()
    with socket.socket() as closed:
        acks.attach(TransportSocket(closed))
    acks.read()
    acks.attach(None)
    acks.read()
