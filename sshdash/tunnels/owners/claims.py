"""One owner for each rule, whichever process that is: a lock by its name.

The kernel lets go of a lock when its process ends, however that ends.
"""

import fcntl
import json
import logging
import os
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sshdash.errors import ForwardError
from sshdash.paths import secret_dir
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_MOST = 400
"""Bytes that are read of who holds a lock."""


class OwnedElsewhere(ForwardError):
    """Another process runs the rule; `owner` names it and `pid` is its number, 0 if unknown."""

    def __init__(self, name: str, owner: str, pid: int) -> None:
        super().__init__(
            f"{clean(name)} is run by {owner or 'another process'}",
            hint=f"take it over, or end it: sshdash tunnels end {clean(shlex.quote(name))}",
        )
        self.owner = owner
        self.pid = pid


class Claims:
    """The rules that this process runs; `kind` is what it is: ``screen``, ``forward``."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self._held: dict[str, int] = {}
        """The descriptors of locks, by the name of the rule."""
        self._uses: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Claims of {self.kind} {sorted(self._held)}>"

    @contextmanager
    def sole(self, name: str) -> Iterator[None]:
        """Be the one process that runs a rule; an empty name is nobody's.

        Several forwards of this process share the claim. Raises OwnedElsewhere.
        """
        if name and name not in self._held:
            self._take(name)
        self._uses[name] += 1
        try:
            yield
        finally:
            self._uses[name] -= 1
            if not self._uses[name]:
                del self._uses[name]
                descriptor = self._held.pop(name, None)
                if descriptor is not None:
                    os.close(descriptor)

    def is_free(self, name: str) -> bool:
        """Return whether no other process runs a rule."""
        try:
            with self.sole(name):
                return True
        except OwnedElsewhere:
            return False

    def _take(self, name: str) -> None:
        try:
            secret_dir(self.folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._file(name), flags, 0o600)
        except OSError as error:
            # Two that listen on one port would still meet there.
            log.warning("%s is run without a lock: %s", clean(name), error)
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            words = json.dumps({"kind": self.kind, "pid": os.getpid()}).encode()
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, words, 0)
        except BlockingIOError as error:
            owner, pid = _told(descriptor)
            os.close(descriptor)
            raise OwnedElsewhere(name, owner, pid) from error
        except OSError as error:
            log.warning("nobody can read who runs %s: %s", clean(name), error)
        self._held[name] = descriptor

    def _file(self, name: str) -> Path:
        return self.folder / f"rule-{quote(name, safe='')}.lock"


def owner_text(kind: str, pid: int) -> str:
    """Return how a process is named that runs tunnels."""
    return f"{clean(kind, 20)} (pid {pid})"


def _told(descriptor: int) -> tuple[str, int]:
    """Return what whoever holds a lock wrote of itself."""
    try:
        said = json.loads(os.pread(descriptor, _MOST, 0))
        pid = int(said["pid"])
        return owner_text(str(said["kind"]), pid), pid
    except (OSError, ValueError, KeyError, TypeError):
        return "", 0
