"""From a destination and the configuration files to what they mean for that host."""

import os
from collections.abc import Callable
from typing import NoReturn

from sshdash.config.algorithms import DEFAULTS as ALGORITHMS
from sshdash.config.algorithms import assemble
from sshdash.config.canonical import (
    Lookup,
    Unresolvable,
    canonical_host,
    look_up,
    looks_like_address,
    numeric_address,
)
from sshdash.config.command_line import read_command_line
from sshdash.config.defaults import CLEARED_BY_NONE, DEFAULTS, IDENTITY_FILES, USER_KNOWN_HOSTS
from sshdash.config.destination import Destination, check_host, check_user, parse_destination
from sshdash.config.dump import dump
from sshdash.config.forward_fields import escaped, words
from sshdash.config.jumps import NO_JUMP, jump_chain
from sshdash.config.lexer import lower
from sshdash.config.match import MatchFacts, run_in_shell
from sshdash.config.options import Options, Origin
from sshdash.config.parser import FileCache
from sshdash.config.reader import Pass, wrong_line
from sshdash.config.resolved import ResolvedHost
from sshdash.config.source import ConfigSource
from sshdash.config.tokens import LocalMachine, TokenError, connection_tokens, expand, expand_tilde
from sshdash.config.values import LOG_LEVELS
from sshdash.errors import SSHConfigError

__all__ = ["Origin", "ResolvedHost", "Resolver", "dump"]

_CANONICAL = ("canonicalizemaxdots", "canonicalizefallbacklocal", "canonicalizehostname")
"""What a final pass cannot change any more."""
_EXPANDED_PATHS = ("controlpath", "identityagent", "forwardagentpath")


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

    def __repr__(self) -> str:
        """Return the files."""
        return f"<Resolver [{self.source.user_file}, {self.source.system_file}]>"

    def resolve(self, destination: Destination | str) -> ResolvedHost:
        """Return the values for a destination, as ssh would use them.

        ``Match exec`` commands run and CanonicalizeHostname looks names up, so with those in
        the files this takes as long as they do. Raises SSHConfigError naming file and line, and
        UsageError for a text that is no destination.
        """
        return self._resolution(destination, self._lookup, self._run).result()

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
    ) -> "_Resolution":
        if isinstance(destination, str):
            destination = parse_destination(destination)
        return _Resolution(self, lookup, run, destination)

    def _run(self, command: str) -> bool:
        self._outcomes[command] = run_in_shell(command)
        return self._outcomes[command]


class _Unknown(Exception):
    """Something has to be asked to know the values."""


class _Resolution:
    """The steps from one destination to its values, in OpenSSH's order."""

    def __init__(
        self,
        resolver: Resolver,
        lookup: Lookup,
        run: Callable[[str], bool],
        wanted: Destination,
    ) -> None:
        self._source = resolver.source
        self._cache = resolver.cache
        self._command = resolver.command
        self._lookup = lookup
        self._run = run
        self._original = wanted.host
        self._host = wanted.host
        self._wanted = wanted
        self._final = False
        self._machine = LocalMachine.here()
        self._options = Options()

    def result(self) -> ResolvedHost:
        """Take all steps."""
        overrides = self._source.overrides_of(str(self._wanted))
        read_command_line(self._options, overrides, self._wanted)
        wants_final = self._read_files()
        for key in _CANONICAL:
            self._options.single.setdefault(key, DEFAULTS[key])
        self._take_hostname()
        if self._options.first("canonicalizehostname") != "no":
            wants_final = True
        if wants_final:
            self._final = True
            self._options.single["hostname"] = (self._host,)
            self._read_files()
        self._fill_defaults()
        self._tidy()
        self._check_jumps()
        tokens = self._tokens(self._options.first("hostkeyalias") or self._original)
        self._expand(tokens)
        return ResolvedHost(
            alias=self._original,
            hostname=self._host,
            port=int(self._options.single["port"][0]),
            user=self._login(tokens),
            origins={key: tuple(places) for key, places in self._options.origins.items()},
            options=self._options,
            tokens=tokens,
        )

    def _login(self, tokens: dict[str, str]) -> str:
        """Return the user, whose tokens releases after 9.2 replace, unless they cannot."""
        user = self._options.single["user"][0]
        places = self._options.origins.get("user", ())
        if ("%" in user or "${" in user) and places and places[0].file:
            try:
                return expand(user, {**tokens, "r": self._machine.user}, environment=True)
            except TokenError:
                return user
        return user

    def _read_files(self) -> bool:
        """Read the user's, then the system's file; return whether a final pass is wanted."""
        reader = Pass(self._cache, self._options, self._host, self._facts)
        user_file, system_file = self._source.user_file, self._source.system_file
        if user_file is not None:
            explicit = self._source.explicit
            self._read(reader, str(user_file), user=True, checked=not explicit, needed=explicit)
        if system_file is not None:
            self._read(reader, str(system_file), user=False, checked=False, needed=False)
        return reader.wants_final

    @staticmethod
    def _read(reader: Pass, path: str, *, user: bool, checked: bool, needed: bool) -> None:
        try:
            reader.read(path, user=user, checked=checked)
        except OSError as error:
            if needed:
                raise SSHConfigError(
                    "Cannot open the SSH configuration", path, detail=error.strerror or str(error)
                ) from error

    def _facts(self) -> MatchFacts:
        """Return what a Match line can ask about at this point."""
        first = self._options.first
        hostname = first("hostname")
        if self._final:
            host = hostname or self._host
        elif hostname is not None:
            host = self._with_host(hostname)
        else:
            host = self._host
        session = first("sessiontype") or "default"
        if session == "default":
            session = "exec" if self._command else "shell"
        return MatchFacts(
            host=host,
            original_host=self._original,
            user=first("user") or self._machine.user,
            local_user=self._machine.user,
            final=self._final,
            tag=first("tag") or "",
            session=session,
            command=self._command,
            tokens=lambda: self._tokens(first("hostkeyalias") or host, host),
            run=self._run,
        )

    def _tokens(self, alias: str, host: str | None = None) -> dict[str, str]:
        first = self._options.first
        return connection_tokens(
            self._machine,
            host=self._host if host is None else host,
            original=self._original,
            port=first("port") or "22",
            user=first("user") or self._machine.user,
            alias=alias,
            jump=self._options.single.get("proxyjump", NO_JUMP)[2],
        )

    def _with_host(self, hostname: str) -> str:
        """Return a Hostname value with its ``%h`` replaced."""
        try:
            return expand(hostname, {"h": self._host})
        except TokenError as error:
            raise self._wrong("hostname", error) from error

    def _take_hostname(self) -> None:
        """Put Hostname in the place of what was typed, and canonicalise it."""
        hostname = self._options.first("hostname")
        if hostname is not None:
            self._host = self._with_host(hostname)
            self._options.single["hostname"] = (self._host,)
        family = self._options.first("addressfamily") or "any"
        if not looks_like_address(self._host) and numeric_address(self._host, family) is None:
            self._host = lower(self._host)
        asked = self._host
        try:
            self._host = canonical_host(self._host, self._options, self._lookup)
        except Unresolvable as error:
            raise self._wrong("canonicalizehostname", error) from error
        cause = self._options.origins.get("canonicalizehostname")
        if self._host != asked and cause:
            self._options.origins.setdefault("hostname", list(cause))

    def _fill_defaults(self) -> None:
        values, collected = self._options.single, self._options.collected
        if self._options.first("clearallforwardings") == "yes":
            for key in ("localforward", "remoteforward", "dynamicforward"):
                collected.pop(key, None)
                self._options.origins.pop(key, None)
            self._options.listeners.clear()
            self._imply("tunnel", "no", "clearallforwardings")
        if not collected.get("identityfile"):
            collected["identityfile"] = [(path,) for path in IDENTITY_FILES]
        standard = values.get("userknownhostsfile") in (None, (USER_KNOWN_HOSTS[0],))
        careful = values.get("verifyhostkeydns", ("no",)) != ("no",)
        values.setdefault("updatehostkeys", ("yes",) if standard and not careful else ("no",))
        if values.get("batchmode") == ("yes",) and "serveraliveinterval" not in values:
            self._imply("serveraliveinterval", "300", "batchmode")
        for key, default in DEFAULTS.items():
            values.setdefault(key, default)
        for key in CLEARED_BY_NONE:
            if key in values and lower(values[key][0]) == "none":
                del values[key]
        if values.get("proxyjump") == NO_JUMP:
            del values["proxyjump"]
        if values.get("canonicalizepermittedcnames", ("",))[0].lower() == "none:":
            del values["canonicalizepermittedcnames"]
        values.setdefault("user", (self._machine.user,))

    def _tidy(self) -> None:
        """Check and adjust what depends on several keywords, as ssh does before it connects."""
        values = self._options.single
        if "proxyjump" in values and values["proxyusefdpass"] != ("no",):
            self._imply("proxyusefdpass", "no", "proxyjump")
        if "hostkeyalias" in values:
            values["hostkeyalias"] = (lower(values["hostkeyalias"][0]),)
        if values.get("proxycommand") == ("-",) and values["proxyusefdpass"] == ("yes",):
            raise self._wrong("proxycommand", "- and ProxyUseFDPass are incompatible")
        if values["updatehostkeys"] == ("ask",) and self._nobody_to_ask():
            values["updatehostkeys"] = ("no",)
        if values["connectionattempts"] == ("0",):
            raise self._wrong("connectionattempts", "must be at least 1")
        background = values["forkafterauthentication"] == ("yes",)
        if background and "remotecommand" not in values and values["sessiontype"] != ("none",):
            raise self._wrong("forkafterauthentication", "there is no command to execute")
        for key in ALGORITHMS:
            try:
                assemble(key, self._options.first(key))
            except ValueError as error:
                raise self._wrong(key, error) from error

    def _imply(self, key: str, value: str, cause: str) -> None:
        """Set what follows from another keyword, whose line then counts as its origin."""
        self._options.single[key] = (value,)
        self._options.origins[key] = list(self._options.origins.get(cause, ()))

    def _nobody_to_ask(self) -> bool:
        values = self._options.single
        shared = values["controlpersist"] != ("no",) and "controlpath" in values
        quiet = LOG_LEVELS.index(values["loglevel"][0]) < LOG_LEVELS.index("INFO")
        no_terminal = "remotecommand" in values or values["requesttty"] == ("no",)
        return shared or quiet or no_terminal

    def _check_jumps(self) -> None:
        """Refuse a jump to itself, and names that would mean something to a shell."""
        value = self._options.single.get("proxyjump")
        if value is None:
            return
        user, port = self._options.single["user"][0], self._options.single["port"][0]
        _, jump_user, jump_host, jump_port = value
        if jump_host == self._host and (jump_port or "22") == port and (jump_user or user) == user:
            raise self._wrong("proxyjump", f"jump host loop via {jump_host}")
        try:
            for hop in jump_chain(value):
                check_host(hop.host)
                if hop.user is not None:
                    check_user(hop.user)
        except ValueError as error:
            raise self._wrong("proxyjump", error) from error

    def _expand(self, tokens: dict[str, str]) -> None:
        """Replace tokens where ssh does it before anything else."""
        values = self._options.single
        key = "remotecommand"
        try:
            if key in values:
                values[key] = (expand(values[key][0], tokens),)
            for key in _EXPANDED_PATHS:
                if key in values:
                    text = expand_tilde(values[key][0])
                    values[key] = (expand(text, tokens, environment=True),)
            key = "forwardagentpath"
            if key in values and values["exitonforwardfailure"] == ("yes",):
                _require_socket(values[key][0])
            for key in ("globalknownhostsfile", "userknownhostsfile"):
                if lower(values[key][0]) == "none":
                    values[key] = ()
            key = "userknownhostsfile"
            values[key] = tuple(
                expand(expand_tilde(path), tokens, environment=True) for path in values[key]
            )
            for key in ("localforward", "remoteforward", "dynamicforward"):
                self._expand_sockets(key, tokens)
        except TokenError as error:
            raise self._wrong(key, error) from error

    def _expand_sockets(self, key: str, tokens: dict[str, str]) -> None:
        """Replace tokens in the socket paths of forwards."""
        entries = self._options.collected.get(key, [])
        for at, (canonical, text) in enumerate(entries):
            if "%" in canonical:
                printed = (_in_path(side, tokens) for side in canonical.split(" "))
                written = (_in_path(side, _Fields(tokens)) for side in words(text))
                entries[at] = " ".join(printed), " ".join(written)

    def _wrong(self, key: str, problem: object) -> SSHConfigError:
        """Return the error for a keyword's value, naming where it was set."""
        origin = next(iter(self._options.origins.get(key, ())), Origin("", 0))
        return wrong_line(origin.file, origin.line if origin.file else 0, f"{key}: {problem}")


class _Fields(dict[str, str]):
    """Tokens whose values stay within one field of a forward."""

    def __init__(self, tokens: dict[str, str]) -> None:
        super().__init__()
        self._tokens = tokens

    def __missing__(self, key: str) -> str:
        return escaped(self._tokens[key])


def _in_path(side: str, tokens: dict[str, str]) -> str:
    return expand(side, tokens) if "/" in side else side


def _no_lookup(name: str, family: str) -> str:
    """Take every name for an existing one, for a preview."""
    return ""


def _require_socket(path: str) -> None:
    """Refuse to go on without the agent's socket, as ssh does."""
    if not os.path.exists(path):
        raise TokenError(f"cannot forward agent socket {path}: it does not exist")
