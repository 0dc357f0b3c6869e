"""The criteria of Match, evaluated as OpenSSH 9.2 does, with those of newer releases."""

import os
import signal
from collections.abc import Callable

from msgspec import Struct

from sshdash.config.lexer import lower, take_word
from sshdash.config.patterns import matches_host, matches_list
from sshdash.config.tokens import TokenError, expand

EMULATED_VERSION = "OpenSSH_10.0"
"""What ``Match version`` compares with: the oldest release that knows the criterion."""
_MAY_BE_EMPTY = ("tagged", "command")
"""Criteria that the empty argument matches where there is no tag or no command."""
EXEC_SECONDS = 15.0
"""How long a ``Match exec`` command may take; ssh would wait for ever."""


class BadMatch(ValueError):
    """A Match line that OpenSSH refuses; the text says why."""


class MatchFacts(Struct):
    """What is known when a Match line is reached."""

    host: str
    original_host: str
    user: str
    local_user: str
    final: bool
    tag: str
    session: str
    """``shell``, ``exec``, ``subsystem`` or ``none``."""
    command: str
    """The command asked for; RemoteCommand is not one."""
    tokens: Callable[[], dict[str, str]]
    """The tokens of ``exec``, computed only for it."""
    run: Callable[[str], bool]
    """Runs a command of ``exec`` and returns whether it succeeded."""


class MatchResult(Struct):
    """The outcome of a Match line."""

    matched: bool
    wants_final: bool = False


def evaluate(condition: str, facts: MatchFacts, *, run_commands: bool = True) -> MatchResult:
    """Return whether a Match line's criteria hold.

    `run_commands` False takes every ``exec`` for a success: to check a line without effects.
    Raises BadMatch.
    """
    result = MatchResult(matched=True)
    count = 0
    rest: str | None = condition
    while True:
        word, rest = take_word(rest)
        if not word:
            break
        if word.startswith("#"):
            rest = None
            break
        negated = word.startswith("!")
        criterion = lower(word[negated:])
        if criterion == "all":
            rest = _all_stands_alone(word, count, rest)
            result.matched = result.matched and not negated
            return _finished(result, rest)
        count += 1
        if criterion in ("canonical", "final"):
            result.wants_final = result.wants_final or criterion == "final"
            holds = facts.final
        else:
            argument, rest = take_word(rest)
            missing = argument is None if criterion in _MAY_BE_EMPTY else not argument
            if argument is None or missing or argument.startswith("#"):
                raise BadMatch(f"missing Match criteria for {criterion}")
            holds = _holds(criterion, argument, facts, run=run_commands and result.matched)
        if holds == negated:
            result.matched = False
    if count == 0:
        raise BadMatch("one or more attributes required for Match")
    return _finished(result, rest)


def _all_stands_alone(word: str, count: int, rest: str | None) -> str | None:
    argument, rest = take_word(rest)
    if count > 1 or (argument and not argument.startswith("#")):
        raise BadMatch(f"'{word}' cannot be combined with other Match attributes")
    return None if argument else rest


def _finished(result: MatchResult, rest: str | None) -> MatchResult:
    if rest:
        raise BadMatch("keyword match extra arguments at end of line")
    return result


def _holds(criterion: str, argument: str, facts: MatchFacts, *, run: bool) -> bool:
    if criterion == "exec":
        return _exec_holds(argument, facts, run=run)
    if criterion == "localnetwork":
        return _on_network(argument)
    if criterion in ("host", "originalhost"):
        name = facts.host if criterion == "host" else facts.original_host
        return matches_host(name, argument)
    subject = {
        "user": facts.user,
        "localuser": facts.local_user,
        "tagged": facts.tag,
        "sessiontype": facts.session,
        "command": facts.command,
        "version": EMULATED_VERSION,
    }.get(criterion)
    if subject is None:
        raise BadMatch(f"unsupported Match attribute {criterion}")
    if criterion in _MAY_BE_EMPTY and not subject:
        return not argument
    return matches_list(subject, argument)


def _exec_holds(argument: str, facts: MatchFacts, *, run: bool) -> bool:
    try:
        command = expand(argument, facts.tokens())
    except TokenError as error:
        raise BadMatch(f"exec: {error}") from error
    return facts.run(command) if run else True


def run_in_shell(command: str) -> bool:
    """Run a command of ``Match exec`` in the user's shell; return whether it succeeded.

    Raises BadMatch where it cannot run, is killed, or takes too long.
    """
    import subprocess

    shell = os.environ.get("SHELL") or "/bin/sh"
    null = subprocess.DEVNULL
    try:
        # The command is the user's own, from a file that only they can write.
        process = subprocess.Popen(
            [shell, "-c", command], stdin=null, stdout=null, stderr=null, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise BadMatch(f"exec '{command}' cannot run: {error}") from error
    try:
        status = process.wait(EXEC_SECONDS)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise BadMatch(f"exec '{command}' took more than {EXEC_SECONDS:g} s") from error
    if status < 0:
        raise BadMatch(f"exec '{command}' exited abnormally")
    return status == 0


def _on_network(networks: str) -> bool:
    """Return whether an address of this machine is in one of the CIDR networks."""
    from ipaddress import ip_address, ip_network

    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    addresses = [
        ip_address(entry.address.partition("%")[0])
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if name in up and entry.family.name in ("AF_INET", "AF_INET6")
    ]
    found = False
    for item in networks.split(","):
        try:
            network = ip_network(item)
        except ValueError as error:
            raise BadMatch(f"localnetwork: {error}") from error
        if "." in item.partition("/")[2]:
            raise BadMatch(f"localnetwork: {item!r} has no prefix length")
        found = found or any(
            address.version == network.version and address in network for address in addresses
        )
    return found
