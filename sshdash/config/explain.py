"""Where every value of a host comes from, and what lost against it."""

from collections import Counter

from msgspec import Struct

from sshdash.config.dump import lines, spelled
from sshdash.config.keywords import KEYWORDS
from sshdash.config.options import COMMAND_LINE, DEFAULT, Origin
from sshdash.config.resolved import ResolvedHost

_MANY = frozenset({"identityfile", "certificatefile", "remoteforward", "sendenv"})
"""Keywords of which each value has a line and an origin of its own."""
_LISTENERS = ("localforward", "dynamicforward")
RIVALS = {"proxycommand": "proxyjump", "proxyjump": "proxycommand"}
"""Of these two the first one that is set rules the other out."""
_PARTS = {"rekeylimit": "rekeyinterval", "forwardagent": "forwardagentpath"}
"""Keywords whose line of ``ssh -G`` shows a second value, which may be set elsewhere."""


class Lost(Struct, frozen=True):
    """A value that is not used, because another one was there first."""

    keyword: str
    value: str
    origin: Origin


class Explained(Struct, frozen=True):
    """A value, what set it, and what lost against it. Nothing is cleaned."""

    keyword: str
    """As ``ssh -G`` spells it."""
    value: str
    origin: Origin
    shadowed: tuple[Lost, ...] = ()

    @property
    def is_default(self) -> bool:
        """Return whether nothing set it."""
        return self.origin == DEFAULT

    @property
    def no_effect(self) -> str:
        """Return why a value that was set has no effect in sshdash, empty where it has one."""
        keyword = KEYWORDS.get(self.keyword.lower())
        return keyword.why if keyword and not self.is_default else ""


def explain(resolved: ResolvedHost) -> tuple[Explained, ...]:
    """Return every value in the order of ``ssh -G``, and below them what that does not print.

    The latter are keywords of releases after 9.2 and those set to ``none``.
    """
    teller = _Teller(resolved)
    found = [teller.line(text) for text in lines(resolved)]
    return (*found, *teller.unprinted())


class _Teller:
    """Finds the origins of the lines, one after the other."""

    def __init__(self, resolved: ResolvedHost) -> None:
        self._resolved = resolved
        self._told: Counter[str] = Counter()
        options = resolved.options
        self._listeners = {
            entry[0].partition(" ")[0]: origin
            for key in _LISTENERS
            for entry, origin in zip(
                options.collected.get(key, ()), resolved.origins.get(key, ()), strict=False
            )
        }

    def line(self, text: str) -> Explained:
        """Return what stands behind one line."""
        keyword, _, value = text.partition(" ")
        key = keyword.lower()
        origin = self._origin(key, value)
        first = self._told[key] == 0
        self._told[key] += 1
        return Explained(keyword, value, origin, self._lost(key) if first else ())

    def unprinted(self) -> list[Explained]:
        """Return the values that are set and had no line."""
        told = set(self._told) | set(_PARTS.values())
        single = self._resolved.options.single
        return [
            Explained(key, spelled(key, single.get(key, ("none",))), origins[0], self._lost(key))
            for key, origins in self._resolved.origins.items()
            if key not in told and origins and not self._is_ruled_out(key)
        ]

    def _is_ruled_out(self, key: str) -> bool:
        """Return whether a rival's line has told of it."""
        return key in RIVALS and self._told[RIVALS[key]] > 0

    def _origin(self, key: str, value: str) -> Origin:
        if key == "host":
            return COMMAND_LINE
        if key in _LISTENERS:
            return self._listeners.get(value.partition(" ")[0], DEFAULT)
        places = self._resolved.origins.get(key, ())
        if not places and key in _PARTS:
            places = self._resolved.origins.get(_PARTS[key], ())
        at = self._told[key] if key in _MANY else 0
        return places[at] if at < len(places) else DEFAULT

    def _lost(self, key: str) -> tuple[Lost, ...]:
        shadowed = self._resolved.options.shadowed
        keys = (key, RIVALS[key]) if key in RIVALS else (key,)
        return tuple(
            Lost(name, spelled(name, entry.values), entry.origin)
            for name in keys
            for entry in shadowed.get(name, ())
        )
