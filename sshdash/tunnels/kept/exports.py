"""A rule in the words of others: an ssh command, a block of ssh_config, a unit of systemd. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from sshdash.config.destination import Destination, parse_destination
from sshdash.config.equivalent import forwards_command
from sshdash.config.source import ConfigSource
from sshdash.config.spelling import quoted
from sshdash.errors import UsageError
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.spec import ForwardSpec, Kind
from sshdash.untrusted import clean

_KEYWORDS = {
    Kind.LOCAL: "LocalForward",
    Kind.REMOTE: "RemoteForward",
    Kind.DYNAMIC: "DynamicForward",
}
_SOCKS_PORT = 1080
_FIRST_FREE = 1024
"""Ports below belong to root."""
_INSTEAD = 8000
"""What is added to those: 80 becomes 8080."""
_NEVER_AGAIN = "2 5"
"""Exit statuses that another start does not mend: wrong usage, and another process has the rule."""


def rule_command(rule: Rule, source: ConfigSource | None = None) -> str:
    """Return the ssh command that runs the forwards of a rule and nothing else."""
    forwards = [(spec.kind.value, ssh_argument(spec)) for spec in rule.forwards]
    return forwards_command(rule.host, forwards, source)


def ssh_argument(spec: ForwardSpec) -> str:
    """Return what comes behind -L, -R or -D, so that ssh takes it.

    It has no port 0 here: one that suits the target stands in its place.
    """
    if _is_chosen_here(spec):
        usual = spec.target_port or _SOCKS_PORT
        spec = replace(spec, port=usual if usual >= _FIRST_FREE else usual + _INSTEAD)
    return ":".join(spec.in_ssh())


def rule_block(rule: Rule) -> str:
    """Return a block of ssh_config with the forwards of a rule; every ssh to the host has them.

    Raises UsageError for what cannot be written there.
    """
    try:
        place = parse_destination(rule.host)
    except UsageError:
        place = Destination(rule.host)  # a listed name that only a configuration can have
    lines = [f"# {clean(text)}" for text in (rule.name, *rule.note.splitlines()) if text]
    lines.append(f"Host {quoted(place.host)}")
    if place.user:
        lines.append(f"    User {quoted(place.user)}")
    if place.port is not None:
        lines.append(f"    Port {place.port}")
    lines += map(_line, rule.forwards)
    return "".join(f"{line}\n" for line in lines)


def systemd_unit(names: Sequence[str], program: Sequence[str]) -> str:
    """Return a user unit that runs rules by their names; `program` is how sshdash is called.

    The first word of `program` is a whole path. It is ready once the forwards are open.
    """
    command = " ".join(map(_word, (*program, "forward", "--name", *names)))
    about = clean(", ".join(names), 200).replace("%", "%%").replace("\\", "\\\\")
    return f"""\
[Unit]
Description=sshdash: {about}
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
Restart=on-failure
RestartSec=5
RestartPreventExitStatus={_NEVER_AGAIN}

[Install]
WantedBy=default.target
"""


def _line(spec: ForwardSpec) -> str:
    line = f"{_KEYWORDS[spec.kind]} {' '.join(map(quoted, spec.in_ssh()))}"
    return f"    # {line}: ssh wants a port here" if _is_chosen_here(spec) else f"    {line}"


def _is_chosen_here(spec: ForwardSpec) -> bool:
    """Return whether this machine chooses the port, which ssh lets only the server do."""
    return spec.port == 0 and not spec.listen_path and spec.kind is not Kind.REMOTE


def _word(word: str) -> str:
    """Return a word of ExecStart: % and $ mean something in it, and quotes take C's escapes."""
    text = word.replace("%", "%%").replace("$", "$$")
    if text and all(char.isalnum() or char in "@+:,./_=%$-" for char in text):
        return text
    inside = "".join(_SPECIAL.get(char) or _visible(char) for char in text)
    return f'"{inside}"'


_SPECIAL = {'"': '\\"', "\\": "\\\\"}


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
