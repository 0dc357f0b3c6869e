"""Unpacking what a server compressed, no further than a packet may be large.

The library gives zlib as much memory as the server asks for: of one packet of 256 KiB that is
256 MiB, all of it at once. An honest packet holds no more than one that comes uncompressed.
"""

import zlib
from collections.abc import Callable

from asyncssh.compression import Decompressor
from asyncssh.misc import CompressionError


class Inflater(Decompressor):
    """Unpacks one packet after the other of a zlib stream (RFC 4253 section 6.2).

    `most` gives the bytes that a packet may hold at the time.
    """

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._stream = zlib.decompressobj()

    def decompress(self, data: bytes) -> bytes | None:
        """Return the packet's payload, None where it is broken.

        Raises CompressionError, which ends the connection, for one that is too large.
        """
        most = self._most()
        try:
            payload = self._stream.decompress(data, most + 1)
        except zlib.error:
            return None
        if len(payload) > most:
            raise CompressionError(f"a compressed packet holds more than {most:,} bytes")
        return payload
