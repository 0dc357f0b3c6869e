"""A target that does not answer yet, and clients that push meanwhile."""

import asyncio
import contextlib
import socket


class SlowTarget:
    """A listening socket whose full backlog keeps further connects pending."""

    def __init__(self) -> None:
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(0)
        self.port = int(self.sock.getsockname()[1])
        self._fill = []
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fill.append(filler)

    def open_up(self) -> None:
        """Accept everything that waits and will come, and close it at once."""
        self.sock.listen(512)
        self.sock.setblocking(False)
        asyncio.get_running_loop().add_reader(self.sock, self._accept)

    def _accept(self) -> None:
        client, _ = self.sock.accept()
        client.close()

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.sock)
        for sock in (self.sock, *self._fill):
            sock.close()


async def push(sock: socket.socket, size: int) -> int:
    """Push up to `size` bytes for a moment; return how many the other side took."""
    sent, chunk = 0, bytes(1 << 20)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            while sent < size:
                await asyncio.get_running_loop().sock_sendall(sock, chunk)
                sent += len(chunk)
    return sent


async def connected(port: int) -> socket.socket:
    """Return a socket connected to a port, with little buffer of its own."""
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock
