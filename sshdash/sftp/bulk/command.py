"""Command lines of the tar at the other end, for the shell of an account, whichever that is. Pure.

Only GNU tar is run, of which all this is known. Nothing in the environment may change what it does
(TAR_OPTIONS), and no name is on its command line.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from sshdash.quoting import command_line
from sshdash.sftp.bulk.proof import FILE, FOLDER, TIMED
from sshdash.sftp.entries import join

_PLAIN = re.compile(rb"[\w@+:,./ -]*", re.ASCII)
"""What every shell takes in quotes as it is, csh and its history too."""
NO_TAR, OTHER_FILES = 78, 79
"""The statuses where there is no GNU tar, and where the shell sees other files."""
READY = b"ready to unpack"
"""What is said on both sides before anything is sent: other programs are not to have it."""
_ASKED = b"tar "
"""What is asked at once, with a folder and the end of the line behind it as soon as it is known.

Neither waits for the other. An SFTP server that runs instead, as on many hosts, takes what it is
asked for a message longer than any and ends at once.
"""
_TRIES = 60
"""Hundredths of a second, at least, in which the folder has to appear: it is made meanwhile.

The one above it is there before, unless a shell sees other files than the SFTP server does.
"""
_SCRIPT = b"""\
r() { env -i PATH="$PATH" LC_ALL=C "$@"; }; \
case $(r tar --version </dev/null 2>/dev/null) in "tar (GNU tar) "*) ;; *) exit %d;; esac; \
%b"""
_UNPACK = b"""\
r find / -maxdepth 0 -printf "%b" && IFS= read -r asked || exit; \
folder=${asked#tar }; test -d "${folder%%/*}/" || exit %d; \
tries=0; until cd -- "$folder" 2>/dev/null; do tries=$((tries + 1)); \
test $tries -lt %d && r sleep 0.01 || exit; done; \
r tar --extract --file=- --same-permissions --no-same-owner --keep-old-files \
--delay-directory-restore%b || exit; \
if test -g .; then r find . -mindepth 1 -type d -exec chmod g+s {} + || exit; fi; \
r find . -mindepth 1 -type d -printf "%b" -o -printf "%b\""""
_CREATE = b"""\
cd -- "$1" || exit; \
r tar --create --file=- --format=ustar --blocking-factor=128 --no-recursion --hard-dereference \
--owner=0 --group=0 --numeric-owner --no-unquote --null --files-from=-"""
"""Names are read as they are, nothing below a folder is chosen besides, and owners stay untold."""


class Command(NamedTuple):
    """A command line, and what it gets to read at once."""

    line: bytes
    first: tuple[bytes, ...] = ()


def create_in(folder: bytes) -> Command:
    """Return the command that archives what is named on its input, NUL behind each name."""
    return Command(command_line((b"sh", b"-c", _SCRIPT % (NO_TAR, _CREATE), b"sh", folder)))


def is_plain(path: bytes) -> bool:
    """Return whether every shell takes a path as it is, in quotes."""
    return _PLAIN.fullmatch(path) is not None


def unpack(timed: bool) -> Command:
    """Return the command that unpacks its input in a folder, and tells what is there then.

    It says `READY`; what `begin_in` returns comes before the archive, and that folder may be made a
    little later. With `timed` files get the times they have in the archive. What is told then is
    for a `proof.Proof`. Nothing is replaced, and everything belongs to who unpacks it, and to
    the group that the folder hands on where it does; so do those in it, as more may go into them
    before they get their own modes.
    """
    touch, told = (b"", TIMED) if timed else (b" --touch", FILE)
    script = _UNPACK % (READY, OTHER_FILES, _TRIES, touch, FOLDER, told)
    return Command(command_line((b"sh", b"-c", _SCRIPT % (NO_TAR, script))), (_ASKED,))


def begin_in(folder: bytes) -> bytes:
    """Return what has a plain folder filled by who `unpack`s."""
    return folder + b"\n"


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
