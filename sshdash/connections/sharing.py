"""Which destinations are one and the same: what a shared connection is kept under.

Two names share a connection where they lead to the same user, host name and port over the same
hops, and the configuration says the same of everything that has to do with the connection. That
is what ``ControlPath %C`` does for ssh, with the options compared as well.
"""

import hashlib

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.route import Route

_OF_SESSIONS = frozenset(
    {
        "host",
        "canonicalizehostname",
        "canonicaldomains",
        "canonicalizefallbacklocal",
        "canonicalizemaxdots",
        "canonicalizepermittedcnames",
        "clearallforwardings",
        "controlmaster",
        "controlpath",
        "dynamicforward",
        "enableescapecommandline",
        "escapechar",
        "exitonforwardfailure",
        "forkafterauthentication",
        "ignoreunknown",
        "localcommand",
        "localforward",
        "loglevel",
        "logverbose",
        "permitlocalcommand",
        "permitremoteopen",
        "proxyjump",
        "remotecommand",
        "remoteforward",
        "requesttty",
        "sendenv",
        "sessiontype",
        "setenv",
        "stdinnull",
        "streamlocalbindmask",
        "streamlocalbindunlink",
        "syslogfacility",
        "tag",
        "visualhostkey",
    }
)
"""Keywords about what runs on a connection, or told by the route: they may differ."""


def sharing_key(route: Route) -> str:
    """Return the same text for all routes whose last hop may be one connection."""
    digest = hashlib.sha256()
    for hop in route:
        resolved = hop.resolved
        where = (resolved.user, resolved.hostname.lower(), resolved.port)
        digest.update(repr((where, resolved.proxy_command, _options(resolved))).encode())
    return digest.hexdigest()


def _options(resolved: ResolvedHost) -> list[tuple[str, tuple[str, ...]]]:
    keys = {*resolved.options.single, *resolved.options.collected} - _OF_SESSIONS
    keys -= {"hostname", "user", "port", "proxycommand"}
    return [(key, resolved.get_all(key)) for key in sorted(keys)]
