"""Reading what RFC 4251 section 5 writes: bytes, numbers and strings, one after the other."""

_LONGEST_NUMBER = 2048
"""Bytes of a multiple precision integer: 16384 bits are OpenSSH's limit too."""


class BadWire(ValueError):
    """The data ends too early, or is not what it should be."""


class Reader:
    """Takes one value after the other off the front of `data`; raises BadWire."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __repr__(self) -> str:
        """Return how much was read."""
        return f"<Reader {self._at} of {len(self._data)} bytes>"

    @property
    def at_end(self) -> bool:
        """Return whether everything was read."""
        return self._at >= len(self._data)

    @property
    def place(self) -> int:
        """Return how many bytes were read."""
        return self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise BadWire("the data ends too early")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        """Return an unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """Return a string with its length before it."""
        return self.take(self.number(4))

    def text(self) -> bytes:
        """Return a string that may become a C string: a NUL is allowed at its end alone."""
        taken = self.string()
        if b"\0" in taken[:-1]:
            raise BadWire("a text has a NUL in it")
        return taken.removesuffix(b"\0")

    def natural(self) -> bytes:
        """Return the digits of a multiple precision integer that is not negative."""
        taken = self.string()
        if taken[:1] >= b"\x80":
            raise BadWire("a number is negative")
        digits = taken.lstrip(b"\0")
        if len(digits) > _LONGEST_NUMBER:
            raise BadWire("a number is too large")
        return digits

    def finish(self) -> None:
        """Raise BadWire where something is left."""
        if not self.at_end:
            raise BadWire("there is more than there should be")


def string(data: bytes) -> bytes:
    """Return `data` with its length before it."""
    return len(data).to_bytes(4, "big") + data
