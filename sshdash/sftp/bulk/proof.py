"""What find(1) is to tell of a tree that was unpacked, and what it tells. Pure."""

from collections.abc import Collection

FOLDER, FILE, TIMED = rb"d %P\0", rb"%y %s %P\0", rb"%y %s %T@ %P\0"
"""For find's -printf: of a folder, of anything else, and of that with its time."""
_END = b"\0"


def folder_line(name: bytes) -> bytes:
    """Return what is told of a folder."""
    return b"d " + name


def file_line(name: bytes, size: int, seconds: int | None) -> bytes:
    """Return what is told of a regular file, with the time it was given, if it was given any."""
    if seconds is None:
        return b"f %d %b" % (size, name)
    return b"f %d %d.0000000000 %b" % (size, seconds, name)


class Proof:
    """Lines, each of which has to be told once, and nothing else."""

    def __init__(self) -> None:
        self._missing: set[bytes] = set()
        self._left = 0
        """Lines that may still come."""
        self._longest = 0
        self._rest = b""

    def __repr__(self) -> str:
        return f"<Proof [{len(self._missing)} missing]>"

    def expect(self, lines: Collection[bytes]) -> None:
        """Have these told, too, before anything is."""
        self._missing.update(lines)
        self._left = len(self._missing)
        self._longest = max(self._longest, *map(len, lines), 0)

    def feed(self, data: bytes) -> None:
        """Take some of what is told. Raises ValueError where it is more than was expected."""
        told = (self._rest + data).split(_END)
        self._rest = told.pop()
        self._left -= len(told)
        self._missing.difference_update(told)
        if self._left < len(self._missing) or len(self._rest) > self._longest:
            raise ValueError("something else arrived, too, or not as it was sent")

    def finish(self) -> None:
        """Raise ValueError unless everything was told."""
        if self._missing or self._rest:
            raise ValueError("not everything arrived")
