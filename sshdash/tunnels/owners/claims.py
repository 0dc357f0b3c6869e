"""One owner for each rule, and for each exclusive group, whichever process that is: a lock by name.

The kernel lets go of a lock when its process ends, however that ends.
"""

import fcntl
import json
import logging
import os
import shlex
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from sshdash.errors import ForwardError
from sshdash.paths import secret_dir
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_MOST = 800
"""Bytes that are read of who holds a lock."""
_TRIES = 5
_INSTANT = 0.001
"""Seconds until a lock is tried again that somebody only looked at."""


class OwnedElsewhere(ForwardError):
    """Another process runs the rule, or one of its group; `pid` is its number, 0 if unknown."""

    def __init__(self, what: str, hint: str, owner: str, pid: int) -> None:
        super().__init__(f"{what} is run by {owner or 'another process'}", hint=hint)
        self.owner = owner
        self.pid = pid


class Claim:
    """What one tunnel has claimed, from `with` on to its end."""

    def __init__(self, claims: "Claims", rule: str, group: str) -> None:
        self._claims = claims
        self._rule = rule
        self._group = group

    def __repr__(self) -> str:
        return f"<Claim on {self._rule or 'nothing'} [{self._group or 'no group'}]>"

    def __enter__(self) -> Self:
        """Take it. Raises OwnedElsewhere."""
        self._claims.hold("rule", self._rule, self._rule)
        try:
            self._claims.hold("group", self._group, self._rule)
        except OwnedElsewhere:
            self._claims.let_go("rule", self._rule)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._claims.let_go("group", self._group)
        self._claims.let_go("rule", self._rule)

    def move(self, rule: str, group: str) -> OwnedElsewhere | None:
        """Claim what a person has made of the rule; return who has that already, if anybody.

        What nobody else has is ours then, and all that it was before is free.
        """
        names = {"rule": (self._rule, rule), "group": (self._group, group)}
        met: OwnedElsewhere | None = None
        for kind, (old, new) in names.items():
            try:
                self._claims.hold(kind, new, rule)
            except OwnedElsewhere as error:
                self._claims.hold(kind, "", rule)
                names[kind] = old, ""
                met = met or error
            self._claims.let_go(kind, old)
        self._rule, self._group = names["rule"][1], names["group"][1]
        return met


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

    def sole(self, rule: str, group: str = "") -> Claim:
        """Be the one process that runs a rule, and any of its group; empty names are nobody's.

        Several forwards of this process share the claims. Entering it raises OwnedElsewhere.
        """
        return Claim(self, rule, group)

    def is_free(self, rule: str, group: str = "") -> bool:
        """Return whether no other process runs a rule, or one of its group."""
        return self._has_no_other("rule", rule) and self._has_no_other("group", group)

    def hold(self, kind: str, name: str, rule: str) -> None:
        """Have a lock once more, for a rule. Raises OwnedElsewhere."""
        lock = _lock_file(kind, name)
        if lock in self._held:
            with suppress(OSError):
                self._sign(self._held[lock], rule)  # of a group, the one that began last
        elif name:
            self._take(lock, kind, name, rule)
        self._uses[lock] += 1

    def let_go(self, kind: str, name: str) -> None:
        """Have a lock once less; the last time it is free."""
        lock = _lock_file(kind, name)
        self._uses[lock] -= 1
        if self._uses[lock]:
            return
        del self._uses[lock]
        descriptor = self._held.pop(lock, None)
        if descriptor is not None:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)  # it tells of nobody then, see `_lock`
            os.close(descriptor)

    def _has_no_other(self, kind: str, name: str) -> bool:
        lock = _lock_file(kind, name)
        if not name or lock in self._held:
            return True
        try:
            descriptor = os.open(self.folder / lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return not isinstance(error, BlockingIOError)
        finally:
            os.close(descriptor)
        return True

    def _take(self, lock: str, kind: str, name: str, rule: str) -> None:
        try:
            secret_dir(self.folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.folder / lock, flags, 0o600)
        except OSError as error:
            # Two that listen on one port would still meet there.
            log.warning("%s is run without a lock: %s", clean(name), error)
            return
        try:
            _lock(descriptor)
            self._sign(descriptor, rule)
        except BlockingIOError as error:
            holder = _Holder.of(descriptor)
            os.close(descriptor)
            raise _owned(kind, name, holder) from error
        except OSError as error:
            log.warning("nobody can read who runs %s: %s", clean(name), error)
        self._held[lock] = descriptor

    def _sign(self, descriptor: int, rule: str) -> None:
        words = json.dumps({"kind": self.kind, "pid": os.getpid(), "rule": rule}).encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, words, 0)


def is_there(pid: int) -> bool:
    """Return whether a process runs, as far as can be told."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def owner_text(kind: str, pid: int) -> str:
    """Return how a process is named that runs tunnels."""
    return f"{clean(kind, 20)} (pid {pid})"


@dataclass(frozen=True, slots=True)
class _Holder:
    """What whoever holds a lock wrote of itself."""

    kind: str = ""
    pid: int = 0
    rule: str = ""

    @classmethod
    def of(cls, descriptor: int) -> Self:
        """Read it; where there is nothing to be read it is nobody that one knows."""
        try:
            said = json.loads(os.pread(descriptor, _MOST, 0))
            return cls(str(said["kind"]), int(said["pid"]), str(said.get("rule", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()


def _lock(descriptor: int) -> None:
    """Take a lock. Raises BlockingIOError where another process keeps it.

    Who only looks whether it is free has it for an instant, and no owner is told of then.
    """
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if is_there(_Holder.of(descriptor).pid):
                raise
            time.sleep(_INSTANT)
        else:
            return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_file(kind: str, name: str) -> str:
    return f"{kind}-{quote(name, safe='')}.lock"


def _owned(kind: str, name: str, holder: _Holder) -> OwnedElsewhere:
    owner = owner_text(holder.kind, holder.pid) if holder.pid else ""
    if kind == "rule":
        end = f"sshdash tunnels end {clean(shlex.quote(name))}"
        return OwnedElsewhere(clean(name), f"take it over, or end it: {end}", owner, holder.pid)
    what = f"Of the group {clean(name)} one rule runs at a time: {clean(holder.rule) or 'another'}"
    hint = f"end that first: sshdash tunnels end {clean(shlex.quote(holder.rule))}"
    return OwnedElsewhere(what, hint if holder.rule else "end that first", owner, holder.pid)
