"""The values found so far for one host: the first one wins, some keywords collect."""

from dataclasses import dataclass, field

import msgspec

from sshdash.config.assignments import Assignments
from sshdash.config.jumps import NO_JUMP
from sshdash.config.patterns import matches

Values = tuple[str, ...]
_COLLECTED = frozenset(
    {"identityfile", "certificatefile", "localforward", "remoteforward", "dynamicforward"}
)
_LISTS = frozenset(
    {
        "userknownhostsfile",
        "globalknownhostsfile",
        "canonicaldomains",
        "canonicalizepermittedcnames",
    }
)
_FILE_LIMIT = 100
_LIST_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set. No file: the command line (line 1) or a default (line 0)."""

    file: str
    line: int
    block: str = field(default="", compare=False)
    """The Host or Match line it stands under, as far as words go; empty above the first."""
    general: bool = field(default=True, compare=False)
    """Whether it stands where every host is meant: above the first block, or under ``Host *``."""

    def __str__(self) -> str:
        """Return ``file:line``, ``command line`` or ``default``."""
        if self.file:
            return f"{self.file}:{self.line}"
        return "command line" if self.line else "default"


DEFAULT = Origin("", 0)
COMMAND_LINE = Origin("", 1)


class TooMany(ValueError):
    """More entries than OpenSSH takes."""


class Shadowed(msgspec.Struct, frozen=True):
    """A value that lost, because another one was there first."""

    values: Values
    origin: Origin


class Options(msgspec.Struct):
    """Values by keyword, and where each came from."""

    single: dict[str, Values] = msgspec.field(default_factory=dict)
    collected: dict[str, list[Values]] = msgspec.field(default_factory=dict)
    """One entry per line; a forward has two values, a file one."""
    listeners: list[str] = msgspec.field(default_factory=list)
    """``localforward`` or ``dynamicforward`` for each such line: their common order."""
    send_env: list[str] = msgspec.field(default_factory=list)
    origins: dict[str, list[Origin]] = msgspec.field(default_factory=dict)
    shadowed: dict[str, list[Shadowed]] = msgspec.field(default_factory=dict)
    _files: set[tuple[str, str, bool]] = msgspec.field(default_factory=set)

    def first(self, key: str) -> str | None:
        """Return the first value of a keyword, None where it is not set."""
        values = self.single.get(key)
        return values[0] if values else None

    def apply(self, assignments: Assignments, origin: Origin, *, user: bool) -> None:
        """Take over what a line sets, where nothing was set before.

        `user` tells a user's file (or the command line) from the system's. Raises TooMany.
        """
        for key, values in assignments:
            if key in _COLLECTED:
                self._collect(key, values, origin, user=user)
            elif key == "sendenv":
                self._send(values, origin)
            elif key == "proxycommand" and self.single.get("proxyjump", NO_JUMP) != NO_JUMP:
                self._shadow(key, values, origin)
            elif key == "proxyjump":
                self._jump(values, origin)
            elif key == "streamlocalbindmask":
                self._replace(key, values, origin)
            elif key not in self.single:
                self._set(key, values, origin)
            else:
                self._shadow(key, values, origin)

    def _set(self, key: str, values: Values, origin: Origin) -> None:
        if key in _LISTS and len(values) > _LIST_LIMIT:
            raise TooMany(f"too many {key} entries (at most {_LIST_LIMIT})")
        self.single[key] = values
        self.origins[key] = [origin]

    def _replace(self, key: str, values: Values, origin: Origin) -> None:
        """Let the last value win, as ssh does for this keyword alone."""
        lost = self.shadowed.setdefault(key, [])
        if key in self.single:
            lost.append(Shadowed(self.single[key], self.origins[key][0]))
        lost[:] = [entry for entry in lost if entry.origin != origin]
        self.single[key] = values
        self.origins[key] = [origin]

    def _shadow(self, key: str, values: Values, origin: Origin) -> None:
        """Remember a value that came too late; a final pass meets the same lines again."""
        lost = self.shadowed.setdefault(key, [])
        if origin in self.origins.get(key, ()) or any(entry.origin == origin for entry in lost):
            return
        lost.append(Shadowed(values, origin))

    def _collect(self, key: str, values: Values, origin: Origin, *, user: bool) -> None:
        entries = self.collected.setdefault(key, [])
        if key in ("identityfile", "certificatefile"):
            if len(entries) >= _FILE_LIMIT:
                raise TooMany(f"too many {key} entries (at most {_FILE_LIMIT})")
            mark = (key, values[0], user)
        else:
            mark = (key, values[0], True)
        if mark not in self._files:
            self._files.add(mark)
            entries.append(values)
            self.origins.setdefault(key, []).append(origin)
            if key in ("localforward", "dynamicforward"):
                self.listeners.append(key)

    def _send(self, names: Values, origin: Origin) -> None:
        places = self.origins.setdefault("sendenv", [])
        for name in names:
            if not name.startswith("-"):
                self.send_env.append(name)
                places.append(origin)
                continue
            kept = [at for at, sent in enumerate(self.send_env) if not matches(sent, name[1:])]
            self.send_env[:] = [self.send_env[at] for at in kept]
            places[:] = [places[at] for at in kept]

    def _jump(self, values: Values, origin: Origin) -> None:
        if "proxyjump" in self.single:
            self._shadow("proxyjump", values, origin)
        elif values == NO_JUMP:
            self._set("proxyjump", values, origin)
        elif "proxycommand" not in self.single:
            self._set("proxyjump", values, origin)
            self.single["proxycommand"] = ("none",)
        else:
            self._shadow("proxyjump", values, origin)
