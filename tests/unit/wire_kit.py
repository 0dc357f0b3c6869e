"""A connection between two key exchanges, without a network: what its peer sends is made here."""

import asyncio
import random
from typing import Any

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE
from asyncssh.encryption import Encryption, get_encryption
from asyncssh.packet import Byte, String, UInt32

from sshdash.connections.transport.direct import DirectTransport
from sshdash.connections.transport.transport import adopt

CIPHER = b"aes128-gcm@openssh.com"
OURS, THEIRS = 3, 7
"""The channel's number here, and the one the other side knows it by."""
WINDOW = 200_000
_KEY = bytes(range(16))
_BLOCK, _TAG = 16, 16


def cipher() -> Encryption:
    """Return the library's own cipher of one direction, at its start."""
    return get_encryption(CIPHER, _KEY, bytes(12))


class Peer:
    """The other side: seals what it sends, opens what it gets."""

    def __init__(self) -> None:
        self._sealer = cipher()
        self._opener = cipher()

    def packet(self, payload: bytes, padding: int | None = None) -> bytes:
        """Return a packet as it is on the wire."""
        if padding is None:
            padding = -(1 + len(payload)) % _BLOCK
            padding += _BLOCK if padding < 4 else 0
        return self.body(Byte(padding) + payload + bytes(padding))

    def body(self, body: bytes) -> bytes:
        """Return a packet with such a body, be it right or wrong."""
        sealed, mac = self._sealer.encrypt_packet(0, UInt32(len(body)), body)
        return sealed + mac

    def data(self, content: bytes, number: int = OURS) -> bytes:
        """Return a packet of channel data."""
        return self.packet(Byte(MSG_CHANNEL_DATA) + UInt32(number) + String(content))

    def payloads(self, stream: bytes) -> list[bytes]:
        """Return what the packets of a stream say, without those that say nothing.

        Neighbouring data of a channel is put together: its division means nothing.
        """
        found: list[bytes] = []
        while stream:
            length = int.from_bytes(stream[:4], "big")
            rest = 4 + length
            body = self._opener.decrypt_packet(
                0, stream[:_BLOCK], stream[_BLOCK:rest], 4, stream[rest : rest + _TAG]
            )
            assert body, "a packet that its receiver could not open"
            stream = stream[rest + _TAG :]
            payload = body[1 : len(body) - body[0]]
            if payload[0] != MSG_IGNORE:
                _add(found, payload)
        assert not stream
        return found


def _add(found: list[bytes], payload: bytes) -> None:
    kind = bytes((MSG_CHANNEL_DATA,))
    if payload[:1] == kind and found and found[-1][:5] == payload[:5]:
        content = found[-1][9:] + payload[9:]
        found[-1] = payload[:5] + String(content)
    else:
        found.append(payload)


class Session(asyncssh.SSHTCPSession[bytes]):
    """Writes down what happens to a channel."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def data_received(self, data: bytes, datatype: int | None) -> None:
        assert type(data) is bytes
        self.log.append((data, datatype))

    def eof_received(self) -> bool:
        self.log.append("eof")
        return True

    def pause_writing(self) -> None:
        self.log.append("pause")

    def resume_writing(self) -> None:
        self.log.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.log.append("lost")

    @property
    def received(self) -> bytes:
        """Return the data so far."""
        return b"".join(entry[0] for entry in self.log if isinstance(entry, tuple))


class GatheringSession(Session):
    """Takes what one read brings from where it is, and writes that down in one entry."""

    def __init__(self) -> None:
        super().__init__()
        self._gathered: list[bytes | memoryview] = []

    def gather(self, data: memoryview) -> None:
        self._gathered.append(data)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.flush()
        super().data_received(data, datatype)

    def eof_received(self) -> bool:
        self.flush()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.flush()
        super().connection_lost(exc)

    def flush(self) -> None:
        if self._gathered:
            self.log.append((b"".join(self._gathered), None))
            self._gathered.clear()


class _Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: Any) -> None:
        pass

    def abort(self) -> None:
        pass


class Wired:
    """A connection with one open channel: the library's, or ours."""

    def __init__(
        self, direct: bool, window: int = WINDOW, packet: int = 32_768, gathers: bool = False
    ) -> None:
        self.peer = Peer()
        self.wire = _Wire()
        self.session = GatheringSession() if gathers else Session()
        self.failure: Exception | None = None
        loop = asyncio.get_running_loop()
        options = asyncssh.SSHClientConnectionOptions(
            config=None, known_hosts=None, client_keys=None, agent_path=None, username="x"
        )
        self.ssh: Any = asyncssh.SSHClientConnection(loop, options)
        self._furnish()
        if direct:
            assert isinstance(adopt(self.ssh), DirectTransport)
        self.ssh._recv_handler = self.ssh._recv_pkthdr
        self.channel = self._open(window, packet)

    def _furnish(self) -> None:
        ssh = self.ssh
        ssh._transport = self.wire
        ssh._recv_encryption, ssh._send_encryption = cipher(), cipher()
        ssh._recv_blocksize = ssh._send_blocksize = _BLOCK
        ssh._recv_macsize = _TAG
        ssh._send_enchdrlen = 1
        ssh._enc_alg_cs = ssh._enc_alg_sc = CIPHER
        ssh.set_extra_info(send_cipher=CIPHER.decode(), recv_cipher=CIPHER.decode())
        ssh._auth_complete = ssh._kex_complete = True
        ssh._session_id = b"session"
        ssh._rekey_seconds = 0
        ssh._force_close = self._fail

    def _open(self, window: int, packet: int) -> Any:
        self.ssh._next_recv_chan = OURS
        loop = asyncio.get_running_loop()
        channel: Any = asyncssh.SSHTCPChannel(self.ssh, loop, None, "strict", WINDOW, 32_768)
        assert isinstance(channel, SSHChannel)
        channel._session = self.session
        channel._send_chan, channel._send_window, channel._send_pktsize = THEIRS, window, packet
        channel._send_state = channel._recv_state = "open"
        channel._recv_paused = False
        return channel

    def _fail(self, error: Exception | None) -> None:
        if self.ssh._transport is not None:
            self.failure = error
            self.ssh._transport = None

    def feed(self, stream: bytes, chance: random.Random | None = None) -> None:
        """Give the connection what arrives, in pieces where `chance` cuts it."""
        while stream and self.ssh._transport is not None:
            size = min(len(stream), chance.choice(_PIECES) if chance else len(stream))
            piece, stream = stream[:size], stream[size:]
            if isinstance(self.ssh, DirectTransport):
                while piece:
                    room = self.ssh.get_buffer(-1)
                    fits = min(len(room), len(piece))
                    room[:fits] = piece[:fits]
                    # The loop's buffer is used again: nobody may hold on to it.
                    self.ssh.buffer_updated(fits)
                    piece = piece[fits:]
            else:
                self.ssh.data_received(piece)

    async def sent(self) -> list[bytes]:
        """Return what was sent since the last time, as the peer reads it."""
        await asyncio.sleep(0)
        written, self.wire.written = bytes(self.wire.written), bytearray()
        return self.peer.payloads(written)

    def close(self) -> None:
        """Drop the timers."""
        self.ssh._cancel_keepalive_timer()
        if isinstance(self.ssh, DirectTransport):
            self.ssh._stop_key_timer()


_PIECES = (1, 2, 3, 5, 15, 16, 17, 36, 100, 1_000, 4_096, 40_000, 65_536, 300_000)
