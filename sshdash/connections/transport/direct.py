"""The shortest way between a connection's socket and its channels.

`DirectTransport` changes how packets are sent and received, never what they mean: key exchange,
login, requests and everything unusual stay the library's. It differs in these points.

* The library sends an empty SSH_MSG_IGNORE before every packet, in a write of its own. RFC 4251
  section 9.3.1 wants that against chosen plaintext in CBC mode, where it stays; other ciphers
  have no use for it.
* Large packets leave in one write per turn of the loop, a small one at once, with all that
  waits before it.
* With AES-GCM, channel data goes between the socket and the channel with one copy on each side
  of the cipher, and none where the session gathers what one read brings. The library makes
  about ten, half of them of everything that was read.
* The opening and the end of a channel take the same way, without the library's detours.
* What one read brings for very many channels takes several turns of the loop.
* The keepalive timer is set when it runs out, not anew for every read; any packet that arrives
  shows that the server is there, as with OpenSSH.
* Keys also change after what was received, and when their time is over though nothing is sent.

What this relies on inside the library is checked by `sshdash.connections.transport.library`.
"""

import asyncio
import socket
import struct
from asyncio.trsock import TransportSocket
from typing import Any

from asyncssh.channel import SSHChannel
from asyncssh.connection import SSHConnection
from asyncssh.constants import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_WINDOW_ADJUST,
)
from asyncssh.misc import MACError, ProtocolError
from asyncssh.packet import SSHPacket

from sshdash.connections.transport.channels import DirectChannel, Gatherer
from sshdash.connections.transport.flood import Flood
from sshdash.connections.transport.gcm import GCM, TAG
from sshdash.connections.transport.prompt_acks import PromptAcks
from sshdash.connections.transport.sealing import BLOCK, LEAST_PADDING, Sealing

_PIECE = 40 * 1024
"""A little more than the largest packet servers send, 32 KiB and its overhead."""
_LENGTH = struct.Struct(">I")
_DATA = struct.Struct(">BBII")
"""The lengths of the padding and of the data, with type and channel between them."""
_BULK = 8 * 1024
"""Bytes read in one go that are no keystroke, and more are likely to follow."""
_ENDING = 6
"""Bytes of an end of file or a close: the padding's length, type and channel."""
_CONFIRMATION = 18
"""Bytes of the answer to an open request that says nothing more than it has to."""
_AT_ONCE = 64
"""Channels that get data, open or end in one turn of the loop: some milliseconds."""
_READ = 260 * 1024
"""Bytes read at a time, and more than a packet of the largest size that is accepted."""
_SEQUENCE = 0xFFFFFFFF

# glibc gives memory of 128 KiB and more back to the system and takes it again page by page,
# until a larger piece was freed once. Without this, bulk takes three times the system's time.
bytes(8 * 1024 * 1024)


class DirectTransport(Sealing, asyncio.BufferedProtocol):
    """A client's connection; see the module for what it does otherwise."""

    _widened: set[SSHChannel[Any]]
    _inbox: memoryview
    _opened: memoryview
    _gatherers: dict[Gatherer, None]
    _acks: PromptAcks
    _flood: Flood
    _kept: int
    _served: int

    def start(self) -> None:
        """Take over from the library, wherever the connection stands."""
        super().start()
        self._widened = set()
        self._inbox = memoryview(bytearray(2 * _READ))
        self._opened = memoryview(bytearray(2 * _READ))
        self._gatherers = {}
        self._acks = PromptAcks()
        self._flood = Flood(self.receive_mark)
        self._kept = self._served = 0
        self._recv_encryption = GCM.take_over(self._recv_encryption)
        self._next_recv_encryption = GCM.take_over(self._next_recv_encryption)
        if isinstance(self._transport, asyncio.Transport):
            self._transport.set_protocol(self)  # it looks once at how a protocol wants to read
            self._attach(self._transport.get_extra_info("socket"))

    def _attach(self, sock: TransportSocket | None) -> None:
        """Let those set a socket who know one of TCP: not every system tells of others' rest."""
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            self.receive_mark.attach(sock)
            self._acks.attach(sock)

    # -- the socket

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the loop reads to: behind the start of a packet that is not whole yet."""
        if self._inpbuf and len(self._inpbuf) <= _READ and self._reads_in_place():
            self._keep(self._inpbuf)
        return self._inbox[self._kept : self._kept + _READ]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read: in place where packets are ours, as bytes where the library's."""
        size, self._kept, self._served = self._kept + nbytes, 0, 0
        if self.low_water.unhurried:
            self.low_water.read(nbytes, len(self._channels))
        self._acks.read()
        self._flood.read(nbytes)
        if nbytes >= _BULK:
            self._rest()
        if self._inpbuf or not self._reads_in_place():
            self.data_received(bytes(self._inbox[:size]))
        else:
            self._inpbuf = self._inbox[:size]  # type: ignore[assignment]
            SSHConnection._recv_data(self)
            if isinstance(self._inpbuf, memoryview):
                # Nothing follows where the connection was ended over what it sent.
                self._keep(self._inpbuf if self._transport else b"")
            self.count_received(nbytes)

    def _reads_in_place(self) -> bool:
        return (
            type(self._recv_encryption) is GCM
            and self._decompressor is None
            and self._recv_handler == self._recv_pkthdr
        )

    def _keep(self, rest: bytes) -> None:
        self._kept = len(rest)
        self._inbox[: self._kept] = rest
        self._inpbuf = b""

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """Take what was read.

        The library cuts each packet off the front of all there is, so other ciphers than
        AES-GCM get little more than a packet at a time: then there is no rest to move.
        """
        self._served = 0
        for start in range(0, len(data), _PIECE):
            if self._transport is None:
                return  # it was ended over what it sent
            super().data_received(data[start : start + _PIECE], datatype)
        self.count_received(len(data))

    def _recv_data(self) -> None:
        """Handle what was read, and keep what is no whole packet yet as the library does."""
        super()._recv_data()
        if isinstance(self._inpbuf, memoryview):
            self._inpbuf = bytes(self._inpbuf)

    # -- keys

    def send_newkeys(self, k: bytes, h: bytes) -> None:
        """Finish a key exchange; what is received comes with the new keys a little later."""
        super().send_newkeys(k, h)
        self._next_recv_encryption = GCM.take_over(self._next_recv_encryption)

    # -- receiving

    def _recv_pkthdr(self) -> bool:
        """Deliver channel data as long as there are whole packets; the library does the rest.

        What was read is a view where it is handled in place: it is gone after this.
        """
        opener = self._recv_encryption
        data = self._inpbuf
        if type(opener) is not GCM or self._decompressor is not None:
            self._inpbuf = bytes(data)
            return super()._recv_pkthdr()
        try:
            return self._open_all(memoryview(data), opener)
        finally:
            self._end_read()

    def _not_yet(self) -> bool:
        return False

    def _waits_its_turn(self) -> bool:
        return self._recv_handler == self._not_yet

    def connection_lost(self, exc: Exception | None = None) -> None:
        """Deliver what was read before the end: that waited for a turn, and may be the last of it.

        A hop tells the end though reading is paused, and a socket that cannot be written to does.
        """
        while self._transport is not None and self._waits_its_turn():
            self._served = 0
            self._recv_handler = self._recv_pkthdr
            self._recv_data()
        super().connection_lost(exc)

    def _go_on(self) -> None:
        if self._transport is None:
            return
        self._served = 0
        self._recv_handler = self._recv_pkthdr
        self._recv_data()
        if self._transport and not self._held and not self._waits_its_turn():
            self._transport.resume_reading()

    def _open_all(self, view: memoryview, opener: GCM) -> bool:
        start, size = 0, len(view)
        if size > len(self._opened):
            self._opened = memoryview(bytearray(size))
        opened, gatherers, channels = self._opened, self._gatherers, self._channels
        more = _AT_ONCE - self._served
        while size - start >= _LENGTH.size and len(gatherers) < more:
            (length,) = _LENGTH.unpack_from(view, start)
            sealed = start + _LENGTH.size
            end = sealed + length + TAG
            if length % BLOCK or not 0 < length <= self._max_recv_pktlen:
                raise _wrong_length(length, self._max_recv_pktlen)
            if end > size:
                break
            packet = opened[start : start + length]
            if not opener.open_into(view[start:sealed], view[sealed:end], packet):
                raise MACError("MAC verification failed")
            padding, kind, number, count = _DATA.unpack_from(packet)
            if not LEAST_PADDING <= padding < length - 1:
                raise ProtocolError("Wrong padding of a packet")
            channel: Any = channels.get(number) if self._auth_complete else None
            if (
                kind == MSG_CHANNEL_DATA
                and isinstance(channel, DirectChannel)
                and count == length - padding - _DATA.size <= channel._recv_window
                and channel._recv_state == "open"
            ):
                # What nearly all packets are has no call more than it takes.
                self._auth_final = True
                self._recv_seq = (self._recv_seq + 1) & _SEQUENCE
                gatherer = channel.take(packet[_DATA.size : _DATA.size + count])
                if gatherer is not None:
                    gatherers[gatherer] = None
            elif channel is None or not self._deliver(channel, kind, count, packet[:-padding]):
                self._end_read()
                opener.hand_over(bytes(packet))
                return self._hand_over(view, start, length)
            else:
                more = _AT_ONCE - self._served
            start = end
        self._leave(view[start:])
        return False

    def _leave(self, rest: memoryview) -> None:
        """Leave what is no whole packet yet for the next read, or more for the next turn.

        In between nothing is read, not even an end of the connection, which would overtake it.
        """
        self._inpbuf = rest  # type: ignore[assignment]
        is_enough = self._served + len(self._gatherers) >= _AT_ONCE
        if rest and is_enough and self._transport is not None:
            self._inpbuf = bytes(rest)
            self._recv_handler = self._not_yet
            self._transport.pause_reading()
            self._loop.call_soon(self._go_on)

    def _end_read(self) -> None:
        """Have passed on what was gathered: it is not there any more with the next read."""
        self._served += len(self._gatherers)
        while self._gatherers:
            self._gatherers.popitem()[0].flush()
        if self._widened:
            self._widen()

    def _hand_over(self, view: memoryview, start: int, length: int) -> bool:
        """Let the library handle one packet, of which it gets nothing of what follows it."""
        self._served += 1
        end = start + 4 + length + TAG
        self._packet = bytes(view[start : start + BLOCK])
        self._pktlen = length
        self._inpbuf = bytes(view[start + BLOCK : end])
        goes_on = self._recv_packet()
        # It takes its time over some packets, and what was read is gone then.
        self._inpbuf = view[end:] if goes_on else bytes(view[end:])  # type: ignore[assignment]
        return goes_on

    def _deliver(self, channel: Any, kind: int, size: int, payload: memoryview) -> bool:
        """Give data or room to a channel; return False for all that is not just that."""
        end = len(payload)
        if end in (_ENDING, _CONFIRMATION) and self._turns(channel, kind, payload[2:]):
            return True
        if channel._recv_state != "open":
            return False
        if kind == MSG_CHANNEL_DATA and size == end - _DATA.size <= channel._recv_window:
            self._count_packet()
            channel._accept_data(bytes(payload[_DATA.size :]))
            return True
        if kind == MSG_CHANNEL_WINDOW_ADJUST and end == _DATA.size:
            self._count_packet()
            channel._send_window += size
            self._widened.add(channel)
            return True
        return False

    def _turns(self, channel: Any, kind: int, rest: memoryview) -> bool:
        """Open or end a channel as the library does; return False where it is neither."""
        size = len(rest) + 2
        if size == _ENDING and kind in (MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE):
            handle = channel._process_eof if kind == MSG_CHANNEL_EOF else channel._process_close
            packet = SSHPacket(b"")
        elif size == _CONFIRMATION and kind == MSG_CHANNEL_OPEN_CONFIRMATION:
            handle = self._process_channel_open_confirmation
            packet = SSHPacket(bytes(rest))
        else:
            return False
        self._served += 1
        self._end_read()
        sequence = self._recv_seq
        self._count_packet()
        handle(kind, sequence, packet)
        return True

    def _count_packet(self) -> None:
        self._auth_final = True
        self._recv_seq = (self._recv_seq + 1) & _SEQUENCE

    def _widen(self) -> None:
        """Let channels send on that were given room, once for all the room of one read."""
        while self._widened:
            channel: Any = self._widened.pop()
            if channel._send_chan is not None:
                channel._flush_send_buf()


def _wrong_length(length: int, most: int) -> ProtocolError:
    if length > most:
        return ProtocolError("Max packet size exceeded")
    return ProtocolError("Packet size is no multiple of the block size")
