"""One owner for each rule, and for each exclusive group, whichever process that is: a lock by name.

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
    """Another process runs the rule, or one of its group; `pid` is its number, 0 if unknown."""

    def __init__(self, what: str, hint: str, owner: str, pid: int) -> None:
        super().__init__(f"{what} is run by {owner or 'another process'}", hint=hint)
        self.owner = owner
        self.pid = pid


class Claims:
    """The rules that this process runs; `kind` is what it is: ``screen``, ``forward``."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self._held: dict[str, int] = {}
        """The descriptors of locks, by the names of their files."""
        self._uses: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Claims of {self.kind} {sorted(self._held)}>"

    @contextmanager
    def sole(self, rule: str, group: str = "") -> Iterator[None]:
        """Be the one process that runs a rule, and any of its group; empty names are nobody's.

        Several forwards of this process share the claims. Raises OwnedElsewhere.
        """
        with self._held_alone("rule", rule), self._held_alone("group", group):
            yield

    def is_free(self, rule: str, group: str = "") -> bool:
        """Return whether no other process runs a rule, or one of its group."""
        try:
            with self.sole(rule, group):
                return True
        except OwnedElsewhere:
            return False

    @contextmanager
    def _held_alone(self, kind: str, name: str) -> Iterator[None]:
        lock = f"{kind}-{quote(name, safe='')}.lock"
        if name and lock not in self._held:
            self._take(lock, kind, name)
        self._uses[lock] += 1
        try:
            yield
        finally:
            self._uses[lock] -= 1
            if not self._uses[lock]:
                del self._uses[lock]
                descriptor = self._held.pop(lock, None)
                if descriptor is not None:
                    os.close(descriptor)

    def _take(self, lock: str, kind: str, name: str) -> None:
        try:
            secret_dir(self.folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.folder / lock, flags, 0o600)
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
            raise _owned(kind, name, owner, pid) from error
        except OSError as error:
            log.warning("nobody can read who runs %s: %s", clean(name), error)
        self._held[lock] = descriptor


def owner_text(kind: str, pid: int) -> str:
    """Return how a process is named that runs tunnels."""
    return f"{clean(kind, 20)} (pid {pid})"


def _owned(kind: str, name: str, owner: str, pid: int) -> OwnedElsewhere:
    if kind == "group":
        what, hint = f"A rule of the group {clean(name)}", "take this one over in its place"
    else:
        what = clean(name)
        hint = f"take it over, or end it: sshdash tunnels end {clean(shlex.quote(name))}"
    return OwnedElsewhere(what, hint, owner, pid)


def _told(descriptor: int) -> tuple[str, int]:
    """Return what whoever holds a lock wrote of itself."""
    try:
        said = json.loads(os.pread(descriptor, _MOST, 0))
        pid = int(said["pid"])
        return owner_text(str(said["kind"]), pid), pid
    except (OSError, ValueError, KeyError, TypeError):
        return "", 0
