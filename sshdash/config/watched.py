"""What to watch so that no change of a configuration goes unseen.

Folders are watched rather than files: an editor puts a new file in the place of the old one, and
an Include with a wildcard reads files that do not exist yet.
"""

import os
import re
from collections.abc import Iterable, Iterator

from sshdash.config.catalog import Catalog
from sshdash.config.includes import begins

_WILD = re.compile(r"[*?\[]")
_REMOTE = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "davfs", "fuse.rclone", "fuse.sshfs", "glusterfs", "lustre",
        "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs",
    }
)  # fmt: skip
"""File systems on which another machine's changes make no noise here."""


class Watched:
    """The files and Include patterns of a catalog, and where they lie."""

    def __init__(self, catalog: Catalog) -> None:
        self._files = frozenset(_with_targets(catalog.files))
        named = dict.fromkeys(one for each in catalog.patterns for one in (each, _real(each)))
        self._patterns = [pattern.split("/") for pattern in named]
        below = {folder for pattern in named for folder in _folders_of(pattern)}
        below |= {_existing(os.path.dirname(file)) for file in self._files}
        # A folder's own name is in the one above: another may be put in its place.
        self.folders = tuple(sorted(below | {os.path.dirname(folder) for folder in below}))
        """The folders to watch, all of which exist."""
        self._known = (self._files, self._patterns, [*map(_identity, self.folders)], self.folders)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Watched) and self._known == other._known

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Watched [{len(self._files)} files in {len(self.folders)} folders]>"

    def concerns(self, path: str) -> bool:
        """Return whether a change of a path may change the configuration."""
        if path in self._files:
            return True
        parts = path.split("/")
        if any(begins(pattern, parts) for pattern in self._patterns):
            return True
        below = f"{path}/"  # a folder on the way to a file: renamed, removed, made
        return any(file.startswith(below) for file in self._files)


def remote_kind(folder: str, mounts: str) -> str:
    """Return the kind of a folder's file system where others may change it unseen, else empty.

    `mounts` is the text of ``/proc/self/mountinfo``.
    """
    kind, longest = "", -1
    for line in mounts.splitlines():
        left, dash, right = line.partition(" - ")
        fields = left.split(" ")
        if not dash or len(fields) < 5:
            continue
        place = fields[4].encode("latin-1", "replace").decode("unicode_escape")
        inside = folder == place or folder.startswith(f"{place.rstrip('/')}/")
        if inside and len(place) >= longest:
            longest, kind = len(place), right.split(" ")[0]
    return kind if kind in _REMOTE else ""


def _with_targets(files: Iterable[str]) -> Iterator[str]:
    """Return the files, each link on the way, and where these lead."""
    for file in files:
        path = os.path.abspath(file)
        for _ in range(40):
            yield path
            if not os.path.islink(path):
                break
            path = os.path.join(os.path.dirname(path), os.readlink(path))
        yield os.path.realpath(file)


def _folders_of(pattern: str) -> Iterator[str]:
    """Return the folders in which files may match a pattern, or come to be."""
    head = pattern.rpartition("/")[0]
    wild = _WILD.search(head)
    if wild is None:
        yield _existing(head)
        return
    from glob import iglob

    yield _existing(head[: wild.start()].rpartition("/")[0])
    yield from (found for found in iglob(head) if os.path.isdir(found))


def _real(pattern: str) -> str:
    """Return a pattern with the folder that it begins with as it is without links."""
    wild = _WILD.search(pattern)
    head, slash, tail = pattern[: wild.start() if wild else None].rpartition("/")
    return f"{os.path.realpath(head)}{slash}{tail}{pattern[wild.start() :] if wild else ''}"


def _identity(folder: str) -> tuple[int, int]:
    try:
        found = os.stat(folder)
    except OSError:  # gone meanwhile
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _existing(folder: str) -> str:
    """Return the folder, or the nearest above it that exists."""
    while folder != "/" and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder or "/"
