"""What the SSH library is told for one connection: everything, and nothing of its own files."""

from typing import Any

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.environment import environment
from sshdash.connections.login.agent_forwarding import forwarded_agent
from sshdash.connections.login.auth import METHODS, SSHClient
from sshdash.connections.login.gssapi import gssapi_options
from sshdash.connections.network.greeting import version
from sshdash.connections.transport.algorithms import (
    algorithms,
    compression,
    host_key_algorithms,
    is_chosen,
    rekey_limits,
    signatures,
)
from sshdash.connections.trust.hostkeys import HostKeyCheck
from sshdash.settings import Settings

_GIGABYTE = 1 << 30
"""Bytes sent after which RFC 4253 section 9 wants new keys, where the user sets no other."""


def connect_options(
    resolved: ResolvedHost, settings: Settings, check: HostKeyCheck, client: SSHClient
) -> dict[str, Any]:
    """Return the library's options.

    Its reading of ssh_config, known_hosts, keys and agents is turned off, its timeouts too:
    `Deadline` knows when people are thinking. Raises ConnectError for algorithm lists of which
    nothing is supported.
    """
    interval, count = keepalive(resolved, settings)
    rekey_bytes, rekey_seconds = rekey_limits(resolved)
    return {
        "host": resolved.hostname,
        "port": resolved.port,
        "username": resolved.user,
        "config": None,
        "client_factory": lambda: client,
        "client_version": version(resolved),
        "known_hosts": check.library_answer,
        "host_key_alias": resolved.get("hostkeyalias"),
        "server_host_key_algs": host_key_algorithms(
            resolved, check.pinned_types, check.wants_certificates
        ),
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "kex_algs": algorithms(resolved, "kexalgorithms"),
        "encryption_algs": algorithms(resolved, "ciphers"),
        "mac_algs": algorithms(resolved, "macs"),
        "compression_algs": compression(resolved),
        "signature_algs": signatures(resolved),
        "rekey_bytes": rekey_bytes or _GIGABYTE,
        "rekey_seconds": rekey_seconds,
        "client_keys": None,
        **gssapi_options(resolved),
        "host_based_auth": False,
        "public_key_auth": resolved.get("pubkeyauthentication") != "no",
        "password_auth": resolved.get("passwordauthentication") != "no",
        "kbdint_auth": resolved.get("kbdinteractiveauthentication") != "no",
        "preferred_auth": _preferred(resolved),
        "agent_forwarding": forwarded_agent(resolved) or False,
        "env": environment(resolved),
        "keepalive_interval": interval,
        "keepalive_count_max": max(1, count),
        "tcp_keepalive": resolved.get("tcpkeepalive") != "no",
        "connect_timeout": None,
        "login_timeout": 0,
        "utf8_decode_errors": "replace",
    }


def keepalive(resolved: ResolvedHost, settings: Settings) -> tuple[int, int]:
    """Return the interval in seconds (0 for none) and the keepalives that may go unanswered."""
    interval, count = settings.keepalive_interval, settings.keepalive_count
    if is_chosen(resolved, "serveraliveinterval"):
        interval = resolved.seconds("serveraliveinterval") or 0
    if is_chosen(resolved, "serveralivecountmax"):
        count = resolved.number("serveralivecountmax") or 0
    return interval, count


def _preferred(resolved: ResolvedHost) -> list[str]:
    chosen = resolved.get("preferredauthentications")
    return chosen.split(",") if chosen else list(METHODS)
