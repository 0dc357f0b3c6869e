"""The messages of SFTP version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's extensions to it.

Pure: bytes to values and back. What is read came from a server and may be anything; whatever
does not parse raises `MalformedError`.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import astuple

VERSION = 3
MAX_PACKET = 4 * 1024 * 1024
"""No message of a server may be longer; OpenSSH's own end at 256 KiB."""
MAX_NAMES = 100_000
MAX_STRING = 1024 * 1024


class MalformedError(ValueError):
    """A message that breaks the protocol."""


class Message(IntEnum):
    """Types of messages."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """What a status says; above 8 are those of later versions that some servers send."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8
    INVALID_HANDLE = 9
    NO_SUCH_PATH = 10
    FILE_ALREADY_EXISTS = 11
    WRITE_PROTECT = 12
    NO_MEDIA = 13
    NO_SPACE = 14
    QUOTA_EXCEEDED = 15
    DIR_NOT_EMPTY = 18
    NOT_A_DIRECTORY = 19


class Open(IntEnum):
    """Flags of an open request."""

    READ = 0x01
    WRITE = 0x02
    CREATE = 0x08
    EXCLUSIVE = 0x20


_SIZE = 0x1
_OWNERS = 0x2
_MODE = 0x4
_TIMES = 0x8
_EXTENDED = 0x80000000
_USUAL = (_SIZE | _OWNERS | _MODE | _TIMES).to_bytes(4, "big")
_USUAL_FIELDS = struct.Struct(">QIIIII")
"""The fields that these flags stand for, in the order of `Attributes`."""
_ONLY_MODE = struct.Struct(">II")
_MODE_AND_TIMES = struct.Struct(">IIII")


class Attributes(Struct, frozen=True, gc=False):
    """A file's attributes, None where not told or not to be set."""

    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    """With the type bits, where a server sends it."""
    atime: int | None = None
    mtime: int | None = None

    def encode(self) -> bytes:
        """Return the bytes that ask a server to set what is not None."""
        size, uid, gid, mode, atime, mtime = astuple(self)
        if size is uid is gid is atime is None and mode is not None:
            # What every file gets, at its beginning and its end.
            if mtime is None:
                return _ONLY_MODE.pack(_MODE, mode)
            seconds = _time(mtime)
            return _MODE_AND_TIMES.pack(_MODE | _TIMES, mode, seconds, seconds)
        flags, parts = 0, []
        if self.size is not None:
            flags |= _SIZE
            parts.append(struct.pack(">Q", self.size))
        if self.uid is not None and self.gid is not None:
            flags |= _OWNERS
            parts.append(struct.pack(">II", self.uid, self.gid))
        if self.mode is not None:
            flags |= _MODE
            parts.append(struct.pack(">I", self.mode))
        if self.mtime is not None:
            flags |= _TIMES
            atime = self.mtime if self.atime is None else self.atime
            parts.append(struct.pack(">II", _time(atime), _time(self.mtime)))
        return struct.pack(">I", flags) + b"".join(parts)


class Name(Struct, frozen=True, gc=False):
    """One entry of a listing."""

    filename: bytes
    longname: bytes
    attributes: Attributes


class Status(NamedTuple):
    """How a request ended."""

    code: int
    text: bytes


class Volume(NamedTuple):
    """The answer to statvfs@openssh.com, as far as it is used."""

    unit: int
    blocks: int
    available: int
    files: int
    """How many files there may be in all, 0 where there is no bound."""
    files_available: int
    flags: int
    """1 where nothing may be written."""


class ServerLimits(NamedTuple):
    """The answer to limits@openssh.com; 0 means not told."""

    packet: int
    read: int
    write: int
    handles: int


class Payload:
    """Reads the fields of one message, front to back. Raises MalformedError for what is none."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def __bool__(self) -> bool:
        """Return whether anything is left."""
        return self._position < len(self._data)

    def uint32(self) -> int:
        """Read four bytes."""
        return int(self._unpack(">I", 4)[0])

    def uint64(self) -> int:
        """Read eight bytes."""
        return int(self._unpack(">Q", 8)[0])

    def string(self) -> bytes:
        """Read a length and that many bytes."""
        start = self._position + 4
        length = int.from_bytes(self._data[self._position : start], "big")
        end = start + length
        if end > len(self._data) or length > MAX_STRING:
            raise MalformedError("a string is longer than its message")
        self._position = end
        return self._data[start:end]

    def attributes(self) -> Attributes:
        """Read a file's attributes; what no version 3 server may send is an error."""
        usual = self._usual()
        if usual is not None:
            return usual
        flags = self.uint32()
        if flags & ~(_SIZE | _OWNERS | _MODE | _TIMES | _EXTENDED):
            raise MalformedError(f"unknown attributes {flags:#x}")
        size = self.uint64() if flags & _SIZE else None
        uid, gid = self._unpack(">II", 8) if flags & _OWNERS else (None, None)
        mode = self.uint32() if flags & _MODE else None
        atime, mtime = self._unpack(">II", 8) if flags & _TIMES else (None, None)
        if flags & _EXTENDED:
            for _ in range(self.uint32()):
                self.string()
                self.string()
        return Attributes(size, uid, gid, mode, atime, mtime)

    def names(self) -> list[Name]:
        """Read the entries of a listing."""
        count = self.uint32()
        if count > MAX_NAMES:
            raise MalformedError(f"{count} names in one message")
        return [self._name() for _ in range(count)]

    def _name(self) -> Name:
        # At once, as nearly all are; each string by itself takes longer than all of this.
        data, start = self._data, self._position + 4
        end = start + int.from_bytes(data[start - 4 : start], "big")
        begin = end + 4
        until = begin + int.from_bytes(data[end:begin], "big")
        fields = until + 4
        behind = fields + _USUAL_FIELDS.size
        if behind > len(data) or data[until:fields] != _USUAL or until - start > MAX_STRING:
            return Name(self.string(), self.string(), self.attributes())
        self._position = behind
        told = Attributes(*_USUAL_FIELDS.unpack_from(data, fields))
        return Name(data[start:end], data[begin:until], told)

    def _usual(self) -> Attributes | None:
        """Read attributes as nearly all of them are, at once; None where they are otherwise.

        A tree has tens of thousands, and each field by itself takes five times as long.
        """
        if self._data[self._position : self._position + 4] != _USUAL:
            return None
        start = self._position + 4
        if start + _USUAL_FIELDS.size > len(self._data):
            raise MalformedError("a message ends too early")
        self._position = start + _USUAL_FIELDS.size
        return Attributes(*_USUAL_FIELDS.unpack_from(self._data, start))

    def status(self) -> Status:
        """Read how a request ended; some servers leave the text out."""
        code = self.uint32()
        return Status(code, self.string() if self else b"")

    def volume(self) -> Volume:
        """Read the eleven numbers of a statvfs answer."""
        numbers = self._unpack(">11Q", 88)
        unit = numbers[1] or numbers[0]
        return Volume(unit, numbers[2], numbers[4], numbers[5], numbers[7], numbers[9])

    def limits(self) -> ServerLimits:
        """Read the four numbers of a limits answer."""
        return ServerLimits(*self._unpack(">4Q", 32))

    def file_check(self) -> tuple[bytes, bytes]:
        """Read the name of a hash and its value; drafts differ in whether a title comes first."""
        name = self.string()
        if name == b"check-file":
            name = self.string()
        value = self._data[self._position :]
        self._position = len(self._data)
        return name, value

    def owners(self) -> tuple[list[bytes], list[bytes]]:
        """Read two lists of names, each in a string of its own."""
        users, groups = Payload(self.string()), Payload(self.string())
        return users._strings(), groups._strings()

    def _strings(self) -> list[bytes]:
        found = []
        while self:
            found.append(self.string())
        return found

    def extensions(self) -> dict[bytes, bytes]:
        """Read name and value pairs to the end."""
        found: dict[bytes, bytes] = {}
        while self:
            name = self.string()
            found[name] = self.string()
        return found

    def _unpack(self, layout: str, size: int) -> tuple[int, ...]:
        start = self._position
        if start + size > len(self._data):
            raise MalformedError("a message ends too early")
        self._position = start + size
        return struct.unpack_from(layout, self._data, start)


def uint32(number: int) -> bytes:
    """Return four bytes."""
    return number.to_bytes(4, "big")


def uint64(number: int) -> bytes:
    """Return eight bytes."""
    return number.to_bytes(8, "big")


def string(value: bytes) -> bytes:
    """Return the length of `value` in four bytes, and `value`."""
    return len(value).to_bytes(4, "big") + value


def _time(seconds: int) -> int:
    """Return seconds as the protocol's unsigned 32 bits can hold them."""
    return max(0, min(seconds, 0xFFFFFFFF))
