"""Where things are: the home folder, ours in it, and the style sheets."""

import errno
import os
import stat
import tempfile
import zlib
from importlib import resources
from pathlib import Path

import platformdirs

APP = "sshdash"
_LONGEST_SOCKET_FOLDER = 80
"""Bytes: a socket's whole name has 103 on macOS, 107 on Linux."""


def home() -> Path:
    """Return the home folder (``$HOME`` first, so that a test or a demo can have its own)."""
    return Path(os.path.expanduser("~"))


def ssh_dir() -> Path:
    """Return ``~/.ssh``."""
    return home() / ".ssh"


def user_ssh_config() -> Path:
    """Return the user's ssh_config file."""
    return ssh_dir() / "config"


def system_ssh_config() -> Path:
    """Return the system-wide ssh_config file."""
    return Path("/etc/ssh/ssh_config")


def config_dir() -> Path:
    """Return the folder of sshdash's settings (not created here)."""
    return Path(platformdirs.user_config_dir(APP))


def state_dir() -> Path:
    """Return the folder of sshdash's logs and state (not created here)."""
    return Path(platformdirs.user_state_dir(APP))


def recordings_dir() -> Path:
    """Return the folder of the recordings of sessions (not created here)."""
    return state_dir() / "recordings"


def transfers_dir() -> Path:
    """Return the folder of the queues of copies (not created here)."""
    return state_dir() / "transfers"


def sync_dir() -> Path:
    """Return the folder of what is remembered of synchronisations (not created here)."""
    return state_dir() / "sync"


def audit_log() -> Path:
    """Return the file of the audit log (not created here)."""
    return state_dir() / "audit.jsonl"


def runtime_dir() -> Path:
    """Return the folder of what only lives as long as its process (not created here).

    It is below $XDG_RUNTIME_DIR, else with our state; below the temporary folder where its name
    is too long for a socket in it. What belongs to somebody else, as after ``sudo -E``, is left.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    ours = os.path.isabs(given) and _owner(given) in (None, os.getuid())
    folder = Path(given) / APP if ours else state_dir() / "run"
    name = os.fsencode(folder)
    if len(name) <= _LONGEST_SOCKET_FOLDER:
        return folder
    return Path(tempfile.gettempdir()) / f"{APP}-{os.getuid()}-{zlib.crc32(name):08x}"


def _owner(path: str) -> int | None:
    """Return whose a folder is, None where there is none."""
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def secret_dir(path: Path) -> Path:
    """Create `path` as `private_dir` does, and see that nobody else owns it or may enter it.

    Raises OSError, PermissionError where it is somebody else's.
    """
    private_dir(path)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "the folder is not this user's own", str(path))
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path


def private_dir(path: Path) -> Path:
    """Create `path` for this user alone (0700) and return it.

    Parents that are missing are created likewise, whatever the umask; what exists stays as it is.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
    return path


def styles_dir() -> Path:
    """Return the folder of style sheets: the checkout's, else the one inside the wheel."""
    checkout = Path(__file__).parent.parent / "styles"
    if checkout.is_dir() and (checkout.parent / "pyproject.toml").is_file():
        return checkout
    return Path(str(resources.files(APP) / "styles"))
