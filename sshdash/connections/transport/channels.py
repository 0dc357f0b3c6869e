"""Channels that give what is written straight to their connection, where nothing is in the way.

The library's copy what is written into a buffer, and out of it again into packets. Here that
only happens to what the other side has no room for.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.misc import ProtocolError
from asyncssh.packet import SSHPacket

if TYPE_CHECKING:
    from sshdash.connections.transport.direct import DirectTransport

PACKET = 32 * 1024
"""Bytes of data in a packet at most: what every server has to take."""
_SMALLEST = 64
"""Bytes that a packet must be able to hold: with fewer, any bulk would hold up everything."""
_TELLS_OFTEN = "OpenSSH"
"""Whose servers tell of room whenever 96 KiB were taken; others may wait for half of all."""
_STUCK = 0.5
"""Seconds in which nothing is taken, after which one that was narrowed is so no more."""
_ENDED = frozenset({"close_pending", "closed"})


class Gatherer(Protocol):
    """A session that takes what one read brought in one go, and from where it is."""

    def gather(self, data: memoryview) -> None:
        """Take note of data, which is there until `flush` and no longer."""

    def flush(self) -> None:
        """Pass on all that was gathered."""


class DirectChannel(SSHChannel[Any]):
    """What both kinds do differently."""

    _withheld = 0
    """Bytes that the server has room for, and does not get."""
    _watched = _moved = False
    """Whether it is seen to that it does not get stuck so, and whether anything was taken since."""

    def narrow(self, most: int) -> None:
        """Let no more than about `most` bytes be with the server at once, unless it gets stuck.

        What a program there has not taken yet, OpenSSH's server keeps in a buffer that it
        allocates anew, copies and wipes for every packet more, as long as that grows: until two
        megabytes wait, that takes it a tenth of a second.
        """
        if _TELLS_OFTEN in self.get_extra_info("server_version", ""):
            held = max(0, self._send_window - most)
            self._send_window -= held
            self._withheld += held

    def take(self, data: memoryview) -> Gatherer | None:
        """Deliver data that is there for now; return whose `flush` has to follow."""
        session: Any = self._session
        gather = getattr(session, "gather", None)
        window = self._recv_window - len(data)
        if (
            self._recv_paused
            or not data
            or 2 * window < self._init_recv_window
            or self._encoding
            or session is None
            or self._send_state in _ENDED
        ):
            self._accept_data(bytes(data))
            return session if gather else None
        self._recv_window = window
        if gather is None:
            session.data_received(bytes(data), None)
            return None
        gather(data)
        gatherer: Gatherer = session
        return gatherer

    def process_open_confirmation(
        self, send_chan: int, send_window: int, send_pktsize: int, packet: SSHPacket
    ) -> None:
        """Take note of what the other side takes; close what nobody waits for any more."""
        if send_pktsize < _SMALLEST:
            raise ProtocolError(f"Packets of {send_pktsize} bytes are too small")
        waiter = self._open_waiter
        super().process_open_confirmation(send_chan, send_window, send_pktsize, packet)
        if waiter is not None and waiter.cancelled():
            self.abort()  # the library forgets it, and the server has one session less to give

    def write(self, data: Any, datatype: int | None = None) -> None:
        """Send as much of bytes as the window allows, and leave the rest to the library."""
        connection = self._straight(datatype)
        if connection is None or self._send_chan is None:
            super().write(data, datatype)
            return
        size = len(data)
        if 0 < size <= PACKET and size <= self._send_window and size <= self._send_pktsize:
            # Of one packet there is nothing to cut.
            if connection.send_data(self._send_chan, size, data):
                self._send_window -= size
            else:
                super().write(data)
            return
        size = min(size, self._send_window)
        most = min(self._send_pktsize, PACKET)
        start = 0
        while start < size:
            piece: Any = data
            if len(data) > most or len(data) > size:
                piece = memoryview(data)[start : min(start + most, size)]
            if not connection.send_data(self._send_chan, len(piece), piece):
                break
            self._send_window -= len(piece)
            start += len(piece)
        if start < len(data):
            super().write(memoryview(data)[start:])

    def writelines(self, list_of_data: Iterable[Any], datatype: int | None = None) -> None:
        """Send pieces as one, which spares putting them together where they fit a packet."""
        pieces = list(list_of_data)
        if self._encoding or datatype is not None:
            super().writelines(pieces, datatype)
            return
        connection = self._straight(datatype)
        size = sum(map(len, pieces))
        if (
            connection is not None
            and self._send_chan is not None
            and 0 < size <= min(self._send_window, self._send_pktsize, PACKET)
            and connection.send_data(self._send_chan, size, *pieces)
        ):
            self._send_window -= size
        elif size and self._send_buf and self._send_state == "open":
            # In one copy, where the library makes two.
            self._send_buf.append((bytearray().join(pieces), None))
            self._send_buf_len += size
            self._flush_send_buf()
        else:
            super().writelines(pieces, datatype)

    def _straight(self, datatype: int | None) -> "DirectTransport | None":
        """Return the connection where nothing is before what is written, and it is bytes."""
        if self._send_state != "open" or self._send_buf or self._encoding or datatype is not None:
            return None
        return cast("DirectTransport | None", self._conn)

    def _flush_send_buf(self) -> None:
        """Send what was kept, as far as the window allows."""
        connection, before = cast("DirectTransport", self._conn), self._send_buf_len
        while self._send_buf and self._send_window and self._send_chan is not None:
            kept, datatype = self._send_buf[0]
            size = min(self._send_window, self._send_pktsize, PACKET)
            piece = kept if len(kept) <= size else kept[:size]
            if datatype is not None or not connection.send_data(self._send_chan, len(piece), piece):
                break
            if piece is kept:
                del self._send_buf[0]
            else:
                del kept[:size]
            self._send_buf_len -= len(piece)
            self._send_window -= len(piece)
        super()._flush_send_buf()
        if self._withheld:
            self._moved |= self._send_buf_len < before
            self._watch()

    def _watch(self) -> None:
        if self._send_buf and not self._watched:
            self._watched, self._moved = True, False
            self._loop.call_later(_STUCK, self._look)

    def _look(self) -> None:
        """Give the server all that it has room for, where it took nothing of what waits."""
        self._watched = False
        if self._send_state == "closed":
            return
        if self._moved:
            self._watch()
        elif self._send_buf:
            self._send_window += self._withheld
            self._withheld = 0
            self._flush_send_buf()


class _ClientChannel(DirectChannel, asyncssh.SSHClientChannel[Any]):
    """A shell, a command or a subsystem."""

    async def create(self, *args: Any, **options: Any) -> Any:
        """Ask for it; it closes where the one who waits for that is cancelled."""
        try:
            return await super().create(*args, **options)
        except asyncio.CancelledError:
            self.abort()
            raise


class _TCPChannel(DirectChannel, asyncssh.SSHTCPChannel[Any]):
    """A client of a tunnel, or the way to the next host."""


class _UNIXChannel(DirectChannel, asyncssh.SSHUNIXChannel[Any]):
    """A client of a tunnel that has a Unix socket on the server."""


_KINDS: dict[type, type] = {
    asyncssh.SSHClientChannel: _ClientChannel,
    asyncssh.SSHTCPChannel: _TCPChannel,
    asyncssh.SSHUNIXChannel: _UNIXChannel,
}


def make_direct(channel: SSHChannel[Any]) -> None:
    """Turn one of the library's new channels into one of ours, where there is one."""
    channel.__class__ = _KINDS.get(type(channel), type(channel))
