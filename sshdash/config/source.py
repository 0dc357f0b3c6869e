"""Which files make up the configuration, and what the command line says before them."""

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sshdash.errors import UsageError
from sshdash.paths import system_ssh_config, user_ssh_config


class ConfigSource(Struct, frozen=True):
    """The files to read, in order after the overrides."""

    user_file: Path | None
    system_file: Path | None
    overrides: tuple[tuple[str, str], ...] = ()
    """``-o Key=Value`` and ``-l``, ``-p``, ``-i``, ``-J`` with their arguments, in the order given.

    They win over the files."""
    explicit: bool = False
    """Whether ``-F`` named the user file: then it must exist, and its owner is not checked."""
    named: str | None = None
    """The argument of ``-F``, for the command lines that sshdash shows."""
    one_host: str = ""
    """The destination of `one_host_overrides`, as it is shown; the others have `overrides`."""
    one_host_overrides: tuple[tuple[str, str], ...] = ()
    """All that the command line says where ``-l -p -i -J`` are for the host that it names."""

    def overrides_of(self, destination: str) -> tuple[tuple[str, str], ...]:
        """Return what the command line says of one destination."""
        return self.one_host_overrides if destination == self.one_host else self.overrides

    def of_files_alone(self) -> "ConfigSource":
        """Return this without the command line, which says nothing of jump hosts."""
        return replace(self, overrides=(), one_host="", one_host_overrides=())

    @classmethod
    def standard(
        cls, file: str | None = None, overrides: tuple[tuple[str, str], ...] = ()
    ) -> "ConfigSource":
        """Return what ssh would read: ``-F FILE`` replaces both files, ``-F none`` means none."""
        if file is None:
            return cls(user_ssh_config(), system_ssh_config(), overrides)
        if file.lower() == "none":
            return cls(None, None, overrides, named=file)
        return cls(Path(file), None, overrides, explicit=True, named=file)


def parse_override(text: str) -> tuple[str, str]:
    """Return the key and value of an ``-o`` argument, ``Key=Value`` or ``Key Value``.

    As in a file, blanks may stand around the ``=``. Raises UsageError.
    """
    stripped = text.strip()
    for at, char in enumerate(stripped):
        if char in "= \t":
            key, value = stripped[:at], stripped[at:].lstrip().removeprefix("=").strip()
            break
    else:
        key, value = stripped, ""
    if key and value:
        return key, value
    raise UsageError("Bad -o option", text, "write -o Key=Value, as for ssh")
