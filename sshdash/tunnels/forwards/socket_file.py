"""Unix sockets that listen on this machine, and what is in the way where one cannot."""

import contextlib
import errno
import os
import socket
import stat

from sshdash.tunnels.causes import BindError
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.ports import socket_holder
from sshdash.untrusted import clean


class SocketFile:
    """A socket with a name in the file system; it has to be closed with `remove`."""

    def __init__(self, path: str, mask: int, *, unlink: bool) -> None:
        """Bind it; `unlink` removes a socket that has the name already. Raises OSError."""
        self.path = os.path.abspath(path)
        self._given = path  # the shorter one of the two, and its length is limited
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._identity: tuple[int, int] | None = None
        try:
            self.socket.setblocking(False)
            if unlink and _is_socket(self.path):
                os.unlink(self.path)
            self._bind(0o777 & ~mask)
        except BaseException:
            self.remove()
            raise

    def __repr__(self) -> str:
        """Return the path."""
        return f"<SocketFile {self.path}>"

    def remove(self) -> None:
        """Close it and take its name away, unless somebody else has the name by now."""
        # Looked at first: the file's number cannot be another's as long as the socket is open.
        with contextlib.suppress(OSError):
            if self._identity is not None and _identity(self.path) == self._identity:
                os.unlink(self.path)
        self._identity = None
        self.socket.close()

    def _bind(self, mode: int) -> None:
        """Bind, so that there is no moment in which more may connect than `mode` lets."""
        try:
            os.fchmod(self.socket.fileno(), mode)
        except OSError:
            # Not everywhere does a socket's mode become that of its file.
            before = os.umask(0o777 & ~mode)
            try:
                self.socket.bind(self._given)
            finally:
                os.umask(before)
        else:
            self.socket.bind(self._given)
        self._identity = _identity(self.path)
        if stat.S_IMODE(os.lstat(self.path).st_mode) != mode:  # the umask has taken some of it
            os.chmod(self.path, mode)


def explain_socket(error: OSError, path: str) -> BindError:
    """Return why a socket could not be bound: who has it, or what is wrong with its folder.

    It tries to connect, and looks through the processes, so it belongs in a thread.
    """
    shown = clean(path, 120)
    title = f"Cannot listen on {shown}"
    if error.errno == errno.EADDRINUSE:
        return _in_the_way(os.path.abspath(path), shown)
    folder = clean(os.path.dirname(path), 120)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        hint = "make the folder first"
        if path.startswith("~"):
            hint = "~ means nothing here, as with ssh: write the whole path"
        return BindError(Cause.BIND_ADDRESS, title, f"there is no folder {folder}", hint)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        detail = f"no permission to make a socket in {folder}"
        return BindError(Cause.BIND_PRIVILEGED, title, detail, "choose a folder of yours")
    return BindError(Cause.OTHER, title, clean(error.strerror or str(error), 200))


def _in_the_way(path: str, shown: str) -> BindError:
    if not _is_socket(path):
        return BindError(
            Cause.BIND_IN_USE,
            f"Cannot listen on {shown}",
            "a file is there that is no socket",
            "choose another path, or remove it",
        )
    if _answers(path):
        who = socket_holder(path)
        return BindError(
            Cause.BIND_IN_USE,
            f"Socket {shown} is in use",
            f"held by {who}" if who else "by a process that cannot be seen from here",
            "choose another path",
        )
    return BindError(
        Cause.BIND_IN_USE,
        f"Socket {shown} is there already",
        "nobody listens on it any more: whoever did has left it behind",
        "remove it, or set StreamLocalBindUnlink yes",
    )


def _answers(path: str) -> bool:
    """Return whether somebody listens on a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a listener with too many waiting clients would keep it
        try:
            probe.connect(path)
        except BlockingIOError:
            return True
        except PermissionError:
            return True  # another user's: nothing else is known of it
        except OSError:
            return False
    return True


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
