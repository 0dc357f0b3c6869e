"""A small configuration to edit, and how the tests edit it."""

from pathlib import Path

from sshdash.config.editor import ConfigEditor
from sshdash.config.source import ConfigSource

TEXT = "# mine\nHost web\n    HostName 10.0.0.1\n\nHost *\n    User bob\n"
LONGER = TEXT.replace("Host *", "Host db\n    HostName 10.0.0.2\n\nHost *")


def write_config(home: Path) -> Path:
    """Write the user's configuration."""
    file = home / ".ssh" / "config"
    file.write_text(TEXT)
    file.chmod(0o600)
    return file


def editor() -> ConfigEditor:
    return ConfigEditor(ConfigSource.standard())


def add_db() -> None:
    """Make LONGER of TEXT."""
    one = editor()
    one.save(one.add(["db"], {"hostname": ["10.0.0.2"]}))


def temporaries(folder: Path) -> list[str]:
    """Return the names of what a writer left in a folder."""
    return [one.name for one in folder.iterdir() if "sshdash" in one.name]
