"""Host name canonicalisation (CanonicalizeHostname and its family in ssh_config(5))."""

import re
from collections.abc import Callable

from sshdash.config.families import socket_family
from sshdash.config.lexer import lower
from sshdash.config.options import Options
from sshdash.config.patterns import match_list

_MAYBE_NUMBERS = re.compile(r"[0-9][0-9A-Fa-fXx.]*\Z")
"""What inet_aton(3) may take: parts of an address in octal and hexadecimal too."""
Lookup = Callable[[str, str], str | None]
"""Looks up a name in an address family (``any``, ``inet``, ``inet6``).

Returns the canonical name that the resolver gave, empty where it gave none, None where the
name does not exist.
"""


class Unresolvable(ValueError):
    """A name that the configuration requires to exist and that does not."""


def looks_like_address(name: str) -> bool:
    """Return whether a name can only be an address."""
    return "%" in name or ":" in name or not name.strip("0123456789.")


def numeric_address(name: str, family: str) -> str | None:
    """Return the usual spelling of a numeric address, None where `name` is not one."""
    if not looks_like_address(name) and not _MAYBE_NUMBERS.match(name):
        return None
    import socket

    try:
        found = socket.getaddrinfo(
            name,
            22,
            socket_family(family),
            socket.SOCK_STREAM,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        if len(found) != 1:
            return None
        return socket.getnameinfo(found[0][4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
    except (OSError, UnicodeError):
        return None


def look_up(name: str, family: str) -> str | None:
    """Ask the system's resolver; see `Lookup`. This may take as long as the network does."""
    import socket

    try:
        found = socket.getaddrinfo(
            name,
            22,
            socket_family(family),
            socket.SOCK_STREAM,
            flags=socket.AI_CANONNAME,
        )
    except (OSError, UnicodeError):
        return None
    return found[0][3] if found else None


def canonical_host(host: str, options: Options, lookup: Lookup) -> str:
    """Return the name to connect to, after the configured canonicalisation.

    Raises Unresolvable where CanonicalizeFallbackLocal is ``no`` and no domain has the name,
    or where permitted CNAMEs ask for a name that does not resolve.
    """
    family = options.first("addressfamily") or "any"
    mode = options.first("canonicalizehostname") or "no"
    address = numeric_address(host, family)
    if address is not None:
        return host if lower(address) == lower(host) else address
    direct = _is_direct(options)
    if mode != "no" and (direct or mode == "always") and not looks_like_address(host):
        found = _search_domains(host, options, lookup, family)
        if found is not None:
            return found
    if _cname_rules(options) and (direct or mode == "always"):
        cname = lookup(host, family)
        if cname is not None:
            return _follow(host, cname, options, mode)
        if direct:
            raise Unresolvable(f"could not resolve hostname {host}")
    return host


def _is_direct(options: Options) -> bool:
    """Return whether we look the name up ourselves, not a proxy or a jump host."""
    command = options.first("proxycommand")
    return (command is None or command.lower() == "none") and "proxyjump" not in options.single


def _search_domains(host: str, options: Options, lookup: Lookup, family: str) -> str | None:
    if host.endswith("."):
        candidates = [host]
    else:
        dots = int(options.first("canonicalizemaxdots") or "1")
        if host.count(".") > dots:
            return None
        domains = options.single.get("canonicaldomains", ())
        if domains and domains[0].lower() == "none":
            domains = ()
        candidates = [f"{host}.{domain}." for domain in domains]
    mode = options.first("canonicalizehostname") or "no"
    for candidate in candidates:
        cname = lookup(candidate, family)
        if cname is not None:
            return _follow(candidate[:-1], cname, options, mode)
    if (options.first("canonicalizefallbacklocal") or "yes") == "no":
        raise Unresolvable(f'could not resolve host "{host}" in any canonical domain')
    return None


def _cname_rules(options: Options) -> tuple[str, ...]:
    rules = options.single.get("canonicalizepermittedcnames", ())
    return () if len(rules) == 1 and rules[0].lower() == "none:" else rules


def _follow(name: str, cname: str, options: Options, mode: str) -> str:
    """Return the CNAME where a rule permits it, else the name."""
    if not cname or cname == name or mode == "no":
        return name
    for rule in _cname_rules(options):
        source, _, target = rule.partition(":")
        if match_list(name, source, fold=True) == 1 and match_list(cname, target, fold=True) == 1:
            return cname
    return name
