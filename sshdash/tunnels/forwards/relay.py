"""One client's bytes, between its socket and its channel.

A relay has two ends with the same verbs. What one end reads the other sends; an end that
cannot take more pauses the reading of the other, so nothing grows; an end of file passes
through and leaves the other direction open; a reset stays a reset. The socket is always there
first: what it says before the channel is open waits, and no more than that is read meanwhile.

The callbacks of the channel run inside the SSH library, where an exception would close the
connection that everything else shares: none of them may raise.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import asyncssh

from sshdash.connections.transport.trunk import Trunk
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.forwards.attempt import Attempt
from sshdash.tunnels.forwards.hold import Hold
from sshdash.tunnels.forwards.leaving import Leaving, reset_at_close

log = logging.getLogger(__name__)

_BUFFER = 256 * 1024
"""Bytes an end holds for a slow taker before the other end stops reading."""
_READ = memoryview(bytearray(256 * 1024))
"""Where a socket is read to: as much as fills an SSH connection's outbox."""
_EARLY = 64 * 1024
"""Bytes that are read, and kept, of a client whose channel is not open yet."""
_BULK = 8 * 1024
"""Bytes from which a packet is no keystroke."""
_AT_ONCE = 256
"""Pieces the system is given in one call; it takes 1024 at most."""


class _Transport(Protocol):
    """What a socket's transport and an SSH channel have in common."""

    def write(self, data: "bytes | memoryview", /) -> None: ...
    def write_eof(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class _End:
    """What both ends do."""

    peer: "_End"

    def __init__(self, count: Callable[[int], None]) -> None:
        self.transport: _Transport | None = None
        self.ended = False
        """Whether this end has read its end of file."""
        self.lost = False
        self._count = count
        self._held = Hold.NONE
        self._finished = False

    def hold(self, why: Hold) -> None:
        """Stop reading, for one more reason."""
        if not self._held and self.transport and not self.ended:
            self.transport.pause_reading()
        self._held |= why

    def release(self, why: Hold) -> None:
        """Read again once no reason is left."""
        if not self._held & why:
            return
        self._held &= ~why
        if not self._held and self.transport and not self.ended:
            self.transport.resume_reading()

    def send(self, data: "bytes | memoryview") -> None:
        """Pass on what the other end has read."""
        if self.transport and not self.lost:
            try:
                self.transport.write(data)
            except (OSError, RuntimeError) as error:
                # It closed in the same turn of the loop; connection_lost follows by itself.
                log.debug("a relay's end was closed already: %s", error)

    def send_eof(self) -> None:
        """Pass on that the other end has nothing more to say."""
        if self.transport and not self.lost:
            try:
                self.transport.write_eof()
            except OSError:
                # The peer reset its socket in the meantime: there is nobody left to tell.
                self.transport.abort()

    def finish(self) -> None:
        """Close after everything written has gone out. Idempotent."""
        if self.transport and not (self.lost or self._finished):
            self._finished = True
            self.transport.close()

    def pause_writing(self) -> None:
        """Hold the other end: this one has all it may keep."""
        self.peer.hold(Hold.PEER)

    def resume_writing(self) -> None:
        """Let the other end go on."""
        self.peer.release(Hold.PEER)


class SocketEnd(_End, asyncio.BufferedProtocol):
    """The end with a TCP socket on this machine."""

    peer: "ChannelEnd"

    def __init__(self, relay: "Relay", count: Callable[[int], None]) -> None:
        super().__init__(count)
        self._relay = relay
        self.trunk = Trunk()
        """That of the SSH connection, once there is one."""
        self._socket: socket.socket | None = None
        self._early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket, unless it was taken over before."""
        assert isinstance(transport, asyncio.Transport)
        if self.transport is None:
            self.adopt(transport)

    def adopt(self, transport: asyncio.Transport, early: bytes = b"") -> None:
        """Take a socket over from its handshake, with what came behind the handshake."""
        self.transport = transport
        self._socket = transport.get_extra_info("socket")
        if self._socket is not None and self._socket.family != socket.AF_UNIX:
            # The loop has set TCP_NODELAY; this finds those that left without a word.
            with suppress(OSError):  # macOS has no options for one that was reset from there
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        transport.set_write_buffer_limits(high=_BUFFER)
        if early:
            self._early += early
            self.hold(Hold.UNOPENED)
        if self._relay.over:
            self.reset()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the loop reads to: one place for all, for nothing stays in it."""
        if self.peer.transport is not None:
            return _READ
        return _READ[: max(1, _EARLY - len(self._early))]

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was read."""
        self.data_received(_READ[:nbytes])

    def data_received(self, data: "bytes | memoryview") -> None:
        """Pass on what was read, or keep it until the channel is there."""
        if self.peer.transport is None:
            self._early += data
            if len(self._early) >= _EARLY:
                self.hold(Hold.UNOPENED)
            return
        self.peer.send(data)
        self._count(len(data))
        if self.trunk.full:
            self.hold(Hold.TRUNK)
            self.trunk.wait(self._trunk_free)

    def _trunk_free(self) -> None:
        self.release(Hold.TRUNK)

    def channel_ready(self) -> None:
        """Pass on what was said before the channel was open, then read on."""
        early, self._early = self._early, bytearray()
        if early:
            self.peer.send(bytes(early))
            self._count(len(early))
        if self.ended:
            self.peer.send_eof()
        self.release(Hold.UNOPENED)

    def eof_received(self) -> bool:
        """Pass the end of file on; return whether the other direction is still open."""
        self.ended = True
        self.peer.send_eof()
        if not self.peer.ended:
            return True
        self.peer.finish()  # with its end of file, which spares the server a wake-up
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the channel: at once where the client reset, else after what is on its way."""
        self.lost = True
        self._early.clear()
        if exc is None and self.ended:
            self.peer.finish()
        elif self.peer.transport and not self.peer.lost:
            self.peer.transport.abort()
        self._relay.end_lost(self)

    def send_pieces(self, pieces: list["bytes | memoryview"]) -> None:
        """Pass on pieces in one go, from where they are; what has to wait is copied."""
        transport, sock = self.transport, self._socket
        if (
            sock is not None
            and isinstance(transport, asyncio.Transport)
            and len(pieces) <= _AT_ONCE
            and not (self.lost or transport.is_closing() or transport.get_write_buffer_size())
        ):
            try:
                sent = os.writev(sock.fileno(), pieces)
            except OSError:
                sent = 0  # the transport comes to the same, and knows what follows
            while pieces and sent >= len(pieces[0]):
                sent -= len(pieces.pop(0))
            if pieces and sent:
                pieces[0] = pieces[0][sent:]
        if pieces:
            self.send(b"".join(pieces))

    def leave(self) -> None:
        """Close once the client has taken what was sent, whatever it still says itself."""
        if self.ended or not isinstance(self.transport, asyncio.Transport):
            self.finish()
        elif not self.lost:
            Leaving(self.transport, self.connection_lost)

    def reset(self) -> None:
        """Close at once, so that the other side sees a reset and no end of file."""
        transport = self.transport
        if not isinstance(transport, asyncio.Transport) or self.lost:
            return
        sock = self._socket
        if sock is not None and sock.fileno() >= 0 and sock.family != socket.AF_UNIX:
            reset_at_close(sock)
        transport.abort()


class ChannelEnd(_End, asyncssh.SSHTCPSession[bytes]):
    """The end with an SSH channel."""

    peer: SocketEnd

    def __init__(self, relay: "Relay", count: Callable[[int], None]) -> None:
        super().__init__(count)
        self._relay = relay
        self._gathered: list[bytes | memoryview] = []

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        """Take the open channel, or give it back at once where the client has gone."""
        self.transport = chan
        if self._relay.over or self.peer.lost:
            chan.abort()
            return
        chan.set_write_buffer_limits(high=_BUFFER)
        if self._relay.greeting:
            self.peer.send(self._relay.greeting)
        self.peer.channel_ready()

    def gather(self, data: memoryview) -> None:
        """Take what came with others, to pass it on with them."""
        self._gathered.append(data)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """Pass on what came: a keystroke at once, bulk once per turn of the loop.

        One read of the connection brings several packets, and each write to the socket costs
        a wake-up of the client, so gathering them saves a tenth of the work.
        """
        if not self._gathered and len(data) < _BULK:
            self._count(len(data))
            self.peer.send(data)
            return
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self.flush)
        self._gathered.append(data)

    def flush(self) -> None:
        """Pass on what was gathered."""
        gathered = self._gathered
        if gathered:
            self._gathered = []
            size = sum(map(len, gathered))
            self.peer.send_pieces(gathered)
            self._count(size)

    def eof_received(self) -> bool:
        """Pass the end of file on; the channel stays open for the other direction."""
        self.flush()
        self.ended = True
        self.peer.send_eof()
        if self.peer.ended:
            self.peer.finish()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the socket: a lost connection is a reset, never a clean end of file."""
        self.flush()
        self.lost = True
        if exc is None:
            self.peer.finish()
        else:
            self.peer.reset()
        self._relay.end_lost(self)


class Relay:
    """Both ends of one client, and when it is over.

    `greeting` goes to the client when the channel has opened, before anything else.
    """

    def __init__(
        self,
        traffic: Traffic,
        on_done: "Callable[[Relay], None]",
        *,
        client_is_remote: bool = False,
    ) -> None:
        self.visit = traffic.enter(time.monotonic())
        """Counts this client's bytes, and with them the tunnel's."""
        up, down = self.visit.count_up, self.visit.count_down
        if client_is_remote:
            up, down = down, up
            self.visit.process = ""  # of another machine, where it cannot be seen
        self.socket = SocketEnd(self, up)
        self.channel = ChannelEnd(self, down)
        self.socket.peer = self.channel
        self.channel.peer = self.socket
        self.greeting = b""
        self.over = False
        """Whether it was ended from our side; a channel that opens later is given back."""
        self._client: _End = self.channel if client_is_remote else self.socket
        self.attempt = Attempt()
        """At the target of a client that is remote."""
        self._traffic: Traffic | None = traffic
        self._on_done = on_done

    @property
    def is_here(self) -> bool:
        """Whether the client has not left."""
        return self._traffic is not None

    @property
    def is_through(self) -> bool:
        """Whether the client has, or had, a channel of its own."""
        return self.channel.transport is not None or self._client is self.channel

    @property
    def is_pointless(self) -> bool:
        """Whether there is nobody left to open a channel for."""
        return self.over or self.socket.lost

    def end_lost(self, end: _End) -> None:
        """Count the client out when its end is gone; be done when both are."""
        if end is self._client:
            self._leave()
        if self.socket.lost and self.channel.lost:
            self._leave()
            self._on_done(self)

    def refused(self, farewell: bytes = b"") -> None:
        """Turn the client away: no channel will come. `farewell` is sent to it first."""
        self.channel.lost = True
        if self.socket.transport is None:
            self.socket.lost = True
        if self.socket.lost:
            self.end_lost(self.channel)
        elif farewell:
            self.socket.send(farewell)
            self.socket.leave()
        else:
            self.socket.reset()

    def abort(self) -> None:
        """End both sides at once; a channel still being opened is given back when it comes."""
        self.over = True
        self.attempt.give_up()
        if self._client is self.channel and self.channel.transport is None:
            # The library forgets a server's open request with its connection, and tells nobody.
            self.channel.lost = True
            self._leave()
        self.socket.reset()
        if self.channel.transport and not self.channel.lost:
            self.channel.transport.abort()

    def _leave(self) -> None:
        if self._traffic is not None:
            self._traffic.leave()
            self._traffic = None
