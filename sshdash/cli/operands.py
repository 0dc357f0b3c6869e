"""What a copy is between, as scp takes it: ``[user@]host:path``, ``scp://…`` or a local path."""

import os
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from msgspec.structs import replace

from sshdash.config.destination import parse_destination
from sshdash.errors import UsageError
from sshdash.sftp.job import as_user, host_of
from sshdash.untrusted import clean


class Operand(Struct, frozen=True):
    """One end of a copy."""

    endpoint: str
    """Empty for this machine, else the destination."""
    path: bytes
    """As written: relative paths begin in the working directory or in the remote home."""

    @property
    def is_stream(self) -> bool:
        """Whether it is standard input or output; a file of that name is ``./-``."""
        return not self.endpoint and self.path == b"-"

    @property
    def host(self) -> str:
        """The destination, whoever is become there; empty for this machine."""
        return host_of(self.endpoint)

    def __str__(self) -> str:
        """Return it as it may be shown."""
        path = clean(self.path, 1024)
        return f"{self.endpoint}:{path}" if self.endpoint else path


def parse_operands(words: Sequence[str], user: str | None) -> list[Operand]:
    """Return what the words of the command line name; on hosts as `user` where one is given."""
    operands = [parse_operand(word) for word in words]
    if user is None:
        return operands
    return [
        replace(one, endpoint=as_user(one.endpoint, user)) if one.endpoint else one
        for one in operands
    ]


def parse_operand(text: str) -> Operand:
    """Return what one word of the command line names.

    A colon before any slash ends a host's name, so a local name with a colon is written
    ``./a:b``. Raises UsageError for a host that is none.
    """
    if text.startswith("scp://"):
        return _parse_uri(text)
    end = _end_of_host(text)
    if end is None:
        if not text:
            raise UsageError("An empty name", "one of the words is empty")
        return Operand("", os.fsencode(text))
    host = text[:end]
    if host.endswith("]"):
        host = host.replace("[", "").replace("]", "")
    return Operand(str(parse_destination(host)), os.fsencode(text[end + 1 :]))


def _end_of_host(text: str) -> int | None:
    """Return where the colon after a host is, None for a local path."""
    if text.startswith(":"):
        return None
    bracket = text.find("[") == 0 or "@[" in text.partition("/")[0]
    if bracket:
        end = text.find("]:")
        if end >= 0 and "/" not in text[:end]:
            return end + 1
    colon = text.find(":")
    return colon if colon > 0 and "/" not in text[:colon] else None


def _parse_uri(text: str) -> Operand:
    authority, _, rest = text.removeprefix("scp://").partition("/")
    path = unquote_to_bytes(rest)
    if b"\0" in path:
        raise UsageError("A name with a zero byte", f"{clean(text, 1024)}: no file has one")
    try:
        destination = parse_destination(f"ssh://{authority}")
    except UsageError:
        hint = "write scp://[user@]host[:port]/path"
        raise UsageError(f"“{clean(text, 1024)}” is not a place", hint=hint) from None
    return Operand(str(destination), path)
