"""From a destination and the configuration files to what they mean for that host."""

import time
from collections.abc import Callable
from typing import NoReturn

from sshdash.config.canonical import Lookup, look_up
from sshdash.config.destination import Destination, parse_destination
from sshdash.config.dump import dump
from sshdash.config.match import run_in_shell
from sshdash.config.options import Origin
from sshdash.config.parser import FileCache
from sshdash.config.resolution import Resolution
from sshdash.config.resolved import ResolvedHost
from sshdash.config.source import ConfigSource

_AHEAD = 30.0
"""Seconds after which a connection that is made resolves its host anew: files change."""

__all__ = ["Origin", "ResolvedHost", "Resolver", "dump"]


class Resolver:
    """Resolves destinations against one set of files, each parsed once per version of it.

    `command` is what will be run on the hosts, as Match asks; empty for shells.
    """

    def __init__(
        self, source: ConfigSource, *, lookup: Lookup = look_up, command: str = ""
    ) -> None:
        self.source = source
        self.command = command
        self.cache = FileCache()
        self._lookup = lookup
        self._outcomes: dict[str, bool] = {}
        self._ahead: dict[Destination, tuple[float, ResolvedHost]] = {}
        """What was resolved for a connection that is still to be made, and when."""

    def __repr__(self) -> str:
        """Return the files."""
        return f"<Resolver [{self.source.user_file}, {self.source.system_file}]>"

    def resolve(self, destination: Destination | str) -> ResolvedHost:
        """Return the values for a destination, as ssh would use them.

        ``Match exec`` commands run and CanonicalizeHostname looks names up, so with those in
        the files this takes as long as they do. Raises SSHConfigError naming file and line, and
        UsageError for a text that is no destination.
        """
        if isinstance(destination, str):
            destination = parse_destination(destination)
        since, kept = self._ahead.pop(destination, (0.0, None))
        if kept is not None and time.monotonic() - since < _AHEAD:
            return kept
        return self._resolution(destination, self._lookup, self._run).result()

    def resolve_ahead(self, destination: Destination | str) -> ResolvedHost:
        """Return what `resolve` does, which returns the same once more: to whoever connects.

        So a command that looks at a host before it connects there runs no ``Match exec`` twice.
        """
        if isinstance(destination, str):
            destination = parse_destination(destination)
        kept = self.resolve(destination)
        self._ahead[destination] = time.monotonic(), kept
        return kept

    def preview(self, destination: Destination | str) -> ResolvedHost:
        """Return the values without running a command or asking the network.

        For what is only shown: a ``Match exec`` counts as it came out last, as not matching
        where it never ran, and a name counts as standing in the first canonical domain.
        Raises as `resolve` does.
        """
        remembered = self._outcomes
        return self._resolution(
            destination, _no_lookup, lambda command: remembered.get(command, False)
        ).result()

    def certain(self, destination: Destination | str) -> ResolvedHost | None:
        """Return what `resolve` would, None where that takes a command or the network to know.

        Raises as `resolve` does.
        """

        def unknown(*_: object) -> NoReturn:
            raise _Unknown

        try:
            return self._resolution(destination, unknown, unknown).result()
        except _Unknown:
            return None

    def _resolution(
        self, destination: Destination | str, lookup: Lookup, run: Callable[[str], bool]
    ) -> Resolution:
        if isinstance(destination, str):
            destination = parse_destination(destination)
        return Resolution(self.source, self.cache, self.command, destination, lookup, run)

    def _run(self, command: str) -> bool:
        self._outcomes[command] = run_in_shell(command)
        return self._outcomes[command]


class _Unknown(Exception):
    """Something has to be asked to know the values."""


def _no_lookup(name: str, family: str) -> str:
    """Take every name for an existing one, for a preview."""
    return ""
