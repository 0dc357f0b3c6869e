"""AES-GCM for SSH packets (RFC 5647, as OpenSSH applies it) with one cipher object per key.

The library prepares the key again for every packet and puts each packet together from four
parts. This takes its key and its counter over.
"""

from typing import Any

from asyncssh.encryption import Encryption, GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TAG = 16
"""Bytes of the tag that ends a sealed packet."""
Buffer = bytes | bytearray | memoryview
_COUNTERS = 1 << 64


class GCM(Encryption):
    """One direction of a connection; every packet takes the next nonce, also a forged one."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._cipher = AESGCM(key)
        # Older versions of the library of ciphers only return what they make.
        self._encrypt_into = getattr(self._cipher, "encrypt_into", None)
        self._decrypt_into = getattr(self._cipher, "decrypt_into", None)
        self._fixed = nonce[:4]
        self._counter = int.from_bytes(nonce[4:], "big")
        self._opened: bytes | None = None

    def __repr__(self) -> str:
        """Return neither key nor nonce."""
        return "<GCM>"

    @classmethod
    def take_over(cls, encryption: Encryption | None) -> Encryption | None:
        """Return what goes on where the library's AES-GCM is; any other cipher as it is."""
        if type(encryption) is not GCMEncryption:
            return encryption
        cipher: Any = encryption._cipher
        return cls(cipher._key, cipher._iv)

    def seal(self, header: Buffer, packet: Buffer) -> bytes:
        """Return `packet` encrypted, and the tag that covers it and the `header`."""
        return self._cipher.encrypt(self._next(), packet, header)

    def seal_into(self, header: Buffer, packet: Buffer, room: memoryview) -> None:
        """Write what `seal` returns to `room`, which has its size."""
        if self._encrypt_into:
            self._encrypt_into(self._next(), packet, header, room)
        else:
            room[:] = self.seal(header, packet)

    def open(self, header: Buffer, sealed: Buffer) -> bytes | None:
        """Return the packet, None where the tag does not fit."""
        try:
            return self._cipher.decrypt(self._next(), sealed, header)
        except InvalidTag:
            return None

    def open_into(self, header: Buffer, sealed: Buffer, room: memoryview) -> bool:
        """Write the packet to `room`, which has its size; return False where the tag is wrong."""
        if self._decrypt_into is None:
            packet = self.open(header, sealed)
            room[:] = packet or bytes(len(room))
            return packet is not None
        counter = self._counter
        self._counter = (counter + 1) % _COUNTERS
        try:
            self._decrypt_into(self._fixed + counter.to_bytes(8, "big"), sealed, header, room)
        except InvalidTag:
            return False
        return True

    def hand_over(self, packet: bytes) -> None:
        """Let the library's next `decrypt_packet` return what was opened already."""
        self._opened = packet

    def _next(self) -> bytes:
        nonce = self._fixed + self._counter.to_bytes(8, "big")
        self._counter = (self._counter + 1) % _COUNTERS
        return nonce

    # -- called by asyncssh

    def encrypt_packet(self, seq: int, header: bytes, packet: bytes) -> tuple[bytes, bytes]:
        """Return the sealed packet with its header, and no tag of its own."""
        return header + self.seal(header, packet), b""

    def decrypt_header(self, seq: int, first_block: bytes, header_len: int) -> tuple[bytes, bytes]:
        """Return the first block and the length, which is not encrypted."""
        return first_block, first_block[:header_len]

    def decrypt_packet(
        self, seq: int, first: bytes, rest: bytes, header_len: int, mac: bytes
    ) -> bytes | None:
        """Return the packet, None where the tag does not fit."""
        opened, self._opened = self._opened, None
        if opened is not None:
            return opened
        return self.open(first[:header_len], b"".join((first[header_len:], rest, mac)))
