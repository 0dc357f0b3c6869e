"""One pass over the configuration's files for one host."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from sshdash.config.assignments import BadValue
from sshdash.config.match import BadMatch, MatchFacts, evaluate
from sshdash.config.options import Options, Origin, TooMany
from sshdash.config.parser import Block, FileCache, Line, LineKind, ParsedFile, late_values
from sshdash.config.patterns import matches, matches_list
from sshdash.config.tokens import TokenError, expand, expand_tilde
from sshdash.errors import ShortageError, SSHConfigError, is_shortage
from sshdash.paths import ssh_dir, system_ssh_config

DEPTH_LIMIT = 16
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
TOO_DEEP = "Too many nested Includes"


class Pass:
    """Reads files in order and gives `options` what applies.

    `facts` is called for each Match line, whose outcome depends on what was read before.
    """

    def __init__(
        self,
        cache: FileCache,
        options: Options,
        host: str,
        facts: Callable[[], MatchFacts],
    ) -> None:
        self.wants_final = False
        self._cache = cache
        self._options = options
        self._host = host
        self._facts = facts

    def read(self, path: str, *, user: bool, checked: bool) -> None:
        """Read one file; raises SSHConfigError, ShortageError, OSError where it does not open."""
        self._read(path, user=user, checked=checked, depth=0, active=True, origin=Origin(path, 0))

    def _read(
        self,
        path: str,
        *,
        user: bool,
        checked: bool,
        depth: int,
        active: bool,
        origin: Origin,
    ) -> None:
        """Read one file; `origin` is the line that includes it."""
        if depth > DEPTH_LIMIT:
            raise too_deep(origin)
        parsed = self._load(path)
        if checked:
            check_owner(parsed)
        possible = active
        for block in parsed.relevant(self._host):
            if block.number:
                active = self._applies(block, parsed.path, possible=possible)
            lines = block.lines if active else block.always
            if not lines:
                continue
            heading, general = origin.block, origin.general
            if block.number:
                heading, general = block.heading, general and block.is_general
            for line in lines:
                place = Origin(parsed.path, line.number, heading, general)
                self._line(line, place, user=user, depth=depth, active=active)

    def _applies(self, block: Block, path: str, *, possible: bool) -> bool:
        """Return whether a block applies; in an Include that does not, none can."""
        if block.problem:
            raise wrong_line(path, block.number, block.problem)
        if block.patterns is not None:
            return possible and host_matches(block.patterns, self._host)
        try:
            result = evaluate(block.condition or "", self._facts(), run_commands=possible)
        except BadMatch as error:
            raise wrong_line(path, block.number, f"bad Match condition: {error}") from error
        self.wants_final = self.wants_final or result.wants_final
        return possible and result.matched

    def _line(self, line: Line, place: Origin, *, user: bool, depth: int, active: bool) -> None:
        path = place.file
        if line.kind is LineKind.INCLUDE:
            self._include(line, place, user=user, depth=depth, active=active)
            return
        if line.kind is LineKind.UNKNOWN:
            ignored = self._options.first("ignoreunknown")
            if ignored is None or not matches_list(line.keyword, ignored, fold=True):
                raise wrong_line(path, line.number, line.problem, _meant(line.keyword))
            return
        if line.kind is LineKind.ERROR:
            raise wrong_line(path, line.number, line.problem)
        try:
            values = late_values(line) if line.kind is LineKind.LATE else line.values
            if active or line.keyword == "streamlocalbindmask" or line.keyword == "syslogfacility":
                self._options.apply(values, place, user=user)
        except (BadValue, TooMany) as error:
            raise wrong_line(path, line.number, str(error)) from error

    def _include(self, line: Line, place: Origin, *, user: bool, depth: int, active: bool) -> None:
        path = place.file
        for word in line.words:
            if word.startswith("~") and not user:
                raise wrong_line(path, line.number, f"bad include path {word}")
            for found in self._included(word, user=user):
                try:
                    self._read(
                        found,
                        user=user,
                        checked=True,
                        depth=depth + 1,
                        active=active,
                        origin=place,
                    )
                except FileNotFoundError:
                    continue  # a dangling link, or gone since it was listed: as in ssh
                except OSError as error:
                    raise wrong_line(
                        path, line.number, f"cannot open {found}: {error.strerror}"
                    ) from error

    def _load(self, path: str) -> ParsedFile:
        try:
            return self._cache.load(path)
        except OSError as error:
            if not is_shortage(error):
                raise
            # Passed over, as a file that may not be read is, it could hide the line that matters.
            raise ShortageError(
                error.strerror or "Too many open files",
                detail=f"the configuration cannot be read now: {path}",
                hint="close something, or raise ulimit -n",
            ) from error

    def _included(self, word: str, *, user: bool) -> list[str]:
        """Return the files of an argument of Include."""
        known = self._cache.included
        if known is None or "%" in word:
            return included_files(word, user=user, tokens=self._tokens)
        if (word, user) not in known:
            known[word, user] = included_files(word, user=user)
        return known[word, user]

    def _tokens(self) -> dict[str, str]:
        """Return the tokens of Include; none while Hostname itself cannot be expanded."""
        try:
            return self._facts().tokens()
        except SSHConfigError:
            return {}


def host_matches(patterns: tuple[str, ...], host: str) -> bool:
    """Return whether the arguments of Host hold for `host`; a negated match rules it out."""
    active = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if matches(host, pattern[1:]):
                return False
        elif not active:
            active = matches(host, pattern)
    return active


def included_files(
    word: str, *, user: bool, tokens: Callable[[], dict[str, str]] = dict
) -> list[str]:
    """Return the files that an argument of Include names, in lexical order.

    OpenSSH 9.2 takes it as it is, later releases replace tokens and variables: they are
    replaced where there is no file of the name as it is.
    """
    found = _named_files(word, user=user)
    if found or not ("%" in word or "${" in word):
        return found
    try:
        return _named_files(expand(word, tokens(), environment=True), user=user)
    except TokenError:
        return []


def _named_files(word: str, *, user: bool) -> list[str]:
    if word.startswith("~"):
        try:
            word = expand_tilde(word)
        except TokenError:
            return []
    elif not word.startswith("/"):
        word = str((ssh_dir() if user else system_ssh_config().parent) / word)
    plain = _ESCAPED.sub(r"\1", word)
    if not any(char in _ESCAPED.sub("", word) for char in "*?["):
        return [plain] if os.path.lexists(plain) else []
    from glob import escape, glob

    try:
        return sorted(glob(_ESCAPED.sub(lambda found: escape(found[1]), word)), key=os.fsencode)
    except RecursionError:
        return []  # a pattern of a thousand folders: deeper than any path can be


def check_owner(parsed: ParsedFile) -> None:
    """Raise SSHConfigError for a file that somebody else may have written, as ssh does."""
    strange = parsed.owner not in (0, os.getuid())
    writable = parsed.mode & stat.S_IWOTH or (
        parsed.mode & stat.S_IWGRP and not _private_group(parsed.group)
    )
    if strange or writable:
        raise SSHConfigError(
            "Bad owner or permissions",
            parsed.path,
            detail="others could have written it, so it is not used",
            hint=f"{'chown $USER' if strange else 'chmod 600'} {parsed.path}",
        )


def _private_group(group: int) -> bool:
    """Return whether a group has this user alone, which Debian's ssh trusts."""
    if not Path("/etc/debian_version").exists():
        return False
    import grp
    import pwd

    try:
        listed = grp.getgrgid(group).gr_mem
        owner = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return False
    primary = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_gid == group]
    alone = all(uid == os.getuid() for uid in primary) and all(name == owner for name in listed)
    return alone and bool(primary or listed)


def wrong_line(path: str, number: int, problem: str, hint: str = "") -> SSHConfigError:
    """Return the error for one line of a file; no file means the command line."""
    where = path or "command line"
    return SSHConfigError(
        "The SSH configuration is wrong", where, number, detail=problem, hint=hint
    )


def _meant(keyword: str) -> str:
    """Return what to do about a keyword that does not exist."""
    from sshdash.config.spelling import suggestion

    near = suggestion(keyword)
    return f"did you mean {near}?" if near else "IgnoreUnknown can name keywords to pass over"


def too_deep(origin: Origin) -> SSHConfigError:
    """Return the error for files that include each other without end."""
    return SSHConfigError(
        TOO_DEEP,
        origin.file,
        origin.line,
        detail=f"more than {DEPTH_LIMIT} files deep",
        hint="a file may include itself",
    )
