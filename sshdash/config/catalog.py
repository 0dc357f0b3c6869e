"""The names that can be connected to, read as forgivingly as possible.

ssh refuses a whole configuration for one wrong line; a list that did so would be empty. So
what is wrong is reported with its place, and the rest is listed.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from sshdash.config.includes import include_pattern
from sshdash.config.lexer import BOM
from sshdash.config.match import BadMatch, MatchFacts, evaluate
from sshdash.config.parser import Block, FileCache, Line, LineKind, ParsedFile
from sshdash.config.patterns import is_pattern, matches_list
from sshdash.config.reader import DEPTH_LIMIT, TOO_DEEP, check_owner, included_files
from sshdash.config.source import ConfigSource
from sshdash.config.summary import HostSummary, summarize
from sshdash.config.tokens import LocalMachine, connection_tokens
from sshdash.errors import ConfigError
from sshdash.untrusted import clean

__all__ = ["Catalog", "ConfigProblem", "HostEntry", "HostSummary", "load_catalog", "summarize"]

_NOWHERE = MatchFacts(
    host="",
    original_host="",
    user="",
    local_user="",
    final=False,
    tag="",
    session="shell",
    command="",
    tokens=lambda: dict.fromkeys("CLdhijklnpru", ""),
    run=lambda command: True,
)


def _any_host() -> dict[str, str]:
    """Return tokens for the files that any host may include."""
    machine = LocalMachine.here()
    stars = dict.fromkeys(("host", "original", "port", "user", "alias", "jump"), "*")
    return {**connection_tokens(machine, **stars), "C": "*"}


class HostEntry(Struct, frozen=True):
    """A name that a Host line gives."""

    alias: str
    file: str
    line: int
    group: str = ""
    """The stem of the included file it stands in, empty for the main file."""


class ConfigProblem(Struct, frozen=True):
    """Something that ssh would refuse, and where. The message is cleaned."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return ``file:line: message``."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}"


class Catalog(Struct, frozen=True):
    """The hosts in the order of the files, and what is wrong with these."""

    hosts: tuple[HostEntry, ...]
    problems: tuple[ConfigProblem, ...] = ()
    files: tuple[str, ...] = ()
    """Every file that was read or looked for: watch these for changes."""
    patterns: tuple[str, ...] = ()
    """What Include lines name, as whole paths: a new file may match one."""


def load_catalog(source: ConfigSource, cache: FileCache | None = None) -> Catalog:
    """Return the hosts of the user's and the system's configuration.

    A name is listed once, where it comes first. Patterns and negations are not listed. Never
    raises for what is in the files. `cache` may be a resolver's.
    """
    lister = _Lister(cache or FileCache())
    if source.user_file is not None:
        lister.read_main(source.user_file, user=True, explicit=source.explicit)
    if source.system_file is not None:
        lister.read_main(source.system_file, user=False, explicit=False)
    return Catalog(
        tuple(lister.hosts.values()),
        tuple(lister.problems),
        tuple(lister.files),
        tuple(lister.patterns),
    )


class _Lister(Struct):
    """Walks the files, whatever their blocks would apply to."""

    cache: FileCache
    hosts: dict[str, HostEntry] = field(default_factory=dict)
    problems: dict[ConfigProblem, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    patterns: dict[str, None] = field(default_factory=dict)
    _ignored: list[str] = field(default_factory=list)
    _above: list[str] = field(default_factory=list)
    """The files that are being listed, each included by the one before."""
    _listed: set[str] = field(default_factory=set)

    def read_main(self, path: Path, *, user: bool, explicit: bool) -> None:
        """List a file that is not included from another."""
        self.files[str(path)] = None
        try:
            parsed = self.cache.load(str(path))
        except FileNotFoundError as error:
            if explicit:
                self._problem(str(path), 0, f"cannot open: {error.strerror}")
            return
        except OSError as error:
            self._problem(str(path), 0, f"cannot open: {error.strerror}")
            return
        if user and not explicit:
            self._check_owner(parsed)
        self._list(parsed, user=user, group="", depth=0)

    def _list(self, parsed: ParsedFile, *, user: bool, group: str, depth: int) -> None:
        self._listed.add(parsed.path)
        self._above.append(parsed.path)
        for block in parsed.blocks:
            if block.problem:
                self._problem(parsed.path, block.number, block.problem)
            if block.patterns:
                self._add(block.patterns, parsed.path, block.number, group)
            elif block.condition is not None:
                self._check_match(block, parsed.path)
            self._remember_ignored(block)
            for line in block.always:
                self._check(line, parsed.path, user=user, depth=depth)
        self._above.pop()

    def _add(self, patterns: tuple[str, ...], path: str, number: int, group: str) -> None:
        for name in patterns:
            if name and name not in self.hosts and not is_pattern(name):
                self.hosts[name] = HostEntry(name, path, number, group)

    def _check_match(self, block: Block, path: str) -> None:
        try:
            evaluate(block.condition or "", _NOWHERE, run_commands=False)
        except BadMatch as error:
            self._problem(path, block.number, f"bad Match condition: {error}")

    def _remember_ignored(self, block: Block) -> None:
        for line in block.lines:
            if line.keyword == "ignoreunknown" and line.values:
                self._ignored.append(line.values[0][1][0])

    def _check(self, line: Line, path: str, *, user: bool, depth: int) -> None:
        if line.kind is LineKind.INCLUDE:
            self._include(line, path, user=user, depth=depth)
        elif line.kind is LineKind.ERROR:
            self._problem(path, line.number, line.problem)
        elif line.kind is LineKind.UNKNOWN:
            known = any(matches_list(line.keyword, item, fold=True) for item in self._ignored)
            if not known:
                self._unknown(line, path)

    def _unknown(self, line: Line, path: str) -> None:
        if line.number == 1 and line.keyword.startswith(BOM):
            hint = "the file begins with a byte order mark; save it without one"
            self._problem(path, line.number, hint)
        else:
            self._problem(path, line.number, line.problem)

    def _include(self, line: Line, path: str, *, user: bool, depth: int) -> None:
        for word in line.words:
            if word.startswith("~") and not user:
                self._problem(path, line.number, f"bad include path {word}")
                continue
            for found in self._watched(word, user=user):
                self._include_file(found, line, path, user=user, depth=depth)

    def _watched(self, word: str, *, user: bool) -> Iterator[str]:
        if pattern := include_pattern(word, user=user):
            self.patterns[pattern] = None
        for found in included_files(word, user=user, tokens=_any_host):
            self.files[found] = None
            yield found

    def _include_file(self, found: str, line: Line, path: str, *, user: bool, depth: int) -> None:
        if depth >= DEPTH_LIMIT or found in self._above:
            self._problem(path, line.number, f"{TOO_DEEP}: a file may include itself")
            return
        if found in self._listed:
            return
        try:
            parsed = self.cache.load(found)
        except FileNotFoundError:
            return
        except OSError as error:
            self._problem(path, line.number, f"cannot open {found}: {error.strerror}")
            return
        self._check_owner(parsed)
        group = os.path.splitext(os.path.basename(found))[0]
        self._list(parsed, user=user, group=group, depth=depth + 1)

    def _check_owner(self, parsed: ParsedFile) -> None:
        try:
            check_owner(parsed)
        except ConfigError as error:
            self._problem(parsed.path, 0, f"{error.title}: ssh refuses this file ({error.hint})")

    def _problem(self, path: str, number: int, message: str) -> None:
        self.problems[ConfigProblem(path, number, clean(message))] = None
