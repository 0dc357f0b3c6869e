"""Where things are: the home folder, ours in it, and the style sheets."""

import os
from importlib import resources
from pathlib import Path

import platformdirs

APP = "sshdash"


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


def audit_log() -> Path:
    """Return the file of the audit log (not created here)."""
    return state_dir() / "audit.jsonl"


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
