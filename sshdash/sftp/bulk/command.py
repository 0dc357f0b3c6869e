"""Command lines of the tar at the other end, for the shell of an account, whichever that is. Pure.

Only GNU tar is run, of which all this is known. Nothing in the environment may change what it does
(TAR_OPTIONS), and no name is on its command line.
"""

import re
from collections.abc import Iterable

from sshdash.quoting import command_line
from sshdash.sftp.entries import join

_PLAIN = re.compile(rb"[\w@+:,./ -]*", re.ASCII)
"""What every shell takes in quotes as it is, csh and its history too."""
NO_TAR = 78
"""The status where there is no GNU tar."""
_SCRIPT = b"""\
t() { env -i PATH="$PATH" LC_ALL=C tar "$@"; }; \
case $(t --version </dev/null 2>/dev/null) in "tar (GNU tar) "*) ;; *) exit %d;; esac; \
cd -- "$1" || exit; t %b"""
_CREATE = (
    b"--create --file=- --format=ustar --blocking-factor=128 --no-recursion --hard-dereference"
    b" --owner=0 --group=0 --numeric-owner --no-unquote --null --files-from=-"
)
"""Names are read as they are, nothing below a folder is chosen besides, and owners stay untold."""


def create_in(folder: bytes) -> bytes:
    """Return the command that archives what is named on its input, NUL behind each name."""
    return command_line((b"sh", b"-c", _SCRIPT % (NO_TAR, _CREATE), b"sh", folder))


def folder_above(paths: Iterable[bytes]) -> bytes:
    """Return the deepest folder above all paths, of those whose names are plain in any shell."""
    paths = iter(paths)
    above = next(paths).split(b"/")[:-1]
    for path in paths:
        parts = path.split(b"/")
        while parts[: len(above)] != above or len(parts) == len(above):
            above.pop()
    plain = 0
    while plain < len(above) and _PLAIN.fullmatch(above[plain]):
        plain += 1
    return b"/".join(above[:plain]) or b"/"


def name_in(folder: bytes, path: bytes) -> bytes:
    """Return what tar calls a path below a folder: never something that looks like an option."""
    return b"./" + path[len(join(folder, b"")) :]
