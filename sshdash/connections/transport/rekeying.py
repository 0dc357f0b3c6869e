"""When a connection gets new keys: RekeyLimit, and what a cipher can take (RFC 4344).

The library counts what it sends, and looks at the clock when it sends. OpenSSH counts both
directions and minds the clock always, and so does this.
"""

import asyncio
from typing import Any

from sshdash.connections.transport.transport import Transport

_BLOCKS_OF_16 = 16 << 32
_BLOCKS_OF_8 = 1 << 30
"""Bytes under one key at most, as OpenSSH has it: by the size of the cipher's blocks."""


def most_bytes(cipher: str) -> int:
    """Return the bytes that `cipher` may carry under one key."""
    return _BLOCKS_OF_16 if cipher.startswith("aes") else _BLOCKS_OF_8


class Rekeying(Transport):
    """A connection that changes its keys in time; the limits are the library's options."""

    _chosen: int
    _received: int
    _most_received: int
    _most_sent: int
    _counted: object
    _key_timer: asyncio.TimerHandle | None

    def start(self) -> None:
        """Begin to count."""
        super().start()
        self._chosen = 0
        self._received = 0
        self._most_received = _BLOCKS_OF_8
        self._most_sent = self._rekey_bytes
        self._counted = None
        self._key_timer = None

    def limit_received(self, chosen: int) -> None:
        """Change keys after `chosen` bytes were received, 0 for what the cipher can take."""
        self._chosen = chosen
        self._limit()

    def count_received(self, size: int) -> None:
        """Take note of `size` bytes that were read and handled."""
        if self._recv_encryption is not self._counted:
            self._counted = self._recv_encryption
            self._received = 0
            self._limit()
        self._received += size
        if self._received >= self._most_received:
            self.change_keys()

    def _limit(self) -> None:
        """Set the limits for the ciphers that were agreed on."""
        bound = most_bytes(str(self.get_extra_info("recv_cipher")))
        self._most_received = min(self._chosen or bound, bound)
        self._rekey_bytes = min(
            self._most_sent, most_bytes(str(self.get_extra_info("send_cipher")))
        )

    def _send_kexinit(self) -> None:
        super()._send_kexinit()
        self._stop_key_timer()
        if self._rekey_seconds:
            self._key_timer = self._loop.call_later(self._rekey_seconds, self.change_keys)

    def _stop_key_timer(self) -> None:
        if self._key_timer is not None:
            self._key_timer.cancel()
            self._key_timer = None

    def _cleanup(self, exc: Exception | None) -> Any:
        self._stop_key_timer()
        super()._cleanup(exc)
