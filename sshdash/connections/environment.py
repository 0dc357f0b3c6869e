"""The environment that SendEnv and SetEnv give to the sessions of a host."""

import os
from collections.abc import Mapping

from sshdash.config.patterns import matches
from sshdash.config.resolver import ResolvedHost


def environment(
    resolved: ResolvedHost, ours: Mapping[str, str] = os.environ
) -> dict[bytes | str, bytes | str]:
    """Return the variables to ask a server to set, byte for byte; SetEnv wins over SendEnv.

    SendEnv's patterns know ``*`` and ``?``. Those that a later ``SendEnv -PATTERN`` takes back
    are gone from the configuration already.
    """
    patterns = resolved.get_all("sendenv")
    given = {
        name: value
        for name, value in ours.items()
        if any(matches(name, pattern) for pattern in patterns)
    }
    for setting in resolved.get_all("setenv"):
        name, equals, value = setting.partition("=")
        if equals:
            given[name] = value
    return {os.fsencode(name): os.fsencode(value) for name, value in given.items()}


def terminal_type(resolved: ResolvedHost, usual: str) -> str:
    """Return TERM for a session with a terminal: SetEnv's, where it sets one, else `usual`."""
    for setting in resolved.get_all("setenv"):
        name, _, value = setting.partition("=")
        if name == "TERM" and value:
            return value
    return usual
