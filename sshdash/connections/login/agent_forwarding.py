"""Which agent a server may use: none, unless ForwardAgent says so."""

import os
import stat

from sshdash.config.resolver import ResolvedHost


def forwarded_agent(resolved: ResolvedHost) -> str:
    """Return the socket of the agent that is forwarded, "" for none.

    ``yes`` is the agent that the login itself uses. One that is not there is not forwarded.
    """
    value = resolved.get("forwardagent") or "no"
    if value == "no":
        return ""
    path = value
    if value == "yes":
        path = resolved.identity_agent or ""
    elif value.startswith("$") and not value.startswith("${"):
        path = os.environ.get(value[1:], "")
    return path if path and _is_socket(path) else ""


def forwarding_problem(resolved: ResolvedHost) -> str:
    """Return why no agent is forwarded though the configuration wants it, "" where it is well."""
    value = resolved.get("forwardagent") or "no"
    if value == "no" or forwarded_agent(resolved):
        return ""
    return f"ForwardAgent is {value}, but there is no agent"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False
