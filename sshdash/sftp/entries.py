"""What a directory holds: one frozen `Entry` per name, whatever file system it is on.

Names are bytes, exactly as the system or the server gave them; `Entry.label` is the only form
meant for eyes.
"""

import stat
from enum import Enum

import msgspec

from sshdash.untrusted import clean

NAME_MAX = 255
"""The longest name, in bytes, that common file systems take."""
PERMISSIONS = 0o777
"""The bits that a copy may restore: setuid and setgid are not among them."""
SETGID = 0o2000
STICKY = 0o1000
"""Of a directory that all may write to: nobody removes what is another's. Copies keep it, too."""


class Kind(Enum):
    """What a name stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "FIFO"
    SOCKET = "socket"
    DEVICE = "device"
    OTHER = "other"


_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
    stat.S_IFCHR: Kind.DEVICE,
    stat.S_IFBLK: Kind.DEVICE,
}


def kind_of(mode: int) -> Kind:
    """Return the kind that the type bits of a POSIX `mode` stand for."""
    return _KINDS.get(stat.S_IFMT(mode), Kind.OTHER)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One name in a directory, or the answer to a stat.

    The garbage collector need not look at it, as nothing in it leads back to it: with 10^5 of them
    it would hold the screen up each time.
    """

    name: bytes
    kind: Kind
    size: int = 0
    """Bytes, as the system claims; /proc and hostile servers claim what they like."""
    mode: int = 0
    """Permission bits with setuid, setgid and sticky, without the type bits."""
    mtime_ns: int = 0
    """Last modification in nanoseconds since the epoch; whole seconds over SFTP version 3."""
    uid: int = -1
    gid: int = -1
    owner: str = ""
    """The owner's name where known, cleaned."""
    group: str = ""
    target: bytes | None = None
    """Where a symbolic link points, None where that is not known."""
    target_kind: Kind | None = None
    """What a symbolic link leads to, None where it dangles or is not known."""
    linked: tuple[int, int] | None = None
    """What all names of a file with several have in common, where the system tells."""
    held: int | None = None
    """Bytes that a file with holes takes on its disk, None where it has none as far as known."""
    links: int = 0
    """How many names the file has, 0 where that is not told."""
    has_acl: bool = False
    """Whether ``ls`` would put a + behind the mode: an access list says more than it."""

    @property
    def mtime(self) -> float:
        """Last modification in seconds since the epoch."""
        return self.mtime_ns / 1e9

    @property
    def label(self) -> str:
        """The name as it may be shown."""
        return clean(self.name)

    @property
    def leads_to_directory(self) -> bool:
        """Whether opening it shows another directory (a directory, or a link to one)."""
        return Kind.DIRECTORY in (self.kind, self.target_kind)

    @property
    def is_hidden(self) -> bool:
        """Whether the name begins with a dot."""
        return self.name.startswith(b".")

    @property
    def permissions(self) -> str:
        """The mode as ``ls -l`` writes it, such as ``drwxr-xr-x``."""
        return _LETTERS[self.kind] + stat.filemode(self.mode & 0o7777)[1:]


_LETTERS = {
    Kind.FILE: "-",
    Kind.DIRECTORY: "d",
    Kind.SYMLINK: "l",
    Kind.FIFO: "p",
    Kind.SOCKET: "s",
    Kind.DEVICE: "c",
    Kind.OTHER: "?",
}


def is_plain_name(name: bytes) -> bool:
    """Return whether `name` can only mean something directly inside its directory.

    A server may send anything as a name; whatever is empty, ``.``, ``..`` or holds a slash or
    a NUL byte would mean something elsewhere, or nothing.
    """
    return name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name


def join(folder: bytes, name: bytes) -> bytes:
    """Return the path of `name` in `folder`."""
    return folder + name if folder.endswith(b"/") else folder + b"/" + name


def parent_of(path: bytes) -> bytes:
    """Return the folder that holds `path`; the root holds itself."""
    return path.rstrip(b"/").rpartition(b"/")[0] or b"/"


def name_of(path: bytes) -> bytes:
    """Return the last part of `path`, empty for the root."""
    return path.rstrip(b"/").rpartition(b"/")[2]


def normalize(path: bytes) -> bytes:
    """Return the absolute `path` without ``.``, ``..`` and doubled slashes.

    Purely textual: ``a/..`` goes away even where ``a`` is a symbolic link, as in ``cd``.
    """
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/" + b"/".join(parts)


def is_inside(path: bytes, folder: bytes) -> bool:
    """Return whether normalized `path` is `folder` or below it."""
    return path == folder or path.startswith(join(folder, b""))
