"""Packets on their way out: sealed with AES-GCM, and sent as few at a time as nobody waits for.

What every packet goes through is written for few calls: each takes as long as a keystroke's
whole encryption.
"""

import os
import struct
import time
from collections.abc import Callable
from typing import Any, cast

from asyncssh.channel import SSHChannel
from asyncssh.connection import SSHConnection
from asyncssh.constants import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_IGNORE,
)

from sshdash.connections.transport.channels import PACKET, make_direct
from sshdash.connections.transport.gcm import GCM, TAG, Buffer
from sshdash.connections.transport.keepalive import Patient
from sshdash.loop import rest_of

BLOCK = 16
LEAST_PADDING = 4
"""Bytes, RFC 4253 section 6."""
_BULK = 8 * 1024
"""Bytes from which a packet is no keystroke."""
_LARGEST = PACKET + 1024
"""More than a packet of such data needs on the wire."""
_OUTBOX = 8 * _LARGEST
"""Bytes of bulk that leave at the latest, be the turn of the loop over or not."""
_UNANSWERED = frozenset({MSG_IGNORE, MSG_CHANNEL_WINDOW_ADJUST})
_DATA = struct.Struct(">BII")
"""Type, channel and length of data."""
_HEAD = struct.Struct(">IB")
"""The lengths of a packet and of its padding."""
_SPICE = 4096
"""Bytes of chance that the system is asked for at a time; a packet's padding takes 4 to 19."""
_SEQUENCE = 0xFFFFFFFF


class Sealing(Patient):
    """A client's connection, in what it sends."""

    _ignores: bool
    _outbox: memoryview
    _rest: Callable[[], None]
    _filled: int
    _spice = b""
    _spiced = _SPICE

    def start(self) -> None:
        """Take over from the library, wherever the connection stands."""
        super().start()
        self._outbox = memoryview(bytearray(_OUTBOX))
        self._rest = rest_of(self._loop)
        self._filled = 0
        self._ignores = b"cbc" in self._enc_alg_cs
        self._send_encryption = GCM.take_over(self._send_encryption)

    def send_newkeys(self, k: bytes, h: bytes) -> None:
        """Finish a key exchange, and take over from the library's AES-GCM."""
        self._ignores = b"cbc" in self._enc_alg_cs
        super().send_newkeys(k, h)
        self._send_encryption = GCM.take_over(self._send_encryption)

    def add_channel(self, chan: SSHChannel[Any]) -> int:
        """Give a new channel its number, and the straight way to `send_data`."""
        make_direct(chan)
        return super().add_channel(chan)

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        """Send a packet, or leave it out where it has no use."""
        if pkttype == MSG_IGNORE and not self._ignores:
            return
        if pkttype not in _UNANSWERED and self.low_water.unhurried:
            self.low_water.lower()
        sealer = self._sealer() if pkttype >= MSG_CHANNEL_OPEN else None
        size = 1 + sum(map(len, args))
        if sealer is None or size > PACKET:
            super().send_packet(pkttype, *args, handler=handler)
        else:
            self._seal(sealer, size, bytes((pkttype,)), *args)

    def send_data(self, channel: int, size: int, *pieces: Buffer) -> bool:
        """Send channel data of at most PACKET bytes, where it needs nothing but encryption.

        `size` is that of the pieces together. Returns False where it is the library's: another
        cipher, compression, new keys. The layout is that of RFC 4253 section 6 and RFC 5647
        section 7.2.
        """
        if self.low_water.unhurried:
            self.low_water.lower()
        sealer = self._sealer()
        if sealer is None:
            return False
        head = _DATA.pack(MSG_CHANNEL_DATA, channel, size)
        self._seal(sealer, _DATA.size + size, head, *pieces)
        return True

    def _sealer(self) -> GCM | None:
        """Return what encrypts a packet that needs nothing else."""
        sealer = self._send_encryption
        if (
            type(sealer) is not GCM
            or not (self._kex_complete and self._auth_complete)
            or self._compressor is not None
            or self._rekey_bytes_sent >= self._rekey_bytes
            or (self._rekey_seconds and time.monotonic() >= self._rekey_time)
        ):
            return None
        return sealer

    def _seal(self, sealer: GCM, size: int, *pieces: Buffer) -> None:
        """Encrypt and send one packet, whose payload has `size` bytes."""
        padding = LEAST_PADDING + -(1 + size + LEAST_PADDING) % BLOCK
        start = self._spiced
        if start + padding > _SPICE:
            self._spice, start = os.urandom(_SPICE), 0
        self._spiced = start + padding
        size += 1 + padding
        head = _HEAD.pack(size, padding)
        header = head[:4]
        packet = b"".join((head[4:], *pieces, self._spice[start : start + padding]))
        if not self._filled and size < _BULK:
            # A key: the shortest way there is.
            SSHConnection._send(self, header + sealer.seal(header, packet))
        else:
            room = self._room(4 + size + TAG)
            room[:4] = header
            sealer.seal_into(header, packet, room[4:])
            self._sealed(len(room))
        self._send_seq = (self._send_seq + 1) & _SEQUENCE
        self._rekey_bytes_sent += size

    # -- what waits for the end of the turn

    def _send(self, data: bytes) -> None:
        if not self._filled and len(data) < _BULK:
            super()._send(data)
        elif len(data) > _LARGEST:
            self._flush()
            super()._send(data)
        else:
            self._room(len(data))[:] = data
            self._sealed(len(data))

    def _room(self, size: int) -> memoryview:
        """Return where the next `size` bytes, at most _LARGEST, wait to be sent."""
        if self._filled + size > len(self._outbox):
            self._flush()
        return self._outbox[self._filled : self._filled + size]

    def _sealed(self, size: int) -> None:
        """Send bulk once per turn of the loop, and with the first packet that is small."""
        if not self._filled and size >= _BULK:
            self._loop.call_soon(self._flush)
        self._filled += size
        if size < _BULK:
            self._flush()

    def _flush(self) -> None:
        if self._filled:
            self._rest()
            sent, self._filled = self._outbox[: self._filled], 0
            super()._send(cast(bytes, sent))
            if self._transport and self._transport.get_write_buffer_size():
                # The loop may hold on to what is left of it.
                self._outbox = memoryview(bytearray(_OUTBOX))
