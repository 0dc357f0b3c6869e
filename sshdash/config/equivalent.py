"""The OpenSSH command lines that a person could type instead of what the screen does."""

import re
import shlex
from collections.abc import Iterable

from sshdash.config.command_line import SHORT_OPTIONS
from sshdash.config.destination import Destination, parse_destination
from sshdash.config.forward_fields import words
from sshdash.config.source import ConfigSource
from sshdash.errors import UsageError

_SCP_SPELLING = {"-p": ("-P", ""), "-l": ("-o", "User=")}
"""The short options that mean something else to scp."""
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./~@%+=,-]+\Z")


def ssh_command(alias: str, source: ConfigSource | None = None, command: str = "") -> str:
    """Return the ssh command that opens a shell on a host, or runs `command` there."""
    words = ["ssh", *_globals(source, alias), *_target(alias)]
    if command:
        words.append(command)
    return shlex.join(words)


def scp_command(
    sources: Iterable[tuple[str, str]],
    target: tuple[str, str],
    source: ConfigSource | None = None,
    *,
    recursive: bool = False,
    preserve: bool = True,
) -> str:
    """Return the scp command for a copy.

    Each end is a host (empty for this machine) and a path. Between two remote hosts, ``-3``
    streams through this machine, as sshdash does.
    """
    ends = [*sources, target]
    hosts = {host for host, _ in ends if host}
    options = ["-r"] * recursive + ["-p"] * preserve
    if target[0] and any(host for host, _ in ends[:-1]):
        options.append("-3")
    places = [place for host in hosts if (place := _destination(host))]
    ports = {place.port for place in places if place.port is not None}
    if len(ports) == 1 and len(hosts) == 1:
        options += ["-P", str(ports.pop())]
    alone = next(iter(hosts)) if len(hosts) == 1 else ""
    paths = [_scp_end(host, path, alone=len(hosts) == 1) for host, path in ends]
    return shlex.join(["scp", *_globals(source, alone, scp=True), *options, "--", *paths])


def forward_command(
    alias: str, spec: str, source: ConfigSource | None = None, kind: str = "L"
) -> str:
    """Return the ssh command for one tunnel and nothing else.

    `spec` is the command-line form, ``[bind:]port:host:hostport``, or the configuration's;
    `kind` is ``L``, ``R`` or ``D``.
    """
    return forwards_command(alias, [(kind, spec)], source)


def forwards_command(
    alias: str, forwards: Iterable[tuple[str, str]], source: ConfigSource | None = None
) -> str:
    """Return the ssh command for tunnels of one host: kinds and specs as in `forward_command`."""
    options = [
        word for kind, spec in forwards for word in (f"-{kind.upper()}", ":".join(words(spec)))
    ]
    return shlex.join(["ssh", *_globals(source, alias), "-N", *options, *_target(alias)])


def global_options(source: ConfigSource, alias: str) -> list[str]:
    """Return the options with which sshdash means by `alias` what it means here."""
    return _globals(source, alias)


def _globals(source: ConfigSource | None, alias: str, *, scp: bool = False) -> list[str]:
    if source is None:
        return []
    named = ["-F", source.named] if source.named else []
    overrides = source.overrides_of(str(_destination(alias) or alias))
    return named + [word for override in overrides for word in _override(*override, scp)]


def _override(key: str, value: str, scp: bool) -> tuple[str, str]:
    if scp and key in _SCP_SPELLING:
        option, before = _SCP_SPELLING[key]
        return option, f"{before}{value}"
    return (key, value) if key in SHORT_OPTIONS else ("-o", f"{key}={value}")


def _target(alias: str) -> list[str]:
    """Return the words that name a host: ssh has no ``host:port``, but ``-p``."""
    destination = _destination(alias)
    if destination is None:
        return ["--", alias]
    if destination.port is None:
        return [alias]
    return ["-p", str(destination.port), str(Destination(destination.host, destination.user))]


def _destination(alias: str) -> Destination | None:
    """Return what a name means, None for a listed name that no ssh would take."""
    try:
        return parse_destination(alias)
    except UsageError:
        return None


def _scp_end(host: str, path: str, *, alone: bool) -> str:
    if not host:
        return f"./{path}" if ":" in path.partition("/")[0] else path
    destination = _destination(host) or Destination(host)
    if destination.port is not None and not alone:
        return f"scp://{destination}/{_escaped(path)}"
    name = f"[{destination.host}]" if ":" in destination.host else destination.host
    login = f"{destination.user}@" if destination.user else ""
    return f"{login}{name}:{path}"


def _escaped(path: str) -> str:
    if _PLAIN_PATH.match(path):
        return path
    from urllib.parse import quote

    return quote(path)
