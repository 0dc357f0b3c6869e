"""What a server compressed is unpacked, but never into more than a packet may hold."""

import tracemalloc
import zlib

import pytest
from asyncssh.misc import CompressionError

from sshdash.connections.transport.inflating import Inflater

MOST = 300_000


class Packing:
    """The server's side: one stream for all packets."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def pack(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("size", [0, 1, 35_000, MOST])
def test_packets_of_any_size_that_is_allowed_come_out_whole(size: int) -> None:
    server, inflater = Packing(), Inflater(lambda: MOST)
    for filling in (b"\0", b"ab", bytes(range(256))):
        data = (filling * size)[:size]
        assert inflater.decompress(server.pack(data)) == data


def test_one_byte_more_than_is_allowed_ends_it() -> None:
    with pytest.raises(CompressionError, match="more than 300,000 bytes"):
        Inflater(lambda: MOST).decompress(Packing().pack(bytes(MOST + 1)))


def test_a_bomb_takes_no_memory() -> None:
    bomb = Packing().pack(bytes(64 << 20))
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(CompressionError):
            Inflater(lambda: MOST).decompress(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * MOST
    finally:
        tracemalloc.stop()


def test_what_is_no_zlib_stream_is_told_as_broken() -> None:
    assert Inflater(lambda: MOST).decompress(b"\xff" * 40) is None
