"""What the configuration says about one host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sshdash.config.algorithms import DEFAULTS as ALGORITHMS
from sshdash.config.algorithms import assemble
from sshdash.config.defaults import DEFAULTS
from sshdash.config.destination import Destination
from sshdash.config.jumps import NO_JUMP, jump_chain
from sshdash.config.keywords import KEYWORDS, Use
from sshdash.config.options import Options, Origin
from sshdash.config.tokens import TokenError, expand, expand_tilde
from sshdash.errors import SSHConfigError

_TILDE_AND_TOKENS = frozenset({"certificatefile", "identityfile", "revokedhostkeys"})
_FORWARDS = frozenset({"localforward", "remoteforward", "dynamicforward"})


@dataclass(frozen=True)
class ResolvedHost:
    """The values of every keyword for one host, expanded.

    Values are words of ssh_config(5): flags ``yes`` or ``no``, times in seconds, algorithm
    lists complete and comma-separated. ForwardAgent is ``yes``, ``no`` or a socket.
    """

    alias: str
    """What was asked for: the host part as typed."""
    hostname: str
    port: int
    user: str
    origins: Mapping[str, tuple[Origin, ...]]
    """Where each value came from, one entry per value; a keyword left at its default has none."""
    options: Options = field(repr=False)
    """The values before those expansions that OpenSSH makes only when it connects."""
    tokens: Mapping[str, str] = field(repr=False)

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return one value, all its words where it has several; `default` where it is unset.

        Raises SSHConfigError for a token or variable that does not exist.
        """
        values = self.get_all(key)
        return " ".join(values) if values else default

    def get_all(self, key: str) -> tuple[str, ...]:
        """Return all values of a keyword, none where it is unset. Raises SSHConfigError."""
        if key in ("sendenv", "hostname"):
            return tuple(self.options.send_env) if key == "sendenv" else (self.hostname,)
        if key in ALGORITHMS:
            return (",".join(assemble(key, self.options.first(key))),)
        if key == "forwardagent" and self.flag(key):
            return self.options.single.get("forwardagentpath", ("yes",))
        if key in _FORWARDS:
            return tuple(entry[1] for entry in self.options.collected.get(key, ()))
        if key in self.options.collected:
            values = tuple(entry[0] for entry in self.options.collected[key])
        else:
            values = self.options.single.get(key, ())
        if key in _TILDE_AND_TOKENS:
            return tuple(self._path(key, value) for value in values)
        return values

    def flag(self, key: str) -> bool:
        """Return whether a keyword is set to ``yes``."""
        return self.options.first(key) == "yes"

    def seconds(self, key: str) -> int | None:
        """Return a time in seconds, None where it is unset or ``none``."""
        value = self.options.first(key)
        return int(value) if value is not None and value.isdecimal() else None

    def number(self, key: str) -> int | None:
        """Return a number, None where it is unset."""
        return self.seconds(key)

    @cached_property
    def proxy_jump(self) -> tuple[Destination, ...]:
        """Return the hops in the order they are connected to, none where there are none."""
        value = self.options.single.get("proxyjump")
        return jump_chain(value) if value and value != NO_JUMP else ()

    @cached_property
    def proxy_command(self) -> str | None:
        """Return the command to talk through, with its tokens replaced; None where none is set."""
        value = self.options.first("proxycommand")
        if value is None or self.proxy_jump:
            return None
        known = {key: self.tokens[key] for key in "hknpr"}
        try:
            return expand(value, known)
        except TokenError as error:
            raise self._wrong("proxycommand", error) from error

    @property
    def identity_files(self) -> tuple[Path, ...]:
        """Return the private keys to try, in order; OpenSSH's default names where none is set."""
        values = self.get_all("identityfile")
        return tuple(Path(value) for value in values if value.lower() != "none")

    @property
    def certificate_files(self) -> tuple[Path, ...]:
        """Return the certificates named in the configuration."""
        return tuple(Path(value) for value in self.get_all("certificatefile"))

    @property
    def identities_only(self) -> bool:
        """Return whether only the configured keys may be tried."""
        return self.flag("identitiesonly")

    @property
    def identity_agent(self) -> str | None:
        """Return the agent's socket, from IdentityAgent or the environment; None for no agent."""
        from os import environ

        value = self.options.first("identityagent")
        if value is None or value == "SSH_AUTH_SOCK":
            return environ.get("SSH_AUTH_SOCK") or None
        if value.lower() == "none":
            return None
        if value.startswith("$") and not value.startswith("${"):
            return environ.get(value[1:]) or None
        return value

    @property
    def user_known_hosts(self) -> tuple[Path, ...]:
        """Return the user's known_hosts files; none for ``none``."""
        return self._known_hosts("userknownhostsfile")

    @property
    def global_known_hosts(self) -> tuple[Path, ...]:
        """Return the system's known_hosts files; none for ``none``."""
        return self._known_hosts("globalknownhostsfile")

    def _known_hosts(self, key: str) -> tuple[Path, ...]:
        return tuple(Path(value) for value in self.options.single.get(key, ()))

    @property
    def local_forwards(self) -> tuple[str, ...]:
        """Return each LocalForward as ``[bind:]port host:hostport``."""
        return self.get_all("localforward")

    @property
    def remote_forwards(self) -> tuple[str, ...]:
        """Return each RemoteForward as ``[bind:]port host:hostport`` or, for SOCKS, ``port``."""
        return self.get_all("remoteforward")

    @property
    def dynamic_forwards(self) -> tuple[str, ...]:
        """Return each DynamicForward as ``[bind:]port``."""
        return self.get_all("dynamicforward")

    @property
    def known_hosts_name(self) -> str:
        """Return the name that known_hosts is searched for, ``[name]:port`` for other ports."""
        alias = self.options.first("hostkeyalias")
        if alias is not None:
            return alias
        name = self.hostname.lower()
        return name if self.port == 22 else f"[{name}]:{self.port}"

    @cached_property
    def ignored(self) -> tuple[str, ...]:
        """Return the keywords set here on which sshdash does not act, as it should say so."""
        single = self.options.single
        return tuple(
            key
            for key in self.origins
            if _is_ignored(key) and single.get(key) not in (None, DEFAULTS.get(key, ("no",)))
        )

    @property
    def destination(self) -> Destination:
        """Return the address to connect to, complete."""
        return Destination(self.hostname, self.user, self.port)

    def _path(self, key: str, value: str) -> str:
        try:
            return expand(expand_tilde(value), self.tokens, environment=True)
        except TokenError as error:
            raise self._wrong(key, error) from error

    def _wrong(self, key: str, error: Exception) -> SSHConfigError:
        origin = next(iter(self.origins.get(key, ())), Origin("", 0))
        return SSHConfigError(
            "The SSH configuration is wrong",
            origin.file or str(origin),
            origin.line if origin.file else 0,
            detail=f"{key}: {error}",
        )


def _is_ignored(key: str) -> bool:
    return key in KEYWORDS and KEYWORDS[key].use in (Use.SECURITY, Use.IGNORED)
