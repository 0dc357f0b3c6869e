"""What the SSH library is told for one connection: everything, and nothing of its own files."""

import fnmatch
import os
from typing import Any

from sshdash import __version__
from sshdash.config.resolver import ResolvedHost
from sshdash.connections.algorithms import (
    algorithms,
    compression,
    host_key_algorithms,
    is_chosen,
    rekey_limits,
    signatures,
)
from sshdash.connections.auth import METHODS, SSHClient
from sshdash.connections.hostkeys import HostKeyCheck
from sshdash.settings import Settings


def connect_options(
    resolved: ResolvedHost, settings: Settings, check: HostKeyCheck, client: SSHClient
) -> dict[str, Any]:
    """Return the library's options.

    Its reading of ssh_config, known_hosts, keys and agents is turned off, its timeouts too:
    `Deadline` knows when people are thinking. Raises ConnectError for algorithm lists of which
    nothing is supported.
    """
    interval, count = _keepalive(resolved, settings)
    allowed = algorithms(resolved, "hostkeyalgorithms")
    return {
        "host": resolved.hostname,
        "port": resolved.port,
        "username": resolved.user,
        "config": None,
        "client_factory": lambda: client,
        "client_version": f"sshdash_{__version__}",
        "known_hosts": check.library_answer,
        "host_key_alias": resolved.get("hostkeyalias"),
        "server_host_key_algs": host_key_algorithms(
            allowed, check.pinned_types, check.wants_certificates
        ),
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "kex_algs": algorithms(resolved, "kexalgorithms"),
        "encryption_algs": algorithms(resolved, "ciphers"),
        "mac_algs": algorithms(resolved, "macs"),
        "compression_algs": compression(resolved),
        "signature_algs": signatures(resolved),
        **rekey_limits(resolved),
        "client_keys": None,
        "gss_host": None,
        "host_based_auth": False,
        "public_key_auth": resolved.get("pubkeyauthentication") != "no",
        "password_auth": resolved.get("passwordauthentication") != "no",
        "kbdint_auth": resolved.get("kbdinteractiveauthentication") != "no",
        "preferred_auth": _preferred(resolved),
        "agent_forwarding": _forwarded_agent(resolved),
        "env": _environment(resolved),
        "keepalive_interval": interval,
        "keepalive_count_max": count,
        "tcp_keepalive": resolved.get("tcpkeepalive") != "no",
        "connect_timeout": None,
        "login_timeout": 0,
        "utf8_decode_errors": "replace",
    }


def connect_seconds(resolved: ResolvedHost, settings: Settings) -> float:
    """Return how long one attempt may take without the time that people need; 0 for ever."""
    if is_chosen(resolved, "connecttimeout"):
        return resolved.seconds("connecttimeout") or 0
    return settings.connect_timeout


def _keepalive(resolved: ResolvedHost, settings: Settings) -> tuple[int, int]:
    """Return the interval in seconds (0 for none) and the count of keepalives."""
    interval, count = settings.keepalive_interval, settings.keepalive_count
    if is_chosen(resolved, "serveraliveinterval"):
        interval = resolved.seconds("serveraliveinterval") or 0
    if is_chosen(resolved, "serveralivecountmax"):
        count = resolved.number("serveralivecountmax") or count
    return interval, max(1, count)


def _preferred(resolved: ResolvedHost) -> list[str]:
    chosen = resolved.get("preferredauthentications")
    return chosen.split(",") if chosen else list(METHODS)


def _forwarded_agent(resolved: ResolvedHost) -> str | bool:
    """Return the agent's socket to forward: none unless ForwardAgent says so."""
    value = resolved.get("forwardagent") or "no"
    if value == "no":
        return False
    if value == "yes":
        return resolved.identity_agent or False
    return os.environ.get(value[1:], "") if value.startswith("$") else value


def _environment(resolved: ResolvedHost) -> dict[bytes, bytes]:
    """Return what SendEnv and SetEnv give to the sessions of this connection, byte for byte."""
    patterns = [word for line in resolved.get_all("sendenv") for word in line.split()]
    sent = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
    pairs = (line.partition("=") for line in resolved.get_all("setenv"))
    given = {**sent, **{name: value for name, _, value in pairs}}
    return {os.fsencode(name): os.fsencode(value) for name, value in given.items()}
